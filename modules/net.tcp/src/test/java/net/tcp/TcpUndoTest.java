package net.tcp;

import static net.tcp.TcpConst.TCP_CA_DISORDER;
import static net.tcp.TcpConst.TCP_CA_LOSS;
import static net.tcp.TcpConst.TCP_CA_OPEN;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.sock.TcpStates;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** When a reduction of the window is taken back, and what that changes. */
class TcpUndoTest {
    private static final int MSS = TcpBench.MSS;

    /** In a recovery from a window of 20, under Reno, with one retransmission out that began at stamp 1000. */
    private static TcpBench recovery(int state) {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        assertThat(TcpCong.set(b.cpu, tp, "reno", true)).isZero();
        tp.sndUna = 5000;
        tp.sndNxt = 5000;
        for (int i = 0; i < 6; i++) {
            b.sent(5000 + i * MSS, 1, 900_000 + i);
        }
        tp.icskCaState = (byte) state;
        tp.highSeq = tp.sndNxt;
        tp.priorCwnd = 20;
        tp.priorSsthresh = 15;
        tp.sndSsthresh = 10;
        tp.setSndCwnd(8);
        tp.undoMarker = 5000;
        tp.undoRetrans = 1;
        tp.retransStamp = 1000;
        tp.ecnFlags = TcpConst.TCP_ECN_OK | TcpConst.TCP_ECN_QUEUE_CWR;
        return b;
    }

    private static void echo(TcpSock tp, int stamp) {
        tp.rxOpt.sawTstamp = true;
        tp.rxOpt.rcvTsecr = stamp;
    }

    private static long count(TcpBench b, LinuxMib counter) {
        return b.tp.tcpNet.linuxMib.read(counter);
    }

    private static void undone(TcpSock tp) {
        assertThat(tp.sndCwnd).isEqualTo(20);
        assertThat(tp.sndSsthresh).isEqualTo(15);
        assertThat(tp.undoMarker).isZero();
        assertThat(tp.rackAdvanced).isTrue();
        assertThat(tp.ecnFlags).isEqualTo(TcpConst.TCP_ECN_OK);
    }

    private static void kept(TcpSock tp) {
        assertThat(tp.sndCwnd).isEqualTo(8);
        assertThat(tp.sndSsthresh).isEqualTo(10);
        assertThat(tp.undoMarker).isEqualTo(5000);
        assertThat(tp.rackAdvanced).isFalse();
        assertThat(tp.ecnFlags).isEqualTo(TcpConst.TCP_ECN_OK | TcpConst.TCP_ECN_QUEUE_CWR);
    }

    @Test
    void shouldCountWhatMayStillCauseDsacks() {
        int[][] cases = { // retransmissions out, TLP's end, 1: it was a retransmission, wanted
            {0, 0, 0, -1}, {3, 0, 0, 3}, {3, 0, 1, 3}, {3, 99, 0, 3}, {3, 99, 1, 4}, {0, 99, 1, 1}, {0, 99, 0, -1}
        };
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            tp.sndUna = 77;
            for (int[] c : cases) {
                tp.retransOut = c[0];
                tp.tlpHighSeq = c[1];
                tp.tlpRetrans = c[2] != 0;
                TcpUndo.tcpInitUndo(tp);
                assertThat(tp.undoRetrans).isEqualTo(c[3]);
                assertThat(tp.undoMarker).isEqualTo(77);
            }
            tp.retransOut = 0;
        }
    }

    @Test
    void shouldCompareTheEchoedStamp() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = b.sent(tp.sndUna, 1, 1_000_000); // stamp 1000
            int[][] cases = {{999, 1}, {1000, 0}, {1001, 0}, {0, 0}, {0x80000001 + 1000, 1}};
            for (int[] c : cases) {
                echo(tp, c[0]);
                assertThat(TcpUndo.tsoptEcrBefore(tp, 1000)).as("%d", c[0]).isEqualTo(c[1] != 0);
                TcpSkbCb.sacked(skb, 0);
                assertThat(TcpUndo.skbSpuriousRetrans(tp, skb)).isFalse();
                for (int mark : new int[] {TcpSkbCb.TCPCB_SACKED_RETRANS, TcpSkbCb.TCPCB_EVER_RETRANS}) {
                    TcpSkbCb.sacked(skb, mark | TcpSkbCb.TCPCB_LOST);
                    assertThat(TcpUndo.skbSpuriousRetrans(tp, skb)).isEqualTo(c[1] != 0);
                }
                TcpSkbCb.sacked(skb, TcpSkbCb.TCPCB_LOST | TcpSkbCb.TCPCB_SACKED_ACKED);
                assertThat(TcpUndo.skbSpuriousRetrans(tp, skb)).isFalse();
            }
            echo(tp, 999);
            tp.rxOpt.sawTstamp = false;
            assertThat(TcpUndo.tsoptEcrBefore(tp, 1000)).isFalse();
        }
    }

    @Test
    void shouldUndoAWholeRecoveryByStampOrDsack() {
        for (int state : new int[] {TCP_CA_RECOVERY, TCP_CA_LOSS}) {
            for (boolean byStamp : new boolean[] {true, false}) {
                try (TcpBench b = recovery(state)) {
                    TcpSock tp = b.tp;
                    tp.isSackReneg = true;
                    tp.rackReoWndPersist = 4;
                    if (byStamp) {
                        echo(tp, 999);
                    } else {
                        tp.undoRetrans = 0;
                    }
                    assertThat(TcpUndo.tcpTryUndoRecovery(b.cpu, tp)).isFalse();
                    undone(tp);
                    assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_OPEN);
                    assertThat(tp.isSackReneg).isFalse();
                    assertThat(tp.rackReoWndPersist).isEqualTo(4);
                    assertThat(count(b, LinuxMib.TCPLOSSUNDO)).isEqualTo(state == TCP_CA_LOSS ? 1 : 0);
                    assertThat(count(b, LinuxMib.TCPFULLUNDO)).isEqualTo(state == TCP_CA_LOSS ? 0 : 1);
                }
            }
        }
    }

    @Test
    void shouldKeepTheReductionWithoutProof() {
        for (int what = 0; what < 3; what++) {
            try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
                TcpSock tp = b.tp;
                tp.rackReoWndPersist = 1;
                echo(tp, 1000); // as old as the retransmission itself
                if (what == 1) {
                    tp.rxOpt.sawTstamp = false;
                }
                int marker = 5000;
                if (what == 2) {
                    marker = 0;
                    tp.undoMarker = 0; // not to be undone, whatever the proof
                    tp.undoRetrans = 0;
                }
                assertThat(TcpUndo.tcpTryUndoRecovery(b.cpu, tp)).isFalse();
                assertThat(tp.undoMarker).isEqualTo(marker);
                tp.undoMarker = 5000;
                kept(tp);
                assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_OPEN);
                assertThat(tp.rackReoWndPersist).isZero();
                tp.undoRetrans = 1;
                assertThat(TcpUndo.tcpTryUndoRecovery(b.cpu, tp)).isFalse();
                assertThat(tp.rackReoWndPersist).isZero();
                assertThat(count(b, LinuxMib.TCPFULLUNDO)).isZero();
            }
        }
    }

    /** Nothing was retransmitted yet: the original arrived. But NewReno clears the stamp at highSeq, and so does a SYN. */
    @Test
    void shouldTakeAMissingStampForADelay() {
        int[][] cases = { // SACK, sndUna - highSeq, state, undone
            {1, 0, TcpStates.TCP_ESTABLISHED, 1}, {1, -1, TcpStates.TCP_ESTABLISHED, 1},
            {0, -1, TcpStates.TCP_ESTABLISHED, 1}, {0, 0, TcpStates.TCP_ESTABLISHED, 0},
            {0, 1, TcpStates.TCP_ESTABLISHED, 0}, {1, 0, TcpStates.TCP_SYN_SENT, 0}
        };
        for (int[] c : cases) {
            try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
                TcpSock tp = b.tp;
                tp.retransStamp = 0;
                tp.rxOpt.sackOk = c[0];
                tp.highSeq = tp.sndUna - c[1];
                tp.state = c[2];
                TcpUndo.tcpTryUndoRecovery(b.cpu, tp);
                assertThat(tp.undoMarker == 0).as("%d %d %d", c[0], c[1], c[2]).isEqualTo(c[3] != 0);
                tp.state = TcpStates.TCP_ESTABLISHED;
            }
        }
    }

    @Test
    void shouldNotLowerTheThresholdNorTouchTheWindowWithoutARecord() {
        try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
            TcpSock tp = b.tp;
            tp.undoRetrans = 0;
            tp.priorSsthresh = 10; // as it is: CWR stays queued
            TcpUndo.tcpTryUndoRecovery(b.cpu, tp);
            assertThat(tp.sndCwnd).isEqualTo(20);
            assertThat(tp.ecnFlags & TcpConst.TCP_ECN_QUEUE_CWR).isNotZero();
        }
        try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
            TcpSock tp = b.tp;
            tp.undoRetrans = 0;
            tp.priorSsthresh = 0; // an ECN echo forbade it
            tp.sndCwndStamp = -5;
            TcpUndo.tcpTryUndoRecovery(b.cpu, tp);
            assertThat(tp.sndCwnd).isEqualTo(8);
            assertThat(tp.sndSsthresh).isEqualTo(10);
            assertThat(tp.undoMarker).isZero();
            assertThat(tp.rackAdvanced).isTrue();
            assertThat(tp.sndCwndStamp).isEqualTo((int) b.cpu.jiffies());
        }
    }

    /** RFC 6582: at highSeq NewReno waits; the clock of the episode stops once nothing is out that was sent again. */
    @Test
    void shouldHoldNewRenoAtHighSeq() {
        for (int what = 0; what < 4; what++) {
            try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
                TcpSock tp = b.tp;
                tp.rxOpt.sackOk = what == 3 ? 1 : 0;
                tp.highSeq = what == 2 ? tp.sndUna - 1 : tp.sndUna;
                tp.retransOut = what == 1 ? 1 : 0;
                tp.isSackReneg = true;
                assertThat(TcpUndo.tcpTryUndoRecovery(b.cpu, tp)).isEqualTo(what < 2);
                assertThat(tp.retransStamp).isEqualTo(what == 0 ? 0 : 1000);
                assertThat(tp.icskCaState).isEqualTo((byte) (what < 2 ? TCP_CA_RECOVERY : TCP_CA_OPEN));
                assertThat(tp.isSackReneg).isEqualTo(what < 2);
            }
        }
    }

    @Test
    void shouldUndoWhenDsacksAccountForAll() {
        int[][] cases = {{1, 0, 3, 1, 4}, {1, 0, 16, 1, 16}, {1, 0, 15, 1, 16}, {0, 0, 3, 0, 3}, {1, 1, 3, 0, 3}};
        for (int[] c : cases) { // may be undone, not accounted for, persists, undone, persists then
            try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
                TcpSock tp = b.tp;
                tp.undoMarker = c[0] * 5000;
                tp.undoRetrans = c[1];
                tp.rackReoWndPersist = c[2];
                tp.lostOut = 2;
                assertThat(TcpUndo.tcpTryUndoDsack(b.cpu, tp)).isEqualTo(c[3] != 0);
                assertThat(tp.rackReoWndPersist).isEqualTo(c[4]);
                assertThat(count(b, LinuxMib.TCPDSACKUNDO)).isEqualTo(c[3]);
                assertThat(tp.sndCwnd).isEqualTo(c[3] != 0 ? 20 : 8);
                assertThat(tp.lostOut).isEqualTo(2); // the marks stay
                if (c[3] != 0) {
                    undone(tp);
                }
            }
        }
    }

    private static void markLost(TcpBench b) {
        for (SkBuff skb = b.tp.tcpRtxQueue.first(); skb != null; skb = b.tp.tcpRtxQueue.next(skb)) {
            TcpSkbCb.orSacked(skb, TcpSkbCb.TCPCB_LOST | TcpSkbCb.TCPCB_EVER_RETRANS);
        }
        b.tp.lostOut = 6;
        b.tp.retransmitSkbHint = b.tp.tcpRtxQueue.first();
    }

    private static int marked(TcpSock tp) {
        int n = 0;
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            n += TcpSkbCb.sacked(skb) & TcpSkbCb.TCPCB_LOST;
        }
        return n / TcpSkbCb.TCPCB_LOST;
    }

    @Test
    void shouldUndoATimeOut() {
        int[][] cases = { // F-RTO, proof, SACK, sndUna - highSeq; undone, state
            {1, 0, 1, -1, 1, TCP_CA_OPEN}, {0, 1, 1, -1, 1, TCP_CA_OPEN}, {0, 0, 1, -1, 0, TCP_CA_LOSS},
            {0, 1, 0, -1, 1, TCP_CA_LOSS}, {1, 0, 0, -1, 1, TCP_CA_OPEN}, {1, 0, 0, 0, 1, TCP_CA_LOSS},
            {1, 1, 1, 0, 1, TCP_CA_OPEN}
        };
        for (int[] c : cases) {
            try (TcpBench b = recovery(TCP_CA_LOSS)) {
                TcpSock tp = b.tp;
                markLost(b);
                tp.icskRetransmits = 3;
                tp.isSackReneg = true;
                tp.undoRetrans = 1 - c[1];
                tp.rxOpt.sackOk = c[2];
                tp.highSeq = tp.sndUna - c[3];
                assertThat(TcpUndo.tcpTryUndoLoss(b.cpu, tp, c[0] != 0)).isEqualTo(c[4] != 0);
                assertThat(tp.icskCaState).as("%d %d %d", c[0], c[1], c[2]).isEqualTo((byte) c[5]);
                assertThat(tp.isSackReneg).isEqualTo(c[5] == TCP_CA_LOSS);
                assertThat(count(b, LinuxMib.TCPLOSSUNDO)).isEqualTo(c[4]);
                assertThat(count(b, LinuxMib.TCPSPURIOUSRTOS)).isEqualTo(c[0]);
                assertThat(tp.icskRetransmits).isEqualTo((byte) (c[4] != 0 ? 0 : 3));
                assertThat(marked(tp)).isEqualTo(c[4] != 0 ? 0 : 6);
                assertThat(tp.lostOut).isEqualTo(c[4] != 0 ? 0 : 6);
                assertThat(tp.retransmitSkbHint == null).isEqualTo(c[4] != 0);
                if (c[4] != 0) {
                    undone(tp);
                } else {
                    kept(tp);
                }
            }
        }
    }

    @Test
    void shouldUndoOnAPartialAck() {
        int[][] cases = { // may be undone, echo, out, head sent again; answer, undone, state, stamp
            {1, 999, 0, 0, 0, 1, TCP_CA_OPEN, 0}, {1, 999, 0, 1, 0, 1, TCP_CA_DISORDER, 1000},
            {1, 999, 1, 0, 1, 0, TCP_CA_RECOVERY, 1000}, {1, 1000, 0, 0, 0, 0, TCP_CA_RECOVERY, 1000},
            {0, 999, 0, 0, 0, 0, TCP_CA_RECOVERY, 1000}
        };
        for (int[] c : cases) {
            try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
                TcpSock tp = b.tp;
                markLost(b);
                for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
                    TcpSkbCb.clearSacked(skb, TcpSkbCb.TCPCB_EVER_RETRANS);
                }
                tp.undoMarker = c[0] * 5000;
                echo(tp, c[1]);
                tp.retransOut = c[2];
                SkBuff head = tp.tcpRtxQueue.first();
                assertThat(head).isNotNull();
                if (c[3] != 0) {
                    TcpSkbCb.orSacked(head, TcpSkbCb.TCPCB_EVER_RETRANS);
                }
                // The segment from 7000 is SACKed: what was filled below it was late by two segments.
                tp.sackedOut = 1;
                tp.highestSack = tp.tcpRtxQueue.next(head);
                assertThat(TcpUndo.tcpTryUndoPartial(b.cpu, tp, 4000)).isEqualTo(c[4] != 0);
                assertThat(tp.retransStamp).isEqualTo(c[7]);
                assertThat(count(b, LinuxMib.TCPPARTIALUNDO)).isEqualTo(c[5]);
                assertThat(tp.reordSeen).isEqualTo(c[0] != 0 && c[1] == 999 ? 1 : 0);
                assertThat(count(b, LinuxMib.TCPTSREORDER)).isEqualTo(tp.reordSeen);
                if (c[5] != 0) {
                    undone(tp);
                    assertThat(marked(tp)).isZero();
                    assertThat(tp.lostOut).isZero();
                    assertThat(tp.icskCaState).isEqualTo((byte) TCP_CA_DISORDER); // one is SACKed
                } else {
                    assertThat(tp.icskCaState).isEqualTo((byte) c[6]);
                    assertThat(tp.sndCwnd).isEqualTo(8);
                }
            }
        }
        try (TcpBench b = recovery(TCP_CA_RECOVERY)) {
            echo(b.tp, 999);
            assertThat(TcpUndo.tcpTryUndoPartial(b.cpu, b.tp, 4000)).isFalse();
            assertThat(b.tp.icskCaState).isEqualTo((byte) TCP_CA_OPEN); // nothing is missing
        }
    }
}
