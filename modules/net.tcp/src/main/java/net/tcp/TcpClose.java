package net.tcp;

import static net.tcp.TcpConst.HZ;
import static net.tcp.TcpConst.TCPF_CLOSE_WAIT;
import static net.tcp.TcpConst.TCPF_CLOSING;
import static net.tcp.TcpConst.TCPF_ESTABLISHED;
import static net.tcp.TcpConst.TCPF_FIN_WAIT1;
import static net.tcp.TcpConst.TCPF_FIN_WAIT2;
import static net.tcp.TcpConst.TCPF_LAST_ACK;
import static net.tcp.TcpConst.TCPF_SYN_RECV;
import static net.tcp.TcpConst.TCPF_SYN_SENT;

import net.core.Cpu;
import net.core.sock.ProtoMemory;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetHashtables;
import net.skbuff.Errno;
import net.skbuff.SkBuff;

/**
 * How a program ends a connection: close, shutdown, disconnect.
 *
 * <p><b>Context:</b> process. {@link #shutdown} and {@link #disconnect} with the socket owned.
 *
 * <p>Linux: tcp_close(), tcp_shutdown(), tcp_disconnect(), net/ipv4/tcp.c
 */
public final class TcpClose {
    private TcpClose() {}

    /** FIN_WAIT2's time-out of an orphan, jiffies: at least three and a half RTO. Linux: tcp_fin_time(). */
    static int finTime(TcpSock tp) {
        int timeout = tp.linger2 != 0 ? tp.linger2 : tp.sysctl.tcpFinTimeout * HZ;
        int rto = tp.icskRto;
        return Math.max(timeout, (rto << 2) - (rto >> 1));
    }

    /**
     * The state after the program's close; true if a FIN is due.
     *
     * <p>RFC 9293 3.10.4. Linux: tcp_close_state()
     */
    static boolean closeState(Cpu cpu, TcpSock tp) {
        int next;
        boolean fin = false;
        switch (tp.state) {
            case TcpStates.TCP_ESTABLISHED, TcpStates.TCP_SYN_RECV -> {
                next = TcpStates.TCP_FIN_WAIT1;
                fin = true;
            }
            case TcpStates.TCP_CLOSE_WAIT -> {
                next = TcpStates.TCP_LAST_ACK;
                fin = true;
            }
            case TcpStates.TCP_FIN_WAIT1, TcpStates.TCP_FIN_WAIT2, TcpStates.TCP_LAST_ACK, TcpStates.TCP_CLOSING ->
                next = tp.state;
            default -> next = TcpStates.TCP_CLOSE;
        }
        Tcp.tcpSetState(cpu, tp, next);
        return fin;
    }

    /** Half-close. Linux: tcp_shutdown(). */
    static void shutdown(TcpSock tp, int how) {
        if ((how & SockConst.SEND_SHUTDOWN) == 0 || !tp.inStates(TCPF_ESTABLISHED | TCPF_SYN_SENT | TCPF_CLOSE_WAIT)) {
            return;
        }
        Cpu cpu = tp.localBhDisable();
        try {
            if (closeState(cpu, tp)) {
                TcpOutput.tcpSendFin(cpu, tp);
            }
        } finally {
            cpu.localBhEnable();
        }
    }

    /**
     * The last descriptor is gone.
     *
     * @param timeoutNs how long to wait for unsent data (SO_LINGER)
     * <p>Linux: __tcp_close(), net/ipv4/tcp.c
     */
    static void tcpClose(TcpSock tp, long timeoutNs) {
        tp.lockSock();
        try {
            tp.shutdown = SockConst.SHUTDOWN_MASK;
            if (tp.state == TcpStates.TCP_LISTEN) {
                Cpu cpu = tp.localBhDisable();
                try {
                    Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
                } finally {
                    cpu.localBhEnable();
                }
                InetCsk.listenStop(tp);
            } else {
                boolean unread = flushReceive(tp);
                if (tp.state != TcpStates.TCP_CLOSE) {
                    sayGoodbye(tp, unread);
                    tp.streamWaitClose(timeoutNs);
                }
            }
            adjudgeToDeath(tp);
        } finally {
            tp.releaseSock();
        }
    }

    /** Frees what was not read; true if there was data in it. */
    private static boolean flushReceive(TcpSock tp) {
        boolean unread = false;
        Cpu cpu = tp.localBhDisable();
        try {
            for (SkBuff skb = tp.receiveQueue.dequeue(); skb != null; skb = tp.receiveQueue.dequeue()) {
                int endSeq = TcpSkbCb.endSeq(skb);
                if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0) {
                    endSeq--;
                }
                if (TcpSeq.after(endSeq, tp.copiedSeq)) {
                    unread = true;
                }
                skb.consume(cpu);
            }
        } finally {
            cpu.localBhEnable();
        }
        return unread;
    }

    private static void sayGoodbye(TcpSock tp, boolean unread) {
        if (tp.repair) {
            disconnect(tp);
        } else if (unread) { // RFC 2525 2.17: data is lost, the peer must know
            Cpu cpu = tp.localBhDisable();
            try {
                tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONCLOSE);
                Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
                TcpOutput.tcpSendActiveReset(cpu, tp);
            } finally {
                cpu.localBhEnable();
            }
        } else if (tp.flag(SockFlag.LINGER) && tp.lingertimeNs == 0) {
            disconnect(tp);
            Cpu cpu = tp.localBhDisable();
            try {
                tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONDATA);
            } finally {
                cpu.localBhEnable();
            }
        } else {
            Cpu cpu = tp.localBhDisable();
            try {
                if (closeState(cpu, tp)) {
                    TcpOutput.tcpSendFin(cpu, tp);
                }
            } finally {
                cpu.localBhEnable();
            }
        }
    }

    /** The socket becomes an orphan, or dies at once. */
    private static void adjudgeToDeath(TcpSock tp) {
        tp.flushBacklog();
        Cpu cpu = tp.localBhDisable();
        tp.bhLockSock(cpu); // nothing enters the backlog from here on
        int state = tp.state;
        boolean dead = tp.flag(SockFlag.DEAD);
        tp.sockOrphan();
        ProtoMemory memory = Tcp.memory(tp);
        if (!dead && memory != null) {
            memory.orphanCountAdd(1);
        }
        if (state == TcpStates.TCP_FIN_WAIT2 && leaveFinWait2(cpu, tp)) {
            tp.bhUnlockSock(cpu);
            cpu.localBhEnable();
            return;
        }
        if (tp.state != TcpStates.TCP_CLOSE && Tcp.checkOom(tp, 0)) {
            Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
            TcpOutput.tcpSendActiveReset(cpu, tp);
            tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONMEMORY);
        }
        if (tp.state == TcpStates.TCP_CLOSE) {
            TcpRequestSock req = tp.fastopenRsk;
            if (req != null) { // aborted before its handshake was over
                TcpFastOpen.remove(cpu, tp, req, false);
            }
            Tcp.destroySock(cpu, tp);
        }
        tp.bhUnlockSock(cpu);
        cpu.localBhEnable();
    }

    /** True if a TIME_WAIT socket took over. */
    private static boolean leaveFinWait2(Cpu cpu, TcpSock tp) {
        if (tp.linger2 < 0) {
            Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
            TcpOutput.tcpSendActiveReset(cpu, tp);
            tp.tcpNet.inc(cpu, LinuxMib.TCPABORTONLINGER);
            return false;
        }
        int timeout = finTime(tp);
        if (timeout > TcpConst.TCP_TIMEWAIT_LEN) {
            tp.resetKeepaliveTimer(cpu, timeout - TcpConst.TCP_TIMEWAIT_LEN);
            return false;
        }
        TcpMinisocks.tcpTimeWait(cpu, tp, TcpStates.TCP_FIN_WAIT2, timeout);
        return true;
    }

    /** A state in which the peer expects more of us. Linux: tcp_need_reset(). */
    private static boolean needReset(int state) {
        return (1 << state & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV))
                != 0;
    }

    /** Aborts and makes the socket as new. Linux: tcp_disconnect(). */
    static int disconnect(TcpSock tp) {
        int old = tp.state;
        Cpu cpu = tp.localBhDisable();
        if (old != TcpStates.TCP_CLOSE) {
            Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
        }
        if (old == TcpStates.TCP_LISTEN) {
            cpu.localBhEnable();
            InetCsk.listenStop(tp);
            cpu = tp.localBhDisable();
        } else {
            disconnectFrom(cpu, tp, old);
        }
        TcpRequestSock req = tp.fastopenRsk;
        if (req != null) { // or its SYN-ACK would come again in the socket's next life
            TcpFastOpen.remove(cpu, tp, req, false);
        }
        reset(cpu, tp);
        cpu.localBhEnable();
        return 0;
    }

    /** The network's part of a disconnect. */
    private static void disconnectFrom(Cpu cpu, TcpSock tp, int old) {
        if (tp.repair) {
            tp.err = Errno.ECONNABORTED;
        } else if (needReset(old) || tp.sndNxt != tp.writeSeq && (1 << old & (TCPF_CLOSING | TCPF_LAST_ACK)) != 0) {
            TcpOutput.tcpSendActiveReset(cpu, tp);
            tp.err = Errno.ECONNRESET;
        } else if (old == TcpStates.TCP_SYN_SENT) {
            tp.err = Errno.ECONNRESET;
        }
    }

    /** For a child that nobody accepted. Context: its spinlock, CPU word. */
    static void disconnectChild(Cpu cpu, TcpSock tp) {
        int old = tp.state;
        if (old != TcpStates.TCP_CLOSE) {
            Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
        }
        disconnectFrom(cpu, tp, old);
        reset(cpu, tp);
        tp.fastopenRsk = null; // with the listener
    }

    private static void reset(Cpu cpu, TcpSock tp) {
        TcpTimer.clearXmitTimers(tp);
        Tcp.purgeReceive(cpu, tp);
        tp.copiedSeq = tp.rcvNxt;
        tp.urgData = 0;
        tp.peekOff = -1;
        TcpQueues.tcpWriteQueuePurge(cpu, tp);
        Tcp.purgeOfo(cpu, tp);
        tp.dport = 0;
        if ((tp.userlocks & net.core.sock.Sock.SOCK_BINDADDR_LOCK) == 0) {
            InetHashtables.of(cpu).bhash2UpdateSaddr(cpu, tp, 0);
            tp.saddr = 0;
            tp.rcvSaddr = 0;
        }
        tp.shutdown = 0;
        tp.resetFlag(SockFlag.DONE);
        int seq = tp.writeSeq + tp.maxWindow + 2;
        tp.writeSeq = seq == 0 ? 1 : seq;
        tp.finOwed = false;
        tp.srttUs = 0;
        tp.mdevUs = TcpConst.TCP_TIMEOUT_INIT * 1000;
        tp.rcvRttLastTsecr = 0;
        tp.icskBackoff = 0;
        tp.icskProbesOut = 0;
        tp.icskProbesTstamp = 0;
        tp.icskRto = TcpConst.TCP_TIMEOUT_INIT;
        tp.icskRtoMin = TcpTimer.usToJiffies(tp.sysctl.tcpRtoMinUs);
        tp.icskDelackMax = TcpConst.TCP_DELACK_MAX;
        tp.sndSsthresh = TcpConst.TCP_INFINITE_SSTHRESH;
        tp.setSndCwnd(TcpConst.TCP_INIT_CWND);
        tp.sndCwndCnt = 0;
        tp.isCwndLimited = false;
        tp.maxPacketsOut = 0;
        tp.windowClamp = 0;
        tp.delivered = 0;
        tp.deliveredCe = 0;
        TcpCong.cleanup(tp);
        tp.icskCaInitialized = false;
        tp.icskCaState = TcpConst.TCP_CA_OPEN;
        tp.isSackReneg = false;
        clearRetrans(tp);
        tp.totalRetrans = 0;
        tp.delackInit();
        tp.icskAckRcvMss = TcpConst.TCP_MIN_MSS;
        int userMss = tp.rxOpt.userMss;
        tp.rxOpt.clear();
        tp.rxOpt.userMss = userMss;
        tp.skDstReset();
        tp.rxDst = null;
        tp.savedSyn = null;
        TcpFastOpenClient.reset(tp);
        tp.accEcn = null;
        tp.receivedCe = 0;
        tp.compressedAck = 0;
        clearCounters(tp);
        if (tp.err != 0 && !tp.flag(SockFlag.DEAD)) {
            tp.errorReport(cpu);
        }
    }

    /** Linux: tcp_clear_retrans(). */
    static void clearRetrans(TcpSock tp) {
        tp.retransOut = 0;
        tp.lostOut = 0;
        tp.undoMarker = 0;
        tp.undoRetrans = -1;
        tp.sackedOut = 0;
        tp.rtoStamp = 0;
        tp.totalRto = 0;
        tp.totalRtoRecoveries = 0;
        tp.totalRtoTime = 0;
    }

    private static void clearCounters(TcpSock tp) {
        tp.segsIn = 0;
        tp.segsOut = 0;
        tp.bytesSent = 0;
        tp.bytesAcked = 0;
        tp.bytesReceived = 0;
        tp.bytesRetrans = 0;
        tp.dataSegsIn = 0;
        tp.dataSegsOut = 0;
        tp.duplicateSackStart = 0;
        tp.duplicateSackEnd = 0;
        tp.dsackDups = 0;
        tp.reordSeen = 0;
        tp.retransStamp = 0;
        tp.rcvOoopack = 0;
        tp.tlpHighSeq = 0;
        tp.rackReoWndSteps = 1;
        tp.rackReoWndPersist = 0;
        tp.rackDsackSeen = false;
        tp.rackMstamp = 0;
        tp.rackAdvanced = false;
        tp.chronoStatBusy = 0;
        tp.chronoStatRwndLimited = 0;
        tp.chronoStatSndbufLimited = 0;
        tp.chronoType = 0;
    }
}
