package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpSock;

/**
 * The classic algorithm: double per round trip up to the threshold, then one segment per round trip; halve on a loss.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 5681. Linux: tcp_reno, net/ipv4/tcp_cong.c.
 */
@HotPath
public final class Reno extends TcpCongestionOps {
    /** For {@link java.util.ServiceLoader}. */
    public Reno() {}

    @Override
    public String name() {
        return "reno";
    }

    @Override
    public int flags() {
        return TCP_CONG_NON_RESTRICTED;
    }

    /** Grows by slow start up to the threshold; returns the segments that are left for the linear phase. Linux: tcp_slow_start(). */
    public static int slowStart(TcpSock tp, int acked) {
        int cwnd = Math.min(tp.sndCwnd + acked, tp.sndSsthresh);
        int left = acked - (cwnd - tp.sndCwnd);
        tp.setSndCwnd(Math.min(cwnd, tp.sndCwndClamp));
        return left;
    }

    /** Grows by one segment for every {@code w} acknowledged. Linux: tcp_cong_avoid_ai(). */
    public static void congAvoidAi(TcpSock tp, int w, int acked) {
        if (tp.sndCwndCnt >= w) { // credit from a larger w is used gently
            tp.sndCwndCnt = 0;
            tp.setSndCwnd(tp.sndCwnd + 1);
        }
        tp.sndCwndCnt += acked;
        if (tp.sndCwndCnt >= w) {
            int delta = tp.sndCwndCnt / w;
            tp.sndCwndCnt -= delta * w;
            tp.setSndCwnd(tp.sndCwnd + delta);
        }
        tp.setSndCwnd(Math.min(tp.sndCwnd, tp.sndCwndClamp));
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        avoid(tp, acked);
    }

    /** Slow start, then one segment per round trip; nothing while the window limits nothing. Linux: tcp_reno_cong_avoid(). */
    public static void avoid(TcpSock tp, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        int left = acked;
        if (tp.inSlowStart()) {
            left = slowStart(tp, acked);
            if (left == 0) {
                return;
            }
        }
        congAvoidAi(tp, tp.sndCwnd, left);
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        return Math.max(tp.sndCwnd >> 1, 2);
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        return Math.max(tp.sndCwnd, tp.priorCwnd);
    }
}
