package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import net.core.sock.SockConst;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class IpFragmentTest {
    private static final int RAW_PROTO = 253;
    private final TestHost host = TestHost.withPeer();
    private final int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_RAW, RAW_PROTO);

    @AfterEach
    void close() {
        host.close();
    }

    private void frag(int id, int off, boolean more, byte[] data) {
        host.receive(Frames.ip(PEER, ME, RAW_PROTO, id, (more ? 0x2000 : 0) | off / 8, 64, new byte[0], data));
    }

    private byte[] read() {
        byte[] buf = new byte[70_000];
        int n = host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT);
        return n < 0 ? null : Arrays.copyOfRange(buf, 20, n);
    }

    private static byte[] pattern(Random r, int n) {
        byte[] b = new byte[n];
        r.nextBytes(b);
        return b;
    }

    @Test
    void shouldReassembleInAnyOrderWithDuplicates() {
        for (long seed = 1; seed <= 60; seed++) {
            Random r = new Random(seed);
            byte[] whole = pattern(r, 1 + r.nextInt(30_000));
            List<int[]> pieces = new ArrayList<>();
            for (int off = 0; off < whole.length; ) {
                int n = Math.min(whole.length - off, 8 * (1 + r.nextInt(180)));
                pieces.add(new int[] {off, n});
                off += n;
            }
            if (pieces.size() < 2) {
                continue;
            }
            List<int[]> order = new ArrayList<>(pieces);
            int last = order.size() - 1;
            for (int i = 0; i < 3; i++) {
                order.add(order.get(r.nextInt(last + 1)));
            }
            Collections.shuffle(order, r);
            int left = pieces.size();
            java.util.Set<Integer> seen = new java.util.HashSet<>();
            for (int[] p : order) {
                if (left == 0) {
                    break;
                }
                if (seen.add(p[0])) {
                    left--;
                }
                frag((int) seed, p[0], p[0] + p[1] < whole.length, Arrays.copyOfRange(whole, p[0], p[0] + p[1]));
            }
            assertThat(read()).as("seed " + seed).isEqualTo(whole);
        }
        assertThat(Ipv4Admin.fragStats(host.net)[1]).isZero();
    }

    @Test
    void shouldThrowOverlapsAway() {
        byte[] b = new byte[64];
        frag(1, 0, true, b);
        frag(1, 32, true, b);
        assertThat(host.counter("IpExtReasmOverlaps")).isEqualTo(1);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
        frag(1, 64, false, b);
        assertThat(read()).isNull();
    }

    @Test
    void shouldIgnoreAContainedDuplicate() {
        byte[] b = pattern(new Random(3), 128);
        frag(1, 0, true, Arrays.copyOf(b, 64));
        frag(1, 16, true, Arrays.copyOfRange(b, 16, 32));
        frag(1, 64, false, Arrays.copyOfRange(b, 64, 128));
        assertThat(read()).isEqualTo(b);
    }

    /** As from a path that cut the copy elsewhere: all of it is here already, in two or three pieces. */
    @Test
    void shouldIgnoreADuplicateOfARun() {
        byte[] b = pattern(new Random(4), 128);
        frag(1, 32, true, Arrays.copyOfRange(b, 32, 64));
        frag(1, 0, true, Arrays.copyOf(b, 32));
        frag(1, 64, true, Arrays.copyOfRange(b, 64, 96));
        frag(1, 16, true, Arrays.copyOfRange(b, 16, 48));
        frag(1, 8, true, Arrays.copyOfRange(b, 8, 88));
        assertThat(host.counter("IpExtReasmOverlaps")).isZero();
        frag(1, 96, false, Arrays.copyOfRange(b, 96, 128));
        assertThat(read()).isEqualTo(b);
    }

    @Test
    void shouldThrowAwayWhatReachesIntoAGap() {
        byte[] b = new byte[32];
        frag(1, 0, true, b);
        frag(1, 64, true, b);
        frag(1, 16, true, new byte[64]);
        assertThat(host.counter("IpExtReasmOverlaps")).isEqualTo(1);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }

    @Test
    void shouldRefuseALastFragmentThatContradicts() {
        frag(1, 64, false, new byte[8]);
        frag(1, 128, true, new byte[8]);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
        assertThat(host.counter("IpReasmFails")).isEqualTo(1);
    }

    @Test
    void shouldGiveUpAfterThirtySecondsAndTellTheSender() {
        frag(1, 0, true, new byte[64]);
        frag(2, 64, true, new byte[64]);
        host.sleepMs(25_000);
        assertThat(host.nextPacket()).isNull();
        host.sleepMs(10_000);
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(11);
        assertThat(Frames.u8(err, 21)).isEqualTo(1);
        // Without the first fragment nothing is said.
        assertThat(host.nextPacket()).isNull();
        assertThat(host.counter("IpReasmTimeout")).isEqualTo(2);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }

    @Test
    void shouldStayWithinItsMemory() {
        host.net.sysctl().set("net.ipv4.ipfrag_high_thresh", "100000");
        for (int id = 0; id < 1000; id++) {
            frag(id, 0, true, new byte[1024]);
        }
        assertThat(Ipv4Admin.fragStats(host.net)[1]).isLessThan(110_000);
        long[] n = new long[1];
        host.on(cpu -> n[0] = cpu.dropCounts[SkbDropReason.NOMEM.ordinal()]);
        assertThat(n[0]).isPositive();
        host.sleepMs(40_000);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }

    @Test
    void shouldStayWithinItsMemoryByDatagramsBegunInTime() {
        host.net.sysctl().set("net.ipv4.ipfrag_high_thresh", "100000");
        for (int off = 0; off < 16_000; off += 8) {
            frag(1, off, true, new byte[8]);
        }
        assertThat(Ipv4Admin.fragStats(host.net)[1]).isLessThan(110_000);
        host.sleepMs(40_000);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }

    @Test
    void shouldNotCountADuplicateAsAFailure() {
        frag(1, 0, true, new byte[64]);
        frag(1, 0, true, new byte[64]);
        assertThat(host.counter("IpReasmFails")).isZero();
        frag(1, 64, false, new byte[64]);
        assertThat(host.counter("IpReasmOKs")).isEqualTo(1);
    }

    @Test
    void shouldRestartWhenFragmentsAreTooFarApart() {
        frag(1, 0, true, new byte[64]);
        for (int i = 0; i < 70; i++) {
            frag(100 + i, 0, true, new byte[64]);
        }
        frag(1, 64, false, new byte[64]);
        assertThat(read()).isNull();
        host.sleepMs(40_000);
    }

    @Test
    void shouldRefuseDatagramsBeyondSixtyFourKilobytes() {
        frag(1, 65_528, false, new byte[100]);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }

    @Test
    void shouldJoinEcnMarks() {
        byte[] first = Frames.ip(PEER, ME, RAW_PROTO, 5, 0x2000, 64, new byte[0], new byte[64]);
        first[1] = 2;
        byte[] second = Frames.ip(PEER, ME, RAW_PROTO, 5, 8, 64, new byte[0], new byte[64]);
        second[1] = 3;
        host.receive(Frames.fixed(first));
        host.receive(Frames.fixed(second));
        byte[] buf = new byte[200];
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(148);
        assertThat(buf[1]).isEqualTo((byte) 3);
        // Congestion experienced beside a fragment that can't be marked: somebody cheats.
        byte[] third = Frames.ip(PEER, ME, RAW_PROTO, 6, 0x2000, 64, new byte[0], new byte[64]);
        byte[] fourth = Frames.ip(PEER, ME, RAW_PROTO, 6, 8, 64, new byte[0], new byte[64]);
        fourth[1] = 3;
        host.receive(third);
        host.receive(Frames.fixed(fourth));
        assertThat(read()).isNull();
    }
}
