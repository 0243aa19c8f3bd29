package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** What is noted of a retransmission, even of one that fails. */
class TcpRetransmitTest {
    private static final int MSS = TcpBench.MSS;

    /** All of it was acknowledged meanwhile: not sent, not marked; undo counts the attempt and the episode's clock starts. */
    @Test
    void shouldNoteAnAttemptThatFailed() {
        int[][] cases = {{-1, 2, 0, 900}, {0, 2, 0, 900}, {5, 7, 0, 900}, {5, 7, 33, 33}};
        for (int[] c : cases) { // to undo before and then, stamp before and then
            try (TcpBench b = new TcpBench()) {
                TcpSock tp = b.tp;
                tp.sndUna = 5000;
                SkBuff skb = b.sent(5000, 2, 900_000);
                tp.sndUna = 5001 + 2 * MSS;
                tp.icskMtupProbeSize = 1400;
                tp.undoRetrans = c[0];
                tp.retransStamp = c[2];
                tp.retransStampUna = 9;
                assertThat(TcpRetransmit.tcpRetransmitSkb(b.cpu, tp, skb, 1)).isEqualTo(-Errno.EINVAL);
                assertThat(tp.undoRetrans).isEqualTo(c[1]);
                assertThat(tp.retransStamp).isEqualTo(c[3]);
                assertThat(tp.retransStampUna).isEqualTo(c[2] == 0 ? tp.sndUna : 9);
                assertThat(tp.icskMtupProbeSize).isZero();
                assertThat(tp.retransOut).isZero();
                assertThat(tp.totalRetrans).isZero();
                assertThat(TcpSkbCb.sacked(skb)).isZero();
            }
        }
    }

    /** The search stops where the window is full or all that was lost is out again, and remembers where. */
    @Test
    void shouldStartAtTheHintAndStopAtTheWindow() {
        int[][] cases = { // window, lost, out again
            {3, 1, 0}, {2, 1, 0}, {10, 0, 0}, {10, 1, 1}
        };
        for (int[] c : cases) {
            try (TcpBench b = new TcpBench()) {
                TcpSock tp = b.tp;
                tp.sndUna = 5000;
                tp.sndNxt = 5000;
                TcpRetransmit.tcpXmitRetransmitQueue(b.cpu, tp);
                assertThat(tp.retransmitSkbHint).isNull(); // nothing is out
                for (int i = 0; i < 4; i++) {
                    b.sent(5000 + i * MSS, 1, 900_000);
                }
                tp.setSndCwnd(c[0]);
                tp.lostOut = c[1];
                tp.retransOut = c[2];
                TcpRetransmit.tcpXmitRetransmitQueue(b.cpu, tp);
                assertThat(tp.retransmitSkbHint).isSameAs(tp.rtxQueueHead());
                SkBuff last = tp.tcpRtxQueue.last();
                tp.retransmitSkbHint = last;
                TcpRetransmit.tcpXmitRetransmitQueue(b.cpu, tp);
                assertThat(tp.retransmitSkbHint).isSameAs(last);
                assertThat(tp.retransOut).isEqualTo(c[2]);
                assertThat(tp.icskPending).isZero();
                tp.retransOut = 0;
                tp.lostOut = 0;
            }
        }
    }
}
