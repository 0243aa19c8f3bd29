package net.tcp;

import static net.tcp.TcpAck.FLAG_DATA_SACKED;
import static net.tcp.TcpAck.FLAG_ECE;
import static net.tcp.TcpAck.FLAG_ORIG_SACK_ACKED;
import static net.tcp.TcpAck.FLAG_SACK_RENEGING;
import static net.tcp.TcpAck.FLAG_SET_XMIT_TIMER;
import static net.tcp.TcpAck.FLAG_SND_UNA_ADVANCED;
import static net.tcp.TcpConst.TCP_CA_CWR;
import static net.tcp.TcpConst.TCP_CA_DISORDER;
import static net.tcp.TcpConst.TCP_CA_LOSS;
import static net.tcp.TcpConst.TCP_CA_OPEN;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import net.ipv4.inet.InetConnectionSock;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** The states of congestion avoidance: what leads into each, what it costs, and what ends it. */
class TcpCaMachineTest {
    private static final int MSS = TcpBench.MSS;
    private static final int BASE = 5000;

    /** A window of 20 under Reno, threshold 12, ten segments out since 0.9 s; now is 1 s. */
    private static TcpBench bench() {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        assertThat(TcpCong.set(b.cpu, tp, "reno", true)).isZero();
        tp.sndUna = BASE;
        tp.sndNxt = BASE;
        for (int i = 0; i < 10; i++) {
            b.sent(BASE + i * MSS, 1, 900_000 + i * 10_000L);
        }
        tp.setSndCwnd(20);
        tp.sndSsthresh = 12;
        tp.sndCwndCnt = 7;
        tp.ecnFlags = TcpConst.TCP_ECN_OK;
        tp.reordering = 3;
        tp.rackRttUs = 40_000;
        tp.rttMin.reset(0, 40_000);
        tp.srttUs = 40_000 << 3;
        return b;
    }

    private static SkBuff head(TcpSock tp) {
        return Objects.requireNonNull(tp.rtxQueueHead());
    }

    private static String marks(TcpSock tp) {
        StringBuilder s = new StringBuilder();
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            int sacked = TcpSkbCb.sacked(skb);
            s.append(
                    (sacked & TcpSkbCb.TCPCB_LOST) != 0
                            ? 'L'
                            : (sacked & TcpSkbCb.TCPCB_SACKED_ACKED) != 0 ? 'S' : '.');
        }
        return s.toString();
    }

    private static long count(TcpBench b, LinuxMib counter) {
        return b.tp.tcpNet.linuxMib.read(counter);
    }

    private static TcpScratch ack(TcpBench b, int flag, int dupacks) {
        TcpScratch s = TcpScratch.of(b.cpu);
        s.sack.reset();
        s.rate.reset();
        s.flag = flag;
        s.rexmit = TcpAck.REXMIT_NONE;
        TcpCaMachine.tcpFastretransAlert(b.cpu, b.tp, BASE, dupacks, s);
        return s;
    }

    @Test
    void shouldKnowWhetherAnythingWasSentAgain() {
        try (TcpBench b = bench()) {
            assertThat(TcpCaMachine.tcpAnyRetransDone(b.tp)).isFalse();
            b.tp.retransOut = 1;
            assertThat(TcpCaMachine.tcpAnyRetransDone(b.tp)).isTrue();
            b.tp.retransOut = 0;
            TcpSkbCb.sacked(head(b.tp), TcpSkbCb.TCPCB_LOST | TcpSkbCb.TCPCB_SACKED_RETRANS);
            assertThat(TcpCaMachine.tcpAnyRetransDone(b.tp)).isFalse();
            TcpSkbCb.sacked(head(b.tp), TcpSkbCb.TCPCB_EVER_RETRANS);
            assertThat(TcpCaMachine.tcpAnyRetransDone(b.tp)).isTrue();
        }
        try (TcpBench b = new TcpBench()) {
            assertThat(TcpCaMachine.tcpAnyRetransDone(b.tp)).isFalse();
        }
    }

    @Test
    void shouldStayOpenUnlessSomethingIsMissing() {
        int[][] cases = { // state, SACKed, lost, out again; state then, highSeq moved
            {TCP_CA_OPEN, 0, 0, 0, TCP_CA_OPEN, 0}, {TCP_CA_OPEN, 1, 0, 0, TCP_CA_DISORDER, 1},
            {TCP_CA_OPEN, 0, 1, 0, TCP_CA_DISORDER, 1}, {TCP_CA_OPEN, 0, 0, 1, TCP_CA_DISORDER, 1},
            {TCP_CA_DISORDER, 1, 0, 0, TCP_CA_DISORDER, 0}, {TCP_CA_DISORDER, 0, 0, 0, TCP_CA_OPEN, 1}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = (byte) c[0];
                tp.sackedOut = c[1];
                tp.lostOut = c[2];
                tp.retransOut = c[3];
                tp.highSeq = 1;
                TcpCaMachine.tcpTryKeepOpen(b.cpu, tp);
                assertThat(tp.icskCaState).isEqualTo((byte) c[4]);
                assertThat(tp.highSeq).isEqualTo(c[5] != 0 ? tp.sndNxt : 1);
            }
        }
    }

    /** RFC 5681: half the window, once; RFC 6937 starts from zero. */
    @Test
    void shouldEnterCwrFromOpenAndDisorderOnly() {
        for (int state = TCP_CA_OPEN; state <= TCP_CA_LOSS; state++) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = (byte) state;
                tp.priorSsthresh = 5;
                tp.undoMarker = 5;
                tp.tlpHighSeq = 5;
                tp.prrDelivered = 5;
                tp.prrOut = 5;
                TcpCaMachine.tcpEnterCwr(b.cpu, tp);
                boolean enters = state < TCP_CA_CWR;
                assertThat(tp.icskCaState).isEqualTo((byte) (enters ? TCP_CA_CWR : state));
                assertThat(tp.priorSsthresh).isZero();
                assertThat(tp.undoMarker).isEqualTo(enters ? 0 : 5);
                assertThat(tp.sndSsthresh).isEqualTo(enters ? 10 : 12);
                assertThat(tp.priorCwnd).isEqualTo(enters ? 20 : 0);
                assertThat(tp.highSeq).isEqualTo(enters ? tp.sndNxt : 0);
                assertThat(new int[] {tp.sndCwndCnt, tp.tlpHighSeq, tp.prrDelivered, tp.prrOut})
                        .containsExactly(enters ? new int[4] : new int[] {7, 5, 5, 5});
                assertThat(tp.ecnFlags).isEqualTo(TcpConst.TCP_ECN_OK | (enters ? TcpConst.TCP_ECN_QUEUE_CWR : 0));
            }
        }
        try (TcpBench b = bench()) {
            TcpCaMachine.tcpInitCwndReduction(b.cpu, b.tp);
            assertThat(b.tp.sndSsthresh).isEqualTo(10);
        }
    }

    @Test
    void shouldEnterRecovery() {
        int[][] cases = { // state, ECE, SACK; threshold before (3/4 of 20 beats 12), threshold, window before
            {TCP_CA_OPEN, 0, 1, 15, 10, 20},
            {TCP_CA_DISORDER, 0, 0, 15, 10, 20},
            {TCP_CA_OPEN, 1, 1, 0, 10, 20},
            {TCP_CA_CWR, 0, 1, 0, 12, 0}
        };
        for (int[] c : cases) {
            for (int out = 0; out < 2; out++) {
                try (TcpBench b = bench()) {
                    TcpSock tp = b.tp;
                    tp.icskCaState = (byte) c[0];
                    tp.rxOpt.sackOk = c[2];
                    tp.priorSsthresh = 99;
                    tp.retransStamp = 77;
                    tp.retransOut = out;
                    TcpCaMachine.tcpEnterRecovery(b.cpu, tp, c[1] != 0);
                    assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_RECOVERY);
                    assertThat(tp.priorSsthresh).isEqualTo(c[3]);
                    assertThat(tp.sndSsthresh).isEqualTo(c[4]);
                    assertThat(tp.priorCwnd).isEqualTo(c[5]);
                    assertThat(tp.undoMarker).isEqualTo(BASE);
                    assertThat(tp.undoRetrans).isEqualTo(out == 0 ? -1 : 1);
                    assertThat(tp.retransStamp).isEqualTo(out * 77);
                    assertThat(count(b, LinuxMib.TCPSACKRECOVERY)).isEqualTo(c[2]);
                    assertThat(count(b, LinuxMib.TCPRENORECOVERY)).isEqualTo(1 - c[2]);
                }
            }
        }
    }

    /** Round trip 40 ms: what was sent until 0.96 s is lost at 1 s, and the head in any case. */
    @Test
    void shouldMarkAtATimeOutWhatWasSentARoundTripAgo() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.retransmitSkbHint = head(tp);
            tp.tlpHighSeq = 9;
            tp.reordering = 9;
            TcpCaMachine.tcpEnterLoss(b.cpu, tp);
            assertThat(marks(tp)).isEqualTo("LLLLLLL...");
            assertThat(tp.lostOut).isEqualTo(7);
            assertThat(tp.sndCwnd).isEqualTo(4); // three are still out
            assertThat(tp.sndSsthresh).isEqualTo(10);
            assertThat(tp.priorSsthresh).isEqualTo(15);
            assertThat(tp.priorCwnd).isEqualTo(20);
            assertThat(tp.sndCwndCnt).isZero();
            assertThat(tp.undoMarker).isEqualTo(BASE);
            assertThat(tp.highSeq).isEqualTo(tp.sndNxt);
            assertThat(tp.tlpHighSeq).isZero();
            assertThat(tp.retransmitSkbHint).isNull();
            assertThat(tp.ecnFlags & TcpConst.TCP_ECN_QUEUE_CWR).isNotZero();
            assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_LOSS);
            assertThat(tp.reordering).isEqualTo(9); // no duplicates came
            assertThat(tp.frto).isTrue();
        }
        try (TcpBench b = bench()) {
            b.tp.tcpMstamp = 900_000;
            TcpCaMachine.tcpEnterLoss(b.cpu, b.tp);
            assertThat(marks(b.tp)).isEqualTo("L.........");
        }
    }

    @Test
    void shouldReduceOncePerWindow() {
        int[][] cases = { // state, highSeq - sndUna, time-outs so far; reduced, F-RTO
            {TCP_CA_OPEN, 5, 0, 1, 1},
            {TCP_CA_DISORDER, 5, 0, 1, 1},
            {TCP_CA_CWR, 5, 0, 0, 1},
            {TCP_CA_CWR, 0, 0, 1, 1},
            {TCP_CA_RECOVERY, 5, 0, 0, 0},
            {TCP_CA_RECOVERY, 0, 0, 1, 0},
            {TCP_CA_RECOVERY, 1, 1, 0, 1},
            {TCP_CA_LOSS, 5, 0, 1, 0},
            {TCP_CA_LOSS, 5, 1, 0, 1},
            {TCP_CA_LOSS, 0, 1, 1, 1}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = (byte) c[0];
                tp.highSeq = tp.sndUna + c[1];
                tp.icskRetransmits = (byte) c[2];
                tp.undoMarker = 99;
                TcpCaMachine.tcpEnterLoss(b.cpu, tp);
                assertThat(tp.sndSsthresh).as("%d %d %d", c[0], c[1], c[2]).isEqualTo(c[3] != 0 ? 10 : 12);
                assertThat(tp.undoMarker).isEqualTo(c[3] != 0 ? BASE : 99);
                assertThat(tp.frto).isEqualTo(c[4] != 0);
            }
        }
        for (int what = 0; what < 2; what++) {
            try (TcpBench b = bench()) {
                b.tp.sysctl.tcpFrto = what;
                b.tp.icskMtupProbeSize = what * 1400;
                TcpCaMachine.tcpEnterLoss(b.cpu, b.tp);
                assertThat(b.tp.frto).isFalse();
            }
        }
    }

    /** With three duplicates in hand a time-out says that reordering was overestimated. */
    @Test
    void shouldTakeBackReorderingAtATimeOut() {
        int[][] cases = {
            {TCP_CA_DISORDER, 3, 9, 3}, {TCP_CA_DISORDER, 2, 9, 9}, {TCP_CA_CWR, 3, 9, 9}, {TCP_CA_OPEN, 4, 2, 2}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = (byte) c[0];
                tp.sackedOut = c[1];
                tp.reordering = c[2];
                tp.tcpMstamp = 900_000; // the others were sent just now
                TcpCaMachine.tcpEnterLoss(b.cpu, tp);
                assertThat(tp.reordering).isEqualTo(c[3]);
                tp.sackedOut = 0;
            }
        }
    }

    @Test
    void shouldDistrustAllSacksOfAPeerThatReneged() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
                TcpSkbCb.sacked(skb, TcpSkbCb.TCPCB_SACKED_ACKED);
            }
            tp.sackedOut = 10;
            tp.tcpMstamp = 900_000;
            TcpCaMachine.tcpEnterLoss(b.cpu, tp);
            assertThat(marks(tp)).isEqualTo("LLLLLLLLLL");
            assertThat(tp.sackedOut).isZero();
            assertThat(tp.isSackReneg).isTrue();
            assertThat(count(b, LinuxMib.TCPSACKRENEGING)).isEqualTo(1);
        }
        try (TcpBench b = bench()) {
            b.tp.rxOpt.sackOk = 0;
            b.tp.sackedOut = 2;
            TcpCaMachine.tcpEnterLoss(b.cpu, b.tp);
            assertThat(b.tp.sackedOut).isZero();
            assertThat(b.tp.isSackReneg).isFalse();
        }
    }

    /** Half a round trip, at least 10 ms, and no other timer with this ACK. */
    @Test
    void shouldWaitShortlyForAPeerThatSeemsToRenege() {
        int[][] cases = {{400_000, 200}, {8000, 10}, {20_000, 10}, {22_000, 11}};
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                b.tp.srttUs = c[0] << 3;
                TcpScratch s = ack(b, FLAG_SACK_RENEGING | FLAG_SND_UNA_ADVANCED | FLAG_SET_XMIT_TIMER, 0);
                assertThat(s.flag & FLAG_SET_XMIT_TIMER).isZero();
                assertThat(b.tp.icskPending).isEqualTo((byte) InetConnectionSock.ICSK_TIME_RETRANS);
                assertThat(b.tp.icskRetransmitTimer.expires - b.cpu.jiffies()).isEqualTo(c[1]);
            }
        }
        for (int flag : new int[] {FLAG_SACK_RENEGING, FLAG_SND_UNA_ADVANCED}) {
            try (TcpBench b = bench()) {
                assertThat(ack(b, flag | FLAG_SET_XMIT_TIMER, 0).flag & FLAG_SET_XMIT_TIMER)
                        .isNotZero();
                assertThat(b.tp.icskPending).isZero();
            }
        }
    }

    @Test
    void shouldLeaveCwrAboveHighSeq() {
        for (int beyond = -1; beyond <= 1; beyond++) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = TCP_CA_CWR;
                tp.highSeq = tp.sndUna - beyond;
                ack(b, FLAG_SND_UNA_ADVANCED, 0);
                assertThat(tp.icskCaState).isEqualTo((byte) (beyond > 0 ? TCP_CA_OPEN : TCP_CA_CWR));
                assertThat(tp.sndCwnd).isEqualTo(beyond > 0 ? 12 : 20);
            }
        }
    }

    @Test
    void shouldEndRecoveryAtHighSeq() {
        for (int beyond = -1; beyond <= 0; beyond++) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                tp.icskCaState = TCP_CA_RECOVERY;
                tp.highSeq = tp.sndUna - beyond;
                tp.undoMarker = 1;
                tp.undoRetrans = 1;
                tp.retransStamp = 1;
                TcpScratch s = ack(b, FLAG_SND_UNA_ADVANCED, 0);
                assertThat(tp.icskCaState).isEqualTo((byte) (beyond == 0 ? TCP_CA_OPEN : TCP_CA_RECOVERY));
                assertThat(tp.sndCwnd).isEqualTo(beyond == 0 ? 12 : 20);
                assertThat(s.rexmit).isEqualTo(beyond == 0 ? TcpAck.REXMIT_NONE : TcpAck.REXMIT_LOST);
            }
        }
    }

    @Test
    void shouldReduceForAnEcnEchoAndForbidUndo() {
        try (TcpBench b = bench()) {
            b.tp.priorSsthresh = 9;
            b.tp.retransStamp = 9;
            ack(b, FLAG_ECE, 0);
            assertThat(b.tp.icskCaState).isEqualTo((byte) TCP_CA_CWR);
            assertThat(b.tp.sndSsthresh).isEqualTo(10);
            assertThat(b.tp.priorSsthresh).isZero();
            assertThat(b.tp.retransStamp).isZero();
        }
        try (TcpBench b = bench()) {
            b.tp.priorSsthresh = 9;
            ack(b, 0, 0);
            assertThat(b.tp.icskCaState).isEqualTo((byte) TCP_CA_OPEN);
            assertThat(b.tp.priorSsthresh).isEqualTo(9);
        }
    }

    /** Without SACK: two duplicates are disorder, the third begins recovery with the head. */
    @Test
    void shouldRecoverAtTheThirdDuplicate() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.rxOpt.sackOk = 0;
            assertThat(ack(b, 0, 2).rexmit).isEqualTo(TcpAck.REXMIT_NONE);
            assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_DISORDER);
            assertThat(ack(b, 0, 1).rexmit).isEqualTo(TcpAck.REXMIT_LOST);
            assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_RECOVERY);
            assertThat(marks(tp)).isEqualTo("L.........");
            ack(b, 0, 1);
            assertThat(tp.sackedOut).isEqualTo(4);
            tp.sackedOut = 0;
        }
    }

    /** RFC 5682: new data after the time-out, then its ACK decides. */
    @Test
    void shouldTestATimeOutByNewData() {
        int[][] cases = { // flag, duplicates, sent beyond highSeq, to send, acknowledged all; state, F-RTO goes on,
            // rexmit
            {FLAG_ORIG_SACK_ACKED, 0, 0, 0, 0, TCP_CA_OPEN, 1, TcpAck.REXMIT_NONE},
            {FLAG_DATA_SACKED, 0, 1, 0, 0, TCP_CA_LOSS, 0, TcpAck.REXMIT_LOST},
            {0, 1, 1, 0, 0, TCP_CA_LOSS, 0, TcpAck.REXMIT_LOST},
            {0, 0, 1, 0, 0, TCP_CA_LOSS, 1, TcpAck.REXMIT_LOST},
            {FLAG_DATA_SACKED, 0, 0, 0, 0, TCP_CA_LOSS, 1, TcpAck.REXMIT_LOST},
            {FLAG_SND_UNA_ADVANCED, 0, 0, 0, 0, TCP_CA_LOSS, 0, TcpAck.REXMIT_LOST},
            {FLAG_SND_UNA_ADVANCED, 0, 0, 1, 0, TCP_CA_LOSS, 1, TcpAck.REXMIT_NEW},
            {FLAG_SND_UNA_ADVANCED, 0, 0, 2, 0, TCP_CA_LOSS, 0, TcpAck.REXMIT_LOST}, // the window is full
            {0, 0, 0, 1, 0, TCP_CA_LOSS, 1, TcpAck.REXMIT_LOST},
            {FLAG_SND_UNA_ADVANCED, 0, 0, 1, 1, TCP_CA_OPEN, 1, TcpAck.REXMIT_NONE}
        };
        for (int[] c : cases) {
            try (TcpBench b = bench()) {
                TcpSock tp = b.tp;
                TcpCaMachine.tcpEnterLoss(b.cpu, tp);
                tp.retransStamp = 1;
                tp.undoRetrans = 1;
                tp.rtoStamp = 500;
                tp.highSeq = tp.sndNxt - c[2] - (c[4] != 0 ? 10 * MSS : 0);
                if (c[4] != 0) {
                    tp.lostOut = 0;
                }
                if (c[3] != 0) {
                    SkBuff more = b.data(tp.sndNxt, MSS);
                    TcpQueues.charge(tp, more);
                    tp.sendQueue.addTail(more);
                    tp.sndWnd = tp.sndNxt - tp.sndUna + (c[3] == 1 ? 1 : 0);
                }
                TcpScratch s = ack(b, c[0], c[1]);
                assertThat(tp.icskCaState).as("flag %x", c[0]).isEqualTo((byte) c[5]);
                assertThat(tp.frto).isEqualTo(c[6] != 0);
                assertThat(s.rexmit).isEqualTo(c[7]);
                assertThat(tp.rtoStamp).isEqualTo(c[5] == TCP_CA_OPEN ? 0 : 500);
            }
        }
    }

    @Test
    void shouldAddUpTheTimeOfTimeOuts() {
        try (TcpBench b = bench()) {
            b.tp.totalRtoTime = 11;
            TcpCaMachine.updateRtoTime(b.tp);
            assertThat(b.tp.totalRtoTime).isEqualTo(11);
            b.tp.rtoStamp = b.tp.timeStampMs() - 300;
            TcpCaMachine.updateRtoTime(b.tp);
            assertThat(b.tp.totalRtoTime).isEqualTo(311);
            assertThat(b.tp.rtoStamp).isZero();
        }
    }
}
