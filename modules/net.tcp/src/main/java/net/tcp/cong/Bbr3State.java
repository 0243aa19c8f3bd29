package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.RateSample;
import net.tcp.TcpConst;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * What {@link Bbr3} knows of one connection: its mode, its model of the path, and the signals of the round under way.
 * Bandwidths as in {@link BbrMath}; an unsigned {@link BbrMath#NONE} stands for "no bound".
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Google's BBRv3: struct bbr, net/ipv4/tcp_bbr.c of its v3 branch.
 */
@HotPath
final class Bbr3State {
    // ---- mode
    int mode;
    /** Phase of PROBE_BW: {@link Bbr3Cycle}. */
    int phase;

    int pacingGain;
    int cwndGain;
    int prevCaState;
    boolean idleRestart;
    boolean hasSeenRtt;
    /** Window to return to. */
    int priorCwnd;

    int initCwnd;
    final BbrAckAggregation aggregation = new BbrAckAggregation();

    // ---- rounds
    int nextRttDelivered;
    boolean roundStart;
    /** The sample of this ACK; 0 if it gave none. */
    int sampleBw;

    // ---- is the pipe full?
    /** It was, once: the end of STARTUP. */
    boolean fullBwReached;
    /** It is now, in this probe. */
    boolean fullBwNow;

    int fullBw;
    int fullBwCnt;
    int lossEventsInRound;
    int startupEcnRounds;

    // ---- round trips, us and jiffies
    /** Smallest of ten seconds. */
    int minRttUs;

    int minRttStamp;
    /** Smallest of five seconds: the age of the last sample says when PROBE_RTT is due. */
    int probeRttMinUs;

    int probeRttMinStamp;
    /** End of PROBE_RTT; 0: not known yet. */
    int probeRttDoneStamp;

    boolean probeRttRoundDone;

    // ---- long term: what probing found
    /** Largest bandwidth of the cycle before and of this one. */
    int bwHiOld;

    int bwHiNew;
    /** Largest volume in flight that was not too much. */
    int inflightHi;

    // ---- short term: what recent losses and marks say
    int bwLo;
    int inflightLo;
    int bwLatest;
    int inflightLatest;
    boolean lossRoundStart;
    int lossRoundDelivered;
    boolean lossInRound;
    boolean ecnInRound;
    boolean lossInCycle;
    boolean ecnInCycle;
    int undoBwLo;
    int undoInflightLo;
    int undoInflightHi;

    // ---- cycle
    long cycleMstamp;
    int probeWaitUs;
    int roundsSinceProbe;
    int ackPhase;
    /** Samples now are of packets sent while probing. */
    boolean bwProbeSamples;

    boolean stoppedRiskyProbe;
    boolean prevProbeTooHigh;
    int bwProbeUpRounds;
    /** Segments to acknowledge for each that {@link #inflightHi} grows by, unsigned. */
    int bwProbeUpCnt;

    int bwProbeUpAcks;

    // ---- ECN
    boolean ecnEligible;
    int ecnAlpha;
    int alphaLastDelivered;
    int alphaLastDeliveredCe;

    /** Everything as at the start of a connection. */
    void reset(Cpu cpu, TcpSock tp) {
        int now = (int) cpu.jiffies();
        mode = Bbr3.STARTUP;
        phase = Bbr3Cycle.CRUISE;
        prevCaState = TcpConst.TCP_CA_OPEN;
        idleRestart = false;
        hasSeenRtt = false;
        priorCwnd = 0;
        initCwnd = Math.min(0x7f, tp.sndCwnd);
        aggregation.reset(tp.tcpMstamp);
        nextRttDelivered = tp.delivered;
        roundStart = false;
        sampleBw = 0;
        fullBwReached = false;
        resetFullBw();
        lossEventsInRound = 0;
        startupEcnRounds = 0;
        minRttUs = tp.rttMin.get();
        minRttStamp = now;
        probeRttMinUs = minRttUs;
        probeRttMinStamp = now;
        probeRttDoneStamp = 0;
        probeRttRoundDone = false;
        bwHiOld = 0;
        bwHiNew = 0;
        inflightHi = BbrMath.NONE;
        resetLowerBounds();
        resetCongestionSignals();
        lossRoundStart = false;
        lossRoundDelivered = tp.delivered + 1;
        undoBwLo = BbrMath.NONE;
        undoInflightLo = BbrMath.NONE;
        undoInflightHi = BbrMath.NONE;
        cycleMstamp = 0;
        probeWaitUs = 0;
        roundsSinceProbe = 0;
        ackPhase = Bbr3Cycle.ACKS_INIT;
        bwProbeSamples = false;
        stoppedRiskyProbe = false;
        prevProbeTooHigh = false;
        bwProbeUpRounds = 0;
        bwProbeUpCnt = BbrMath.NONE;
        bwProbeUpAcks = 0;
        ecnEligible = false;
        ecnAlpha = BbrMath.UNIT;
        alphaLastDelivered = tp.delivered;
        alphaLastDeliveredCe = tp.deliveredCe;
    }

    /** The largest bandwidth of the last two cycles. */
    int maxBw() {
        return BbrMath.max(bwHiOld, bwHiNew);
    }

    /** The bandwidth to send at: the largest, as far as recent losses allow. */
    int bw() {
        return BbrMath.min(maxBw(), bwLo);
    }

    void takeMaxBw(int bw) {
        bwHiNew = BbrMath.max(bwHiNew, bw);
    }

    /** A cycle of probing is over: forgets the one before. */
    void advanceMaxBw() {
        if (bwHiNew != 0) {
            bwHiOld = bwHiNew;
            bwHiNew = 0;
        }
    }

    void resetFullBw() {
        fullBw = 0;
        fullBwCnt = 0;
        fullBwNow = false;
    }

    void resetLowerBounds() {
        bwLo = BbrMath.NONE;
        inflightLo = BbrMath.NONE;
    }

    void resetCongestionSignals() {
        lossInRound = false;
        ecnInRound = false;
        lossInCycle = false;
        ecnInCycle = false;
        bwLatest = 0;
        inflightLatest = 0;
    }

    /** A new round begins with the next packet that is sent. */
    void startRound(TcpSock tp) {
        nextRttDelivered = tp.delivered;
    }

    /** Does this ACK end a round? */
    void updateRound(TcpSock tp, RateSample rs) {
        roundStart = rs.intervalUs > 0 && !TcpSeq.before(rs.priorDelivered, nextRttDelivered);
        if (roundStart) {
            startRound(tp);
            roundsSinceProbe = Math.min(roundsSinceProbe + 1, 0xff);
        }
        sampleBw = rs.intervalUs > 0 && rs.delivered >= 0 ? BbrMath.bandwidth(rs.delivered, rs.intervalUs) : 0;
    }

    /** The signals of the current round of losses, which ends independently of the other. */
    void updateLatest(TcpSock tp, RateSample rs) {
        lossRoundStart = false;
        if (rs.intervalUs <= 0 || rs.ackedSacked == 0) {
            return;
        }
        bwLatest = BbrMath.max(bwLatest, sampleBw);
        inflightLatest = Math.max(inflightLatest, rs.delivered);
        if (!TcpSeq.before(rs.priorDelivered, lossRoundDelivered)) {
            lossRoundDelivered = tp.delivered;
            lossRoundStart = true;
        }
    }

    /** After an ACK: the next round starts from this sample. A repair by a loss probe keeps the old: it says little. */
    void advanceLatest(RateSample rs) {
        if (lossRoundStart && !rs.isAckingTlpRetrans) {
            bwLatest = sampleBw;
            inflightLatest = rs.delivered;
        }
    }

    boolean probing() {
        return mode == Bbr3.STARTUP || mode == Bbr3.PROBE_BW && (phase == Bbr3Cycle.REFILL || phase == Bbr3Cycle.UP);
    }

    boolean in(int wanted) {
        return mode == Bbr3.PROBE_BW && phase == wanted;
    }
}
