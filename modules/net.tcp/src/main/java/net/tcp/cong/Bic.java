package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * BIC: searches the window at which the last loss happened as one searches a sorted table, by halving the distance (here
 * quartering), with steps of at most {@code max_increment}; past it, it leaves slowly and then faster, mirrored.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>L. Xu, K. Harfoush, I. Rhee, "Binary Increase Congestion Control for Fast, Long Distance Networks", Infocom 2004.
 * Linux: net/ipv4/tcp_bic.c.
 */
@HotPath
public final class Bic extends RenoBased {
    private static final int BETA_SCALE = 1024;
    /** The search goes this fraction of the distance. */
    private static final int B = 4;

    private static final int ACK_RATIO_SHIFT = 4;

    private final CongParam fastConvergence = param("fast_convergence", 1, 0, 1);
    private final CongParam maxIncrement = param("max_increment", 16, 1, 1 << 16);
    private final CongParam lowWindow = param("low_window", 14, 0, 1 << 16);
    private final CongParam beta = param("beta", 819, 1, BETA_SCALE);
    private final CongParam initialSsthresh = param("initial_ssthresh", 0, 0, Integer.MAX_VALUE);
    private final CongParam smoothPart = param("smooth_part", 20, 1, 1 << 16);

    /** State of one connection. Linux: struct bictcp. */
    static final class State {
        /** Segments to acknowledge per step. */
        int cnt;
        /** Window before the last loss. */
        int lastMaxCwnd;
        /** Window and time (jiffies) of the last computation. */
        int lastCwnd;

        int lastTime;
        /** Segments per ACK, times 16. */
        int delayedAck;

        void reset() {
            cnt = 0;
            lastMaxCwnd = 0;
            lastCwnd = 0;
            lastTime = 0;
            delayedAck = 2 << ACK_RATIO_SHIFT;
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Bic() {}

    @Override
    public String name() {
        return "bic";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        ((State) ca(tp)).reset();
        if (initialSsthresh.on()) {
            tp.sndSsthresh = initialSsthresh.value;
        }
    }

    /** Segments per step at a window, by its distance from the last maximum. Linux: bictcp_update(). */
    int segmentsPerStep(int cwnd, int lastMax) {
        if (cwnd <= lowWindow.value) {
            return cwnd; // small windows as Reno
        }
        if (cwnd < lastMax) {
            int dist = (lastMax - cwnd) / B;
            if (dist > maxIncrement.value) {
                return cwnd / maxIncrement.value;
            }
            return dist <= 1 ? cwnd * smoothPart.value / B : cwnd / dist;
        }
        if (cwnd < lastMax + B) {
            return cwnd * smoothPart.value / B;
        }
        return cwnd < lastMax + maxIncrement.value * (B - 1)
                ? cwnd * (B - 1) / (cwnd - lastMax)
                : cwnd / maxIncrement.value;
    }

    void update(State ca, int cwnd, int now) {
        if (ca.lastCwnd == cwnd && now - ca.lastTime <= TcpConst.HZ / 32) {
            return;
        }
        ca.lastCwnd = cwnd;
        ca.lastTime = now;
        int cnt = segmentsPerStep(cwnd, ca.lastMaxCwnd);
        if (ca.lastMaxCwnd == 0 && cnt > 20) {
            cnt = 20; // never lost anything: at least 5 % per round trip
        }
        ca.cnt = Math.max((cnt << ACK_RATIO_SHIFT) / ca.delayedAck, 1);
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        int left = tp.inSlowStart() ? Reno.slowStart(tp, acked) : acked;
        if (left != 0) {
            State ca = (State) ca(tp);
            update(ca, tp.sndCwnd, (int) cpu.jiffies());
            Reno.congAvoidAi(tp, ca.cnt, left);
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        int cwnd = tp.sndCwnd;
        ca.lastMaxCwnd = cwnd < ca.lastMaxCwnd && fastConvergence.on()
                ? (int) ((long) cwnd * (BETA_SCALE + beta.value) / (2 * BETA_SCALE))
                : cwnd;
        return cwnd <= lowWindow.value
                ? Math.max(cwnd >> 1, 2)
                : Math.max((int) ((long) cwnd * beta.value / BETA_SCALE), 2);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        if (newState == TcpConst.TCP_CA_LOSS) {
            ((State) ca(tp)).reset();
        }
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        if (tp.icskCaState == TcpConst.TCP_CA_OPEN) {
            State ca = (State) ca(tp);
            ca.delayedAck = Math.max(ca.delayedAck + sample.pktsAcked - (ca.delayedAck >> ACK_RATIO_SHIFT), 1);
        }
    }
}
