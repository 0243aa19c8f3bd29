package net.tcp;

import static net.tcp.TcpConst.TCP_CHRONO_SNDBUF_LIMITED;

import net.core.Cpu;
import net.core.sock.Socket;
import net.skbuff.HotPath;

/**
 * Keeps the congestion window honest: it may stay large only while the sender really uses it (RFC 7661).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_cwnd_validate(), tcp_cwnd_restart(), net/ipv4/tcp_output.c
 */
public final class TcpCwnd {
    private TcpCwnd() {}

    /** After a send: whether the window, the application or the buffer was the limit. Linux: tcp_cwnd_validate(). */
    @HotPath
    static void validate(Cpu cpu, TcpSock tp, boolean cwndLimited) {
        if (!TcpSeq.before(tp.sndUna, tp.cwndUsageSeq)
                || cwndLimited
                || !tp.isCwndLimited && tp.packetsOut > tp.maxPacketsOut) {
            tp.isCwndLimited = cwndLimited;
            tp.maxPacketsOut = tp.packetsOut;
            tp.cwndUsageSeq = tp.sndNxt;
        }
        int now = (int) cpu.jiffies();
        if (tp.cwndLimited()) {
            tp.sndCwndUsed = 0;
            tp.sndCwndStamp = now;
            return;
        }
        tp.sndCwndUsed = Math.max(tp.sndCwndUsed, tp.packetsOut);
        if (tp.sysctl.tcpSlowStartAfterIdle != 0
                && now - tp.sndCwndStamp >= tp.icskRto
                && !TcpCong.hasCongControl(tp)) {
            applicationLimited(tp, now);
        }
        Socket socket = tp.socket;
        if (tp.sendQueue.isEmpty()
                && socket != null
                && socket.testFlag(Socket.SOCK_NOSPACE)
                && tp.inStates(TcpConst.TCPF_ESTABLISHED | TcpConst.TCPF_CLOSE_WAIT)) {
            TcpChrono.start(cpu, tp, TCP_CHRONO_SNDBUF_LIMITED);
        }
    }

    /** RFC 2861: shrink towards what was used. Linux: tcp_cwnd_application_limited(). */
    private static void applicationLimited(TcpSock tp, int now) {
        Socket socket = tp.socket;
        if (tp.icskCaState == TcpConst.TCP_CA_OPEN && socket != null && !socket.testFlag(Socket.SOCK_NOSPACE)) {
            int used = Math.max(tp.sndCwndUsed, initCwnd(tp));
            if (used < tp.sndCwnd) {
                tp.sndSsthresh = tp.currentSsthresh();
                tp.setSndCwnd(tp.sndCwnd + used >> 1);
            }
            tp.sndCwndUsed = 0;
        }
        tp.sndCwndStamp = now;
    }

    /** The first window: the route's, or ten segments (RFC 6928). Linux: tcp_init_cwnd(). */
    public static int initCwnd(TcpSock tp) {
        var dst = tp.skDstGet();
        int cwnd = dst == null ? 0 : dst.metric(net.core.neigh.DstEntry.RTAX_INITCWND);
        return Math.min(cwnd == 0 ? TcpConst.TCP_INIT_CWND : cwnd, tp.sndCwndClamp);
    }

    /** Data is queued after a pause: the window may be stale. Linux: tcp_slow_start_after_idle_check(). */
    @HotPath
    static void slowStartAfterIdleCheck(Cpu cpu, TcpSock tp) {
        if (tp.sysctl.tcpSlowStartAfterIdle == 0 || tp.packetsOut != 0 || TcpCong.hasCongControl(tp)) {
            return;
        }
        int delta = (int) cpu.jiffies() - tp.lsndtime;
        if (delta > tp.icskRto) {
            restart(cpu, tp, delta);
        }
    }

    /** RFC 2861: halves the window for each idle RTO. Linux: tcp_cwnd_restart(). */
    static void restart(Cpu cpu, TcpSock tp, int idle) {
        int cwnd = tp.sndCwnd;
        TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_CWND_RESTART);
        tp.sndSsthresh = tp.currentSsthresh();
        int floor = Math.min(initCwnd(tp), cwnd);
        int left = idle - tp.icskRto;
        while (left > 0 && cwnd > floor) {
            cwnd >>= 1;
            left -= tp.icskRto;
        }
        tp.setSndCwnd(Math.max(cwnd, floor));
        tp.sndCwndStamp = (int) cpu.jiffies();
        tp.sndCwndUsed = 0;
    }
}
