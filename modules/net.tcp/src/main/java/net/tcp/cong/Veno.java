package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * Veno: tells losses of the radio from losses of a full queue by Vegas' estimate of the queue. Fewer than three segments
 * queued: the loss was random, give up a fifth; else half. With a queue it grows every second round only.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>C. P. Fu, S. C. Liew, "TCP Veno: TCP Enhancement for Transmission over Wireless Access Networks", JSAC 21(2), 2003.
 * Linux: net/ipv4/tcp_veno.c.
 */
@HotPath
public final class Veno extends RenoBased {
    /** Segments and {@link State#diff} are counted in halves. */
    private static final int PARAM_SHIFT = 1;
    /** Queue from which on a loss means congestion. */
    static final int BETA = 3 << PARAM_SHIFT;

    /** State of one connection. Linux: struct veno. */
    static final class State {
        boolean doingVenoNow;
        /** Samples since the connection was last started anew. */
        int cntRtt;
        /** Smallest round trip since the last ACK that grew the window, us. */
        int minRtt;
        /** Smallest of all, us. */
        int baseRtt;
        /** In congestion: this round the window may grow. */
        boolean inc;
        /** Segments queued, in halves. */
        int diff;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Veno() {}

    @Override
    public String name() {
        return "veno";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.baseRtt = NO_RTT;
        ca.inc = true;
        enable(ca);
    }

    private static void enable(State ca) {
        ca.doingVenoNow = true;
        ca.minRtt = NO_RTT;
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        if (sample.rttUs < 0) {
            return;
        }
        State ca = (State) ca(tp);
        int rtt = sample.rttUs + 1;
        ca.baseRtt = Math.min(ca.baseRtt, rtt);
        ca.minRtt = Math.min(ca.minRtt, rtt);
        ca.cntRtt = ca.cntRtt + 1 & 0xffff;
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        State ca = (State) ca(tp);
        if (newState == TcpConst.TCP_CA_OPEN) {
            enable(ca);
        } else {
            ca.doingVenoNow = false;
        }
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        if (event == TcpConst.CA_EVENT_CWND_RESTART || event == TcpConst.CA_EVENT_TX_START) {
            init(cpu, tp);
        }
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        State ca = (State) ca(tp);
        if (!ca.doingVenoNow) {
            Reno.avoid(tp, acked);
            return;
        }
        if (!tp.cwndLimited()) {
            return;
        }
        if (ca.cntRtt <= 2) {
            Reno.avoid(tp, acked);
        } else {
            int cwnd = tp.sndCwnd;
            int target = (int) (((long) cwnd * ca.baseRtt << PARAM_SHIFT) / ca.minRtt);
            ca.diff = (cwnd << PARAM_SHIFT) - target;
            int left = tp.inSlowStart() ? Reno.slowStart(tp, acked) : acked;
            if (left != 0) {
                linear(tp, ca, left);
            }
            tp.setSndCwnd(tp.sndCwnd < 2 ? 2 : Math.min(tp.sndCwnd, tp.sndCwndClamp));
        }
        ca.minRtt = NO_RTT;
    }

    private static void linear(TcpSock tp, State ca, int acked) {
        if (ca.diff < BETA) {
            Reno.congAvoidAi(tp, tp.sndCwnd, acked);
        } else if (tp.sndCwndCnt >= tp.sndCwnd) { // a queue is there: every other round
            if (ca.inc && tp.sndCwnd < tp.sndCwndClamp) {
                tp.setSndCwnd(tp.sndCwnd + 1);
                ca.inc = false;
            } else {
                ca.inc = true;
            }
            tp.sndCwndCnt = 0;
        } else {
            tp.sndCwndCnt += acked;
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        return Math.max(ca.diff < BETA ? tp.sndCwnd * 4 / 5 : tp.sndCwnd >> 1, 2);
    }
}
