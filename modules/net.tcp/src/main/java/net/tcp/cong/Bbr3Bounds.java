package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.RateSample;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * What losses and marks tell {@link Bbr3}: how much in flight is too much.
 *
 * <p>Two memories. The long one, {@code inflightHi}, is set by probes alone, when more than 2 % of a flight is lost (or
 * more than half of it marked), and rises when more than it went through. The short one, {@code inflightLo} and
 * {@code bwLo}, follows each round with a loss down to what was delivered, by 30 % at most, and is forgotten at the next
 * probe.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>draft-ietf-ccwg-bbr-02 5.5.10; Google's BBRv3: bbr_adapt_lower_bounds(), bbr_adapt_upper_bounds().
 */
@HotPath
final class Bbr3Bounds {
    /** Lost share of a flight from which on it was too large: 2 %. */
    static final int LOSS_THRESH = BbrMath.UNIT * 2 / 100;
    /** Marked share of a flight from which on it was too large. */
    private static final int ECN_THRESH = BbrMath.UNIT / 2;
    /** What a reduction leaves. */
    static final int BETA = BbrMath.UNIT * 7 / 10;

    private static final int HEADROOM = BbrMath.UNIT * 15 / 100;
    private static final int FULL_LOSS_CNT = 6;
    private static final int FULL_ECN_CNT = 2;
    private static final int ECN_ALPHA_GAIN = BbrMath.UNIT / 16;
    private static final int ECN_FACTOR = BbrMath.UNIT / 3;
    /** Only where marks come early: on short paths. */
    private static final int ECN_MAX_RTT_US = 5000;

    private Bbr3Bounds() {}

    // ---- too much?

    static boolean tooHigh(Bbr3State b, int lost, int txInFlight, int delivered, int deliveredCe) {
        if (lost > 0 && txInFlight != 0 && lost > (long) txInFlight * LOSS_THRESH >>> BbrMath.SCALE) {
            return true;
        }
        return b.ecnEligible
                && deliveredCe > 0
                && delivered > 0
                && deliveredCe > (long) delivered * ECN_THRESH >>> BbrMath.SCALE;
    }

    private static boolean tooHigh(Bbr3State b, RateSample rs) {
        return tooHigh(b, rs.lost, rs.txInFlight, rs.delivered, rs.deliveredCe);
    }

    /** The probe found the limit: keep what went through, or 0.7 of what is aimed at, and stop probing. */
    static void handleTooHigh(Cpu cpu, TcpSock tp, Bbr3State b, int txInFlight, boolean appLimited) {
        b.prevProbeTooHigh = true;
        b.bwProbeSamples = false; // one reaction per probe
        if (!appLimited) {
            int floor = (int) ((long) Bbr3.targetInflight(tp, b) * BETA >>> BbrMath.SCALE);
            b.inflightHi = BbrMath.max(txInFlight, floor);
        }
        if (b.in(Bbr3Cycle.UP)) {
            Bbr3Cycle.startDown(cpu, tp, b);
        }
    }

    /**
     * The volume in flight at which the loss rate passed the threshold, within a segment of several packets that was
     * just marked lost.
     *
     * @return packets, unsigned; {@link BbrMath#NONE} if the counts say nothing
     */
    static int inflightHiFromLost(int lost, int txInFlight, int pcount) {
        int inflightPrev = txInFlight - pcount;
        int lostPrev = lost - pcount;
        if (inflightPrev < 0 || lostPrev < 0) {
            return BbrMath.NONE;
        }
        long budget = (long) inflightPrev * LOSS_THRESH + BbrMath.UNIT - 1 >>> BbrMath.SCALE;
        long prefix = lostPrev >= budget ? 0 : (budget - lostPrev << BbrMath.SCALE) / (BbrMath.UNIT - LOSS_THRESH);
        return (int) (inflightPrev + prefix);
    }

    /** Samples the flight of a segment that was marked lost; the ACK that told of it may be the probe's last. */
    static void markedLost(Cpu cpu, TcpSock tp, Bbr3State b, int lost, int txInFlight, int pcount, boolean limited) {
        if (b.bwProbeSamples && tooHigh(b, lost, txInFlight, 0, 0)) {
            handleTooHigh(cpu, tp, b, inflightHiFromLost(lost, txInFlight, pcount), limited);
        }
    }

    // ---- the long memory

    /**
     * Sets or raises {@code inflightHi} by what came back of a probe.
     *
     * @return true if the phase was changed
     */
    static boolean adaptUpper(Cpu cpu, TcpSock tp, Bbr3State b, RateSample rs) {
        if (b.roundStart && b.ackPhase == Bbr3Cycle.ACKS_PROBE_STARTING) {
            b.ackPhase = Bbr3Cycle.ACKS_PROBE_FEEDBACK;
        }
        if (b.roundStart && b.ackPhase == Bbr3Cycle.ACKS_PROBE_STOPPING) { // the last samples of the probe are in
            b.bwProbeSamples = false;
            b.ackPhase = Bbr3Cycle.ACKS_INIT;
            if (b.mode == Bbr3.PROBE_BW && !rs.isAppLimited) {
                b.advanceMaxBw();
            }
            // The probe stopped at the old limit and all went well: go on beyond it.
            if (b.mode == Bbr3.PROBE_BW && b.stoppedRiskyProbe && !b.prevProbeTooHigh) {
                Bbr3Cycle.startRefill(tp, b, 0);
                return true;
            }
        }
        if (tooHigh(b, rs)) {
            if (b.bwProbeSamples) {
                handleTooHigh(cpu, tp, b, rs.txInFlight, rs.isAppLimited);
            }
        } else if (b.inflightHi != BbrMath.NONE) {
            b.inflightHi = BbrMath.max(b.inflightHi, rs.txInFlight);
            if (b.in(Bbr3Cycle.UP)) {
                probeUpward(tp, b, rs);
            }
        }
        return false;
    }

    private static void probeUpward(TcpSock tp, Bbr3State b, RateSample rs) {
        if (!tp.isCwndLimited || tp.sndCwnd < BbrMath.u(b.inflightHi)) {
            return; // it is not what holds the sender
        }
        b.bwProbeUpAcks += rs.ackedSacked;
        if (BbrMath.u(b.bwProbeUpAcks) >= BbrMath.u(b.bwProbeUpCnt)) {
            int delta = Integer.divideUnsigned(b.bwProbeUpAcks, b.bwProbeUpCnt);
            b.bwProbeUpAcks -= delta * b.bwProbeUpCnt;
            b.inflightHi += delta;
        }
        if (b.roundStart) {
            raiseSlope(tp, b);
        }
    }

    /** One packet more in the first round of a probe, then twice as many in each. */
    static void raiseSlope(TcpSock tp, Bbr3State b) {
        int growth = 1 << b.bwProbeUpRounds;
        b.bwProbeUpRounds = Math.min(b.bwProbeUpRounds + 1, 30);
        b.bwProbeUpCnt = Math.max(tp.sndCwnd / growth, 1);
    }

    /** {@code inflightHi} less a share that others may use, packets, unsigned. */
    static int withHeadroom(Bbr3State b) {
        if (b.inflightHi == BbrMath.NONE) {
            return BbrMath.NONE;
        }
        int headroom = (int) Math.max(BbrMath.u(b.inflightHi) * HEADROOM >>> BbrMath.SCALE, 1);
        return Math.max(b.inflightHi - headroom, Bbr3.CWND_MIN_TARGET);
    }

    // ---- the short memory

    /** Once per round of losses. */
    static void adaptLower(TcpSock tp, Bbr3State b) {
        if (b.probing()) {
            return; // a probe's losses are its answer
        }
        int ecnInflight = BbrMath.NONE;
        if (b.ecnInRound) {
            initLower(tp, b, false);
            int cut = b.ecnAlpha * ECN_FACTOR >>> BbrMath.SCALE;
            ecnInflight = (int) (BbrMath.u(b.inflightLo) * (BbrMath.UNIT - cut) >>> BbrMath.SCALE);
        }
        if (b.lossInRound) {
            initLower(tp, b, true);
            b.bwLo = BbrMath.max(b.bwLatest, (int) (BbrMath.u(b.bwLo) * BETA >>> BbrMath.SCALE));
            b.inflightLo = BbrMath.max(b.inflightLatest, (int) (BbrMath.u(b.inflightLo) * BETA >>> BbrMath.SCALE));
            b.bwLo = BbrMath.max(1, b.bwLo);
        }
        b.inflightLo = BbrMath.min(b.inflightLo, ecnInflight);
    }

    private static void initLower(TcpSock tp, Bbr3State b, boolean bwToo) {
        if (bwToo && b.bwLo == BbrMath.NONE) {
            b.bwLo = b.maxBw();
        }
        if (b.inflightLo == BbrMath.NONE) {
            b.inflightLo = tp.sndCwnd;
        }
    }

    // ---- start-up

    /** Six losses in a round of recovery and more than 2 % lost: the pipe is full, and how full it was is known. */
    static void checkStartupLoss(TcpSock tp, Bbr3State b, RateSample rs) {
        if (b.fullBwReached) {
            return;
        }
        if (rs.losses > 0 && b.lossEventsInRound < 0xf) {
            b.lossEventsInRound++;
        }
        if (b.lossRoundStart
                && tp.icskCaState == TcpConst.TCP_CA_RECOVERY
                && b.lossEventsInRound >= FULL_LOSS_CNT
                && tooHigh(b, rs)) {
            queueTooHighInStartup(tp, b);
        } else if (b.lossRoundStart) {
            b.lossEventsInRound = 0;
        }
    }

    private static void queueTooHighInStartup(TcpSock tp, Bbr3State b) {
        b.fullBwReached = true;
        b.inflightHi = BbrMath.max(Bbr3.inflight(tp, b, b.maxBw(), BbrMath.UNIT), b.inflightLatest);
    }

    // ---- ECN

    /** Once per round: the average share of marked packets; the path must be short for marks to mean a short queue. */
    static void updateEcnAlpha(TcpSock tp, Bbr3State b, boolean enabled) {
        b.ecnEligible |= enabled && (tp.ecnFlags & TcpConst.TCP_ECN_OK) != 0 && BbrMath.u(b.minRttUs) <= ECN_MAX_RTT_US;
        int delivered = tp.delivered - b.alphaLastDelivered;
        int marked = tp.deliveredCe - b.alphaLastDeliveredCe;
        if (!b.ecnEligible || delivered == 0) {
            return;
        }
        int ratio = (int) Math.min(((long) marked << BbrMath.SCALE) / delivered, BbrMath.UNIT);
        b.ecnAlpha = nextAlpha(b.ecnAlpha, ratio);
        b.alphaLastDelivered = tp.delivered;
        b.alphaLastDeliveredCe = tp.deliveredCe;
        if (!b.fullBwReached) {
            b.startupEcnRounds = ratio >= ECN_THRESH ? b.startupEcnRounds + 1 : 0;
            if (b.startupEcnRounds >= FULL_ECN_CNT) {
                queueTooHighInStartup(tp, b);
            }
        }
    }

    /** The average after a round with a share of marks; both in 1/256. */
    static int nextAlpha(int alpha, int ratio) {
        int next = (BbrMath.UNIT - ECN_ALPHA_GAIN) * alpha + ECN_ALPHA_GAIN * ratio >>> BbrMath.SCALE;
        return Math.min(next, BbrMath.UNIT);
    }
}
