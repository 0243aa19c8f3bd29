package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * YeAH: grows as Scalable TCP while the bottleneck's queue is short, as Reno when it is long; and takes the queue away
 * before it overflows. The queue, once per round: {@code cwnd (rtt - baseRtt) / rtt}.
 *
 * <p>{@code renoCount} estimates the window of a competing Reno flow: decongestion does not go below it.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>A. Baiocchi, A. Castellani, F. Vacirca, "YeAH-TCP: Yet Another Highspeed TCP", PFLDnet 2007. Linux:
 * net/ipv4/tcp_yeah.c.
 */
@HotPath
public final class Yeah extends RenoBased {
    /** Largest queue, segments. */
    private static final int ALPHA = 80;
    /** Share of the queue that decongestion takes away: all of it. */
    private static final int GAMMA = 1;
    /** Smallest decrease after a loss, as a shift: an eighth. */
    private static final int DELTA = 3;
    /** Largest decrease of a decongestion, as a shift: half. */
    private static final int EPSILON = 1;
    /** Largest queuing delay, as a share of the base round trip: an eighth. */
    private static final int PHY = 8;
    /** Rounds in slow mode from which on a loss means competition. */
    private static final int RHO = 16;
    /** Rounds in fast mode after which the competitor is forgotten. */
    private static final int ZETA = 50;

    /** State of one connection. Linux: struct yeah. */
    static final class State extends VegasState {
        /** The last round's queue, segments. */
        int lastQ;
        /** Rounds in slow mode in a row; 0: fast mode. */
        int doingRenoNow;

        int renoCount;
        int fastCount;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Yeah() {}

    @Override
    public String name() {
        return "yeah";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.init(tp);
        ca.doingRenoNow = 0;
        ca.lastQ = 0;
        ca.renoCount = 2;
        tp.sndCwndClamp = Math.min(tp.sndCwndClamp, (int) (0xffffffffL / 128));
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        ((State) ca(tp)).sample(sample);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        ((State) ca(tp)).state(tp, newState);
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        ((State) ca(tp)).event(tp, event);
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        State ca = (State) ca(tp);
        int left = tp.inSlowStart() ? Reno.slowStart(tp, acked) : acked;
        if (left != 0) {
            int w = ca.doingRenoNow == 0 ? Math.min(tp.sndCwnd, Scalable.AI_CNT) : tp.sndCwnd;
            Reno.congAvoidAi(tp, w, left);
        }
        if (TcpSeq.after(ack, ca.begSndNxt)) {
            if (ca.cntRtt > 2) {
                endRound(tp, ca);
            }
            ca.begSndNxt = tp.sndNxt;
            ca.nextRound();
        }
    }

    /** Chooses the mode of the next round, and decongests. */
    private static void endRound(TcpSock tp, State ca) {
        int delay = ca.minRtt - ca.baseRtt;
        int queue = (int) ((long) tp.sndCwnd * delay / ca.minRtt);
        if (queue > ALPHA || delay > ca.baseRtt / PHY) {
            if (queue > ALPHA && tp.sndCwnd > ca.renoCount) {
                int reduction = Math.min(queue / GAMMA, tp.sndCwnd >> EPSILON);
                tp.setSndCwnd(Math.max(tp.sndCwnd - reduction, ca.renoCount));
                tp.sndSsthresh = tp.sndCwnd;
            }
            ca.renoCount = ca.renoCount <= 2 ? Math.max(tp.sndCwnd >> 1, 2) : ca.renoCount + 1;
            ca.doingRenoNow = Math.min(ca.doingRenoNow + 1, 0xffffff);
        } else {
            ca.fastCount++;
            if (ca.fastCount > ZETA) {
                ca.renoCount = 2;
                ca.fastCount = 0;
            }
            ca.doingRenoNow = 0;
        }
        ca.lastQ = queue;
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        int half = Math.max(tp.sndCwnd >> 1, 2);
        int reduction = ca.doingRenoNow < RHO ? Math.max(Math.min(ca.lastQ, half), tp.sndCwnd >> DELTA) : half;
        ca.fastCount = 0;
        ca.renoCount = Math.max(ca.renoCount >> 1, 2);
        return Math.max(tp.sndCwnd - reduction, 2);
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        return ((State) ca(tp)).info();
    }
}
