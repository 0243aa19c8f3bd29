package net.tcp.cong;

import net.core.Cpu;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.tcp.MinMax;
import net.tcp.RateSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpConst;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * BBR, version 1: models the path by its bottleneck's bandwidth (the largest delivery rate of ten round trips) and its
 * round trip (the smallest of ten seconds), sends at the one and keeps twice the product in flight. It reacts neither to
 * loss nor to delay by itself.
 *
 * <pre>{@code
 *   STARTUP --- bandwidth stays within 25 % for 3 round trips ---> DRAIN --- in flight <= product ---> PROBE_BW
 *      ^  doubles each round trip                         undoes the queue        | ^  gains 5/4, 3/4, 1 x 6
 *      |                                                                          v |
 *      +------------- bandwidth not reached yet ------------------------------ PROBE_RTT
 *                                  after 200 ms and a round trip with 4 segments in flight, every 10 s
 * }</pre>
 *
 * <p>During the first round trip of a recovery it sends one segment per segment delivered; afterwards the window returns
 * to what it was. What it measures is in {@link BbrAckAggregation} and {@link BbrLtBw}.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>N. Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016;
 * draft-cardwell-iccrg-bbr-congestion-control-00. Linux: net/ipv4/tcp_bbr.c.
 */
@HotPath
public final class Bbr extends TcpCongestionOps {
    static final int STARTUP = 0;
    static final int DRAIN = 1;
    static final int PROBE_BW = 2;
    static final int PROBE_RTT = 3;

    private static final int CYCLE_LEN = 8;
    private static final int CYCLE_RAND = 7;
    private static final int BW_RTTS = CYCLE_LEN + 2;
    private static final int MIN_RTT_WIN = 10 * TcpConst.HZ;
    private static final int PROBE_RTT_TIME = TcpConst.HZ / 5;
    private static final int EXTRA_ACKED_WIN_RTTS = 5;
    /** Below this no bursts, bytes per second. */
    private static final int MIN_TSO_RATE = 1_200_000 >> 3;
    /** 2 / ln 2: the smallest gain at which the rate doubles each round trip. */
    static final int HIGH_GAIN = BbrMath.UNIT * 2885 / 1000 + 1;

    static final int DRAIN_GAIN = BbrMath.UNIT * 1000 / 2885;
    private static final int CWND_GAIN = BbrMath.UNIT * 2;
    private static final int PROBE_UP_GAIN = BbrMath.UNIT * 5 / 4;
    private static final int PROBE_DOWN_GAIN = BbrMath.UNIT * 3 / 4;
    private static final int CWND_MIN_TARGET = 4;
    private static final int FULL_BW_THRESH = BbrMath.UNIT * 5 / 4;
    private static final int FULL_BW_CNT = 3;
    /** Largest GSO packet counted on, whatever the device can. Linux: GSO_LEGACY_MAX_SIZE. */
    private static final int GSO_MAX = 65536 - 1 - TcpConst.MAX_TCP_HEADER;

    /** State of one connection. Linux: struct bbr. */
    static final class State {
        final MinMax maxBw = new MinMax();
        final BbrLtBw lt = new BbrLtBw();
        final BbrAckAggregation aggregation = new BbrAckAggregation();
        /** Smallest round trip, us, unsigned; and when it was measured, jiffies. */
        int minRttUs;

        int minRttStamp;
        /** End of PROBE_RTT, jiffies; 0: not known yet. */
        int probeRttDoneStamp;
        /** Round trips counted, and what ends the one under way. */
        int rttCnt;

        int nextRttDelivered;
        /** Start of the phase of the gain cycle, us. */
        long cycleMstamp;

        int mode;
        int prevCaState;
        boolean packetConservation;
        boolean roundStart;
        boolean idleRestart;
        boolean probeRttRoundDone;
        int pacingGain;
        int cwndGain;
        boolean fullBwReached;
        int fullBw;
        int fullBwCnt;
        int cycleIdx;
        boolean hasSeenRtt;
        /** Window to return to. */
        int priorCwnd;

        int bw() {
            return lt.use ? lt.bw : maxBw.get();
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Bbr() {}

    @Override
    public String name() {
        return "bbr";
    }

    @Override
    public int flags() {
        return TCP_CONG_NON_RESTRICTED;
    }

    @Override
    public Object newState() {
        return new State();
    }

    static State of(TcpSock tp) {
        return (State) RenoBased.ca(tp);
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State b = of(tp);
        b.priorCwnd = 0;
        tp.sndSsthresh = TcpConst.TCP_INFINITE_SSTHRESH;
        b.rttCnt = 0;
        b.nextRttDelivered = tp.delivered;
        b.prevCaState = TcpConst.TCP_CA_OPEN;
        b.packetConservation = false;
        b.probeRttDoneStamp = 0;
        b.probeRttRoundDone = false;
        b.minRttUs = tp.rttMin.get();
        b.minRttStamp = (int) cpu.jiffies();
        b.maxBw.reset(b.rttCnt, 0);
        b.hasSeenRtt = false;
        initPacingRate(tp, b);
        b.roundStart = false;
        b.idleRestart = false;
        b.fullBwReached = false;
        b.fullBw = 0;
        b.fullBwCnt = 0;
        b.cycleMstamp = 0;
        b.cycleIdx = 0;
        b.lt.reset(tp);
        b.mode = STARTUP;
        b.aggregation.reset(tp.tcpMstamp);
        if (tp.pacingStatus == Sock.SK_PACING_NONE) {
            tp.pacingStatus = Sock.SK_PACING_NEEDED;
        }
    }

    // ---- rate and window
    // ----------------------------------------------------------------------------------------------

    /** As slow start would: the first window per round trip, times the gain. */
    private static void initPacingRate(TcpSock tp, State b) {
        int rttUs = 1000;
        if (tp.srttUs != 0) {
            rttUs = Math.max(tp.srttUs >>> 3, 1);
            b.hasSeenRtt = true;
        }
        tp.pacingRate = BbrMath.pacingRate(tp, BbrMath.bandwidth(tp.sndCwnd, rttUs), HIGH_GAIN);
    }

    private static void setPacingRate(TcpSock tp, State b, int bw, int gain) {
        long rate = BbrMath.pacingRate(tp, bw, gain);
        if (!b.hasSeenRtt && tp.srttUs != 0) {
            initPacingRate(tp, b);
        }
        if (b.fullBwReached || rate > tp.pacingRate) { // in STARTUP only upwards
            tp.pacingRate = rate;
        }
    }

    @Override
    public int minTsoSegs(TcpSock tp) {
        return tp.pacingRate < MIN_TSO_RATE ? 1 : 2;
    }

    private int tsoSegsGoal(TcpSock tp) {
        long bytes = Math.min(tp.pacingRate >>> tp.pacingShift, GSO_MAX);
        return Math.min(Math.max((int) bytes / tp.mssCache, minTsoSegs(tp)), 0x7f);
    }

    private static int bdp(State b, int bw, int gain) {
        return b.minRttUs == BbrMath.NONE ? TcpConst.TCP_INIT_CWND : BbrMath.bdp(bw, b.minRttUs, gain);
    }

    /** Room for the bursts that are being made, sent and received; even, for delayed ACKs. */
    private int quantizationBudget(TcpSock tp, State b, int cwnd) {
        int budget = cwnd + 3 * tsoSegsGoal(tp) + 1 & ~1;
        return b.mode == PROBE_BW && b.cycleIdx == 0 ? budget + 2 : budget;
    }

    private int inflight(TcpSock tp, State b, int bw, int gain) {
        return quantizationBudget(tp, b, bdp(b, bw, gain));
    }

    private int inNetAtEdt(TcpSock tp, State b, int inFlight) {
        int growing = b.pacingGain > BbrMath.UNIT ? tsoSegsGoal(tp) : 0;
        return BbrMath.inNetAtEdt(tp, inFlight + growing, b.bw());
    }

    private static void saveCwnd(TcpSock tp, State b) {
        boolean good = b.prevCaState < TcpConst.TCP_CA_RECOVERY && b.mode != PROBE_RTT;
        b.priorCwnd = good ? tp.sndCwnd : Math.max(b.priorCwnd, tp.sndCwnd);
    }

    private void setCwnd(TcpSock tp, State b, RateSample rs, int bw) {
        int acked = rs.ackedSacked;
        int cwnd = tp.sndCwnd;
        if (acked > 0) {
            cwnd = recoverOrRestore(tp, b, rs, acked);
            if (b.packetConservation) {
                cwnd = Math.max(cwnd, tp.packetsInFlight() + acked);
            } else {
                int extra = b.fullBwReached ? b.aggregation.cwnd(bw) : 0;
                int target = quantizationBudget(tp, b, bdp(b, bw, b.cwndGain) + extra);
                if (b.fullBwReached) {
                    cwnd = Math.min(cwnd + acked, target);
                } else if (cwnd < target || Integer.compareUnsigned(tp.delivered, TcpConst.TCP_INIT_CWND) < 0) {
                    cwnd += acked;
                }
                cwnd = Math.max(cwnd, CWND_MIN_TARGET);
            }
        }
        cwnd = Math.min(cwnd, tp.sndCwndClamp);
        tp.setSndCwnd(b.mode == PROBE_RTT ? Math.min(cwnd, CWND_MIN_TARGET) : cwnd);
    }

    /** Enters and leaves packet conservation as recovery begins and ends; returns the window to go on from. */
    private static int recoverOrRestore(TcpSock tp, State b, RateSample rs, int acked) {
        int prev = b.prevCaState;
        int state = tp.icskCaState;
        int cwnd = tp.sndCwnd;
        if (rs.losses > 0) {
            cwnd = Math.max(cwnd - rs.losses, 1);
        }
        if (state == TcpConst.TCP_CA_RECOVERY && prev != TcpConst.TCP_CA_RECOVERY) {
            b.packetConservation = true;
            b.nextRttDelivered = tp.delivered; // a round begins here
            cwnd = tp.packetsInFlight() + acked;
        } else if (prev >= TcpConst.TCP_CA_RECOVERY && state < TcpConst.TCP_CA_RECOVERY) {
            cwnd = Math.max(cwnd, b.priorCwnd);
            b.packetConservation = false;
        }
        b.prevCaState = state;
        return cwnd;
    }

    // ---- model
    // --------------------------------------------------------------------------------------------------------

    private void updateBw(Cpu cpu, TcpSock tp, State b, RateSample rs) {
        b.roundStart = false;
        if (rs.delivered < 0 || rs.intervalUs <= 0) {
            return;
        }
        if (!TcpSeq.before(rs.priorDelivered, b.nextRttDelivered)) {
            b.nextRttDelivered = tp.delivered;
            b.rttCnt++;
            b.roundStart = true;
            b.packetConservation = false;
        }
        sampleLtBw(cpu, tp, b, rs.losses, rs.isAppLimited);
        int bw = BbrMath.bandwidth(rs.delivered, rs.intervalUs);
        if (!rs.isAppLimited || Integer.compareUnsigned(bw, b.maxBw.get()) >= 0) {
            b.maxBw.runningMax(BW_RTTS, b.rttCnt, bw);
        }
    }

    private static void sampleLtBw(Cpu cpu, TcpSock tp, State b, int losses, boolean appLimited) {
        boolean used = b.lt.use;
        if (b.lt.sample(tp, losses, appLimited, b.roundStart, b.mode == PROBE_BW)) {
            enterProbeBw(cpu, tp, b);
        } else if (b.lt.use && !used) {
            b.pacingGain = BbrMath.UNIT;
        }
    }

    private boolean isNextCyclePhase(TcpSock tp, State b, RateSample rs) {
        boolean fullLength = Math.max(tp.deliveredMstamp - b.cycleMstamp, 0) > BbrMath.u(b.minRttUs);
        if (b.pacingGain == BbrMath.UNIT) {
            return fullLength;
        }
        int inFlight = inNetAtEdt(tp, b, rs.priorInFlight);
        int bw = b.maxBw.get();
        if (b.pacingGain > BbrMath.UNIT) { // until the extra is in flight, or does not fit
            return fullLength && (rs.losses != 0 || inFlight >= inflight(tp, b, bw, b.pacingGain));
        }
        return fullLength || inFlight <= inflight(tp, b, bw, BbrMath.UNIT);
    }

    private static void advanceCycle(TcpSock tp, State b) {
        b.cycleIdx = b.cycleIdx + 1 & CYCLE_LEN - 1;
        b.cycleMstamp = tp.deliveredMstamp;
    }

    private static void enterProbeBw(Cpu cpu, TcpSock tp, State b) {
        b.mode = PROBE_BW;
        b.cycleIdx = CYCLE_LEN - 1 - cpu.kernel().getRandomBelow(CYCLE_RAND); // not with 3/4
        advanceCycle(tp, b);
    }

    private static void checkFullBw(State b, RateSample rs) {
        if (b.fullBwReached || !b.roundStart || rs.isAppLimited) {
            return;
        }
        int bw = b.maxBw.get();
        if (BbrMath.u(bw) >= BbrMath.u(b.fullBw) * FULL_BW_THRESH >>> BbrMath.SCALE) {
            b.fullBw = bw;
            b.fullBwCnt = 0;
            return;
        }
        b.fullBwCnt++;
        b.fullBwReached = b.fullBwCnt >= FULL_BW_CNT;
    }

    private void checkDrain(Cpu cpu, TcpSock tp, State b) {
        if (b.mode == STARTUP && b.fullBwReached) {
            b.mode = DRAIN;
            tp.sndSsthresh = inflight(tp, b, b.maxBw.get(), BbrMath.UNIT); // for the eyes of others only
        }
        if (b.mode == DRAIN
                && inNetAtEdt(tp, b, tp.packetsInFlight()) <= inflight(tp, b, b.maxBw.get(), BbrMath.UNIT)) {
            enterProbeBw(cpu, tp, b);
        }
    }

    private static void checkProbeRttDone(Cpu cpu, TcpSock tp, State b) {
        int now = (int) cpu.jiffies();
        if (b.probeRttDoneStamp == 0 || now - b.probeRttDoneStamp <= 0) {
            return;
        }
        b.minRttStamp = now;
        tp.setSndCwnd(Math.max(tp.sndCwnd, b.priorCwnd));
        if (b.fullBwReached) {
            enterProbeBw(cpu, tp, b);
        } else {
            b.mode = STARTUP;
        }
    }

    private static void updateMinRtt(Cpu cpu, TcpSock tp, State b, RateSample rs) {
        int now = (int) cpu.jiffies();
        boolean expired = now - (b.minRttStamp + MIN_RTT_WIN) > 0;
        if (rs.rttUs >= 0 && (rs.rttUs <= BbrMath.u(b.minRttUs) || expired && !rs.isAckDelayed)) {
            b.minRttUs = (int) rs.rttUs;
            b.minRttStamp = now;
        }
        if (expired && !b.idleRestart && b.mode != PROBE_RTT) {
            b.mode = PROBE_RTT;
            saveCwnd(tp, b);
            b.probeRttDoneStamp = 0;
        }
        if (b.mode == PROBE_RTT) {
            BbrMath.markAppLimited(tp);
            if (b.probeRttDoneStamp == 0 && tp.packetsInFlight() <= CWND_MIN_TARGET) {
                int done = now + PROBE_RTT_TIME;
                b.probeRttDoneStamp = done != 0 ? done : 1;
                b.probeRttRoundDone = false;
                b.nextRttDelivered = tp.delivered;
            } else if (b.probeRttDoneStamp != 0) {
                b.probeRttRoundDone |= b.roundStart;
                if (b.probeRttRoundDone) {
                    checkProbeRttDone(cpu, tp, b);
                }
            }
        }
        if (rs.delivered > 0) {
            b.idleRestart = false;
        }
    }

    private static int cycleGain(State b) {
        return switch (b.cycleIdx) {
            case 0 -> PROBE_UP_GAIN;
            case 1 -> PROBE_DOWN_GAIN;
            default -> BbrMath.UNIT;
        };
    }

    private static void updateGains(State b) {
        switch (b.mode) {
            case STARTUP -> {
                b.pacingGain = HIGH_GAIN;
                b.cwndGain = HIGH_GAIN;
            }
            case DRAIN -> {
                b.pacingGain = DRAIN_GAIN;
                b.cwndGain = HIGH_GAIN;
            }
            case PROBE_BW -> {
                b.pacingGain = b.lt.use ? BbrMath.UNIT : cycleGain(b);
                b.cwndGain = CWND_GAIN;
            }
            default -> {
                b.pacingGain = BbrMath.UNIT;
                b.cwndGain = BbrMath.UNIT;
            }
        }
    }

    @Override
    public boolean hasCongControl() {
        return true;
    }

    @Override
    public void congControl(Cpu cpu, TcpSock tp, int ack, int flag, RateSample rs) {
        State b = of(tp);
        updateBw(cpu, tp, b, rs);
        b.aggregation.update(tp, rs, b.bw(), b.roundStart, EXTRA_ACKED_WIN_RTTS);
        if (b.mode == PROBE_BW && isNextCyclePhase(tp, b, rs)) {
            advanceCycle(tp, b);
        }
        checkFullBw(b, rs);
        checkDrain(cpu, tp, b);
        updateMinRtt(cpu, tp, b, rs);
        updateGains(b);
        int bw = b.bw();
        setPacingRate(tp, b, bw, b.pacingGain);
        setCwnd(tp, b, rs, bw);
    }

    // ---- events
    // -------------------------------------------------------------------------------------------------------

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        if (event != TcpConst.CA_EVENT_TX_START || tp.appLimited == 0) {
            return;
        }
        State b = of(tp);
        b.idleRestart = true;
        b.aggregation.restart(tp.tcpMstamp);
        if (b.mode == PROBE_BW) { // at the estimate: nothing is gained by a burst
            setPacingRate(tp, b, b.bw(), BbrMath.UNIT);
        } else if (b.mode == PROBE_RTT) {
            checkProbeRttDone(cpu, tp, b);
        }
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        if (newState == TcpConst.TCP_CA_LOSS) {
            State b = of(tp);
            b.prevCaState = TcpConst.TCP_CA_LOSS;
            b.fullBw = 0;
            b.roundStart = true; // a time-out is the end of a round
            sampleLtBw(cpu, tp, b, 1, false);
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        saveCwnd(tp, of(tp));
        return tp.sndSsthresh;
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        State b = of(tp);
        b.fullBw = 0;
        b.fullBwCnt = 0;
        b.lt.reset(tp);
        return tp.sndCwnd;
    }

    @Override
    public int sndbufExpand(TcpSock tp) {
        return 3; // it may double during recovery too
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        State b = of(tp);
        long bw = BbrMath.bytesPerSec(tp, b.bw(), BbrMath.UNIT, 0);
        return new TcpCcInfo.Bbr(bw, b.minRttUs, b.pacingGain, b.cwndGain); // allocates: diagnostics
    }
}
