package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.TcpSock;

/**
 * HighSpeed TCP: Reno whose step grows and whose decrease shrinks with the window, so that 10 Gbit/s is reached at loss
 * rates that exist.
 *
 * <p>The table gives for each step a(w) the largest window it applies to and the decrease b(w) in 1/256. It is computed
 * from the response function of the RFC: {@code b(w) = 0.5 - 0.4 ln(w/38)/ln(83000/38)},
 * {@code a(w) = w^2 p(w) 2 b(w)/(2 - b(w))} with {@code p(w) = 0.078 / w^1.2}.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 3649, appendix B. Linux: net/ipv4/tcp_highspeed.c.
 */
@HotPath
public final class HighSpeed extends RenoBased {
    /** Largest window with step i + 1. RFC 3649 appendix B, column w. */
    static final int[] WINDOW = {
        38, 118, 221, 347, 495, 663, 851, 1058, 1284, 1529, 1793, 2076, 2378, 2699, 3039, 3399, 3778, 4177, 4596, 5036,
        5497, 5979, 6483, 7009, 7558, 8130, 8726, 9346, 9991, 10661, 11358, 12082, 12834, 13614, 14424, 15265, 16137,
        17042, 17981, 18955, 19965, 21013, 22101, 23230, 24402, 25618, 26881, 28193, 29557, 30975, 32450, 33986, 35586,
        37253, 38992, 40808, 42707, 44694, 46776, 48961, 51258, 53677, 56230, 58932, 61799, 64851, 68113, 71617, 75401,
        79517, 84035, 89053
    };
    /** Decrease at step i + 1, in 1/256. RFC 3649 appendix B, column b(w). */
    static final int[] DECREASE = {
        128, 112, 104, 98, 93, 89, 86, 83, 81, 78, 76, 74, 72, 71, 69, 68, 66, 65, 64, 62, 61, 60, 59, 58, 57, 56, 55,
        54, 53, 52, 52, 51, 50, 49, 48, 48, 47, 46, 45, 45, 44, 43, 43, 42, 41, 41, 40, 39, 39, 38, 38, 37, 36, 36, 35,
        35, 34, 33, 33, 32, 32, 31, 30, 30, 29, 28, 28, 27, 26, 26, 25, 24
    };

    /** Step of one connection, less one. Linux: struct hstcp. */
    static final class State {
        int ai;
    }

    /** For {@link java.util.ServiceLoader}. */
    public HighSpeed() {}

    @Override
    public String name() {
        return "highspeed";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        ((State) ca(tp)).ai = 0;
        tp.sndCwndClamp = Math.min(tp.sndCwndClamp, (int) (0xffffffffL / 128)); // the decrease must not overflow
    }

    /** The row of a window. */
    static int row(int from, int cwnd) {
        int ai = from;
        while (ai < WINDOW.length - 1 && cwnd > WINDOW[ai]) {
            ai++;
        }
        while (ai > 0 && cwnd <= WINDOW[ai - 1]) {
            ai--;
        }
        return ai;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        if (tp.inSlowStart()) {
            Reno.slowStart(tp, acked);
            return;
        }
        State ca = (State) ca(tp);
        ca.ai = row(ca.ai, tp.sndCwnd);
        if (tp.sndCwnd < tp.sndCwndClamp) {
            tp.sndCwndCnt += ca.ai + 1;
            if (tp.sndCwndCnt >= tp.sndCwnd) {
                tp.sndCwndCnt -= tp.sndCwnd;
                tp.setSndCwnd(tp.sndCwnd + 1);
            }
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        int md = DECREASE[((State) ca(tp)).ai];
        return Math.max(tp.sndCwnd - (int) ((long) tp.sndCwnd * md >> 8), 2);
    }
}
