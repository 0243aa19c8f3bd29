package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random lives of packets, each beside the plain bytes it must hold. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SkbModelTest {
    private static final int SEEDS = Boolean.getBoolean("softnet.full") ? 20_000 : 400;

    /** A packet and its bytes. */
    private static final class Item {
        final SkBuff skb;
        byte[] bytes;

        Item(SkBuff skb, byte[] bytes) {
            this.skb = skb;
            this.bytes = bytes;
        }
    }

    private SplittableRandom random = new SplittableRandom(0);
    private SkbMemory memory = new SkbMemory();
    private SkbCache[] caches = new SkbCache[0];
    private final List<Item> items = new ArrayList<>();

    @Test
    void shouldHoldTheBytesOfTheModelInDebugMode() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            run(seed, true, 0);
        }
    }

    @Test
    void shouldHoldTheBytesOfTheModelWithRecycledMemory() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            run(seed, false, 0);
        }
    }

    @Test
    void shouldSurviveFailingAllocations() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            run(seed, true, 3 + (int) (seed % 11));
        }
    }

    private void run(long seed, boolean debug, int failEvery) {
        random = new SplittableRandom(seed);
        memory = new SkbMemory(SkbMemory.DEFAULT_LIMIT, debug);
        caches = new SkbCache[] {new SkbCache(memory, 0), new SkbCache(memory, 1)};
        for (SkbCache c : caches) {
            c.failEvery = failEvery;
        }
        items.clear();
        String at = "seed " + seed + " debug " + debug + " fail " + failEvery;
        try {
            for (int step = 0; step < 150; step++) {
                step();
                check();
            }
            for (Item item : items) {
                free(item.skb);
            }
            long freed = caches[0].consumed + caches[0].dropped() + caches[1].consumed + caches[1].dropped();
            assertThat(memory.outstandingSkbs()).as(at).isZero();
            assertThat(memory.outstandingPages()).as(at).isZero();
            assertThat(freed).isPositive();
            memory.close();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(at, e);
        }
    }

    private void step() {
        SkbCache c = caches[random.nextInt(2)];
        if (items.size() < 3) {
            create(c);
            return;
        }
        Item item = items.get(random.nextInt(items.size()));
        switch (random.nextInt(20)) {
            case 0, 1 -> create(c);
            case 2, 3 -> add(item.skb.clone(c), item.bytes);
            case 4 -> add(item.skb.copy(c, random.nextInt(100)), item.bytes);
            case 5 -> add(item.skb.pskbCopy(c, random.nextInt(100)), item.bytes);
            case 6 -> pull(item, c);
            case 7 -> push(item, c);
            case 8 -> put(item, c);
            case 9, 10 -> trim(item, c);
            case 11 -> split(item, c);
            case 12 -> shift(item, c);
            case 13 -> coalesce(item, c);
            case 14 -> assertThat(item.skb.linearize(c)).isIn(0, -Errno.ENOMEM);
            case 15 -> item.skb.expandHead(c, random.nextInt(200), random.nextInt(200));
            case 16 -> item.skb.mayPull(c, random.nextInt(item.skb.len + 1));
            case 17 -> store(item, c);
            case 18 -> items.get(random.nextInt(items.size())).skb.cowHead(c, random.nextInt(300));
            default -> {
                items.remove(item);
                free(item.skb);
            }
        }
        if (random.nextInt(10) == 0) {
            c.drainRemoteFree();
        }
    }

    private void free(SkBuff skb) {
        SkbCache c = caches[random.nextInt(2)];
        switch (random.nextInt(3)) {
            case 0 -> skb.consume(c);
            case 1 -> skb.kfree(c, SkbDropReason.QUEUE_PURGE);
            default -> skb.freeDeferred(SkbDropReason.CONSUMED);
        }
    }

    private void add(SkBuff skb, byte[] bytes) {
        if (skb != null) {
            items.add(new Item(skb, bytes));
        }
    }

    private void create(SkbCache c) {
        SkBuff skb = build(c, random.nextInt(3) == 0 ? 0 : random.nextInt(700), random.nextInt(6));
        if (skb == null) {
            return;
        }
        if (random.nextInt(6) == 0) {
            addFragList(skb, c);
        }
        byte[] bytes = new byte[skb.len];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt();
        }
        write(skb, bytes);
        add(skb, bytes);
    }

    private SkBuff build(SkbCache c, int linear, int frags) {
        int headroom = random.nextInt(200);
        SkBuff skb = c.allocSkb(headroom + linear + random.nextInt(100));
        if (skb == null) {
            return null;
        }
        skb.reserve(headroom);
        skb.resetMacHeader();
        skb.put(linear);
        Page page = null;
        int used = 0;
        for (int i = 0; i < frags; i++) {
            int size = 1 + random.nextInt(3000);
            if (page == null || page.size() - used < size) {
                if (page != null) {
                    page.put(c);
                }
                page = c.allocPage(random.nextBoolean() ? 4096 : 32768);
                if (page == null) {
                    break;
                }
                used = random.nextInt(50);
            }
            page.get();
            if (random.nextBoolean() && skb.canCoalesce(page, used)) {
                page.put(c);
                skb.coalesceFrag(size, size);
            } else {
                skb.addFrag(page, used, size, size);
            }
            used += size;
        }
        if (page != null) {
            page.put(c);
        }
        return skb;
    }

    private void addFragList(SkBuff skb, SkbCache c) {
        SkBuff last = null;
        for (int i = 0; i < 3; i++) {
            SkBuff member = build(c, random.nextInt(300), random.nextInt(2));
            if (member == null || member.len == 0) {
                if (member != null) {
                    member.consume(c);
                }
                continue;
            }
            if (last == null) {
                skb.shinfo().fragList = member;
            } else {
                last.next = member;
            }
            last = member;
            skb.len += member.len;
            skb.dataLen += member.len;
            skb.truesize += member.truesize;
        }
    }

    private static void write(SkBuff skb, byte[] bytes) {
        long tmp = UnsafeApi.allocateMemory(bytes.length + 1);
        try {
            UnsafeApi.copyMemory(bytes, UnsafeApi.arrayBaseOffset(byte[].class), null, tmp, bytes.length);
            assertThat(skb.storeBits(0, tmp, bytes.length)).isZero();
        } finally {
            UnsafeApi.freeMemory(tmp);
        }
    }

    private void pull(Item item, SkbCache c) {
        int n = random.nextInt(item.skb.len + 1);
        if (!item.skb.mayPull(c, n)) {
            return;
        }
        item.skb.pull(n);
        item.bytes = Arrays.copyOfRange(item.bytes, n, item.bytes.length);
    }

    private void push(Item item, SkbCache c) {
        int n = random.nextInt(120);
        if (item.skb.cowHead(c, n) != 0) {
            return;
        }
        if (item.skb.headerCloned()) {
            throw new AssertionError("still shared");
        }
        item.skb.push(n);
        byte[] bytes = new byte[item.bytes.length + n];
        System.arraycopy(item.bytes, 0, bytes, n, item.bytes.length);
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) random.nextInt();
            UnsafeApi.putByte(item.skb.dataAddress() + i, bytes[i]);
        }
        item.bytes = bytes;
    }

    private void put(Item item, SkbCache c) {
        SkBuff skb = item.skb;
        if (skb.isNonlinear() || skb.unclone(c) != 0 || skb.tailroom() == 0) {
            return;
        }
        int n = random.nextInt(skb.tailroom());
        int at = skb.put(n);
        byte[] bytes = Arrays.copyOf(item.bytes, item.bytes.length + n);
        for (int i = 0; i < n; i++) {
            bytes[item.bytes.length + i] = (byte) random.nextInt();
            UnsafeApi.putByte(skb.head() + at + i, bytes[item.bytes.length + i]);
        }
        item.bytes = bytes;
    }

    private void trim(Item item, SkbCache c) {
        int n = random.nextInt(item.skb.len + 1);
        item.skb.ipSummed = SkBuff.CHECKSUM_COMPLETE;
        item.skb.csum = naive(item.bytes, 0, item.bytes.length);
        if (item.skb.pskbTrimRcsum(c, n) != 0) {
            item.skb.ipSummed = SkBuff.CHECKSUM_NONE;
            return;
        }
        item.bytes = Arrays.copyOf(item.bytes, n);
        assertThat(Checksum.fold(item.skb.csum) % 0xffff).isEqualTo(Checksum.fold(naive(item.bytes, 0, n)) % 0xffff);
        item.skb.ipSummed = SkBuff.CHECKSUM_NONE;
    }

    private void split(Item item, SkbCache c) {
        SkBuff skb = item.skb;
        if (skb.hasFragList() || skb.unclone(c) != 0) {
            return;
        }
        int at = random.nextInt(skb.len + 1);
        SkBuff rest = skb.split(c, at, random.nextInt(100));
        if (rest == null) {
            return;
        }
        add(rest, Arrays.copyOfRange(item.bytes, at, item.bytes.length));
        item.bytes = Arrays.copyOf(item.bytes, at);
    }

    private void shift(Item item, SkbCache c) {
        Item other = items.get(random.nextInt(items.size()));
        if (other == item || item.skb.len == 0) {
            return;
        }
        int n = random.nextInt(item.skb.len + 1);
        int moved = SkBuff.shift(c, other.skb, item.skb, n);
        assertThat(moved).isIn(0, n);
        other.bytes = join(other.bytes, Arrays.copyOf(item.bytes, moved));
        item.bytes = Arrays.copyOfRange(item.bytes, moved, item.bytes.length);
    }

    private void coalesce(Item item, SkbCache c) {
        Item other = items.get(random.nextInt(items.size()));
        if (other == item || item.skb.isClonedData()) {
            return;
        }
        if (item.skb.tryCoalesce(other.skb)) {
            item.bytes = join(item.bytes, other.bytes);
            items.remove(other);
            other.skb.consume(c);
        }
    }

    private void store(Item item, SkbCache c) {
        SkBuff skb = item.skb;
        if (skb.linearize(c) != 0 || skb.unclone(c) != 0 || skb.len == 0) {
            return;
        }
        item.bytes = item.bytes.clone();
        int at = random.nextInt(skb.len);
        item.bytes[at] = (byte) random.nextInt();
        UnsafeApi.putByte(skb.dataAddress() + at, item.bytes[at]);
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, a.length, b.length);
        return joined;
    }

    /** All packets hold what they should, by three ways of reading. */
    private void check() {
        for (Item item : items) {
            SkBuff skb = item.skb;
            assertThat(skb.len).isEqualTo(item.bytes.length);
            assertThat(skb.data).isBetween(0, skb.tail);
            assertThat(skb.tail).isBetween(skb.data, skb.end);
            assertThat(skb.tail - skb.data).isEqualTo(skb.headlen());
        }
        Item item = items.isEmpty() ? null : items.get(random.nextInt(items.size()));
        if (item == null) {
            return;
        }
        int off = random.nextInt(item.bytes.length + 1);
        int n = random.nextInt(item.bytes.length - off + 1);
        byte[] want = Arrays.copyOfRange(item.bytes, off, off + n);
        byte[] got = new byte[n];
        UserBytes first = new UserBytes().wrap(got, 0, n / 3);
        UserBytes second = new UserBytes().wrap(got, n / 3, n - n / 3);
        assertThat(item.skb.copyDatagram(off, new UserIovec(first, second), n)).isZero();
        assertThat(got).isEqualTo(want);

        int sum = naive(item.bytes, off, n);
        assertThat(Checksum.fold(item.skb.checksum(off, n, 0))).isEqualTo(Checksum.fold(sum));
        long tmp = UnsafeApi.allocateMemory(n + 1);
        try {
            int copied = item.skb.copyAndChecksum(off, tmp, n, 0);
            assertThat(Checksum.fold(copied)).isEqualTo(Checksum.fold(sum));
            Arrays.fill(got, (byte) 0);
            UnsafeApi.copyMemory(null, tmp, got, UnsafeApi.arrayBaseOffset(byte[].class), n);
            assertThat(got).isEqualTo(want);
        } finally {
            UnsafeApi.freeMemory(tmp);
        }
        assertThat(item.skb.copyBits(item.bytes.length, 0, 1)).isEqualTo(-Errno.EFAULT);
    }

    static int naive(byte[] bytes, int off, int n) {
        long sum = 0;
        for (int i = 0; i < n; i++) {
            int b = bytes[off + i] & 0xff;
            sum += (i & 1) == 0 ? b << 8 : b;
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) sum;
    }
}
