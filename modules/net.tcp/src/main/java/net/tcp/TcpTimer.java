package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_TIMER;
import static net.tcp.TcpConst.ICSK_TIME_LOSS_PROBE;
import static net.tcp.TcpConst.ICSK_TIME_PROBE0;
import static net.tcp.TcpConst.ICSK_TIME_REO_TIMEOUT;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TCPF_CLOSE;
import static net.tcp.TcpConst.TCPF_LISTEN;
import static net.tcp.TcpConst.TCPF_SYN_RECV;
import static net.tcp.TcpConst.TCPF_SYN_SENT;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * What happens when one of a connection's timers fires, and how the timers are armed. The keepalive timer is {@link
 * TcpKeepalive}'s.
 *
 * <p>One wheel timer stands for four purposes (retransmit, loss probe, reordering, zero window probe), of which a
 * connection needs one at a time.
 *
 * <p><b>Context:</b> expiry in softirq; a socket that a process owns gets a deferral bit instead. Everything else under
 * the socket lock with the CPU word.
 *
 * <p>Linux: net/ipv4/tcp_timer.c
 */
public final class TcpTimer {
    private static final int THIN_LINEAR_RETRIES = 6;

    private TcpTimer() {}

    /** Microseconds to jiffies, rounded up. Linux: usecs_to_jiffies(). */
    public static int usToJiffies(long us) {
        return (int) ((us + 999) / 1000);
    }

    // ---- arming

    /** Arms the timer, later by what pacing holds back if asked. Linux: tcp_reset_xmit_timer(). */
    @HotPath
    public static void tcpResetXmitTimer(Cpu cpu, TcpSock tp, int what, long when, boolean paceDelay) {
        long delay = paceDelay ? when + TcpSendTests.pacingDelay(tp) : when;
        tp.resetXmitTimer(cpu, what, delay, tp.icskRtoMax);
    }

    /** Stops every timer of a connection. Linux: tcp_clear_xmit_timers(). */
    static void clearXmitTimers(TcpSock tp) {
        if (tp.pacingTimer != null) {
            tp.pacingTimer.cancel();
        }
        if (tp.compressedAckTimer != null) {
            tp.compressedAckTimer.cancel();
        }
        tp.clearXmitTimers();
    }

    /** Smallest retransmission time-out, jiffies: the route's if that is locked. Linux: tcp_rto_min(). */
    public static int rtoMin(TcpSock tp) {
        DstEntry dst = tp.skDstGet();
        return dst != null && dst.metricLocked(DstEntry.RTAX_RTO_MIN)
                ? usToJiffies(dst.metric(DstEntry.RTAX_RTO_MIN) * 1000L)
                : tp.icskRtoMin;
    }

    /** Smallest retransmission time-out, microseconds. Linux: tcp_rto_min_us(). */
    public static int rtoMinUs(TcpSock tp) {
        return rtoMin(tp) * 1000;
    }

    /** Largest retransmission time-out, jiffies. Linux: tcp_rto_max(). */
    public static int rtoMax(TcpSock tp) {
        return tp.icskRtoMax;
    }

    /** Longest delay of an ACK, which must stay below the peer's time-out. Linux: tcp_delack_max(). */
    static int delackMax(TcpSock tp) {
        return Math.min(tp.icskDelackMax, Math.max(rtoMin(tp), 2) - 1);
    }

    /** Microseconds until the head's time-out, from when it was sent. Linux: tcp_rto_delta_us(). */
    @HotPath
    public static long rtoDeltaUs(Cpu cpu, TcpSock tp) {
        SkBuff skb = tp.rtxQueueHead();
        long rtoUs = tp.icskRto * 1000L;
        return skb == null ? rtoUs : TcpSkbCb.timestampUs(skb) + rtoUs - tp.tcpMstamp;
    }

    /** First interval of zero window probes. Linux: tcp_probe0_base(). */
    public static long probe0Base(TcpSock tp) {
        return Math.max(tp.icskRto, TcpConst.TCP_RTO_MIN);
    }

    /** Next interval of zero window probes. Linux: tcp_probe0_when(). */
    public static long probe0When(TcpSock tp, long max) {
        int backoff = Math.min(10, tp.icskBackoff); // 2^10 RTO_MIN exceed RTO_MAX
        return Math.min(probe0Base(tp) << backoff, max);
    }

    /** Not beyond the user's time-out. Linux: tcp_clamp_probe0_to_user_timeout(). */
    public static long clampProbe0ToUserTimeout(Cpu cpu, TcpSock tp, long when) {
        int user = tp.icskUserTimeout;
        if (user == 0 || tp.icskProbesTstamp == 0) {
            return when;
        }
        long elapsed = Math.max(0, cpu.jiffies() - tp.icskProbesTstamp);
        return Math.min(when, Math.max(user - elapsed, TcpConst.TCP_TIMEOUT_MIN));
    }

    private static long clampRtoToUserTimeout(TcpSock tp) {
        int user = tp.icskUserTimeout;
        if (user == 0) {
            return tp.icskRto;
        }
        int elapsed = tp.timeStampTs() - tp.retransStamp;
        int remaining = user - (tp.tcpUsecTs ? elapsed / 1000 : elapsed);
        return remaining <= 0 ? 1 : Math.min(tp.icskRto, remaining);
    }

    // ---- delayed ACK

    /** The delayed ACK timer fired. Linux: tcp_delack_timer(). */
    static void delackTimer(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_DELACK_TIMER);
        if ((tp.icskAckPending & ICSK_ACK_TIMER) == 0 && tp.compressedAck == 0) {
            return;
        }
        tp.bhLockSock(cpu);
        try {
            if (!tp.ownedByUser()) {
                delackTimerHandler(cpu, tp);
            } else {
                tp.tcpNet.inc(cpu, LinuxMib.DELAYEDACKLOCKED);
                TcpTsq.set(tp, TcpConst.TCPF_DELACK_TIMER_DEFERRED);
                tp.deferWork();
            }
        } finally {
            tp.bhUnlockSock(cpu);
        }
    }

    /** Linux: tcp_delack_timer_handler(). */
    static void delackTimerHandler(Cpu cpu, TcpSock tp) {
        if (tp.inStates(TCPF_CLOSE | TCPF_LISTEN)) {
            return;
        }
        if (tp.compressedAck != 0) {
            tp.mstampRefresh(cpu.nowNs());
            TcpAckSched.tcpSackCompressSendAck(cpu, tp);
            return;
        }
        if ((tp.icskAckPending & ICSK_ACK_TIMER) == 0) {
            return;
        }
        if (tp.icskDelackTimeout() > cpu.jiffies()) {
            tp.icskDelackTimer.mod(cpu, tp.icskDelackTimeout());
            return;
        }
        tp.icskAckPending = tp.icskAckPending & ~ICSK_ACK_TIMER;
        if (tp.ackScheduled()) {
            if (!Tcp.inPingpongMode(tp)) {
                tp.icskAckAto = Math.min(tp.icskAckAto << 1, tp.icskRto); // missed: wait longer
            } else {
                tp.icskAckPingpong = 0;
                tp.icskAckAto = TcpConst.TCP_ATO_MIN;
            }
            tp.mstampRefresh(cpu.nowNs());
            TcpOutput.tcpSendAck(cpu, tp);
            tp.tcpNet.inc(cpu, LinuxMib.DELAYEDACKS);
        }
    }

    // ---- the four purposes of the retransmit timer

    /** The retransmit timer fired. Linux: tcp_write_timer(). */
    static void writeTimer(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_WRITE_TIMER);
        if (tp.icskPending == 0) {
            return;
        }
        tp.bhLockSock(cpu);
        try {
            if (!tp.ownedByUser()) {
                writeTimerHandler(cpu, tp);
            } else {
                TcpTsq.set(tp, TcpConst.TCPF_WRITE_TIMER_DEFERRED);
                tp.deferWork();
            }
        } finally {
            tp.bhUnlockSock(cpu);
        }
    }

    /** Linux: tcp_write_timer_handler(). */
    static void writeTimerHandler(Cpu cpu, TcpSock tp) {
        int event = tp.icskPending;
        if (event == 0 || tp.inStates(TCPF_CLOSE | TCPF_LISTEN)) {
            return;
        }
        if (tp.icskTimeout() > cpu.jiffies()) {
            tp.icskRetransmitTimer.mod(cpu, tp.icskTimeout());
            return;
        }
        tp.mstampRefresh(cpu.nowNs());
        switch (event) {
            case ICSK_TIME_REO_TIMEOUT -> TcpRack.tcpRackReoTimeout(cpu, tp);
            case ICSK_TIME_LOSS_PROBE -> TcpProbe.tcpSendLossProbe(cpu, tp);
            case ICSK_TIME_RETRANS -> {
                tp.icskPending = 0;
                retransmitTimer(cpu, tp);
            }
            case ICSK_TIME_PROBE0 -> {
                tp.icskPending = 0;
                probeTimer(cpu, tp);
            }
            default -> throw new IllegalStateException("timer armed for " + event);
        }
    }

    /**
     * The head of the queue was not acknowledged in time.
     *
     * <p>Linux: tcp_retransmit_timer(), net/ipv4/tcp_timer.c
     */
    static void retransmitTimer(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_RETRANSMIT_TIMER);
        TcpRequestSock req = tp.fastopenRsk;
        if (req != null) {
            TcpFastOpen.synackTimer(cpu, tp, req); // data and FIN wait until the SYN-ACK is acknowledged
            return;
        }
        SkBuff skb = tp.rtxQueueHead();
        if (tp.packetsOut == 0 || skb == null) {
            return;
        }
        boolean opening = tp.inStates(TCPF_SYN_SENT | TCPF_SYN_RECV);
        if (tp.sndWnd == 0 && !tp.flag(SockFlag.DEAD) && !opening) {
            // The peer took its window back: retransmissions are probes and must not end the connection.
            if (rtxProbe0TimedOut(tp, skb)) {
                TcpGiveUp.writeErr(cpu, tp);
                return;
            }
            TcpCaMachine.tcpEnterLoss(cpu, tp);
            TcpRetransmit.tcpRetransmitSkb(cpu, tp, skb, 1);
            tp.skDstReset();
        } else {
            tp.tcpNet.inc(cpu, LinuxMib.TCPTIMEOUTS);
            if (TcpGiveUp.writeTimeout(cpu, tp)) {
                return;
            }
            countFailure(cpu, tp);
            TcpCaMachine.tcpEnterLoss(cpu, tp);
            updateRtoStats(tp);
            SkBuff head = tp.rtxQueueHead();
            if (head != null && TcpRetransmit.tcpRetransmitSkb(cpu, tp, head, 1) > 0) {
                tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, TcpConst.TCP_RESOURCE_PROBE_INTERVAL, false);
                return;
            }
        }
        backOff(tp);
        tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, clampRtoToUserTimeout(tp), false);
        if (TcpGiveUp.retransmitsTimedOut(tp, tp.sysctl.tcpRetries1 + 1, 0)) {
            tp.skDstReset();
        }
    }

    private static void backOff(TcpSock tp) {
        boolean thin = tp.state == TcpStates.TCP_ESTABLISHED
                && (tp.thinLto || tp.sysctl.tcpThinLinearTimeouts != 0)
                && tp.packetsOut < 4
                && !tp.inInitialSlowStart()
                && tp.icskRetransmits <= THIN_LINEAR_RETRIES;
        if (thin) {
            tp.icskBackoff = 0;
            tp.icskRto = Math.clamp(usToJiffies((tp.srttUs >> 3) + tp.rttvarUs), rtoMin(tp), rtoMax(tp));
        } else if (tp.state != TcpStates.TCP_SYN_SENT || tp.totalRto > tp.sysctl.tcpSynLinearTimeouts) {
            tp.icskBackoff++;
            tp.icskRto = Math.min(tp.icskRto << 1, rtoMax(tp));
        }
    }

    private static void countFailure(Cpu cpu, TcpSock tp) {
        if (tp.icskRetransmits != 0) {
            return;
        }
        if (tp.icskCaState == TcpConst.TCP_CA_RECOVERY) {
            tp.tcpNet.inc(cpu, tp.isSack() ? LinuxMib.TCPSACKRECOVERYFAIL : LinuxMib.TCPRENORECOVERYFAIL);
        } else if (tp.icskCaState == TcpConst.TCP_CA_LOSS) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPLOSSFAILURES);
        } else if (tp.icskCaState == TcpConst.TCP_CA_DISORDER || tp.sackedOut != 0) {
            tp.tcpNet.inc(cpu, tp.isSack() ? LinuxMib.TCPSACKFAILURES : LinuxMib.TCPRENOFAILURES);
        }
    }

    /** Linux: tcp_update_rto_stats(). */
    static void updateRtoStats(TcpSock tp) {
        if (tp.icskRetransmits == 0) {
            tp.totalRtoRecoveries++;
            tp.rtoStamp = tp.timeStampMs();
        }
        tp.icskRetransmits++;
        tp.totalRto++;
    }

    /** Linux: tcp_rtx_probe0_timed_out(). */
    private static boolean rtxProbe0TimedOut(TcpSock tp, SkBuff skb) {
        int since = tp.retransStamp != 0 ? tp.retransStamp : TcpSkbCb.timestampTs(tp.tcpUsecTs, skb);
        int rtxDelta = tp.timeStampTs() - since;
        if (tp.tcpUsecTs) {
            rtxDelta /= 1000;
        }
        long timeout = rtoMax(tp) * 2L;
        int user = tp.icskUserTimeout;
        if (user != 0) {
            if (rtxDelta > user) {
                return true;
            }
            timeout = Math.min(timeout, user);
        }
        int rcvDelta = (int) tp.icskTimeout() - tp.rcvTstamp;
        return rcvDelta > timeout && rtxDelta > timeout;
    }

    /** The peer's window is closed and data waits. Linux: tcp_probe_timer(). */
    private static void probeTimer(Cpu cpu, TcpSock tp) {
        if (tp.packetsOut != 0 || tp.sendHead() == null) {
            tp.icskProbesOut = 0;
            tp.icskProbesTstamp = 0;
            return;
        }
        int user = tp.icskUserTimeout;
        if (tp.icskProbesTstamp == 0) {
            tp.icskProbesTstamp = cpu.jiffies();
        } else if (user != 0 && cpu.jiffies() - tp.icskProbesTstamp >= user) {
            TcpGiveUp.writeErr(cpu, tp);
            return;
        }
        int maxProbes = tp.sysctl.tcpRetries2;
        if (tp.flag(SockFlag.DEAD)) {
            boolean alive = ((long) tp.icskRto << tp.icskBackoff) < rtoMax(tp);
            maxProbes = TcpGiveUp.orphanRetries(tp, alive);
            if (!alive && tp.icskBackoff >= maxProbes) {
                TcpGiveUp.writeErr(cpu, tp);
                return;
            }
            if (TcpGiveUp.outOfResources(cpu, tp, true)) {
                return;
            }
        }
        if (tp.icskProbesOut >= maxProbes) {
            TcpGiveUp.writeErr(cpu, tp);
        } else {
            TcpProbe.tcpSendProbe0(cpu, tp);
        }
    }
}
