package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.RateSample;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * The cycle in which {@link Bbr3} looks for more bandwidth, once in two to three seconds, or in as many rounds as Reno
 * would take to fill the same window, so that it lives beside Reno.
 *
 * <pre>{@code
 *          +-----> DOWN 0.9 ---- no queue, room below inflightHi ----> CRUISE 1.0
 *          |          |                                                   |
 *          |          +------------------ time to probe ------------------+
 *          |                                                              v
 *       UP 1.25 <------------------- one round trip --------------- REFILL 1.0
 *   until 2 % are lost, or the bandwidth grows no more                forgets the short memory
 * }</pre>
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>draft-ietf-ccwg-bbr-02 5.3.3; Google's BBRv3: bbr_update_cycle_phase().
 */
@HotPath
final class Bbr3Cycle {
    static final int UP = 0;
    static final int DOWN = 1;
    static final int CRUISE = 2;
    static final int REFILL = 3;

    /** What the ACKs that arrive now are of. */
    static final int ACKS_INIT = 0;

    static final int ACKS_REFILLING = 1;
    static final int ACKS_PROBE_STARTING = 2;
    static final int ACKS_PROBE_FEEDBACK = 3;
    static final int ACKS_PROBE_STOPPING = 4;

    private static final int PROBE_RAND_ROUNDS = 2;
    private static final int PROBE_MAX_ROUNDS = 63;
    private static final int PROBE_BASE_US = 2_000_000;
    private static final int PROBE_RAND_US = 1_000_000;

    private Bbr3Cycle() {}

    // ---- into a phase

    static void startDown(Cpu cpu, TcpSock tp, Bbr3State b) {
        b.resetCongestionSignals();
        b.bwProbeUpCnt = BbrMath.NONE;
        b.roundsSinceProbe = cpu.kernel().getRandomBelow(PROBE_RAND_ROUNDS);
        b.probeWaitUs = PROBE_BASE_US + cpu.kernel().getRandomBelow(PROBE_RAND_US);
        b.cycleMstamp = tp.deliveredMstamp;
        b.ackPhase = ACKS_PROBE_STOPPING;
        b.startRound(tp);
        b.phase = DOWN;
    }

    static void startCruise(Bbr3State b) {
        if (b.inflightLo != BbrMath.NONE) {
            b.inflightLo = BbrMath.min(b.inflightLo, b.inflightHi);
        }
        b.phase = CRUISE;
    }

    static void startRefill(TcpSock tp, Bbr3State b, int upRounds) {
        b.resetLowerBounds();
        b.bwProbeUpRounds = upRounds;
        b.bwProbeUpAcks = 0;
        b.stoppedRiskyProbe = false;
        b.ackPhase = ACKS_REFILLING;
        b.startRound(tp);
        b.phase = REFILL;
    }

    private static void startUp(TcpSock tp, Bbr3State b) {
        b.bwProbeSamples = true;
        b.ackPhase = ACKS_PROBE_STARTING;
        b.startRound(tp);
        b.cycleMstamp = tp.tcpMstamp;
        b.resetFullBw();
        b.fullBw = b.sampleBw;
        b.phase = UP;
        Bbr3Bounds.raiseSlope(tp, b);
    }

    // ---- out of a phase

    static void update(Cpu cpu, TcpSock tp, Bbr3State b, RateSample rs) {
        if (!b.fullBwReached || Bbr3Bounds.adaptUpper(cpu, tp, b, rs) || b.mode != Bbr3.PROBE_BW) {
            return;
        }
        int inFlight = BbrMath.inNetAtEdt(tp, rs.priorInFlight, b.bw());
        switch (b.phase) {
            case CRUISE -> timeToProbe(tp, b);
            case REFILL -> {
                if (b.roundStart) { // the pipe is full again, and no queue was made
                    startUp(tp, b);
                }
            }
            case UP -> probeUp(cpu, tp, b, inFlight);
            default -> {
                if (!timeToProbe(tp, b) && drained(tp, b, inFlight)) {
                    startCruise(b);
                }
            }
        }
    }

    private static void probeUp(Cpu cpu, TcpSock tp, Bbr3State b, int inFlight) {
        boolean atLimit = b.inflightHi != BbrMath.NONE;
        if (b.prevProbeTooHigh && atLimit && inFlight >= b.inflightHi) {
            b.stoppedRiskyProbe = true; // the last time this was too much: look first whether it went well
        } else if (atLimit && tp.isCwndLimited && tp.sndCwnd >= b.inflightHi) {
            b.resetFullBw(); // the bandwidth cannot grow before the bound does
            b.fullBw = b.sampleBw;
            return;
        } else if (!b.fullBwNow) {
            return;
        }
        b.prevProbeTooHigh = false; // nothing bad known yet
        startDown(cpu, tp, b);
    }

    private static boolean drained(TcpSock tp, Bbr3State b, int inFlight) {
        return inFlight <= BbrMath.u(Bbr3Bounds.withHeadroom(b))
                && inFlight <= Bbr3.inflight(tp, b, b.maxBw(), BbrMath.UNIT);
    }

    private static boolean timeToProbe(TcpSock tp, Bbr3State b) {
        int target = Bbr3.targetInflight(tp, b);
        if (b.ecnEligible && b.ecnInCycle && !b.lossInCycle && tp.icskCaState == TcpConst.TCP_CA_OPEN) {
            // Marks, but no loss: probe again at once, with steps of half of what is in flight.
            startRefill(tp, b, 31 - Integer.numberOfLeadingZeros(Math.max(target >> 1, 1)));
            return true;
        }
        if (tp.tcpMstamp - (b.cycleMstamp + b.probeWaitUs) > 0
                || b.roundsSinceProbe >= Math.min(PROBE_MAX_ROUNDS, target)) {
            startRefill(tp, b, 0);
            return true;
        }
        return false;
    }
}
