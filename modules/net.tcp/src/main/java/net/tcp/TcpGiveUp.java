package net.tcp;

import static net.tcp.TcpConst.TCPF_SYN_RECV;
import static net.tcp.TcpConst.TCPF_SYN_SENT;

import net.core.Cpu;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.skbuff.Errno;

/**
 * When a connection that gets no answer is given up: after how many retransmissions, how much time, or too little memory
 * for orphans.
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: tcp_write_timeout(), tcp_out_of_resources(), net/ipv4/tcp_timer.c
 */
final class TcpGiveUp {
    private TcpGiveUp() {}

    /** Ends a connection that got no answer. Linux: tcp_write_err(). */
    static void writeErr(Cpu cpu, TcpSock tp) {
        Tcp.tcpDoneWithError(cpu, tp, tp.errSoft != 0 ? tp.errSoft : Errno.ETIMEDOUT);
        tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONTIMEOUT);
    }

    /** True if the connection is over. Linux: tcp_write_timeout(). */
    static boolean writeTimeout(Cpu cpu, TcpSock tp) {
        boolean expired = false;
        int retryUntil;
        if (tp.inStates(TCPF_SYN_SENT | TCPF_SYN_RECV)) {
            if (tp.icskRetransmits != 0) {
                negativeAdvice(cpu, tp);
            }
            retryUntil = tp.icskSynRetries != 0 ? tp.icskSynRetries : tp.sysctl.tcpSynRetries;
            int max = retryUntil;
            if (tp.state == TcpStates.TCP_SYN_SENT) {
                max += tp.sysctl.tcpSynLinearTimeouts;
            }
            expired = tp.icskRetransmits >= max;
        } else {
            if (retransmitsTimedOut(tp, tp.sysctl.tcpRetries1, 0)) {
                mtuProbing(cpu, tp);
                negativeAdvice(cpu, tp);
            }
            retryUntil = tp.sysctl.tcpRetries2;
            if (tp.flag(SockFlag.DEAD)) {
                boolean alive = tp.icskRto < TcpTimer.rtoMax(tp);
                retryUntil = orphanRetries(tp, alive);
                boolean doReset = alive || !retransmitsTimedOut(tp, retryUntil, 0);
                if (outOfResources(cpu, tp, doReset)) {
                    return true;
                }
            }
        }
        if (!expired) {
            expired = retransmitsTimedOut(tp, retryUntil, tp.icskUserTimeout);
        }
        TcpFastOpenBlackhole.detect(cpu, tp, expired);
        if (expired) {
            writeErr(cpu, tp);
            return true;
        }
        if (Tcp.rethinkTxhash(tp)) {
            tp.timeoutRehash++;
            tp.tcpNet.inc(cpu, LinuxMib.TCPTIMEOUTREHASH);
        }
        return false;
    }

    /** The route may be at fault: have it looked up again. Linux: dst_negative_advice(). */
    private static void negativeAdvice(Cpu cpu, TcpSock tp) {
        Tcp.rethinkTxhash(tp);
        var dst = tp.skDstGet();
        if (dst != null) {
            dst.ops.negativeAdvice(cpu, tp, dst);
        }
    }

    /** A black hole for large packets? Linux: tcp_mtu_probing(). */
    private static void mtuProbing(Cpu cpu, TcpSock tp) {
        TcpSysctl sysctl = tp.sysctl;
        if (sysctl.tcpMtuProbing == 0) {
            return;
        }
        if (!tp.icskMtupEnabled) {
            tp.icskMtupEnabled = true;
            tp.icskMtupProbeTimestamp = cpu.jiffies();
        } else {
            int mss = TcpMss.mtuToMss(tp, tp.icskMtupSearchLow) >> 1;
            mss = Math.min(sysctl.tcpBaseMss, mss);
            mss = Math.max(mss, sysctl.tcpMtuProbeFloor);
            mss = Math.max(mss, sysctl.tcpMinSndMss);
            tp.icskMtupSearchLow = TcpMss.mssToMtu(tp, mss);
        }
        TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
    }

    /** Linux: tcp_orphan_retries(). */
    static int orphanRetries(TcpSock tp, boolean alive) {
        int retries = tp.sysctl.tcpOrphanRetries;
        if (tp.errSoft != 0 && !alive) {
            retries = 0;
        }
        return retries == 0 && alive ? 8 : retries;
    }

    /** Too many orphans or too little memory: this one ends. Linux: tcp_out_of_resources(). */
    static boolean outOfResources(Cpu cpu, TcpSock tp, boolean doReset) {
        int shift = 0;
        int idle = (int) cpu.jiffies() - tp.lsndtime;
        if (idle > 2 * TcpTimer.rtoMax(tp) || !doReset) {
            shift++;
        }
        if (tp.errSoft != 0) {
            shift++;
        }
        if (!Tcp.checkOom(tp, shift)) {
            return false;
        }
        if (doReset || idle <= TcpConst.TCP_TIMEWAIT_LEN || tp.sndWnd == 0 && tp.packetsOut == 0) {
            TcpOutput.tcpSendActiveReset(cpu, tp);
        }
        Tcp.tcpDone(cpu, tp);
        tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONMEMORY);
        return true;
    }

    /** How long {@code boundary} retransmissions take by the book, milliseconds. Linux: tcp_model_timeout(). */
    static long modelTimeout(TcpSock tp, int boundary, int rtoBase) {
        int threshold = 31 - Integer.numberOfLeadingZeros(TcpTimer.rtoMax(tp) / rtoBase);
        if (boundary <= threshold) {
            return ((2L << boundary) - 1) * rtoBase;
        }
        return ((2L << threshold) - 1) * rtoBase + (long) (boundary - threshold) * TcpTimer.rtoMax(tp);
    }

    /**
     * Whether retransmissions went on for too long.
     *
     * <p>{@code Deviation:} Linux counts from the first retransmission of a recovery even if ACKs have made progress since,
     * so that a connection that loses much, and never leaves recovery for minutes, is given up while it moves. Here
     * progress starts the clock anew with the first time-out after it.
     *
     * <p>Linux: retransmits_timed_out()
     */
    static boolean retransmitsTimedOut(TcpSock tp, int boundary, int timeoutMs) {
        if (tp.icskRetransmits == 0) {
            return false;
        }
        long timeout = timeoutMs;
        if (timeout == 0) {
            int base = tp.inStates(TCPF_SYN_SENT | TCPF_SYN_RECV) ? TcpConst.TCP_TIMEOUT_INIT : TcpConst.TCP_RTO_MIN;
            timeout = modelTimeout(tp, boundary, base);
        }
        if (tp.rtoStamp != 0 && tp.sndUna != tp.retransStampUna) {
            return tp.timeStampMs() - tp.rtoStamp >= timeout;
        }
        int elapsed = tp.timeStampTs() - tp.retransStamp;
        return tp.tcpUsecTs ? elapsed >= timeout * 1000 : elapsed >= timeout;
    }
}
