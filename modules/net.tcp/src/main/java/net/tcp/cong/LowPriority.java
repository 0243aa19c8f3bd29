package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.TcpSock;

/**
 * TCP-LP: takes only what others leave. It watches the one-way delay by time stamps; when the smoothed delay exceeds its
 * minimum by 15 % of its range it halves the window, and if it does so again within three round trips it goes down to
 * one segment, and it does not grow meanwhile.
 *
 * <p>The peer's clock rate is estimated from its time stamps. Without time stamps this is Reno.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>A. Kuzmanovic, E. Knightly, "TCP-LP: A Distributed Algorithm for Low Priority Data Transfer", Infocom 2003. Linux:
 * net/ipv4/tcp_lp.c.
 */
@HotPath
public final class LowPriority extends RenoBased {
    /** Ticks of our time stamps, and of the delay, per second. */
    private static final int TS_HZ = 1000;

    private static final int VALID_RHZ = 1;
    private static final int VALID_OWD = 2;
    private static final int WITHIN_THR = 8;
    private static final int WITHIN_INF = 16;

    /** State of one connection; times in milliseconds. Linux: struct lp. */
    static final class State {
        int flag;
        /** Smoothed one-way delay, times 8. */
        int sowd;

        int owdMin;
        int owdMax;
        /** The largest of all; the second largest counts. */
        int owdMaxRsv;

        int remoteHz;
        int remoteRefTime;
        int localRefTime;
        int lastDrop;
        int inference;
    }

    /** For {@link java.util.ServiceLoader}. */
    public LowPriority() {}

    @Override
    public String name() {
        return "lp";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State lp = (State) ca(tp);
        lp.flag = 0;
        lp.sowd = 0;
        lp.owdMin = -1;
        lp.owdMax = 0;
        lp.owdMaxRsv = 0;
        lp.remoteHz = 0;
        lp.remoteRefTime = 0;
        lp.localRefTime = 0;
        lp.lastDrop = 0;
        lp.inference = 0;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if ((((State) ca(tp)).flag & WITHIN_INF) == 0) {
            Reno.avoid(tp, acked);
        }
    }

    /** Ticks per second of the peer's time stamps, averaged over 64 samples. */
    private static int remoteHz(TcpSock tp, State lp) {
        long rhz = (long) lp.remoteHz << 6;
        int tsval = tp.rxOpt.rcvTsval;
        int tsecr = tp.rxOpt.rcvTsecr;
        if (lp.remoteRefTime != 0 && lp.localRefTime != 0 && tsval != lp.remoteRefTime && tsecr != lp.localRefTime) {
            long m = Math.abs((long) TS_HZ * (tsval - lp.remoteRefTime) / (tsecr - lp.localRefTime));
            rhz = rhz > 0 ? rhz + m - (rhz >> 6) : m << 6;
        }
        lp.flag = rhz >> 6 > 0 ? lp.flag | VALID_RHZ : lp.flag & ~VALID_RHZ;
        lp.remoteRefTime = tsval;
        lp.localRefTime = tsecr;
        return (int) (rhz >> 6);
    }

    private static long oneWayDelay(TcpSock tp, State lp) {
        lp.remoteHz = remoteHz(tp, lp);
        long owd = 0;
        if ((lp.flag & VALID_RHZ) != 0) {
            owd = Math.abs(u(tp.rxOpt.rcvTsval * (TS_HZ / lp.remoteHz)) - u(tp.rxOpt.rcvTsecr));
        }
        lp.flag = owd > 0 ? lp.flag | VALID_OWD : lp.flag & ~VALID_OWD;
        return owd;
    }

    private static void sample(TcpSock tp, State lp) {
        long owd = oneWayDelay(tp, lp);
        if ((lp.flag & (VALID_RHZ | VALID_OWD)) != (VALID_RHZ | VALID_OWD)) {
            return;
        }
        if (owd < u(lp.owdMin)) {
            lp.owdMin = (int) owd;
        }
        if (owd > u(lp.owdMax)) {
            if (owd > u(lp.owdMaxRsv)) {
                lp.owdMax = lp.owdMaxRsv == 0 ? (int) owd : lp.owdMaxRsv;
                lp.owdMaxRsv = (int) owd;
            } else {
                lp.owdMax = (int) owd;
            }
        }
        lp.sowd = lp.sowd != 0 ? lp.sowd + (int) (owd - (lp.sowd >>> 3)) : (int) owd << 3;
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample ack) {
        State lp = (State) ca(tp);
        int now = tp.timeStampTs();
        sample(tp, lp);
        int delta = now - tp.rxOpt.rcvTsecr;
        if (delta > 0) {
            lp.inference = 3 * delta;
        }
        boolean within = lp.lastDrop != 0 && Integer.compareUnsigned(now - lp.lastDrop, lp.inference) < 0;
        lp.flag = within ? lp.flag | WITHIN_INF : lp.flag & ~WITHIN_INF;
        int threshold = lp.owdMin + Integer.divideUnsigned(15 * (lp.owdMax - lp.owdMin), 100);
        if (Integer.compareUnsigned(lp.sowd >>> 3, threshold) < 0) {
            lp.flag |= WITHIN_THR;
            return;
        }
        lp.flag &= ~WITHIN_THR;
        lp.owdMin = lp.sowd >>> 3; // begin anew, or the old bounds hold for ever
        lp.owdMax = lp.sowd >>> 2;
        lp.owdMaxRsv = lp.sowd >>> 2;
        tp.setSndCwnd(within ? 1 : Math.max(tp.sndCwnd >> 1, 1));
        lp.lastDrop = now;
    }
}
