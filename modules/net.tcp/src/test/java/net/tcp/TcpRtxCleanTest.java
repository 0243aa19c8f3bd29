package net.tcp;

import static net.tcp.TcpAck.FLAG_ACK_MAYBE_DELAYED;
import static net.tcp.TcpAck.FLAG_DATA_ACKED;
import static net.tcp.TcpAck.FLAG_ORIG_SACK_ACKED;
import static net.tcp.TcpAck.FLAG_RETRANS_DATA_ACKED;
import static net.tcp.TcpAck.FLAG_SACK_RENEGING;
import static net.tcp.TcpAck.FLAG_SET_XMIT_TIMER;
import static net.tcp.TcpAck.FLAG_SYN_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_EVER_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** What an ACK takes off the retransmit queue, and what is learnt from it. */
class TcpRtxCleanTest {
    private static final int MSS = TcpBench.MSS;
    private static final int BASE = 5000;

    /** Five segments, sent 10 ms apart from 0.9 s on; now is 1 s. */
    private static TcpBench bench() {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        assertThat(TcpCong.set(b.cpu, tp, "reno", true)).isZero();
        tp.sndUna = BASE;
        tp.sndNxt = BASE;
        tp.sndUp = BASE;
        for (int i = 0; i < 5; i++) {
            b.sent(BASE + i * MSS, 1, 900_000 + i * 10_000L);
        }
        tp.highSeq = BASE + 2 * MSS;
        tp.reordering = 3;
        return b;
    }

    private static SkBuff nth(TcpSock tp, int n) {
        SkBuff skb = tp.tcpRtxQueue.first();
        for (int i = 0; i < n && skb != null; i++) {
            skb = tp.tcpRtxQueue.next(skb);
        }
        return Objects.requireNonNull(skb);
    }

    /** The left edge moves by {@code bytes}. */
    private static int clean(TcpBench b, int bytes, int priorFack) {
        TcpScratch s = TcpScratch.of(b.cpu);
        s.sack.reset();
        s.rate.reset();
        return clean(b, bytes, priorFack, s);
    }

    private static int clean(TcpBench b, int bytes, int priorFack, TcpScratch s) {
        int prior = b.tp.sndUna;
        b.tp.sndUna += bytes;
        SkBuff ack = b.sack(b.tp.sndUna);
        int flag = TcpRtxClean.tcpCleanRtxQueue(b.cpu, b.tp, ack, priorFack, prior, s, false);
        ack.consume(b.cpu);
        return flag;
    }

    @Test
    void shouldTakeOffWhatIsAcknowledged() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.retransmitSkbHint = nth(tp, 1);
            tp.highestSack = nth(tp, 0);
            tp.sndUp = BASE + 1;
            int flag = clean(b, 2 * MSS, BASE);
            assertThat(flag).isEqualTo(FLAG_DATA_ACKED | FLAG_SET_XMIT_TIMER | FLAG_ORIG_SACK_ACKED);
            assertThat(tp.packetsOut).isEqualTo(3);
            assertThat(tp.delivered).isEqualTo(2);
            assertThat(TcpSkbCb.seq(nth(tp, 0))).isEqualTo(BASE + 2 * MSS);
            assertThat(tp.retransmitSkbHint).isNull();
            assertThat(tp.highestSack).isSameAs(nth(tp, 0));
            assertThat(tp.sndUp).isEqualTo(BASE + 2 * MSS);
            assertThat(TcpScratch.of(b.cpu).sack.deliveredBytes).isEqualTo(2 * MSS);
            assertThat(tp.srttUs >> 3).isEqualTo(100_000); // from the first
            assertThat(TcpScratch.of(b.cpu).rate.rttUs).isEqualTo(90_000); // from the last
            assertThat(tp.rackMstamp).isEqualTo(910_000);
            assertThat(tp.rackEndSeq).isEqualTo(BASE + 2 * MSS);

            tp.sndUp = BASE; // older than this ACK: left alone
            tp.retransmitSkbHint = nth(tp, 1);
            flag = clean(b, MSS, BASE);
            assertThat(flag & FLAG_ORIG_SACK_ACKED).isZero(); // above highSeq
            assertThat(tp.sndUp).isEqualTo(BASE);
            assertThat(tp.retransmitSkbHint).isSameAs(nth(tp, 0));
            assertThat(clean(b, 0, BASE)).isZero();
            assertThat(tp.packetsOut).isEqualTo(2);
            assertThat(clean(b, 500, BASE)).isZero(); // half a segment is none
            assertThat(tp.packetsOut).isEqualTo(2);
        }
    }

    @Test
    void shouldCountEachMark() {
        int[][] cases = { // mark; SACKed, lost, again, delivered, bytes, flag, a round trip was measured
            {0, 2, 2, 2, 1, MSS, FLAG_ORIG_SACK_ACKED, 1},
            {TCPCB_SACKED_ACKED, 1, 2, 2, 0, 0, 0, 0},
            {TCPCB_LOST, 2, 1, 2, 1, MSS, FLAG_ORIG_SACK_ACKED, 1},
            {TCPCB_LOST | TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS, 2, 1, 1, 1, MSS, FLAG_RETRANS_DATA_ACKED, 0},
            {TCPCB_EVER_RETRANS, 2, 2, 2, 1, MSS, FLAG_RETRANS_DATA_ACKED, 0},
            {TCPCB_EVER_RETRANS | TCPCB_SACKED_ACKED, 1, 2, 2, 0, 0, FLAG_RETRANS_DATA_ACKED, 0}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.sackedOut = 2;
                tp.lostOut = 2;
                tp.retransOut = 2;
                TcpSkbCb.sacked(nth(tp, 0), c[0]);
                int flag = clean(b, MSS, BASE);
                assertThat(new int[] {tp.sackedOut, tp.lostOut, tp.retransOut, tp.delivered})
                        .as("mark %x", c[0])
                        .containsExactly(c[1], c[2], c[3], c[4]);
                assertThat(TcpScratch.of(b.cpu).sack.deliveredBytes).isEqualTo(c[5]);
                assertThat(flag & (FLAG_ORIG_SACK_ACKED | FLAG_RETRANS_DATA_ACKED))
                        .isEqualTo(c[6]);
                assertThat(tp.srttUs >> 3).isEqualTo(c[7] * 100_000);
                assertThat(tp.rackAdvanced).isEqualTo(c[7] != 0);
                tp.sackedOut = 0;
                tp.lostOut = 0;
                tp.retransOut = 0;
            }
        }
    }

    @Test
    void shouldCutAPacketThatIsAcknowledgedInPart() {
        int[][] cases = {{2500, 2, 1}, {2000, 2, 1}, {999, 0, 0}, {3999, 3, 1}, {4000, 4, 1}};
        for (int[] c : cases) {
            try (TcpBench b = new TcpBench()) {
                TcpSock tp = b.tp;
                tp.sndUna = BASE;
                b.sent(BASE, 4, 900_000);
                int flag = clean(b, c[0], BASE);
                assertThat(tp.packetsOut).as("%d bytes", c[0]).isEqualTo(4 - c[1]);
                assertThat(flag & FLAG_DATA_ACKED).isEqualTo(c[2] * FLAG_DATA_ACKED);
                assertThat(tp.delivered).isEqualTo(c[1]);
                if (c[0] < 4000) {
                    assertThat(TcpSkbCb.seq(nth(tp, 0))).isEqualTo(BASE + c[0]);
                    assertThat(nth(tp, 0).len).isEqualTo(4000 - c[0]);
                }
                assertThat(TcpScratch.of(b.cpu).sack.deliveredBytes).isEqualTo(c[0]);
            }
        }
    }

    /** One small segment, alone and all delivered before it: a delayed ACK is likely. */
    @Test
    void shouldSuspectADelayedAck() {
        for (int what = 0; what < 6; what++) {
            try (TcpBench b = new TcpBench()) {
                TcpSock tp = b.tp;
                tp.sndUna = BASE;
                tp.sndNxt = BASE;
                int length = what == 1 ? MSS : 300;
                SkBuff skb = b.data(BASE, length);
                TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_ACK | (what == 2 ? TcpSkbCb.TCPHDR_SYN : 0));
                TcpSkbCb.pcount(skb, 1);
                skb.skbMstampNs = 900_000_000L;
                TcpRate.skbSent(b.cpu, tp, skb);
                TcpQueues.charge(tp, skb);
                TcpQueues.rtxInsert(tp, skb);
                TcpTsorted.addTail(tp, skb);
                tp.packetsOut = 1;
                tp.sndNxt = BASE + length;
                tp.retransStamp = 9;
                if (what == 3) {
                    b.sent(tp.sndNxt, 1, 900_000); // a second one is acknowledged too
                    length += MSS;
                } else if (what == 4) {
                    tp.delivered = 1; // since it was sent another was delivered
                } else if (what == 5) {
                    tp.sackedOut = 1;
                }
                int flag = clean(b, length, BASE);
                assertThat((flag & FLAG_ACK_MAYBE_DELAYED) != 0).as("%d", what).isEqualTo(what == 0);
                assertThat((flag & FLAG_SYN_ACKED) != 0).isEqualTo(what == 2);
                assertThat((flag & FLAG_DATA_ACKED) != 0).isEqualTo(what != 2);
                assertThat(tp.retransStamp).isEqualTo(what == 2 ? 0 : 9);
                tp.sackedOut = 0;
            }
        }
    }

    @Test
    void shouldNoticeThatTheHeadIsSackedStill() {
        try (TcpBench b = bench()) {
            TcpSkbCb.sacked(nth(b.tp, 1), TCPCB_SACKED_ACKED);
            b.tp.sackedOut = 1;
            assertThat(clean(b, MSS, BASE) & FLAG_SACK_RENEGING).isNotZero();
        }
    }

    /** A hole below the highest SACK filled by the original: two segments late, or more than the metric. */
    @Test
    void shouldNoticeReordering() {
        for (int fack = 0; fack <= 5; fack++) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.reordering = 1;
                tp.sackedOut = 1;
                tp.highestSack = null; // above all: sndNxt
                TcpSkbCb.sacked(nth(tp, 4), TCPCB_SACKED_ACKED);
                clean(b, MSS, BASE + fack * MSS);
                assertThat(tp.reordSeen).as("%d", fack).isEqualTo(fack > 0 ? 1 : 0);
            }
        }
    }

    /** SACKs of what was sent after the head restart the timer only if their round trip is longer than the head's age. */
    @Test
    void shouldRestartTheTimerForOldSacksOnly() {
        for (long sackt : new long[] {0, 899_999, 900_000, 950_000}) {
            try (TcpBench b = bench()) {
                TcpScratch s = TcpScratch.of(b.cpu);
                s.sack.reset();
                s.rate.reset();
                s.sack.firstSackt = sackt;
                s.sack.lastSackt = sackt;
                int flag = clean(b, 0, BASE, s);
                assertThat((flag & FLAG_SET_XMIT_TIMER) != 0).as("%d", sackt).isEqualTo(sackt == 899_999);
                assertThat(b.tp.srttUs >> 3).isEqualTo(sackt == 0 ? 0 : (int) (1_000_000 - sackt));
            }
        }
    }

    @Test
    void shouldCountWithoutSack() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.rxOpt.sackOk = 0;
            tp.sackedOut = 2;
            TcpSkbCb.sacked(nth(tp, 0), TCPCB_EVER_RETRANS);
            int flag = clean(b, 2 * MSS, BASE);
            assertThat(flag & FLAG_ORIG_SACK_ACKED).isZero(); // which of them was the original?
            assertThat(tp.sackedOut).isEqualTo(1); // one filled the hole, one had been counted
            assertThat(tp.delivered).isEqualTo(1);
            assertThat(tp.reordSeen).isZero();
        }
    }
}
