package net.tcp;

import java.util.Objects;
import net.core.Cpu;
import net.core.sock.PollMask;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.core.trace.KernelTrace;
import net.ipv4.inet.InetConnectionSockAfOps;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetHashtables;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A connection's life as seen from above: birth, state changes, readiness, end. Data goes through {@link TcpSendmsg} and
 * {@link TcpRecvmsg}, closing through {@link TcpClose}, options through {@link TcpSockopt}.
 *
 * <p>Linux: net/ipv4/tcp.c
 */
public final class Tcp {
    private static final int DEFAULT_SCALING_RATIO = 1 << 7;

    private Tcp() {}

    /** IP below a connection. */
    @HotPath
    static InetConnectionSockAfOps afOps(TcpSock tp) {
        return Objects.requireNonNull(tp.afOps);
    }

    /** The connection looks like request and response. Linux: inet_csk_in_pingpong_mode(). */
    public static boolean inPingpongMode(TcpSock tp) {
        return tp.icskAckPingpong >= tp.sysctl.tcpPingpongThresh;
    }

    /** Linux: tcp_under_memory_pressure(). */
    public static boolean underMemoryPressure(TcpSock tp) {
        ProtoMemory memory = memory(tp);
        return memory != null && memory.underPressure();
    }

    /** Linux: tcp_enter_memory_pressure(). */
    public static void enterMemoryPressure(Cpu cpu, TcpSock tp) {
        ProtoMemory memory = memory(tp);
        if (memory != null) {
            memory.enterPressure(cpu, tp);
        }
    }

    static @Nullable ProtoMemory memory(TcpSock tp) {
        Proto prot = tp.prot;
        return prot == null ? null : prot.memory;
    }

    /** A new path may help: another flow hash. Linux: sk_rethink_txhash(). */
    static boolean rethinkTxhash(TcpSock tp) {
        if (tp.txHash != 0 && tp.txrehash) {
            tp.txHash = newTxhash(tp);
            return true;
        }
        return false;
    }

    /** A hash for a flow's packets, never 0. Linux: net_tx_rndhash(). */
    static int newTxhash(TcpSock tp) {
        int v = tp.kernel().getRandomU32();
        return v == 0 ? 1 : v;
    }

    /**
     * Sets a new socket up.
     *
     * <p>Linux: tcp_init_sock(), net/ipv4/tcp.c
     */
    static void tcpInitSock(TcpSock tp) {
        TcpSysctl sysctl = tp.sysctl;
        tp.icskRto = TcpConst.TCP_TIMEOUT_INIT;
        tp.icskRtoMax = sysctl.tcpRtoMaxMs;
        tp.icskRtoMin = TcpTimer.usToJiffies(sysctl.tcpRtoMinUs);
        tp.icskDelackMax = TcpConst.TCP_DELACK_MAX;
        tp.mdevUs = TcpConst.TCP_TIMEOUT_INIT * 1000;
        tp.rttMin.reset((int) tp.kernel().clock().jiffies(), -1);
        tp.setSndCwnd(TcpConst.TCP_INIT_CWND);
        tp.appLimited = -1;
        tp.rateAppLimited = true;
        tp.sndSsthresh = TcpConst.TCP_INFINITE_SSTHRESH;
        tp.sndCwndClamp = Integer.MAX_VALUE;
        tp.mssCache = TcpConst.TCP_MSS_DEFAULT;
        tp.reordering = sysctl.tcpReordering;
        TcpCong.assign(tp);
        tp.tsoffset = 0;
        tp.rackReoWndSteps = 1;
        tp.setFlag(SockFlag.USE_WRITE_QUEUE);
        tp.sndbuf = sysctl.tcpWmem[1];
        tp.rcvbuf = sysctl.tcpRmem[1];
        tp.scalingRatio = DEFAULT_SCALING_RATIO;
        ProtoMemory memory = memory(tp);
        if (memory != null) {
            memory.socketsAllocatedAdd(1);
        }
    }

    /**
     * Goes to another state: counters, and the hash tables at the end.
     *
     * <p>Linux: tcp_set_state(), net/ipv4/tcp.c
     */
    public static void tcpSetState(Cpu cpu, TcpSock tp, int state) {
        int old = tp.state;
        boolean wasOpen = old == TcpStates.TCP_ESTABLISHED || old == TcpStates.TCP_CLOSE_WAIT;
        boolean open = state == TcpStates.TCP_ESTABLISHED || state == TcpStates.TCP_CLOSE_WAIT;
        if (open && !wasOpen) {
            tp.tcpNet.add(cpu, TcpMib.CURRESTAB, 1);
        } else if (!open && wasOpen) {
            tp.tcpNet.add(cpu, TcpMib.CURRESTAB, -1);
        }
        if (state == TcpStates.TCP_CLOSE) {
            if (wasOpen) {
                tp.tcpNet.inc(cpu, TcpMib.ESTABRESETS);
            }
            InetHashtables.of(cpu).inetUnhash(cpu, tp);
            if ((tp.userlocks & Sock.SOCK_BINDPORT_LOCK) == 0) {
                InetHashtables.of(cpu).inetPutPort(cpu, tp);
            }
        }
        if (cpu.tracing) {
            KernelTrace.inetSockSetState(cpu, tp, tp.saddr, SockConst.IPPROTO_TCP, old, state);
        }
        tp.state = state; // last: whoever sees it must find the tables done
    }

    /**
     * The connection is over, for whatever reason.
     *
     * <p>Linux: tcp_done(), net/ipv4/tcp.c
     */
    public static void tcpDone(Cpu cpu, TcpSock tp) {
        if (tp.inStates(TcpConst.TCPF_SYN_SENT | TcpConst.TCPF_SYN_RECV)) {
            tp.tcpNet.inc(cpu, TcpMib.ATTEMPTFAILS);
        }
        tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
        TcpTimer.clearXmitTimers(tp);
        TcpRequestSock req = tp.fastopenRsk;
        if (req != null) {
            TcpFastOpen.remove(cpu, tp, req, false);
        }
        tp.shutdown = SockConst.SHUTDOWN_MASK;
        if (!tp.flag(SockFlag.DEAD)) {
            tp.stateChange(cpu);
        } else {
            destroySock(cpu, tp);
        }
    }

    /** The connection failed. Linux: tcp_done_with_error(). */
    public static void tcpDoneWithError(Cpu cpu, TcpSock tp, int err) {
        tp.err = err;
        TcpQueues.tcpWriteQueuePurge(cpu, tp);
        tcpDone(cpu, tp);
        if (!tp.flag(SockFlag.DEAD)) {
            tp.errorReport(cpu);
        }
    }

    /**
     * Frees an orphan that is closed.
     *
     * <p>Linux: inet_csk_destroy_sock(), net/ipv4/inet_connection_sock.c
     */
    public static void destroySock(Cpu cpu, TcpSock tp) {
        if (tp.isFreed()) {
            return;
        }
        InetCsk.destroySock(cpu, tp);
    }

    /** TCP's part of freeing a socket. Linux: tcp_v4_destroy_sock(). */
    static void tcpV4DestroySock(Cpu cpu, TcpSock tp) {
        TcpTimer.clearXmitTimers(tp);
        TcpCong.cleanup(tp);
        TcpQueues.tcpWriteQueuePurge(cpu, tp);
        purgeReceive(cpu, tp);
        TcpFastOpenBlackhole.checkOfo(cpu, tp);
        purgeOfo(cpu, tp);
        tp.fastopenReq = null;
        InetHashtables.of(cpu).inetPutPort(cpu, tp);
        if (tp.fragPage != null) {
            tp.fragPage.put(cpu);
            tp.fragPage = null;
        }
        tp.savedSyn = null;
        // Keys of signed segments stay: what resets a closed connection is signed as well.
        ProtoMemory memory = memory(tp);
        if (memory != null) {
            memory.socketsAllocatedAdd(-1);
        }
    }

    /** Frees the receive queue. */
    static void purgeReceive(Cpu cpu, TcpSock tp) {
        tp.receiveQueue.purge(cpu, SkbDropReason.SOCKET_CLOSE);
    }

    /** Frees what waits behind a hole. */
    static void purgeOfo(Cpu cpu, TcpSock tp) {
        SkBuff skb = tp.outOfOrderQueue.first();
        while (skb != null) {
            SkBuff following = tp.outOfOrderQueue.next(skb);
            tp.outOfOrderQueue.erase(skb);
            skb.kfree(cpu, SkbDropReason.SOCKET_CLOSE);
            skb = following;
        }
        tp.oooLastSkb = null;
    }

    /** More orphans or memory than allowed. Linux: tcp_check_oom(). */
    static boolean checkOom(TcpSock tp, int shift) {
        ProtoMemory memory = memory(tp);
        if (memory == null) {
            return false;
        }
        boolean orphans = memory.orphanCount() << shift > tp.sysctl.tcpMaxOrphans;
        boolean outOfMemory =
                tp.wmemQueued > net.core.sock.SockMem.SOCK_MIN_SNDBUF && memory.allocatedApprox() > memory.limit(2);
        return orphans || outOfMemory;
    }

    // ---- readiness

    /** Unsent bytes that make a socket unwritable. Linux: tcp_notsent_lowat(). */
    @HotPath
    static int notsentLowat(TcpSock tp) {
        return tp.notsentLowat != 0 ? tp.notsentLowat : tp.sysctl.tcpNotsentLowat;
    }

    /** Linux: tcp_stream_memory_free(). */
    @HotPath
    static boolean streamMemoryFree(TcpSock tp, int wake) {
        if (tp.wmemQueued >= tp.sndbuf) {
            return false;
        }
        long notsent = (tp.writeSeq - tp.sndNxt & 0xffffffffL) << wake;
        return notsent < (notsentLowat(tp) & 0xffffffffL);
    }

    /** A third of the buffer is free, and not too much waits. Linux: __sk_stream_is_writeable(). */
    @HotPath
    static boolean streamIsWriteable(TcpSock tp, int wake) {
        return tp.streamWspace() >= tp.streamMinWspace() && streamMemoryFree(tp, wake);
    }

    /** There is as much to read as poll waits for. Linux: tcp_epollin_ready(). */
    @HotPath
    public static boolean epollinReady(TcpSock tp, int target) {
        int avail = tp.rcvNxt - tp.copiedSeq;
        if (avail <= 0) {
            return false;
        }
        return avail >= target
                || underMemoryPressure(tp)
                || tp.rmemAlloc() > tp.rcvbuf - (tp.rcvbuf >> 3)
                || tp.receiveWindow() <= tp.icskAckRcvMss;
    }

    /**
     * What a program can do with a socket now; the caller has registered for changes. Context: any, no lock.
     *
     * <p>Linux: tcp_poll(), net/ipv4/tcp.c
     */
    static int poll(TcpSock tp) {
        int state = tp.state;
        int shutdown = tp.shutdown;
        int mask = 0;
        if (shutdown == SockConst.SHUTDOWN_MASK || state == TcpStates.TCP_CLOSE) {
            mask |= PollMask.EPOLLHUP;
        }
        if ((shutdown & SockConst.RCV_SHUTDOWN) != 0) {
            mask |= PollMask.EPOLLIN | PollMask.EPOLLRDNORM | PollMask.EPOLLRDHUP;
        }
        boolean opening = state == TcpStates.TCP_SYN_RECV && tp.fastopenRsk == null;
        if (state != TcpStates.TCP_SYN_SENT && !opening) {
            mask |= pollConnected(tp, shutdown);
        } else if (state == TcpStates.TCP_SYN_SENT && tp.deferConnect) {
            mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
        }
        var errors = tp.errorQueue();
        if (tp.err != 0 || errors != null && !errors.isEmpty()) {
            mask |= PollMask.EPOLLERR;
        }
        return mask;
    }

    private static int pollConnected(TcpSock tp, int shutdown) {
        int mask = 0;
        int target = tp.rcvlowat(false, Integer.MAX_VALUE);
        int urgData = tp.urgData;
        if (urgData != 0 && tp.urgSeq == tp.copiedSeq && !tp.flag(SockFlag.URGINLINE)) {
            target++;
        }
        if (epollinReady(tp, target)) {
            mask |= PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
        }
        if ((shutdown & SockConst.SEND_SHUTDOWN) != 0 || streamIsWriteable(tp, 1)) {
            mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
        } else {
            Socket socket = tp.socket;
            if (socket != null) {
                socket.setFlag(Socket.SOCK_NOSPACE);
            }
            java.lang.invoke.VarHandle.fullFence(); // room may have come before the flag was set
            if (streamIsWriteable(tp, 1)) {
                mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
            }
        }
        if ((urgData & TcpConst.TCP_URG_VALID) != 0) {
            mask |= PollMask.EPOLLPRI;
        }
        return mask;
    }
}
