package net.tcp;

import static net.tcp.TcpConst.TCP_CA_OPEN;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;
import static net.tcp.TcpSkbCb.TCPCB_EVER_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import net.ipv4.inet.InetConnectionSock;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** RFC 8985 by numbers: a segment is lost once one sent later was delivered and RTT and reordering window have passed. */
class TcpRackTest {
    private static final int MSS = TcpBench.MSS;
    private static final int BASE = 5000;

    /** Segments sent 10 ms apart from 0.9 s on; a path of 40 ms, nothing delivered yet; now is 1 s. */
    private static TcpBench bench(int segments) {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        assertThat(TcpCong.set(b.cpu, tp, "reno", true)).isZero();
        tp.sndUna = BASE;
        tp.sndNxt = BASE;
        for (int i = 0; i < segments; i++) {
            b.sent(BASE + i * MSS, 1, 900_000 + i * 10_000L);
        }
        tp.rttMin.reset(0, 40_000);
        tp.srttUs = 40_000 << 3;
        return b;
    }

    private static SkBuff nth(TcpSock tp, int n) {
        SkBuff skb = tp.tcpRtxQueue.first();
        for (int i = 0; i < n && skb != null; i++) {
            skb = tp.tcpRtxQueue.next(skb);
        }
        return Objects.requireNonNull(skb);
    }

    private static String lost(TcpSock tp) {
        StringBuilder s = new StringBuilder();
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            s.append((TcpSkbCb.sacked(skb) & TCPCB_LOST) != 0 ? 'L' : '.');
        }
        return s.toString();
    }

    /** Segment {@code n} was delivered, sent when the queue says, {@code rttUs} ago. */
    private static void delivered(TcpSock tp, int n, int rttUs) {
        tp.rackMstamp = 900_000 + n * 10_000L;
        tp.rackEndSeq = BASE + (n + 1) * MSS;
        tp.rackRttUs = rttUs;
        tp.rackAdvanced = true;
    }

    @Test
    void shouldOrderByTimeThenSequence() {
        assertThat(TcpRack.sentAfter(2, 1, 1, 2)).isTrue();
        assertThat(TcpRack.sentAfter(1, 2, 2, 1)).isFalse();
        assertThat(TcpRack.sentAfter(1, 1, 2, 1)).isTrue();
        assertThat(TcpRack.sentAfter(1, 1, 1, 1)).isFalse();
        assertThat(TcpRack.sentAfter(1, 1, 1, 2)).isFalse();
        assertThat(TcpRack.sentAfter(1, 1, 5, -5)).isTrue();
    }

    /** Now 1 s, sent at 0.9 s: 100 ms have passed. */
    @Test
    void shouldTellHowLongToWait() {
        try (TcpBench b = bench(1)) {
            b.tp.rackRttUs = 95_000;
            assertThat(TcpRack.skbTimeout(b.tp, nth(b.tp, 0), 10_000)).isEqualTo(5000);
            assertThat(TcpRack.skbTimeout(b.tp, nth(b.tp, 0), 0)).isEqualTo(-5000);
        }
    }

    /**
     * The window: 0 in recovery or at the duplicate threshold while no reordering was seen, else steps quarters of the minimal
     * round trip (10 ms), at most the smoothed one. A segment sent 100 ms ago, a round trip of 95 ms.
     */
    @Test
    void shouldWidenTheWindowStepByStep() {
        int[][] cases = { // reordering seen, state, SACKed, tcp_recovery, steps, milliseconds
            {0, TCP_CA_OPEN, 1, 1, 1, 10},
            {0, TCP_CA_OPEN, 2, 1, 1, 10},
            {0, TCP_CA_OPEN, 3, 1, 1, 0},
            {0, TCP_CA_OPEN, 4, 1, 1, 0},
            {0, TCP_CA_OPEN, 3, 5, 1, 10},
            {0, TCP_CA_RECOVERY, 0, 5, 1, 0},
            {0, TcpConst.TCP_CA_CWR, 1, 1, 1, 10},
            {0, TcpConst.TCP_CA_LOSS, 1, 1, 1, 0},
            {1, TCP_CA_RECOVERY, 3, 1, 1, 10},
            {1, TCP_CA_OPEN, 3, 1, 2, 20},
            {2, TCP_CA_OPEN, 0, 1, 3, 30},
            {1, TCP_CA_OPEN, 0, 1, 4, 40},
            {1, TCP_CA_OPEN, 0, 1, 5, 40},
            {1, TCP_CA_OPEN, 0, 1, 255, 40}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench(10)) {
                TcpSock tp = b.tp;
                tp.reordering = 3;
                tp.reordSeen = c[0];
                tp.icskCaState = (byte) c[1];
                tp.sackedOut = c[2];
                tp.sysctl.tcpRecovery = c[3];
                tp.rackReoWndSteps = c[4];
                // Sent 100 ms ago: lost if the round trip and the window are 100 ms or less.
                for (int rtt : new int[] {100_000 - c[5] * 1000, 100_001 - c[5] * 1000}) {
                    delivered(tp, 1, rtt);
                    boolean armed = TcpRack.tcpRackMarkLost(b.cpu, tp);
                    boolean isLost = rtt + c[5] * 1000 <= 100_000;
                    assertThat(armed).as("%s", Arrays.toString(c)).isEqualTo(!isLost);
                    assertThat(tp.lostOut).isEqualTo(isLost ? 1 : 0);
                    assertThat(lost(tp)).isEqualTo(isLost ? "L........." : "..........");
                    // Start again.
                    TcpSkbCb.sacked(nth(tp, 0), 0);
                    tp.lostOut = 0;
                    TcpTsorted.del(tp, nth(tp, 0));
                    SkBuff first = nth(tp, 0);
                    first.tsPrev = null;
                    first.tsNext = tp.tsortedHead;
                    Objects.requireNonNull(tp.tsortedHead).tsPrev = first;
                    tp.tsortedHead = first;
                }
                tp.sackedOut = 0;
                tp.icskCaState = TCP_CA_OPEN;
            }
        }
    }

    @Test
    void shouldMarkOnlyWhatWasSentBefore() {
        try (TcpBench b = bench(10)) {
            TcpSock tp = b.tp;
            tp.reordSeen = 1; // 10 ms
            delivered(tp, 6, 60_000); // sent 70 ms ago or earlier: 0 to 3, the next one in 0 to 20 ms
            assertThat(TcpRack.tcpRackMarkLost(b.cpu, tp)).isTrue();
            assertThat(lost(tp)).isEqualTo("LLLL......");
            assertThat(tp.lostOut).isEqualTo(4);
            assertThat(tp.lost).isEqualTo(4);
            assertThat(tp.rackAdvanced).isFalse();
            assertThat(tp.icskPending).isEqualTo((byte) InetConnectionSock.ICSK_TIME_REO_TIMEOUT);
            // The last suspect, 5, was sent 50 ms ago: 20 ms, and 2 ms for the timer's coarseness.
            assertThat(tp.icskRetransmitTimer.expires - b.cpu.jiffies()).isEqualTo(22);
            assertThat(TcpRack.tcpRackMarkLost(b.cpu, tp)).isFalse(); // not advanced since
            assertThat(Objects.requireNonNull(tp.tsortedHead)).isSameAs(nth(tp, 4));
        }
    }

    @Test
    void shouldPassOverWhatIsMarkedAndJudgeARetransmissionByItself() {
        try (TcpBench b = bench(6)) {
            TcpSock tp = b.tp;
            TcpSkbCb.sacked(nth(tp, 0), TCPCB_LOST); // not sent again yet
            TcpSkbCb.sacked(nth(tp, 1), TCPCB_LOST | TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS);
            tp.lostOut = 2;
            tp.retransOut = 1;
            tp.icskCaState = TCP_CA_RECOVERY;
            delivered(tp, 3, 0);
            assertThat(TcpRack.tcpRackMarkLost(b.cpu, tp)).isFalse();
            assertThat(lost(tp)).isEqualTo("LLL...");
            assertThat(tp.lostOut).isEqualTo(3);
            assertThat(tp.retransOut).isZero();
            assertThat(tp.lost).isEqualTo(2); // segment 2, and 1 for the second time
            assertThat(tp.tcpNet.linuxMib.read(LinuxMib.TCPLOSTRETRANSMIT)).isEqualTo(1);
            assertThat(tp.retransmitSkbHint).isNull(); // from the head, which waits to be sent again
            assertThat(TcpTsorted.contains(tp, nth(tp, 0))).isTrue();
            assertThat(TcpTsorted.contains(tp, nth(tp, 1))).isFalse();
            assertThat(TcpSkbCb.sacked(nth(tp, 1))).isEqualTo(TCPCB_LOST | TCPCB_EVER_RETRANS);
        }
    }

    @Test
    void shouldMarkASegmentOnce() {
        try (TcpBench b = bench(4)) {
            TcpSock tp = b.tp;
            TcpSkbCb.sacked(nth(tp, 0), TCPCB_SACKED_ACKED);
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 0));
            assertThat(tp.lostOut).isZero();
            assertThat(tp.lost).isZero();
            assertThat(tp.retransmitSkbHint).isNull();
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 2));
            assertThat(tp.retransmitSkbHint).isSameAs(nth(tp, 2));
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 3));
            assertThat(tp.retransmitSkbHint).isSameAs(nth(tp, 2)); // not later
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 1));
            assertThat(tp.retransmitSkbHint).isSameAs(nth(tp, 1)); // but earlier
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 1));
            assertThat(tp.lostOut).isEqualTo(3);
            assertThat(tp.lost).isEqualTo(3);
            // Without a hint the search starts at the head, unless all that was lost is out again.
            tp.retransmitSkbHint = null;
            tp.retransOut = 2;
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 3));
            assertThat(tp.retransmitSkbHint).isNull();
            tp.retransOut = 3;
            TcpRack.tcpMarkSkbLost(b.cpu, tp, nth(tp, 3));
            assertThat(tp.retransmitSkbHint).isSameAs(nth(tp, 3));
            tp.retransOut = 0;
        }
    }

    @Test
    void shouldRememberTheLatestSentOfTheDelivered() {
        try (TcpBench b = bench(1)) {
            TcpSock tp = b.tp;
            TcpRack.tcpRackAdvance(tp, 0, 300, 950_000);
            assertThat(tp.rackAdvanced).isTrue();
            assertThat(tp.rackRttUs).isEqualTo(50_000);
            assertThat(tp.rackMstamp).isEqualTo(950_000);
            assertThat(tp.rackEndSeq).isEqualTo(300);
            TcpRack.tcpRackAdvance(tp, 0, 400, 940_000); // sent earlier: a newer round trip, no newer segment
            assertThat(tp.rackRttUs).isEqualTo(60_000);
            assertThat(tp.rackMstamp).isEqualTo(950_000);
            assertThat(tp.rackEndSeq).isEqualTo(300);
            TcpRack.tcpRackAdvance(tp, 0, 500, 950_000);
            assertThat(tp.rackEndSeq).isEqualTo(500);
            // A retransmission's answer that is faster than the path ever was belongs to the original.
            tp.rackAdvanced = false;
            TcpRack.tcpRackAdvance(tp, TCPCB_EVER_RETRANS, 600, 960_001);
            assertThat(tp.rackAdvanced).isFalse();
            assertThat(tp.rackEndSeq).isEqualTo(500);
            TcpRack.tcpRackAdvance(tp, TCPCB_SACKED_ACKED, 600, 960_001);
            assertThat(tp.rackAdvanced).isTrue();
            assertThat(tp.rackEndSeq).isEqualTo(600);
            tp.rackAdvanced = false;
            TcpRack.tcpRackAdvance(tp, TCPCB_EVER_RETRANS, 700, 960_000);
            assertThat(tp.rackAdvanced).isTrue();
            assertThat(tp.rackRttUs).isEqualTo(40_000);
        }
    }

    @Test
    void shouldStepOncePerRoundTripWithADsack() {
        int[][] cases = { // tcp_recovery, prior delivered, last step's, D-SACK, steps, persists; seen, steps, persists
            // then
            {1, 50, 40, 1, 1, 0, 0, 2, 16}, {1, 40, 40, 1, 7, 3, 0, 8, 16}, {1, 39, 40, 1, 7, 3, 0, 7, 3},
            {1, 50, 40, 0, 7, 3, 0, 7, 3}, {1, 50, 40, 0, 7, 0, 0, 1, 0}, {1, 39, 40, 1, 7, 0, 0, 1, 0},
            {1, 50, 40, 1, 255, 3, 0, 255, 16}, {1, 50, 40, 1, 254, 3, 0, 255, 16}, {3, 50, 40, 1, 7, 0, 1, 7, 0},
            {1, 0, 40, 1, 7, 0, 1, 7, 0}
        };
        try (TcpBench b = bench(1)) {
            TcpSock tp = b.tp;
            for (int[] c : cases) {
                RateSample rs = new RateSample();
                tp.sysctl.tcpRecovery = c[0];
                rs.priorDelivered = c[1];
                tp.rackLastDelivered = c[2];
                tp.rackDsackSeen = c[3] != 0;
                tp.rackReoWndSteps = c[4];
                tp.rackReoWndPersist = c[5];
                tp.delivered = 1234;
                TcpRack.tcpRackUpdateReoWnd(tp, rs);
                assertThat(new int[] {tp.rackDsackSeen ? 1 : 0, tp.rackReoWndSteps, tp.rackReoWndPersist})
                        .as("%s", Arrays.toString(c))
                        .containsExactly(c[6], c[7], c[8]);
                assertThat(tp.rackLastDelivered).isEqualTo(c[8] == 16 ? 1234 : 40);
            }
        }
    }

    @Test
    void shouldMarkTheHeadWithoutSack() {
        int[][] cases = { // state, duplicates, advanced, head marked; newly lost
            {TCP_CA_OPEN, 2, 0, 0, 0},
            {TCP_CA_OPEN, 3, 0, 0, 1},
            {TCP_CA_OPEN, 4, 0, 0, 1},
            {TCP_CA_OPEN, 3, 0, 1, 0},
            {TCP_CA_OPEN, 0, 1, 0, 0},
            {TcpConst.TCP_CA_CWR, 3, 0, 0, 1},
            {TCP_CA_RECOVERY, 3, 0, 0, 0},
            {TCP_CA_RECOVERY, 0, 1, 0, 1},
            {TcpConst.TCP_CA_LOSS, 3, 1, 0, 0}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench(5)) {
                TcpSock tp = b.tp;
                tp.rxOpt.sackOk = 0;
                tp.reordering = 3;
                tp.icskCaState = (byte) c[0];
                tp.sackedOut = c[1];
                if (c[3] != 0) {
                    TcpSkbCb.sacked(nth(tp, 0), TCPCB_LOST);
                }
                TcpRack.tcpNewrenoMarkLost(b.cpu, tp, c[2] != 0);
                assertThat(tp.lostOut).as("%s", Arrays.toString(c)).isEqualTo(c[4]);
                assertThat(lost(tp)).isEqualTo(c[4] + c[3] != 0 ? "L...." : ".....");
                tp.sackedOut = 0;
                tp.lostOut = 0;
            }
        }
    }

    @Test
    void shouldSplitTheHeadWithoutSack() {
        try (TcpBench b = bench(0)) {
            TcpSock tp = b.tp;
            b.sent(BASE, 4, 900_000);
            tp.rxOpt.sackOk = 0;
            tp.icskCaState = TCP_CA_RECOVERY;
            TcpRack.tcpNewrenoMarkLost(b.cpu, tp, true);
            assertThat(tp.lostOut).isEqualTo(1);
            assertThat(nth(tp, 0).len).isEqualTo(MSS);
            assertThat(nth(tp, 1).len).isEqualTo(3 * MSS);
            assertThat(lost(tp)).isEqualTo("L.");
        }
        try (TcpBench b = bench(2)) { // more duplicates than can be: at least the lost one has not left
            TcpSock tp = b.tp;
            tp.rxOpt.sackOk = 0;
            tp.reordering = 2;
            tp.sackedOut = 2;
            TcpRack.tcpNewrenoMarkLost(b.cpu, tp, false);
            assertThat(tp.sackedOut).isEqualTo(1);
            tp.sackedOut = 0;
        }
        try (TcpBench b = bench(0)) {
            b.tp.icskCaState = TCP_CA_RECOVERY;
            TcpRack.tcpNewrenoMarkLost(b.cpu, b.tp, true);
            assertThat(b.tp.lostOut).isZero();
        }
    }

    /** The reordering timer: recovery begins, PRR lets the first retransmission out; the window does not admit a second. */
    @Test
    void shouldEnterRecoveryFromTheTimer() {
        try (TcpBench b = bench(10)) {
            TcpSock tp = b.tp;
            tp.reordSeen = 1;
            tp.setSndCwnd(10);
            delivered(tp, 6, 60_000);
            tp.icskPending = InetConnectionSock.ICSK_TIME_RETRANS;
            tp.afOps = null; // nothing may be sent: the window admits none
            tp.retransOut = 4;
            TcpRack.tcpRackReoTimeout(b.cpu, tp);
            assertThat(lost(tp)).isEqualTo("LLLL......");
            assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_RECOVERY);
            assertThat(tp.sndSsthresh).isEqualTo(5);
            assertThat(tp.priorCwnd).isEqualTo(10);
            // 10 in flight, over the threshold: one delivered, ceil(5 * 1 / 10) = 1 out.
            assertThat(tp.prrDelivered).isEqualTo(1);
            assertThat(tp.sndCwnd).isEqualTo(tp.packetsInFlight() + 1);
            assertThat(tp.highSeq).isEqualTo(tp.sndNxt);
            tp.retransOut = 0;
        }
    }

    @Test
    void shouldOnlyRearmWhenNothingIsLost() {
        for (boolean retrans : new boolean[] {false, true}) {
            try (TcpBench b = bench(3)) {
                TcpSock tp = b.tp;
                tp.reordSeen = 1;
                delivered(tp, 2, 200_000);
                tp.icskPending = (byte) (retrans ? InetConnectionSock.ICSK_TIME_RETRANS : 0);
                tp.icskRto = 300;
                TcpRack.tcpRackReoTimeout(b.cpu, tp);
                assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_OPEN);
                assertThat(tp.lostOut).isZero();
                assertThat(tp.icskPending).isEqualTo((byte) InetConnectionSock.ICSK_TIME_RETRANS);
                assertThat(tp.icskRetransmitTimer.pending()).isEqualTo(!retrans);
            }
        }
    }
}
