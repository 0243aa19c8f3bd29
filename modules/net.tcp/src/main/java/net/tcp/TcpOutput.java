package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_PUSHED;
import static net.tcp.TcpConst.ICSK_ACK_SCHED;
import static net.tcp.TcpConst.ICSK_ACK_TIMER;
import static net.tcp.TcpConst.ICSK_TIME_DACK;
import static net.tcp.TcpConst.ICSK_TIME_LOSS_PROBE;
import static net.tcp.TcpConst.ICSK_TIME_PROBE0;
import static net.tcp.TcpConst.TCP_NAGLE_OFF;
import static net.tcp.TcpConst.TCP_NAGLE_PUSH;
import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_FIN;
import static net.tcp.TcpSkbCb.TCPHDR_RST;

import net.core.Cpu;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Decides what goes out and when: queued data, ACKs, FIN, RST.
 *
 * <p>{@link TcpSendTests} has the tests, {@link TcpTransmit} builds and hands over one segment, {@link TcpRetransmit}
 * sends again, {@link TcpProbe} asks a silent peer.
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: net/ipv4/tcp_output.c
 */
public final class TcpOutput {
    /** {@code pushOne}: send one segment even beyond the congestion window (loss probe). */
    static final int PUSH_ONE_PROBE = 2;

    private TcpOutput() {}

    /**
     * Sends what windows, Nagle, pacing and the small queue admit.
     *
     * @param nonagle {@code TCP_NAGLE_*} bits for the last, partial segment
     * @param pushOne 0: all; 1: the first segment only; 2: one even beyond the congestion window
     * @return true if nothing was sent, nothing is out and something waits: the caller sees to a probe timer
     * <p>Linux: tcp_write_xmit(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static boolean tcpWriteXmit(Cpu cpu, TcpSock tp, int callersMss, int nonagle, int pushOne) {
        int mss = callersMss;
        PathTrace.hit(cpu, null, Landmark.TCP_WRITE_XMIT);
        int sent = 0;
        tp.mstampRefresh(cpu.nowNs());
        if (pushOne == 0) {
            int probe = TcpProbe.tcpMtuProbe(cpu, tp);
            if (probe == 0) {
                return false;
            }
            if (probe > 0) {
                sent = 1;
            }
        }
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        pcpu.isCwndLimited = false;
        pcpu.isRwndLimited = false;
        int maxSegs = TcpSendTests.tsoSegs(tp, mss);
        for (SkBuff skb = tp.sendHead(); skb != null; skb = tp.sendHead()) {
            if (tp.accEcn != null) {
                mss = TcpMss.tcpCurrentMss(cpu, tp); // whether the next segment has an AccECN option changes in between
            }
            if (!tp.repair && !admit(cpu, pcpu, tp, skb, mss, nonagle, pushOne, maxSegs)) {
                break;
            }
            if (tp.repair) {
                repairSent(tp, skb, mss);
            } else if (TcpTransmit.tcpTransmitSkb(cpu, tp, skb, true) != 0) {
                break;
            }
            eventNewDataSent(cpu, tp, skb);
            TcpSendTests.minshallUpdate(tp, mss, skb);
            sent += TcpSkbCb.pcount(skb);
            if (pushOne != 0) {
                break;
            }
        }
        return afterXmit(cpu, pcpu, tp, sent, pushOne);
    }

    /** All tests of one segment; splits it so that what stays may go. */
    @HotPath
    private static boolean admit(
            Cpu cpu, TcpPcpu pcpu, TcpSock tp, SkBuff skb, int mss, int nonagle, int pushOne, int maxSegs) {
        if (TcpSendTests.pacingCheck(cpu, tp)) {
            return false;
        }
        int quota = TcpSendTests.cwndTest(tp);
        if (quota == 0) {
            if (pushOne != PUSH_ONE_PROBE) {
                return false;
            }
            quota = 1;
        }
        quota = Math.min(quota, maxSegs);
        int missing = quota * mss - skb.len;
        if (missing > 0) {
            TcpFragment.growSkb(cpu, tp, skb, missing);
        }
        int segs = TcpFragment.setSkbTsoSegs(skb, mss);
        if (!TcpSendTests.sndWndTest(tp, skb, mss)) {
            pcpu.isRwndLimited = true;
            return false;
        }
        if (segs == 1) {
            if (!TcpSendTests.nagleTest(tp, skb, mss, TcpQueues.isLast(tp, skb) ? nonagle : TCP_NAGLE_PUSH)) {
                return false;
            }
        } else if (pushOne == 0 && TcpSendTests.tsoShouldDefer(pcpu, tp, skb, maxSegs)) {
            return false;
        }
        int limit = mss;
        if (segs > 1 && !TcpSendTests.urgMode(tp)) {
            limit = TcpSendTests.mssSplitPoint(tp, skb, mss, quota, nonagle);
        }
        if (skb.len > limit && TcpFragment.tsoFragment(cpu, tp, skb, limit, mss) != 0) {
            return false;
        }
        // An empty segment belongs to a writer that sleeps for memory.
        return !TcpSendTests.smallQueueCheck(tp, skb, 0) && TcpSkbCb.endSeq(skb) != TcpSkbCb.seq(skb);
    }

    private static void repairSent(TcpSock tp, SkBuff skb, int mss) {
        tp.tcpWstampNs = tp.tcpClockCache;
        skb.skbMstampNs = tp.tcpWstampNs;
        TcpTsorted.moveTail(tp, skb);
        TcpFragment.setSkbTsoSegs(skb, mss);
    }

    @HotPath
    private static boolean afterXmit(Cpu cpu, TcpPcpu pcpu, TcpSock tp, int sent, int pushOne) {
        if (pcpu.isRwndLimited) {
            TcpChrono.start(cpu, tp, TcpConst.TCP_CHRONO_RWND_LIMITED);
        } else {
            TcpChrono.stop(cpu, tp, TcpConst.TCP_CHRONO_RWND_LIMITED);
        }
        boolean cwndLimited = pcpu.isCwndLimited || tp.packetsInFlight() >= tp.sndCwnd;
        if (sent != 0 || cwndLimited) {
            TcpCwnd.validate(cpu, tp, cwndLimited);
        }
        if (sent != 0) {
            if (tp.inCwndReduction()) {
                tp.prrOut += sent;
            }
            if (pushOne != PUSH_ONE_PROBE) {
                TcpProbe.tcpScheduleLossProbe(cpu, tp, false);
            }
            return false;
        }
        return tp.packetsOut == 0 && !tp.sendQueue.isEmpty();
    }

    /**
     * A segment was sent for the first time: from the write queue to the retransmit queue.
     *
     * <p>Linux: tcp_event_new_data_sent(), net/ipv4/tcp_output.c
     */
    @HotPath
    static void eventNewDataSent(Cpu cpu, TcpSock tp, SkBuff skb) {
        int prior = tp.packetsOut;
        tp.sndNxt = TcpSkbCb.endSeq(skb);
        tp.sendQueue.unlink(skb);
        TcpQueues.rtxInsert(tp, skb);
        if (tp.highestSack == null) {
            tp.highestSack = skb;
        }
        int segs = TcpSkbCb.pcount(skb);
        tp.packetsOut += segs;
        if (prior == 0 || tp.icskPending == ICSK_TIME_LOSS_PROBE) {
            TcpInput.tcpRearmRto(cpu, tp);
        }
        tp.tcpNet.add(cpu, LinuxMib.TCPORIGDATASENT, segs);
        TcpAckSched.tcpCheckSpace(cpu, tp); // less is unsent now: TCP_NOTSENT_LOWAT
    }

    /** Sends what is queued. Linux: __tcp_push_pending_frames(). */
    @HotPath
    public static void tcpPushPendingFrames(Cpu cpu, TcpSock tp, int mss, int nonagle) {
        if (tp.state == TcpStates.TCP_CLOSE) {
            return;
        }
        if (tcpWriteXmit(cpu, tp, mss, nonagle, 0)) {
            checkProbeTimer(cpu, tp);
        }
    }

    /** Sends what is queued, as the socket's options say. Linux: tcp_push_pending_frames(). */
    @HotPath
    public static void tcpPushPendingFrames(Cpu cpu, TcpSock tp) {
        if (!tp.sendQueue.isEmpty()) {
            tcpPushPendingFrames(cpu, tp, TcpMss.tcpCurrentMss(cpu, tp), tp.nonagle);
        }
    }

    /** Nothing is out that would bring an ACK: make sure that a probe does. Linux: tcp_check_probe_timer(). */
    private static void checkProbeTimer(Cpu cpu, TcpSock tp) {
        if (tp.packetsOut == 0 && tp.icskPending == 0) {
            TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_PROBE0, TcpTimer.probe0Base(tp), true);
        }
    }

    /** Sends the first segment, full as it is. Linux: tcp_push_one(). */
    @HotPath
    static void tcpPushOne(Cpu cpu, TcpSock tp, int mss) {
        tcpWriteXmit(cpu, tp, mss, TCP_NAGLE_PUSH, 1);
    }

    /**
     * A sequence number that the peer accepts on a segment without data: the end of its window if it took room back, but
     * for what rounding to its scale may explain.
     *
     * <p>{@code Deviation:} not for a closed window. A peer out of memory closes it whatever it offered before; if then
     * less than a unit of its scale is out, Linux goes on with a number behind the window, and the peer throws away our
     * ACKs. If it is blocked for want of them, and we by its window, nothing ever moves again.
     *
     * <p>Linux: tcp_acceptable_seq()
     */
    @HotPath
    static int acceptableSeq(TcpSock tp) {
        int end = tp.wndEnd();
        if (!TcpSeq.before(end, tp.sndNxt)
                || tp.sndWnd != 0
                        && tp.rxOpt.wscaleOk
                        && Integer.compareUnsigned(tp.sndNxt - end, 1 << tp.rxOpt.rcvWscale) < 0) {
            return tp.sndNxt;
        }
        return end;
    }

    /** Sets the fields of a segment without data. Linux: tcp_init_nondata_skb(). */
    @HotPath
    static void initNondataSkb(SkBuff skb, int seq, int flags) {
        TcpSkbCb.init(skb);
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        TcpSkbCb.tcpFlags(skb, flags);
        TcpSkbCb.pcount(skb, 1);
        TcpSkbCb.seq(skb, seq);
        TcpSkbCb.endSeq(skb, (flags & (TcpSkbCb.TCPHDR_SYN | TCPHDR_FIN)) != 0 ? seq + 1 : seq);
    }

    /** A fresh packet with room for headers, or null. */
    static @Nullable SkBuff allocControl(Cpu cpu) {
        SkBuff skb = cpu.allocSkb(TcpConst.MAX_TCP_HEADER);
        if (skb != null) {
            skb.reserve(TcpConst.MAX_TCP_HEADER);
        }
        return skb;
    }

    // ---- ACKs

    /** Acknowledges everything that came, now. Linux: tcp_send_ack(). */
    @HotPath
    public static void tcpSendAck(Cpu cpu, TcpSock tp) {
        tcpSendAck(cpu, tp, tp.rcvNxt, 0);
    }

    /**
     * Acknowledges up to {@code rcvNxt} with flags besides ACK; without memory a timer tries again.
     *
     * <p>Linux: __tcp_send_ack(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static void tcpSendAck(Cpu cpu, TcpSock tp, int rcvNxt, int flags) {
        PathTrace.hit(cpu, null, Landmark.TCP_SEND_ACK);
        if (tp.state == TcpStates.TCP_CLOSE) {
            return;
        }
        SkBuff skb = allocControl(cpu);
        if (skb == null) {
            ackWithoutMemory(cpu, tp);
            return;
        }
        initNondataSkb(skb, acceptableSeq(tp), TCPHDR_ACK | flags);
        skb.truesize = TcpTransmit.PURE_ACK_TRUESIZE; // pure ACKs don't count for small queues
        TcpTransmit.tcpTransmitSkb(cpu, tp, skb, false, rcvNxt);
    }

    private static void ackWithoutMemory(Cpu cpu, TcpSock tp) {
        long delay = (long) TcpConst.TCP_DELACK_MAX << tp.icskAckRetry;
        if (delay < tp.icskRtoMax) {
            tp.icskAckRetry++;
        }
        tp.scheduleAck();
        tp.icskAckAto = TcpConst.TCP_ATO_MIN;
        TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_DACK, delay, false);
    }

    /**
     * Delays the ACK by an estimate of when the next segment or an answer comes.
     *
     * <p>Linux: tcp_send_delayed_ack(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static void tcpSendDelayedAck(Cpu cpu, TcpSock tp) {
        int ato = tp.icskAckAto;
        if (ato > TcpConst.TCP_DELACK_MIN) {
            int max = TcpConst.HZ / 2;
            if (Tcp.inPingpongMode(tp) || (tp.icskAckPending & ICSK_ACK_PUSHED) != 0) {
                max = TcpConst.TCP_DELACK_MAX;
            }
            if (tp.srttUs != 0) {
                max = Math.min(max, Math.max(TcpTimer.usToJiffies(tp.srttUs >> 3), TcpConst.TCP_DELACK_MIN));
            }
            ato = Math.min(ato, max);
        }
        ato = Math.min(ato, TcpTimer.delackMax(tp));
        long now = cpu.jiffies();
        long timeout = now + ato;
        if ((tp.icskAckPending & ICSK_ACK_TIMER) != 0) {
            long old = tp.icskDelackTimeout();
            if (old <= now + (ato >> 2)) { // about to fire anyway
                tcpSendAck(cpu, tp);
                return;
            }
            timeout = Math.min(timeout, old);
        }
        tp.icskAckPending = tp.icskAckPending | ICSK_ACK_SCHED | ICSK_ACK_TIMER;
        tp.icskDelackTimer.mod(cpu, timeout);
    }

    // ---- FIN, RST

    /**
     * Queues a FIN, on the last unsent segment if there is one, and sends.
     *
     * <p>{@code Deviation:} without memory the keepalive timer tries again. Linux leaves it at that; an orphan without a
     * FIN to retransmit then waits for ever.
     *
     * <p>Linux: tcp_send_fin(), net/ipv4/tcp_output.c
     */
    public static void tcpSendFin(Cpu cpu, TcpSock tp) {
        SkBuff tail = TcpQueues.writeQueueTail(tp);
        SkBuff target = tail;
        if (target == null && Tcp.underMemoryPressure(tp)) {
            target = tp.rtxQueueTail();
        }
        if (target != null && !tp.finOwed) {
            TcpSkbCb.orTcpFlags(target, TCPHDR_FIN);
            TcpSkbCb.endSeq(target, TcpSkbCb.endSeq(target) + 1);
            tp.writeSeq++;
            if (tail == null) { // was sent already: its retransmission will carry the FIN
                tp.sndNxt++;
                return;
            }
        } else if (!queueFin(cpu, tp)) {
            tp.resetKeepaliveTimer(cpu, TcpConst.TCP_RESOURCE_PROBE_INTERVAL);
            return;
        }
        tcpPushPendingFrames(cpu, tp, TcpMss.tcpCurrentMss(cpu, tp), TCP_NAGLE_OFF);
    }

    /** A segment of its own for the FIN; without memory its sequence number alone, lest an ACK of the data end it. */
    private static boolean queueFin(Cpu cpu, TcpSock tp) {
        if (!tp.finOwed) {
            tp.finOwed = true;
            tp.writeSeq++;
        }
        SkBuff skb = allocControl(cpu);
        if (skb == null) {
            return false;
        }
        tp.finOwed = false;
        TcpQueues.forcedMemSchedule(cpu, tp, skb.truesize);
        initNondataSkb(skb, tp.writeSeq - 1, TCPHDR_ACK | TCPHDR_FIN);
        queueSkb(cpu, tp, skb);
        return true;
    }

    /** Linux: tcp_queue_skb(). */
    private static void queueSkb(Cpu cpu, TcpSock tp, SkBuff skb) {
        tp.writeSeq = TcpSkbCb.endSeq(skb);
        skb.releaseHeader();
        TcpQueues.addWriteQueueTail(cpu, tp, skb);
        TcpQueues.charge(tp, skb);
    }

    /** Refuses to go on with a connection. Linux: tcp_send_active_reset(). */
    public static void tcpSendActiveReset(Cpu cpu, TcpSock tp) {
        tp.tcpNet.inc(cpu, TcpMib.OUTRSTS);
        if (cpu.tracing) {
            TcpTrace.sendReset(cpu, tp, null);
        }
        SkBuff skb = allocControl(cpu);
        if (skb == null) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPABORTFAILED);
            return;
        }
        initNondataSkb(skb, acceptableSeq(tp), TCPHDR_ACK | TCPHDR_RST);
        tp.mstampRefresh(cpu.nowNs());
        if (TcpTransmit.tcpTransmitSkb(cpu, tp, skb, false) != 0) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPABORTFAILED);
        }
    }
}
