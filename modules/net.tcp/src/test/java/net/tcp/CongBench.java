package net.tcp;

import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.sock.Sock;
import net.core.sock.TcpStates;

/**
 * A connection without a network under one congestion control, for the growth functions: ACKs, losses and time are what
 * the test says, the window is what the algorithm makes of them. The calls come in the order in which {@code tcp_ack()}
 * makes them, the window is always used up.
 */
public final class CongBench implements AutoCloseable {
    public static final int MSS = 1000;
    private static final long START_NS = 10_000_000_000L;

    private final Kernel kernel;
    public final TcpSock tp;
    public final TcpCongestionOps ops;
    private final AckSample sample = new AckSample();
    private Cpu cpu;
    /** Part of an ACK that rounds could not place. */
    private double owed;

    /** Words set parameters, such as {@code tcp_cubic.beta=512}. */
    public CongBench(String name, int srttUs, String... words) {
        this(name, srttUs, false, words);
    }

    /** As the other, with ECN agreed. */
    public CongBench(String name, int srttUs, boolean ecn, String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 1);
        all[words.length] = "clock=virtual";
        kernel = Kernel.boot(all);
        kernel.scheduler().sleep(START_NS);
        cpu = kernel.localBhDisable(0);
        tp = new TcpSock(kernel.initNet(), TcpSockets.of(kernel).prot);
        Tcp.tcpInitSock(tp);
        tp.state = TcpStates.TCP_ESTABLISHED;
        tp.mssCache = MSS;
        tp.maxWindow = 1 << 30;
        tp.sndWnd = 1 << 30;
        tp.rxOpt.sackOk = TcpOptionsReceived.TCP_SACK_SEEN;
        tp.rxOpt.sawTstamp = true;
        tp.sndUna = 1;
        tp.sndNxt = 1;
        tp.delivered = 1;
        tp.srttUs = srttUs << 3;
        tp.rttMin.reset((int) cpu.jiffies(), srttUs);
        tp.isCwndLimited = true;
        tp.pacingStatus = Sock.SK_PACING_NONE;
        if (ecn) {
            tp.ecnFlags = TcpConst.TCP_ECN_OK;
        }
        clock();
        if (TcpCong.set(cpu, tp, name, true) != 0) {
            throw new AssertionError("no congestion control " + name);
        }
        if (!tp.icskCaInitialized) {
            TcpCong.init(cpu, tp);
        }
        ops = Objects.requireNonNull(tp.congOps);
        inFlight();
    }

    public Cpu cpu() {
        return cpu;
    }

    public int cwnd() {
        return tp.sndCwnd;
    }

    /** Starts anew from a window in congestion avoidance. */
    public void avoidance(int cwnd) {
        tp.sndSsthresh = cwnd;
        window(cwnd);
    }

    /** Sets the window, and what is in flight to it. */
    public void window(int cwnd) {
        tp.setSndCwnd(cwnd);
        tp.sndCwndCnt = 0;
        inFlight();
    }

    private void inFlight() {
        tp.sndNxt = tp.sndUna + tp.sndCwnd * MSS;
        tp.packetsOut = tp.sndCwnd;
        tp.maxPacketsOut = tp.sndCwnd;
    }

    private void clock() {
        cpu.refreshClock();
        tp.tcpClockCache = cpu.nowNs();
        tp.tcpMstamp = cpu.nowNs() / 1000;
    }

    /** Lets time pass. */
    public void pass(long us) {
        cpu.localBhEnable();
        kernel.scheduler().sleep(us * 1000);
        cpu = kernel.localBhDisable(0);
        clock();
    }

    /** An ACK for {@code segs} segments whose last one took {@code rttUs}; sends as many as the window then allows. */
    public void ack(int segs, int rttUs) {
        tp.sndUna += segs * MSS;
        tp.delivered += segs;
        tp.deliveredMstamp = tp.tcpMstamp;
        tp.packetsOut -= segs;
        tp.rttMin.runningMin(tp.sysctl.tcpMinRttWlen * 1000, (int) cpu.jiffies(), rttUs);
        tp.rxOpt.rcvTsecr = tp.timeStampTs() - rttUs / 1000;
        ops.inAckEvent(cpu, tp, 0);
        sample.pktsAcked = segs;
        sample.rttUs = rttUs;
        sample.inFlight = tp.sndCwnd * MSS;
        ops.pktsAcked(cpu, tp, sample);
        ops.congAvoid(cpu, tp, tp.sndUna, segs);
        inFlight();
    }

    /** One round trip: what was in flight at its start is acknowledged, a segment at a time, evenly. */
    public void round(int rttUs) {
        int n = tp.sndCwnd;
        for (int i = 0; i < n; i++) {
            owed += (double) rttUs / n;
            long us = (long) owed;
            owed -= us;
            if (us > 0) {
                pass(us);
            }
            ack(1, rttUs);
        }
    }

    /** Rounds until {@code us} are over. */
    public void rounds(long us, int rttUs) {
        for (long t = 0; t < us; t += rttUs) {
            round(rttUs);
        }
    }

    /** A loss that one recovery repairs, at once. */
    public void loss() {
        tp.priorSsthresh = tp.sndSsthresh;
        tp.priorCwnd = tp.sndCwnd;
        tp.undoMarker = tp.sndUna;
        TcpPrr.tcpInitCwndReduction(cpu, tp);
        TcpCaMachine.tcpSetCaState(cpu, tp, TcpConst.TCP_CA_RECOVERY);
        TcpPrr.tcpEndCwndReduction(cpu, tp);
        tp.undoMarker = 0;
        TcpCaMachine.tcpSetCaState(cpu, tp, TcpConst.TCP_CA_OPEN);
        inFlight();
    }

    /** A retransmission time-out and its recovery, from a window of 1. */
    public void timeout() {
        tp.priorCwnd = tp.sndCwnd;
        tp.sndSsthresh = ops.ssthresh(cpu, tp);
        TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_LOSS);
        tp.setSndCwnd(1);
        TcpCaMachine.tcpSetCaState(cpu, tp, TcpConst.TCP_CA_LOSS);
        TcpCaMachine.tcpSetCaState(cpu, tp, TcpConst.TCP_CA_OPEN);
        inFlight();
    }

    @Override
    public void close() {
        tp.packetsOut = 0;
        cpu.localBhEnable();
        kernel.close();
    }
}
