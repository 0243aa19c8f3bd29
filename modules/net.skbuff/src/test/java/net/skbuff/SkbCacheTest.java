package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SkbCacheTest {
    private final SkbMemory memory = new SkbMemory(SkbMemory.DEFAULT_LIMIT, false);
    private final SkbCache cache = new SkbCache(memory, 0);

    @Test
    void shouldTouchNoMemoryBeforeTheFirstPacket() {
        assertThat(memory.slabBytes()).isZero();
        cache.allocSkb(100).consume(cache);
        assertThat(memory.slabBytes()).isEqualTo(256 << 10);
    }

    @Test
    void shouldReuseWhatWasFreed() {
        SkBuff skb = cache.allocSkb(1000);
        long head = skb.head();
        skb.cb3 = 77;
        skb.cbo0 = "x";
        skb.consume(cache);
        SkBuff again = cache.allocSkb(1000);
        assertThat(again).isSameAs(skb);
        assertThat(again.head()).isEqualTo(head);
        assertThat(again.cb3).isZero();
        assertThat(again.cbo0).isNull();
        assertThat(again.truesize).isEqualTo(2048 + SkBuff.OVERHEAD_TRUESIZE);
        assertThat(cache.consumed).isOne();
    }

    @Test
    void shouldCountDropsByReason() {
        cache.allocSkb(1).kfree(cache, SkbDropReason.TCP_CSUM);
        cache.allocSkb(1).kfree(cache, SkbDropReason.CONSUMED);
        assertThat(cache.dropCounts[SkbDropReason.TCP_CSUM.ordinal()]).isOne();
        assertThat(cache.dropped()).isOne();
        assertThat(cache.consumed).isOne();
    }

    @Test
    void shouldCountADeferredFreeAtHome() {
        cache.allocSkb(1).freeDeferred(SkbDropReason.SOCKET_CLOSE);
        assertThat(cache.dropped()).isZero();
        assertThat(memory.outstandingSkbs()).isZero();
        cache.drainRemoteFree();
        assertThat(cache.dropCounts[SkbDropReason.SOCKET_CLOSE.ordinal()]).isOne();
    }

    @Test
    void shouldReturnNullAtTheLimitAndRecover() {
        SkbMemory small = new SkbMemory(256 << 10, false);
        SkbCache c = new SkbCache(small, 0);
        List<Page> pages = new ArrayList<>();
        for (Page p = c.allocPage(32768); p != null; p = c.allocPage(32768)) {
            pages.add(p);
        }
        assertThat(pages).hasSize(8);
        assertThat(small.allocFailures()).isOne();
        pages.forEach(p -> p.put(c));
        assertThat(c.allocPage(32768)).isNotNull();
    }

    @Test
    void shouldServeNothingLargerThanTheLargestPage() {
        assertThat(cache.allocSkb(SkbMemory.MAX_LINEAR + 1)).isNull();
        assertThat(cache.allocSkb(SkbMemory.MAX_LINEAR).tailroom()).isEqualTo(SkbMemory.MAX_LINEAR);
        assertThatThrownBy(() -> cache.allocPage(32769)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldThrowOnASecondFree() {
        SkBuff skb = cache.allocSkb(10);
        skb.consume(cache);
        assertThatThrownBy(() -> skb.consume(cache)).hasMessageContaining("already free");
        Page page = cache.allocPage(10);
        page.put(cache);
        assertThatThrownBy(() -> page.put(cache)).hasMessageContaining("already free");
        assertThatThrownBy(page::get).hasMessageContaining("already free");
    }

    @Test
    void shouldThrowWhenAPointerLeavesThePacket() {
        SkBuff skb = cache.allocSkb(512);
        skb.reserve(100);
        skb.put(50);
        assertThatThrownBy(() -> skb.push(101)).hasMessageContaining("push(101)");
        assertThatThrownBy(() -> skb.put(363)).hasMessageContaining("put(363)");
        assertThatThrownBy(() -> skb.pull(51)).hasMessageContaining("pull(51)");
        assertThatThrownBy(() -> skb.trim(-1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> skb.put(Integer.MAX_VALUE)).isInstanceOf(IllegalStateException.class);
        assertThat(skb.len).isEqualTo(50);
    }

    @Test
    void shouldLetACloneOfAPayloadOnlyPacketPushHeadersInPlace() {
        SkBuff original = cache.allocSkb(512);
        original.reserve(200);
        original.put(100);
        original.releaseHeader();
        SkBuff clone = original.clone(cache);
        assertThat(clone.headerCloned()).isFalse();
        assertThat(clone.isClonedData()).isTrue();
        long head = clone.head();
        assertThat(clone.cowHead(cache, 60)).isZero();
        assertThat(clone.head()).isEqualTo(head);
        SkBuff second = original.clone(cache);
        assertThat(second.headerCloned()).isTrue();
        assertThat(clone.headerCloned()).isTrue();
        second.consume(cache);
        assertThat(clone.headerCloned()).isFalse();
        clone.consume(cache);
        assertThat(original.isClonedData()).isFalse();
        original.consume(cache);
        assertThat(memory.outstandingPages()).isZero();
    }

    @Test
    void shouldKnowWhetherACloneIsStillInTheHost() {
        SkbOwner owner = new SkbOwner() {};
        SkBuff original = cache.allocSkb(10);
        SkBuff clone = original.clone(cache);
        clone.setOwner(owner, skb -> {});
        assertThat(original.fcloneBusy(owner)).isTrue();
        assertThat(original.fcloneBusy(new SkbOwner() {})).isFalse();
        clone.consume(cache);
        assertThat(original.fcloneBusy(owner)).isFalse();
        SkBuff reused = cache.allocSkb(10);
        reused.setOwner(owner, skb -> {});
        assertThat(reused).isSameAs(clone);
        assertThat(original.fcloneBusy(owner)).isFalse();
    }

    @Test
    void shouldTellTheOwnerOnce() {
        int[] told = new int[1];
        SkbOwner owner = new SkbOwner() {};
        SkBuff skb = cache.allocSkb(10);
        skb.setOwner(owner, s -> {
            assertThat(s.sk).isSameAs(owner);
            told[0] += s.truesize;
        });
        SkBuff clone = skb.clone(cache);
        assertThat(clone.sk).isNull();
        clone.consume(cache);
        assertThat(told[0]).isZero();
        int truesize = skb.truesize;
        skb.consume(cache);
        assertThat(told[0]).isEqualTo(truesize);
    }

    @Test
    void shouldNameTheSiteOfALeakInDebugMode() {
        SkbMemory watched = new SkbMemory(SkbMemory.DEFAULT_LIMIT, true);
        SkbCache c = new SkbCache(watched, 0);
        c.allocSkb(100).consume(c);
        assertThat(watched.leakReport()).isEmpty();
        SkBuff leaked = leakHere(c);
        assertThatThrownBy(watched::close)
                .hasMessageContaining("leaked 1 skbs and 1 pages")
                .hasMessageContaining("leakHere");
        leaked.consume(c);
        watched.close();
    }

    private static SkBuff leakHere(SkbCache c) {
        return c.allocSkb(3000);
    }

    @Test
    void shouldCompleteAZeroCopySendWhenTheLastPacketLetsGo() {
        List<Boolean> completions = new ArrayList<>();
        UbufInfo ubuf = new UbufInfo() {
            @Override
            protected void complete(SkbCache here, SkBuff skb, boolean success) {
                completions.add(success);
            }
        };
        byte[] owner = new byte[0];
        long user = UnsafeApi.allocateMemory(1000);
        SkBuff skb = cache.allocSkb(100);
        skb.addFrag(cache.pinUserPage(user, 1000, owner), 0, 1000, 1000);
        skb.zcopySet(ubuf);
        ubuf.put(null, true);
        SkBuff clone = skb.clone(cache);
        skb.consume(cache);
        assertThat(completions).isEmpty();
        SkBuff looped = clone.pskbCopy(cache, 0);
        assertThat(looped.orphanFragsRx(cache)).isZero();
        assertThat(looped.shinfo().fragPage(0).isPinnedUser()).isFalse();
        assertThat(completions).isEmpty();
        SkbCache other = new SkbCache(memory, 1);
        clone.consume(other);
        assertThat(completions).as("at once, though the packet goes home later").containsExactly(false);
        looped.consume(cache);
        cache.drainRemoteFree();
        assertThat(memory.outstandingPages()).isZero();
        UnsafeApi.freeMemory(user);
    }

    @Test
    void shouldBringHomeWhatOtherThreadsFree() throws InterruptedException {
        int threads = 3;
        SkbCache[] caches = new SkbCache[threads];
        ArrayDeque<SkBuff>[] mail = newMail(threads);
        for (int i = 0; i < threads; i++) {
            caches[i] = new SkbCache(memory, i + 1);
        }
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int me = i;
            running.add(Thread.ofPlatform().start(() -> {
                try {
                    churn(me, caches[me], mail);
                } catch (Throwable e) {
                    failure.set(e);
                }
            }));
        }
        for (Thread thread : running) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
        for (int i = 0; i < threads; i++) {
            for (SkBuff skb : mail[i]) {
                skb.freeDeferred(SkbDropReason.CONSUMED);
            }
        }
        assertThat(memory.outstandingSkbs()).isZero();
        assertThat(memory.outstandingPages()).isZero();
        for (int round = 0; round < 2; round++) {
            for (SkbCache c : caches) {
                c.drainRemoteFree();
            }
        }
        assertThat(memory.outstandingSkbs()).isZero();
        assertThat(memory.outstandingPages()).isZero();
        memory.close();
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayDeque<SkBuff>[] newMail(int n) {
        ArrayDeque<SkBuff>[] mail = new ArrayDeque[n];
        for (int i = 0; i < n; i++) {
            mail[i] = new ArrayDeque<>();
        }
        return mail;
    }

    /** Makes packets whose every byte is known, clones them to others, checks and frees what others sent. */
    private static void churn(int me, SkbCache c, ArrayDeque<SkBuff>[] mail) {
        SplittableRandom random = new SplittableRandom(me);
        for (int i = 0; i < 30_000; i++) {
            SkBuff skb = c.allocSkb(64);
            UnsafeApi.putInt(skb.head() + skb.put(4), i);
            Page page = c.allocPage(4096);
            UnsafeApi.putInt(page.address(), i);
            skb.addFrag(page, 0, 4, 4096);
            for (int k = random.nextInt(3); k > 0; k--) {
                send(mail[random.nextInt(mail.length)], skb.clone(c));
            }
            send(mail[random.nextInt(mail.length)], skb);
            for (int k = 0; k < 3; k++) {
                SkBuff got = receive(mail[me]);
                if (got != null) {
                    int at = UnsafeApi.getInt(got.dataAddress());
                    assertThat(UnsafeApi.getInt(got.shinfo().fragAddress(0))).isEqualTo(at);
                    if (random.nextBoolean()) {
                        got.consume(c);
                    } else {
                        got.freeDeferred(SkbDropReason.CONSUMED);
                    }
                }
            }
            if (i % 64 == 0) {
                c.drainRemoteFree();
            }
        }
    }

    private static void send(ArrayDeque<SkBuff> box, SkBuff skb) {
        synchronized (box) {
            box.add(skb);
        }
    }

    private static SkBuff receive(ArrayDeque<SkBuff> box) {
        synchronized (box) {
            return box.poll();
        }
    }

    @Test
    void shouldAllocateNothingOnTheHeapOnceWarm() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        SkbCache other = new SkbCache(memory, 1);
        SkBuff[] batch = new SkBuff[32];
        for (int i = 0; i < 2000; i++) {
            sendLike(cache, other, batch);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 2000; i++) {
            sendLike(cache, other, batch);
        }
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(bytes).isLessThan(2000);
        assertThat(memory.outstandingPages()).isZero();
    }

    /** 32 packets of 17 fragments each, cloned, half of the clones freed elsewhere. */
    private static void sendLike(SkbCache c, SkbCache other, SkBuff[] batch) {
        for (int i = 0; i < batch.length; i++) {
            SkBuff skb = c.allocSkb(300);
            skb.reserve(200);
            skb.put(10);
            Page page = c.allocPage(32768);
            for (int f = 0; f < SkBuff.MAX_SKB_FRAGS; f++) {
                page.get();
                skb.addFrag(page, f * 1800, 1500, 1500);
            }
            page.put(c);
            skb.releaseHeader();
            skb.clone(c).consume((i & 1) == 0 ? c : other);
            batch[i] = skb;
        }
        for (int i = 0; i < batch.length; i++) {
            batch[i].consume((i & 2) == 0 ? c : other);
        }
        c.drainRemoteFree();
    }
}
