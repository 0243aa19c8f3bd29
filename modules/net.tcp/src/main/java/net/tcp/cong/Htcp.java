package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * H-TCP: the step grows with the time since the last loss, {@code 1 + 10 d + (d/2)^2} segments per round trip after the
 * first second; the decrease leaves what keeps the pipe full, {@code minRtt / maxRtt}, between 0.5 and 0.8.
 *
 * <p>{@code use_rtt_scaling} makes the growth in time independent of the round trip; {@code use_bandwidth_switch} halves
 * the window when the throughput of two epochs differs by more than a fifth.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>R. Shorten, D. Leith, "H-TCP: TCP for high-speed and long-distance networks", PFLDnet 2004. Linux:
 * net/ipv4/tcp_htcp.c.
 */
@HotPath
public final class Htcp extends RenoBased {
    private static final int ALPHA_BASE = 1 << 7;
    private static final int BETA_MIN = 1 << 6;
    private static final int BETA_MAX = 102;

    private final CongParam useRttScaling = param("use_rtt_scaling", 1, 0, 1);
    private final CongParam useBandwidthSwitch = param("use_bandwidth_switch", 1, 0, 1);

    /** State of one connection; times in jiffies, alpha and beta in 1/128. Linux: struct htcp. */
    static final class State {
        int alpha;
        int beta;
        /** A loss was seen in a steady bandwidth: beta may adapt from the next on. */
        boolean modeswitch;

        int pktsAcked;
        int packetCount;
        int minRtt;
        int maxRtt;
        /** End of the last congestion. */
        int lastCong;

        int undoLastCong;
        int undoMaxRtt;
        int undoOldMaxB;
        /** Bandwidths, segments per second. */
        int maxB;

        int oldMaxB;
        int bi;
        int lastTime;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Htcp() {}

    @Override
    public String name() {
        return "htcp";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.alpha = ALPHA_BASE;
        ca.beta = BETA_MIN;
        ca.pktsAcked = 1;
        ca.lastCong = (int) cpu.jiffies();
    }

    private static void measureRtt(TcpSock tp, State ca, int rtt) {
        if (ca.minRtt > rtt || ca.minRtt == 0) {
            ca.minRtt = rtt;
        }
        if (tp.icskCaState == TcpConst.TCP_CA_OPEN) {
            ca.maxRtt = Math.max(ca.maxRtt, ca.minRtt);
            if (ca.maxRtt < rtt && rtt <= ca.maxRtt + TcpConst.HZ / 50) { // no outliers
                ca.maxRtt = rtt;
            }
        }
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        State ca = (State) ca(tp);
        int state = tp.icskCaState;
        int now = (int) cpu.jiffies();
        if (state == TcpConst.TCP_CA_OPEN) {
            ca.pktsAcked = sample.pktsAcked;
        }
        if (sample.rttUs > 0) {
            measureRtt(tp, ca, (sample.rttUs + 999) / 1000);
        }
        if (!useBandwidthSwitch.on()) {
            return;
        }
        if (state != TcpConst.TCP_CA_OPEN && state != TcpConst.TCP_CA_DISORDER) {
            ca.packetCount = 0;
            ca.lastTime = now;
            return;
        }
        ca.packetCount += sample.pktsAcked;
        if (ca.packetCount >= tp.sndCwnd - Math.max(ca.alpha >> 7, 1)
                && ca.minRtt > 0
                && now - ca.lastTime >= ca.minRtt) {
            int rate = (int) ((long) ca.packetCount * TcpConst.HZ / (now - ca.lastTime));
            if ((now - ca.lastCong) / ca.minRtt <= 3) { // just after the decrease
                ca.bi = rate;
                ca.maxB = rate;
            } else {
                ca.bi = (int) ((3L * ca.bi + rate) / 4);
                ca.maxB = Math.max(ca.maxB, ca.bi);
            }
            ca.packetCount = 0;
            ca.lastTime = now;
        }
    }

    private void updateBeta(State ca, int minRtt, int maxRtt) {
        if (useBandwidthSwitch.on()) {
            long maxB = ca.maxB;
            long old = ca.oldMaxB;
            ca.oldMaxB = ca.maxB;
            if (5 * maxB < 4 * old || 5 * maxB > 6 * old) { // the path has changed
                ca.beta = BETA_MIN;
                ca.modeswitch = false;
                return;
            }
        }
        if (ca.modeswitch && minRtt > TcpConst.HZ / 100 && maxRtt != 0) {
            ca.beta = Math.clamp((minRtt << 7) / maxRtt, BETA_MIN, BETA_MAX);
        } else {
            ca.beta = BETA_MIN;
            ca.modeswitch = true;
        }
    }

    /** The step, in 1/128 segments per round trip. Linux: htcp_alpha_update(). */
    static int alpha(int sinceCong, int minRtt, int beta, boolean scale) {
        long factor = 1;
        if (sinceCong > TcpConst.HZ) {
            long diff = (long) sinceCong - TcpConst.HZ;
            factor = 1 + (10 * diff + diff / 2 * (diff / 2) / TcpConst.HZ) / TcpConst.HZ;
        }
        if (scale && minRtt != 0) {
            int ratio = Math.clamp((TcpConst.HZ << 3) / (10L * minRtt), 1 << 2, 10 << 3);
            factor = Math.max((factor << 3) / ratio, 1);
        }
        int alpha = (int) (2 * factor * ((1 << 7) - beta));
        return alpha != 0 ? alpha : ALPHA_BASE;
    }

    private void updateAlpha(Cpu cpu, State ca) {
        ca.alpha = alpha((int) cpu.jiffies() - ca.lastCong, ca.minRtt, ca.beta, useRttScaling.on());
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        int minRtt = ca.minRtt;
        int maxRtt = ca.maxRtt;
        updateBeta(ca, minRtt, maxRtt);
        updateAlpha(cpu, ca);
        if (minRtt > 0 && maxRtt > minRtt) {
            ca.maxRtt = minRtt + (maxRtt - minRtt) * 95 / 100; // fades, routes change
        }
        return Math.max((int) ((long) tp.sndCwnd * ca.beta >> 7), 2);
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
        if ((long) tp.sndCwndCnt * ca.alpha >> 7 >= tp.sndCwnd) {
            if (tp.sndCwnd < tp.sndCwndClamp) {
                tp.setSndCwnd(tp.sndCwnd + 1);
            }
            tp.sndCwndCnt = 0;
            updateAlpha(cpu, ca);
        } else {
            tp.sndCwndCnt += ca.pktsAcked;
        }
        ca.pktsAcked = 1;
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        State ca = (State) ca(tp);
        switch (newState) {
            case TcpConst.TCP_CA_OPEN -> {
                if (ca.undoLastCong != 0) {
                    ca.lastCong = (int) cpu.jiffies();
                    ca.undoLastCong = 0;
                }
            }
            case TcpConst.TCP_CA_CWR, TcpConst.TCP_CA_RECOVERY, TcpConst.TCP_CA_LOSS -> {
                ca.undoLastCong = ca.lastCong;
                ca.undoMaxRtt = ca.maxRtt;
                ca.undoOldMaxB = ca.oldMaxB;
                ca.lastCong = (int) cpu.jiffies();
            }
            default -> {}
        }
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        State ca = (State) ca(tp);
        if (ca.undoLastCong != 0) {
            ca.lastCong = ca.undoLastCong;
            ca.maxRtt = ca.undoMaxRtt;
            ca.oldMaxB = ca.undoOldMaxB;
            ca.undoLastCong = 0;
        }
        return super.undoCwnd(tp);
    }
}
