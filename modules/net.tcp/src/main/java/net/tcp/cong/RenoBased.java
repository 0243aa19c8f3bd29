package net.tcp.cong;

import java.util.Objects;
import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpSock;

/**
 * What most algorithms share with Reno: half the window after a loss, the old one after an undo.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_reno_ssthresh(), tcp_reno_undo_cwnd(), net/ipv4/tcp_cong.c.
 */
@HotPath
abstract class RenoBased extends TcpCongestionOps {
    /** No sample yet; larger than any round trip, microseconds. */
    static final int NO_RTT = 0x7fffffff;

    /** The connection's private state. */
    static Object ca(TcpSock tp) {
        return Objects.requireNonNull(tp.ca, "congestion control without state");
    }

    /** A 32 bit number of the kernel's as a long. */
    static long u(int value) {
        return Integer.toUnsignedLong(value);
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
