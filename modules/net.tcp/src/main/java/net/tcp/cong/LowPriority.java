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
 * <p>Deviation: the two clocks have no common origin, so the delay counts from the connection's first sample, which is
 * taken as half of its round trip, and the ratio of the rates is rounded. Linux takes the bare difference of the stamps;
 * since they start at random, its sums overflow for most connections, and these behave as Reno. For the same reason the
 * bounds stay after a reduction, as in the paper, and the next reduction waits for a round trip; Linux begins with new ones.
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

    /** What two clocks that tick in milliseconds add to a delay. */
    private static final int NOISE = 2;

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
        /** What is taken off the difference of the time stamps. */
        int owdOrigin;

        /** Of our ticks in one of the peer's; 0: not known yet. */
        int ticksEach;

        void forgetDelays() {
            sowd = 0;
            owdMin = -1;
            owdMax = 0;
            owdMaxRsv = 0;
        }
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
        lp.forgetDelays();
        lp.remoteHz = 0;
        lp.remoteRefTime = 0;
        lp.localRefTime = 0;
        lp.lastDrop = 0;
        lp.inference = 0;
        lp.ticksEach = 0;
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
        int ticksEach = lp.remoteHz == 0 ? 0 : (TS_HZ + lp.remoteHz / 2) / lp.remoteHz;
        if ((lp.flag & VALID_RHZ) != 0 && ticksEach != 0) {
            int difference = tp.rxOpt.rcvTsval * ticksEach - tp.rxOpt.rcvTsecr;
            if (lp.ticksEach != ticksEach) { // the rate is known better now: all delays so far were wrong
                lp.ticksEach = ticksEach;
                lp.owdOrigin = difference - Math.max(tp.srttUs >>> 4, 1000) / 1000;
                lp.forgetDelays();
            }
            owd = Math.max(difference - lp.owdOrigin, 0);
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
        if (ack.inFlight > tp.mssCache) { // a segment alone waits for the delayed ACK: that is no queue
            sample(tp, lp);
        }
        int delta = now - tp.rxOpt.rcvTsecr;
        if (delta > 0) {
            lp.inference = 3 * delta;
        }
        boolean within = lp.lastDrop != 0 && Integer.compareUnsigned(now - lp.lastDrop, lp.inference) < 0;
        lp.flag = within ? lp.flag | WITHIN_INF : lp.flag & ~WITHIN_INF;
        int threshold = lp.owdMin + Math.max(15 * (lp.owdMax - lp.owdMin) / 100, NOISE);
        if (lp.sowd >>> 3 <= threshold) {
            lp.flag |= WITHIN_THR;
            return;
        }
        lp.flag &= ~WITHIN_THR;
        if (lp.lastDrop != 0 && now - lp.lastDrop <= lp.inference / 3) {
            return; // the last answer is not seen yet
        }
        tp.setSndCwnd(within ? 1 : Math.max(tp.sndCwnd >> 1, 1));
        lp.sowd = 0; // a new average
        lp.lastDrop = now;
    }
}
