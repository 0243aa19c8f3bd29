package net.tcp;

import static net.tcp.TcpConst.CA_EVENT_COMPLETE_CWR;
import static net.tcp.TcpConst.TCP_CA_CWR;
import static net.tcp.TcpConst.TCP_INFINITE_SSTHRESH;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * Brings the window from its old size to ssthresh over one round trip, by letting each ACK send in proportion: while
 * more is in flight than ssthresh, {@code ssthresh / priorCwnd} segments per delivered one; below it, as in slow start
 * but no faster than segments are delivered.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 6937 and 9937. Linux: tcp_cwnd_reduction(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpPrr {
    private TcpPrr() {}

    /** Starts a reduction: asks the algorithm for ssthresh and remembers where it started. */
    static void tcpInitCwndReduction(Cpu cpu, TcpSock tp) {
        tp.highSeq = tp.sndNxt;
        tp.tlpHighSeq = 0;
        tp.sndCwndCnt = 0;
        tp.priorCwnd = tp.sndCwnd;
        tp.prrDelivered = 0;
        tp.prrOut = 0;
        tp.sndSsthresh = TcpCong.ops(tp).ssthresh(cpu, tp);
        TcpEcnIn.queueCwr(tp);
    }

    /** Sets the window so that as much may be sent as PRR allows for this ACK. */
    static void tcpCwndReduction(TcpSock tp, int newlyAckedSacked, int newlyLost, int flag) {
        int inFlight = tp.packetsInFlight();
        int delta = tp.sndSsthresh - inFlight;
        if (newlyAckedSacked <= 0 || tp.priorCwnd == 0) {
            return;
        }
        tp.prrDelivered += newlyAckedSacked;
        int sndcnt;
        if (delta < 0) {
            long dividend = (long) tp.sndSsthresh * tp.prrDelivered + tp.priorCwnd - 1;
            sndcnt = (int) (dividend / tp.priorCwnd) - tp.prrOut;
        } else {
            sndcnt = Math.max(tp.prrDelivered - tp.prrOut, newlyAckedSacked);
            if ((flag & TcpAck.FLAG_SND_UNA_ADVANCED) != 0 && newlyLost == 0) {
                sndcnt++;
            }
            sndcnt = Math.min(delta, sndcnt);
        }
        // Entering recovery always sends one: the fast retransmit.
        sndcnt = Math.max(sndcnt, tp.prrOut != 0 ? 0 : 1);
        tp.setSndCwnd(inFlight + sndcnt);
    }

    /** Ends the reduction at ssthresh, unless it was undone. */
    static void tcpEndCwndReduction(Cpu cpu, TcpSock tp) {
        if (TcpCong.hasCongControl(tp)) {
            return;
        }
        if (tp.sndSsthresh < TCP_INFINITE_SSTHRESH && (tp.icskCaState == TCP_CA_CWR || tp.undoMarker != 0)) {
            tp.setSndCwnd(tp.sndSsthresh);
            tp.sndCwndStamp = (int) cpu.jiffies();
        }
        TcpCong.cwndEvent(cpu, tp, CA_EVENT_COMPLETE_CWR);
    }
}
