package net.tcp;

import static net.tcp.TcpConst.HZ;
import static net.tcp.TcpConst.TCPF_CLOSE;
import static net.tcp.TcpConst.TCPF_LISTEN;
import static net.tcp.TcpConst.TCPF_SYN_SENT;

import net.core.Cpu;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;

/**
 * The third timer of a connection: keepalive probes, and the end of an orphan's FIN_WAIT2.
 *
 * <p><b>Context:</b> softirq; tries again later if a process owns the socket.
 *
 * <p>Linux: tcp_keepalive_timer(), net/ipv4/tcp_timer.c
 */
public final class TcpKeepalive {
    private TcpKeepalive() {}

    /** Idle time before the first probe, jiffies. Linux: keepalive_time_when(). */
    public static int timeWhen(TcpSock tp) {
        return tp.keepaliveTime != 0 ? tp.keepaliveTime : tp.sysctl.tcpKeepaliveTime * HZ;
    }

    /** Time between probes, jiffies. Linux: keepalive_intvl_when(). */
    public static int intvlWhen(TcpSock tp) {
        return tp.keepaliveIntvl != 0 ? tp.keepaliveIntvl : tp.sysctl.tcpKeepaliveIntvl * HZ;
    }

    /** Probes before giving up. Linux: keepalive_probes(). */
    public static int probes(TcpSock tp) {
        return tp.keepaliveProbes != 0 ? tp.keepaliveProbes : tp.sysctl.tcpKeepaliveProbes;
    }

    /** Jiffies since anything came. Linux: keepalive_time_elapsed(). */
    public static int timeElapsed(Cpu cpu, TcpSock tp) {
        int now = (int) cpu.jiffies();
        return Math.min(now - (int) tp.icskAckLrcvtime, now - tp.rcvTstamp);
    }

    /** SO_KEEPALIVE changed. Linux: tcp_set_keepalive(). */
    static void setKeepalive(Cpu cpu, TcpSock tp, boolean on) {
        if (tp.inStates(TCPF_CLOSE | TCPF_LISTEN)) {
            return;
        }
        if (on && !tp.flag(SockFlag.KEEPOPEN)) {
            tp.resetKeepaliveTimer(cpu, timeWhen(tp));
        } else if (!on && !tp.finOwed) {
            tp.deleteKeepaliveTimer();
        }
    }

    /** The timer fired. */
    static void timer(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_KEEPALIVE_TIMER);
        tp.bhLockSock(cpu);
        try {
            if (tp.ownedByUser()) {
                tp.resetKeepaliveTimer(cpu, HZ / 20);
            } else {
                handler(cpu, tp);
            }
        } finally {
            tp.bhUnlockSock(cpu);
        }
    }

    private static void handler(Cpu cpu, TcpSock tp) {
        if (tp.state == TcpStates.TCP_LISTEN) {
            return;
        }
        tp.mstampRefresh(cpu.nowNs());
        if (tp.finOwed) {
            if (tp.flag(SockFlag.KEEPOPEN)) {
                tp.resetKeepaliveTimer(cpu, timeWhen(tp));
            }
            TcpOutput.tcpSendFin(cpu, tp);
            return;
        }
        if (tp.state == TcpStates.TCP_FIN_WAIT2 && tp.flag(SockFlag.DEAD)) {
            endFinWait2(cpu, tp);
            return;
        }
        if (!tp.flag(SockFlag.KEEPOPEN) || tp.inStates(TCPF_CLOSE | TCPF_SYN_SENT)) {
            return;
        }
        int next = timeWhen(tp);
        if (tp.packetsOut == 0 && tp.sendQueue.isEmpty()) {
            int elapsed = timeElapsed(cpu, tp);
            next = elapsed >= next ? probe(cpu, tp, elapsed) : next - elapsed;
            if (next == 0) {
                return;
            }
        }
        tp.resetKeepaliveTimer(cpu, next);
    }

    private static void endFinWait2(Cpu cpu, TcpSock tp) {
        if (tp.linger2 >= 0) {
            int timeout = TcpClose.finTime(tp) - TcpConst.TCP_TIMEWAIT_LEN;
            if (timeout > 0) {
                TcpMinisocks.tcpTimeWait(cpu, tp, TcpStates.TCP_FIN_WAIT2, timeout);
                return;
            }
        }
        TcpOutput.tcpSendActiveReset(cpu, tp);
        Tcp.tcpDone(cpu, tp);
    }

    /** Probes; jiffies until the next look, 0 if the connection is over. */
    private static int probe(Cpu cpu, TcpSock tp, int elapsed) {
        int user = tp.icskUserTimeout;
        boolean dead = user != 0 ? elapsed >= user && tp.icskProbesOut > 0 : tp.icskProbesOut >= probes(tp);
        if (dead) {
            TcpOutput.tcpSendActiveReset(cpu, tp);
            TcpGiveUp.writeErr(cpu, tp);
            return 0;
        }
        if (TcpProbe.tcpWriteWakeup(cpu, tp, LinuxMib.TCPKEEPALIVE) <= 0) {
            tp.icskProbesOut++;
            return intvlWhen(tp);
        }
        return TcpConst.TCP_RESOURCE_PROBE_INTERVAL;
    }
}
