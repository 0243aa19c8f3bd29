package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * Illinois: loss says when to reduce, delay says how much. With an empty queue the step is 10 segments per round trip and
 * the decrease an eighth; with a full one 0.3 and a half. Between them the step falls as a hyperbola, the decrease rises
 * linearly from a tenth to eight tenths of the largest queuing delay.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>S. Liu, T. Basar, R. Srikant, "TCP-Illinois: A Loss and Delay-Based Congestion Control Algorithm for High-Speed
 * Networks", 2008. Linux: net/ipv4/tcp_illinois.c.
 */
@HotPath
public final class Illinois extends RenoBased {
    private static final int ALPHA_SHIFT = 7;
    static final int ALPHA_SCALE = 1 << ALPHA_SHIFT;
    static final int ALPHA_MIN = 3 * ALPHA_SCALE / 10;
    static final int ALPHA_MAX = 10 * ALPHA_SCALE;
    private static final int BETA_SHIFT = 6;
    static final int BETA_SCALE = 1 << BETA_SHIFT;
    static final int BETA_MIN = BETA_SCALE / 8;
    static final int BETA_MAX = BETA_SCALE / 2;
    private static final int RTT_MAX = (int) (0xffffffffL / ALPHA_MAX);

    private final CongParam winThresh = param("win_thresh", 15, 0, 1 << 16);
    private final CongParam theta = param("theta", 5, 0, 255);

    /** State of one connection; times in microseconds. Linux: struct illinois. */
    static final class State {
        long sumRtt;
        int cntRtt;
        int baseRtt;
        int maxRtt;
        /** End of the round under way. */
        int endSeq;
        /** Step in 1/128, decrease in 1/64. */
        int alpha;

        int beta;
        int acked;
        /** The delay was above the threshold since the step was last at its largest. */
        boolean rttAbove;
        /** Rounds below it since then. */
        int rttLow;

        void nextRound(TcpSock tp) {
            endSeq = tp.sndNxt;
            cntRtt = 0;
            sumRtt = 0;
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Illinois() {}

    @Override
    public String name() {
        return "illinois";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.alpha = ALPHA_MAX;
        ca.beta = BETA_MAX;
        ca.baseRtt = NO_RTT;
        ca.maxRtt = 0;
        ca.acked = 0;
        ca.rttLow = 0;
        ca.rttAbove = false;
        ca.nextRound(tp);
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        State ca = (State) ca(tp);
        ca.acked = sample.pktsAcked;
        if (sample.rttUs < 0) {
            return;
        }
        int rtt = Math.min(sample.rttUs, RTT_MAX);
        ca.baseRtt = Math.min(ca.baseRtt, rtt);
        ca.maxRtt = Math.max(ca.maxRtt, rtt);
        ca.cntRtt++;
        ca.sumRtt += rtt;
    }

    /** The step at an average delay of {@code da} with a largest of {@code dm}, past the low threshold. */
    static int alphaOf(long da, long dm) {
        long d1 = dm / 100;
        long range = dm - d1;
        long above = da - d1;
        return (int) (range * ALPHA_MAX / (range + above * (ALPHA_MAX - ALPHA_MIN) / ALPHA_MIN));
    }

    /** The decrease. Linux: beta(). */
    static int betaOf(long da, long dm) {
        long d2 = dm / 10;
        long d3 = 8 * dm / 10;
        if (da <= d2) {
            return BETA_MIN;
        }
        if (da >= d3 || d3 <= d2) {
            return BETA_MAX;
        }
        return (int) ((BETA_MIN * d3 - BETA_MAX * d2 + (BETA_MAX - BETA_MIN) * da) / (d3 - d2));
    }

    private int nextAlpha(State ca, long da, long dm) {
        if (da > dm / 100) {
            ca.rttAbove = true;
            return alphaOf(da, dm);
        }
        if (!ca.rttAbove) {
            return ALPHA_MAX;
        }
        ca.rttLow++;
        if (ca.rttLow < theta.value) { // one quick round does not make the path empty
            return ca.alpha;
        }
        ca.rttLow = 0;
        ca.rttAbove = false;
        return ALPHA_MAX;
    }

    private void endRound(TcpSock tp, State ca) {
        if (tp.sndCwnd < winThresh.value) {
            ca.alpha = ALPHA_SCALE;
            ca.beta = BETA_MAX;
        } else if (ca.cntRtt > 0) {
            long dm = (long) ca.maxRtt - ca.baseRtt;
            long da = ca.sumRtt / ca.cntRtt - ca.baseRtt;
            ca.alpha = nextAlpha(ca, da, dm);
            ca.beta = betaOf(da, dm);
        }
        ca.nextRound(tp);
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        State ca = (State) ca(tp);
        if (TcpSeq.after(ack, ca.endSeq)) {
            endRound(tp, ca);
        }
        if (!tp.cwndLimited()) {
            return;
        }
        if (tp.inSlowStart()) {
            Reno.slowStart(tp, acked);
            return;
        }
        tp.sndCwndCnt += ca.acked;
        ca.acked = 1;
        int delta = (int) ((long) tp.sndCwndCnt * ca.alpha >> ALPHA_SHIFT);
        if (delta >= tp.sndCwnd) {
            tp.setSndCwnd(Math.min(tp.sndCwnd + delta / tp.sndCwnd, tp.sndCwndClamp));
            tp.sndCwndCnt = 0;
        }
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        if (newState == TcpConst.TCP_CA_LOSS) {
            State ca = (State) ca(tp);
            ca.alpha = ALPHA_SCALE;
            ca.beta = BETA_MAX;
            ca.rttLow = 0;
            ca.rttAbove = false;
            ca.nextRound(tp);
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        int decrease = (int) ((long) tp.sndCwnd * ((State) ca(tp)).beta >> BETA_SHIFT);
        return Math.max(tp.sndCwnd - decrease, 2);
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        State ca = (State) ca(tp);
        int average = ca.cntRtt > 0 ? (int) (ca.sumRtt / ca.cntRtt) : 0;
        return new TcpCcInfo.Vegas(1, ca.cntRtt, average, ca.baseRtt); // allocates: diagnostics
    }
}
