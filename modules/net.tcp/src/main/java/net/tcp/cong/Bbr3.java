package net.tcp.cong;

import net.core.Cpu;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.tcp.CongParam;
import net.tcp.RateSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpConst;
import net.tcp.TcpSkbCb;
import net.tcp.TcpSock;

/**
 * BBR, version 3: as {@link Bbr} it sends at the bandwidth the path was seen to have, but it also learns from losses and
 * ECN marks how much the path holds.
 *
 * <pre>{@code
 *   STARTUP --- 3 rounds without 25 % more, or too many losses ---> DRAIN --- in flight <= product ---> PROBE_BW
 *      ^  x 2.77                                                   x 0.5                                 | ^  Bbr3Cycle
 *      |                                                                                                 v |
 *      +------------------ not full yet --- PROBE_RTT: half the product in flight for 200 ms, each 5 s ----+
 * }</pre>
 *
 * <p>What losses mean is in {@link Bbr3Bounds}, the search for bandwidth in {@link Bbr3Cycle}. The parameter {@code ecn}
 * (off) lets it answer marks, on paths shorter than 5 ms whose routers mark early (L4S, data centres).
 *
 * <p>Deviation: not in Linux 6.18. Of Google's branch are left out its repathing (PLB), its event for a loss that a probe
 * repaired, its fast path, and its own TSO sizing. DRAIN's gain and the bounds' names are the draft's.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>draft-ietf-ccwg-bbr-02; Google's v3 branch, net/ipv4/tcp_bbr.c.
 */
@HotPath
public final class Bbr3 extends TcpCongestionOps {
    static final int STARTUP = 0;
    static final int DRAIN = 1;
    static final int PROBE_BW = 2;
    static final int PROBE_RTT = 3;

    static final int CWND_MIN_TARGET = 4;
    /** 4 ln 2: the smallest pacing gain at which the rate doubles each round trip with twice the product in flight. */
    static final int STARTUP_GAIN = BbrMath.UNIT * 277 / 100 + 1;

    static final int DRAIN_GAIN = BbrMath.UNIT / 2;
    static final int PROBE_UP_GAIN = BbrMath.UNIT * 5 / 4;
    static final int PROBE_DOWN_GAIN = BbrMath.UNIT * 9 / 10;
    private static final int CWND_GAIN = BbrMath.UNIT * 2;
    private static final int PROBE_UP_CWND_GAIN = BbrMath.UNIT * 9 / 4;
    private static final int PROBE_RTT_CWND_GAIN = BbrMath.UNIT / 2;
    private static final int FULL_BW_THRESH = BbrMath.UNIT * 5 / 4;
    private static final int FULL_BW_CNT = 3;
    private static final int MIN_RTT_WIN = 10 * TcpConst.HZ;
    private static final int PROBE_RTT_WIN = 5 * TcpConst.HZ;
    private static final int PROBE_RTT_TIME = TcpConst.HZ / 5;
    private static final int EXTRA_ACKED_WIN_RTTS = 5;
    /** Below this no bursts, bytes per second. */
    private static final int MIN_TSO_RATE = 1_200_000 >> 3;

    private static final int GSO_MAX = 65536 - 1 - TcpConst.MAX_TCP_HEADER;

    private final CongParam ecn = param("ecn", 0, 0, 1);

    /** For {@link java.util.ServiceLoader}. */
    public Bbr3() {}

    @Override
    public String name() {
        return "bbr3";
    }

    @Override
    public int flags() {
        return TCP_CONG_NON_RESTRICTED;
    }

    @Override
    public Object newState() {
        return new Bbr3State();
    }

    static Bbr3State of(TcpSock tp) {
        return (Bbr3State) RenoBased.ca(tp);
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        Bbr3State b = of(tp);
        b.reset(cpu, tp);
        tp.sndSsthresh = TcpConst.TCP_INFINITE_SSTHRESH;
        initPacingRate(tp, b);
        updateGains(b);
        if (tp.pacingStatus == Sock.SK_PACING_NONE) {
            tp.pacingStatus = Sock.SK_PACING_NEEDED;
        }
    }

    // ---- rate

    private static void initPacingRate(TcpSock tp, Bbr3State b) {
        int rttUs = 1000;
        if (tp.srttUs != 0) {
            rttUs = Math.max(tp.srttUs >>> 3, 1);
            b.hasSeenRtt = true;
        }
        tp.pacingRate = BbrMath.pacingRate(tp, BbrMath.bandwidth(tp.sndCwnd, rttUs), STARTUP_GAIN);
    }

    private static void setPacingRate(TcpSock tp, Bbr3State b, int bw, int gain) {
        if (!b.hasSeenRtt && tp.srttUs != 0) {
            initPacingRate(tp, b);
        }
        long rate = BbrMath.pacingRate(tp, bw, gain);
        if (b.fullBwReached || rate > tp.pacingRate) { // in STARTUP only upwards
            tp.pacingRate = Math.max(rate, 1);
        }
    }

    @Override
    public int minTsoSegs(TcpSock tp) {
        return tp.pacingRate < MIN_TSO_RATE ? 1 : 2;
    }

    private static int tsoSegsGoal(TcpSock tp) {
        long bytes = Math.min(tp.pacingRate >>> tp.pacingShift, GSO_MAX);
        return Math.min(Math.max((int) bytes / tp.mssCache, tp.pacingRate < MIN_TSO_RATE ? 1 : 2), 0x7f);
    }

    // ---- window

    private static int bdp(Bbr3State b, int bw, int gain) {
        return b.minRttUs == BbrMath.NONE ? b.initCwnd : BbrMath.bdp(bw, b.minRttUs, gain);
    }

    private static int quantizationBudget(TcpSock tp, Bbr3State b, int cwnd) {
        int budget = Math.max(Math.max(cwnd, 3 * tsoSegsGoal(tp)), CWND_MIN_TARGET);
        return b.in(Bbr3Cycle.UP) ? budget + 2 : budget; // more than the product even if that is small
    }

    static int inflight(TcpSock tp, Bbr3State b, int bw, int gain) {
        return quantizationBudget(tp, b, bdp(b, bw, gain));
    }

    /** What is aimed at: the product, or less while the window is smaller. */
    static int targetInflight(TcpSock tp, Bbr3State b) {
        return Math.min(inflight(tp, b, b.bw(), BbrMath.UNIT), tp.sndCwnd);
    }

    private static int probeRttCwnd(Bbr3State b) {
        return Math.max(CWND_MIN_TARGET, bdp(b, b.bw(), PROBE_RTT_CWND_GAIN));
    }

    private static void saveCwnd(TcpSock tp, Bbr3State b) {
        boolean good = b.prevCaState < TcpConst.TCP_CA_RECOVERY && b.mode != PROBE_RTT;
        b.priorCwnd = good ? tp.sndCwnd : Math.max(b.priorCwnd, tp.sndCwnd);
    }

    private static void setCwnd(TcpSock tp, Bbr3State b, RateSample rs, int bw) {
        int cwnd = tp.sndCwnd;
        if (rs.ackedSacked > 0) {
            int extra = b.aggregation.cwnd(bw);
            int target = quantizationBudget(tp, b, bdp(b, bw, b.cwndGain) + extra);
            if (b.fullBwReached) {
                cwnd = Math.min(cwnd + rs.ackedSacked, target);
            } else if (cwnd < target || cwnd < 2 * b.initCwnd) {
                cwnd += rs.ackedSacked;
            }
            cwnd = Math.max(cwnd, CWND_MIN_TARGET);
        }
        cwnd = Math.min(cwnd, tp.sndCwndClamp);
        if (b.mode == PROBE_RTT) {
            cwnd = Math.min(cwnd, probeRttCwnd(b));
        }
        tp.setSndCwnd((int) Math.min(cwnd, BbrMath.u(bound(b))));
    }

    /** The window that the bounds allow, packets, unsigned. */
    private static int bound(Bbr3State b) {
        int cap = BbrMath.NONE;
        if (b.mode == PROBE_RTT || b.in(Bbr3Cycle.CRUISE)) {
            cap = Bbr3Bounds.withHeadroom(b);
        } else if (b.mode == PROBE_BW) {
            cap = b.inflightHi;
        }
        return BbrMath.max(BbrMath.min(cap, b.inflightLo), CWND_MIN_TARGET);
    }

    // ---- model

    private static void updateCongestionSignals(TcpSock tp, Bbr3State b, RateSample rs) {
        if (!rs.isAppLimited || Integer.compareUnsigned(b.sampleBw, b.maxBw()) >= 0) {
            b.takeMaxBw(b.sampleBw);
        }
        b.lossInRound |= rs.losses > 0;
        if (rs.intervalUs > 0 && rs.ackedSacked != 0 && b.lossRoundStart) {
            Bbr3Bounds.adaptLower(tp, b);
            b.lossInRound = false;
            b.ecnInRound = false;
        }
    }

    private static void checkFullBw(Bbr3State b, RateSample rs) {
        if (b.fullBwNow || rs.isAppLimited) {
            return;
        }
        if (BbrMath.u(b.sampleBw) >= BbrMath.u(b.fullBw) * FULL_BW_THRESH >>> BbrMath.SCALE) {
            b.resetFullBw();
            b.fullBw = b.sampleBw;
        } else if (b.roundStart) {
            b.fullBwCnt++;
            b.fullBwNow = b.fullBwCnt >= FULL_BW_CNT;
            b.fullBwReached |= b.fullBwNow;
        }
    }

    private static void checkDrain(Cpu cpu, TcpSock tp, Bbr3State b) {
        if (b.mode == STARTUP && b.fullBwReached) {
            b.mode = DRAIN;
            tp.sndSsthresh = inflight(tp, b, b.maxBw(), BbrMath.UNIT); // for the eyes of others only
            b.resetCongestionSignals();
        }
        if (b.mode == DRAIN
                && BbrMath.inNetAtEdt(tp, tp.packetsInFlight(), b.bw()) <= inflight(tp, b, b.maxBw(), BbrMath.UNIT)) {
            b.mode = PROBE_BW;
            Bbr3Cycle.startDown(cpu, tp, b);
        }
    }

    private static void updateMinRtt(Cpu cpu, TcpSock tp, Bbr3State b, RateSample rs) {
        int now = (int) cpu.jiffies();
        boolean probeDue = now - (b.probeRttMinStamp + PROBE_RTT_WIN) > 0;
        if (rs.rttUs >= 0 && (rs.rttUs < BbrMath.u(b.probeRttMinUs) || probeDue && !rs.isAckDelayed)) {
            b.probeRttMinUs = (int) rs.rttUs;
            b.probeRttMinStamp = now;
        }
        boolean expired = now - (b.minRttStamp + MIN_RTT_WIN) > 0;
        if (expired || BbrMath.u(b.probeRttMinUs) <= BbrMath.u(b.minRttUs)) {
            b.minRttUs = b.probeRttMinUs;
            b.minRttStamp = b.probeRttMinStamp;
        }
        if (probeDue && !b.idleRestart && b.mode != PROBE_RTT) {
            b.mode = PROBE_RTT;
            saveCwnd(tp, b);
            b.probeRttDoneStamp = 0;
            b.ackPhase = Bbr3Cycle.ACKS_PROBE_STOPPING;
            b.startRound(tp);
        }
        if (b.mode == PROBE_RTT) {
            inProbeRtt(cpu, tp, b, now);
        }
        if (rs.delivered > 0) {
            b.idleRestart = false;
        }
    }

    private static void inProbeRtt(Cpu cpu, TcpSock tp, Bbr3State b, int now) {
        BbrMath.markAppLimited(tp);
        if (b.probeRttDoneStamp == 0 && tp.packetsInFlight() <= probeRttCwnd(b)) {
            int done = now + PROBE_RTT_TIME;
            b.probeRttDoneStamp = done != 0 ? done : 1;
            b.probeRttRoundDone = false;
            b.startRound(tp);
        } else if (b.probeRttDoneStamp != 0) {
            b.probeRttRoundDone |= b.roundStart;
            if (b.probeRttRoundDone) {
                checkProbeRttDone(cpu, tp, b);
            }
        }
    }

    private static void checkProbeRttDone(Cpu cpu, TcpSock tp, Bbr3State b) {
        int now = (int) cpu.jiffies();
        if (b.probeRttDoneStamp == 0 || now - b.probeRttDoneStamp <= 0) {
            return;
        }
        b.probeRttMinStamp = now;
        tp.setSndCwnd(Math.max(tp.sndCwnd, Math.min(b.priorCwnd, tp.sndCwndClamp)));
        b.resetLowerBounds();
        if (b.fullBwReached) {
            b.mode = PROBE_BW;
            Bbr3Cycle.startDown(cpu, tp, b); // the next probe some time from now
            Bbr3Cycle.startCruise(b); // there is no queue to take down
        } else {
            b.mode = STARTUP;
        }
    }

    private static void updateGains(Bbr3State b) {
        b.cwndGain = CWND_GAIN;
        switch (b.mode) {
            case STARTUP -> b.pacingGain = STARTUP_GAIN;
            case DRAIN -> b.pacingGain = DRAIN_GAIN;
            case PROBE_BW -> {
                b.pacingGain = switch (b.phase) {
                    case Bbr3Cycle.UP -> PROBE_UP_GAIN;
                    case Bbr3Cycle.DOWN -> PROBE_DOWN_GAIN;
                    default -> BbrMath.UNIT;
                };
                if (b.phase == Bbr3Cycle.UP) {
                    b.cwndGain = PROBE_UP_CWND_GAIN;
                }
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
        Bbr3State b = of(tp);
        b.updateRound(tp, rs);
        if (b.roundStart) {
            Bbr3Bounds.updateEcnAlpha(tp, b, ecn.on());
        }
        b.ecnInRound |= b.ecnEligible && rs.isEce;
        b.updateLatest(tp, rs);
        updateCongestionSignals(tp, b, rs);
        b.aggregation.update(tp, rs, b.bw(), b.roundStart, b.fullBwReached ? EXTRA_ACKED_WIN_RTTS : 1);
        Bbr3Bounds.checkStartupLoss(tp, b, rs);
        checkFullBw(b, rs);
        checkDrain(cpu, tp, b);
        Bbr3Cycle.update(cpu, tp, b, rs);
        updateMinRtt(cpu, tp, b, rs);
        updateGains(b);
        int bw = b.bw();
        setPacingRate(tp, b, bw, b.pacingGain);
        setCwnd(tp, b, rs, bw);
        b.advanceLatest(rs);
        b.prevCaState = tp.icskCaState;
        b.lossInCycle |= rs.lost > 0;
        b.ecnInCycle |= rs.deliveredCe > 0;
    }

    // ---- events

    @Override
    public void skbMarkedLost(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (TcpSkbCb.deliveredMstamp(skb) != 0) { // else SACKed once and withdrawn
            Bbr3Bounds.markedLost(
                    cpu,
                    tp,
                    of(tp),
                    tp.lost - TcpSkbCb.txLost(skb),
                    TcpSkbCb.txInFlight(skb),
                    TcpSkbCb.pcount(skb),
                    TcpSkbCb.isAppLimited(skb));
        }
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        if (event != TcpConst.CA_EVENT_TX_START || tp.appLimited == 0) {
            return;
        }
        Bbr3State b = of(tp);
        b.idleRestart = true;
        b.aggregation.restart(tp.tcpMstamp);
        if (b.mode == PROBE_BW) {
            setPacingRate(tp, b, b.bw(), BbrMath.UNIT);
        } else if (b.mode == PROBE_RTT) {
            checkProbeRttDone(cpu, tp, b);
        }
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        Bbr3State b = of(tp);
        if (newState == TcpConst.TCP_CA_LOSS) {
            b.prevCaState = TcpConst.TCP_CA_LOSS;
            b.resetFullBw();
            if (!b.probing() && b.inflightLo == BbrMath.NONE) { // before the time-out takes the window away
                b.inflightLo = Math.max(tp.sndCwnd, b.priorCwnd);
            }
        } else if (b.prevCaState == TcpConst.TCP_CA_LOSS) {
            tp.setSndCwnd(Math.max(tp.sndCwnd, Math.min(b.priorCwnd, tp.sndCwndClamp)));
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        Bbr3State b = of(tp);
        saveCwnd(tp, b);
        b.undoBwLo = b.bwLo;
        b.undoInflightLo = b.inflightLo;
        b.undoInflightHi = b.inflightHi;
        return tp.sndSsthresh;
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        Bbr3State b = of(tp);
        b.resetFullBw();
        b.lossInRound = false;
        b.bwLo = BbrMath.max(b.bwLo, b.undoBwLo);
        b.inflightLo = BbrMath.max(b.inflightLo, b.undoInflightLo);
        b.inflightHi = BbrMath.max(b.inflightHi, b.undoInflightHi);
        return Math.max(b.priorCwnd, tp.sndCwnd);
    }

    @Override
    public int sndbufExpand(TcpSock tp) {
        return 3;
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        Bbr3State b = of(tp);
        long bw = BbrMath.bytesPerSec(tp, b.bw(), BbrMath.UNIT, 0);
        long hi = BbrMath.bytesPerSec(tp, b.maxBw(), BbrMath.UNIT, 0);
        long lo = b.bwLo == BbrMath.NONE ? -1 : BbrMath.bytesPerSec(tp, b.bwLo, BbrMath.UNIT, 0);
        return new TcpCcInfo.Bbr3( // allocates: diagnostics
                new TcpCcInfo.Bbr(bw, b.minRttUs, b.pacingGain, b.cwndGain), // allocates: diagnostics
                hi,
                lo,
                b.mode,
                phaseInfo(b),
                b.inflightLo,
                b.inflightHi,
                b.aggregation.extraAcked());
    }

    private static int phaseInfo(Bbr3State b) {
        return switch (b.mode) {
            case STARTUP -> 1;
            case DRAIN -> 2;
            case PROBE_RTT -> 3;
            default -> 4 + b.phase; // UP, DOWN, CRUISE, REFILL
        };
    }
}
