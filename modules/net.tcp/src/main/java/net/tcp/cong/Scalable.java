package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.TcpSock;

/**
 * Scalable TCP: one segment more for every hundred acknowledged, an eighth less after a loss. The time between losses
 * does not depend on the size of the window.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>T. Kelly, "Scalable TCP", 2003. Linux: net/ipv4/tcp_scalable.c.
 */
@HotPath
public final class Scalable extends RenoBased {
    /** Segments acknowledged per step. */
    static final int AI_CNT = 100;

    private static final int MD_SHIFT = 3;

    /** For {@link java.util.ServiceLoader}. */
    public Scalable() {}

    @Override
    public String name() {
        return "scalable";
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        int left = tp.inSlowStart() ? Reno.slowStart(tp, acked) : acked;
        if (left != 0) {
            Reno.congAvoidAi(tp, Math.min(tp.sndCwnd, AI_CNT), left);
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        return Math.max(tp.sndCwnd - (tp.sndCwnd >> MD_SHIFT), 2);
    }
}
