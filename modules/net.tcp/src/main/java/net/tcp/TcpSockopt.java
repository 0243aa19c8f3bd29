package net.tcp;

import static net.tcp.TcpConst.HZ;
import static net.tcp.TcpConst.ICSK_ACK_PUSHED;
import static net.tcp.TcpConst.TCP_NAGLE_CORK;
import static net.tcp.TcpConst.TCP_NAGLE_OFF;
import static net.tcp.TcpConst.TCP_NAGLE_PUSH;

import net.core.Cpu;
import net.core.sock.OptVal;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.ipv4.IpSockGlue;
import net.ipv4.inet.RequestSockQueue;
import net.skbuff.Errno;

/**
 * The socket options of level SOL_TCP.
 *
 * <p>Values are C ints of four bytes; TCP_CONGESTION is a name, TCP_INFO a {@link TcpInfo} or its bytes.
 *
 * <p><b>Context:</b> process, socket not owned.
 *
 * <p>Linux: do_tcp_setsockopt(), do_tcp_getsockopt(), net/ipv4/tcp.c
 */
final class TcpSockopt {
    private static final int MAX_TCP_SYNCNT = 127;

    private TcpSockopt() {}

    static int set(TcpSock tp, int level, int optname, OptVal value) {
        if (level != TcpConst.SOL_TCP) {
            return IpSockGlue.setsockopt(tp, level, optname, value);
        }
        if (optname == TcpConst.TCP_CONGESTION) {
            return setCongestion(tp, value);
        }
        if (optname == TcpConst.TCP_ULP) {
            return -Errno.EOPNOTSUPP;
        }
        if (optname == TcpConst.TCP_FASTOPEN_KEY) {
            return TcpFastOpenSockopt.setKey(tp, value);
        }
        if (value.len < 4) {
            return -Errno.EINVAL;
        }
        tp.lockSock();
        int err = optname == TcpConst.TCP_MD5SIG || optname == TcpConst.TCP_MD5SIG_EXT
                ? TcpMd5.setsockopt(tp, optname, value)
                : setInt(tp, optname, value.getInt());
        tp.releaseSock();
        return err;
    }

    private static int setCongestion(TcpSock tp, OptVal value) {
        if (value.len < 1) {
            return -Errno.EINVAL;
        }
        tp.lockSock();
        Cpu cpu = tp.localBhDisable();
        int err = TcpCong.set(cpu, tp, value.getString(), TcpCong.capable(tp.net));
        cpu.localBhEnable();
        tp.releaseSock();
        return err;
    }

    private static int setInt(TcpSock tp, int optname, int val) {
        switch (optname) {
            case TcpConst.TCP_NODELAY -> setNodelay(tp, val != 0);
            case TcpConst.TCP_CORK -> setCork(tp, val != 0);
            case TcpConst.TCP_QUICKACK -> setQuickack(tp, val);
            case TcpConst.TCP_KEEPIDLE -> {
                return setKeepidle(tp, val);
            }
            case TcpConst.TCP_MAXSEG -> {
                if (val != 0 && (val < TcpConst.TCP_MIN_MSS || val > TcpConst.MAX_TCP_WINDOW)) {
                    return -Errno.EINVAL;
                }
                tp.rxOpt.userMss = val;
            }
            case TcpConst.TCP_KEEPINTVL -> {
                if (val < 1 || val > TcpConst.MAX_TCP_KEEPINTVL) {
                    return -Errno.EINVAL;
                }
                tp.keepaliveIntvl = val * HZ;
            }
            case TcpConst.TCP_KEEPCNT -> {
                if (val < 1 || val > TcpConst.MAX_TCP_KEEPCNT) {
                    return -Errno.EINVAL;
                }
                tp.keepaliveProbes = val;
            }
            case TcpConst.TCP_SYNCNT -> {
                if (val < 1 || val > MAX_TCP_SYNCNT) {
                    return -Errno.EINVAL;
                }
                tp.icskSynRetries = (byte) val;
            }
            case TcpConst.TCP_LINGER2 -> {
                if (val < 0) {
                    tp.linger2 = -1;
                } else if (val > TcpConst.TCP_FIN_TIMEOUT_MAX / HZ) {
                    tp.linger2 = TcpConst.TCP_FIN_TIMEOUT_MAX;
                } else {
                    tp.linger2 = val * HZ;
                }
            }
            case TcpConst.TCP_DEFER_ACCEPT ->
                queue(tp).deferAccept = secsToRetrans(val, TcpConst.TCP_TIMEOUT_INIT / HZ, TcpConst.TCP_RTO_MAX / HZ);
            case TcpConst.TCP_WINDOW_CLAMP -> {
                return setWindowClamp(tp, val);
            }
            case TcpConst.TCP_USER_TIMEOUT -> {
                if (val < 0) {
                    return -Errno.EINVAL;
                }
                tp.icskUserTimeout = val;
            }
            case TcpConst.TCP_NOTSENT_LOWAT -> {
                tp.notsentLowat = val;
                tp.writeSpace(null);
            }
            case TcpConst.TCP_THIN_LINEAR_TIMEOUTS -> {
                if (val < 0 || val > 1) {
                    return -Errno.EINVAL;
                }
                tp.thinLto = val != 0;
            }
            case TcpConst.TCP_THIN_DUPACK -> {
                if (val < 0 || val > 1) {
                    return -Errno.EINVAL;
                }
            }
            case TcpConst.TCP_INQ -> {
                if (val < 0 || val > 1) {
                    return -Errno.EINVAL;
                }
                tp.recvmsgInq = val != 0;
            }
            case TcpConst.TCP_SAVE_SYN -> {
                if (val < 0 || val > 2) {
                    return -Errno.EINVAL;
                }
                tp.saveSyn = val;
            }
            case TcpConst.TCP_TIMESTAMP -> {
                return -Errno.EPERM; // only under repair
            }
            case TcpConst.TCP_TX_DELAY -> tp.tcpTxDelay = Math.max(val, 0);
            case TcpConst.TCP_RTO_MAX_MS -> {
                if (val < 1000 || val > TcpConst.TCP_RTO_MAX) {
                    return -Errno.EINVAL;
                }
                tp.icskRtoMax = val;
            }
            case TcpConst.TCP_RTO_MIN_US -> {
                if (val <= 0 || TcpTimer.usToJiffies(val) > TcpConst.TCP_RTO_MIN) {
                    return -Errno.EINVAL;
                }
                tp.icskRtoMin = TcpTimer.usToJiffies(val);
            }
            case TcpConst.TCP_DELACK_MAX_US -> {
                if (val <= 0 || TcpTimer.usToJiffies(val) > TcpConst.TCP_DELACK_MAX) {
                    return -Errno.EINVAL;
                }
                tp.icskDelackMax = TcpTimer.usToJiffies(val);
            }
            case TcpConst.TCP_FASTOPEN, TcpConst.TCP_FASTOPEN_CONNECT, TcpConst.TCP_FASTOPEN_NO_COOKIE -> {
                return TcpFastOpenSockopt.set(tp, optname, val);
            }
            case TcpConst.TCP_REPAIR,
                    TcpConst.TCP_REPAIR_QUEUE,
                    TcpConst.TCP_QUEUE_SEQ,
                    TcpConst.TCP_REPAIR_OPTIONS,
                    TcpConst.TCP_REPAIR_WINDOW -> {
                return -Errno.EOPNOTSUPP;
            }
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    private static RequestSockQueue queue(TcpSock tp) {
        RequestSockQueue q = tp.icskAcceptQueue;
        if (q == null) {
            q = new RequestSockQueue();
            tp.icskAcceptQueue = q;
        }
        return q;
    }

    /** Linux: __tcp_sock_set_nodelay(). */
    private static void setNodelay(TcpSock tp, boolean on) {
        if (on) {
            tp.nonagle |= TCP_NAGLE_OFF | TCP_NAGLE_PUSH;
            push(tp);
        } else {
            tp.nonagle &= ~TCP_NAGLE_OFF;
        }
    }

    /** Linux: __tcp_sock_set_cork(). */
    private static void setCork(TcpSock tp, boolean on) {
        if (on) {
            tp.nonagle |= TCP_NAGLE_CORK;
            return;
        }
        tp.nonagle &= ~TCP_NAGLE_CORK;
        if ((tp.nonagle & TCP_NAGLE_OFF) != 0) {
            tp.nonagle |= TCP_NAGLE_PUSH;
        }
        push(tp);
    }

    private static void push(TcpSock tp) {
        Cpu cpu = tp.localBhDisable();
        try {
            TcpOutput.tcpPushPendingFrames(cpu, tp);
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Linux: __tcp_sock_set_quickack(). */
    private static void setQuickack(TcpSock tp, int val) {
        if (val == 0) {
            tp.icskAckPingpong = tp.sysctl.tcpPingpongThresh;
            return;
        }
        tp.icskAckPingpong = 0;
        if (tp.inStates(TcpConst.TCPF_ESTABLISHED | TcpConst.TCPF_CLOSE_WAIT) && tp.ackScheduled()) {
            tp.icskAckPending = tp.icskAckPending | ICSK_ACK_PUSHED;
            Cpu cpu = tp.localBhDisable();
            try {
                TcpRecvmsg.tcpCleanupRbuf(cpu, tp, 1);
            } finally {
                cpu.localBhEnable();
            }
            if ((val & 1) == 0) {
                tp.icskAckPingpong = tp.sysctl.tcpPingpongThresh;
            }
        }
    }

    /** Linux: tcp_sock_set_keepidle_locked(). */
    private static int setKeepidle(TcpSock tp, int val) {
        if (val < 1 || val > TcpConst.MAX_TCP_KEEPIDLE) {
            return -Errno.EINVAL;
        }
        tp.keepaliveTime = val * HZ;
        if (tp.flag(SockFlag.KEEPOPEN) && !tp.inStates(TcpConst.TCPF_CLOSE | TcpConst.TCPF_LISTEN)) {
            Cpu cpu = tp.localBhDisable();
            try {
                int elapsed = TcpKeepalive.timeElapsed(cpu, tp);
                tp.resetKeepaliveTimer(cpu, Math.max(tp.keepaliveTime - elapsed, 0));
            } finally {
                cpu.localBhEnable();
            }
        }
        return 0;
    }

    /** Linux: tcp_set_window_clamp(). */
    private static int setWindowClamp(TcpSock tp, int val) {
        if (val == 0) {
            if (tp.state != TcpStates.TCP_CLOSE) {
                return -Errno.EINVAL;
            }
            tp.windowClamp = 0;
            return 0;
        }
        TcpWindow.setWindowClamp(tp, val);
        return 0;
    }

    /** Seconds as a number of SYN-ACK retransmissions. Linux: secs_to_retrans(). */
    static int secsToRetrans(int seconds, int timeout, int rtoMax) {
        int count = 0;
        if (seconds > 0) {
            int step = timeout;
            int period = step;
            count = 1;
            while (seconds > period && count < 255) {
                count++;
                step = Math.min(step << 1, rtoMax);
                period += step;
            }
        }
        return count;
    }

    /** The inverse. Linux: retrans_to_secs(). */
    static int retransToSecs(int count, int timeout, int rtoMax) {
        int period = 0;
        if (count > 0) {
            int step = timeout;
            period = step;
            for (int i = count; i > 1; i--) {
                step = Math.min(step << 1, rtoMax);
                period += step;
            }
        }
        return period;
    }

    static int get(TcpSock tp, int level, int optname, OptVal out) {
        if (level != TcpConst.SOL_TCP) {
            return IpSockGlue.getsockopt(tp, level, optname, out);
        }
        int val;
        switch (optname) {
            case TcpConst.TCP_MAXSEG -> {
                val = tp.mssCache;
                if (tp.rxOpt.userMss != 0 && tp.inStates(TcpConst.TCPF_CLOSE | TcpConst.TCPF_LISTEN)) {
                    val = tp.rxOpt.userMss;
                }
            }
            case TcpConst.TCP_NODELAY -> val = (tp.nonagle & TCP_NAGLE_OFF) != 0 ? 1 : 0;
            case TcpConst.TCP_CORK -> val = (tp.nonagle & TCP_NAGLE_CORK) != 0 ? 1 : 0;
            case TcpConst.TCP_KEEPIDLE -> val = TcpKeepalive.timeWhen(tp) / HZ;
            case TcpConst.TCP_KEEPINTVL -> val = TcpKeepalive.intvlWhen(tp) / HZ;
            case TcpConst.TCP_KEEPCNT -> val = TcpKeepalive.probes(tp);
            case TcpConst.TCP_SYNCNT -> val = tp.icskSynRetries != 0 ? tp.icskSynRetries : tp.sysctl.tcpSynRetries;
            case TcpConst.TCP_LINGER2 -> {
                val = tp.linger2;
                if (val >= 0) {
                    val = (val != 0 ? val : tp.sysctl.tcpFinTimeout * HZ) / HZ;
                }
            }
            case TcpConst.TCP_DEFER_ACCEPT -> {
                RequestSockQueue q = tp.icskAcceptQueue;
                val = retransToSecs(
                        q == null ? 0 : q.deferAccept, TcpConst.TCP_TIMEOUT_INIT / HZ, TcpConst.TCP_RTO_MAX / HZ);
            }
            case TcpConst.TCP_WINDOW_CLAMP -> val = tp.windowClamp;
            case TcpConst.TCP_INFO -> {
                return getInfo(tp, out);
            }
            case TcpConst.TCP_QUICKACK -> val = Tcp.inPingpongMode(tp) ? 0 : 1;
            case TcpConst.TCP_CONGESTION -> {
                out.setString(TcpCong.name(tp));
                return 0;
            }
            case TcpConst.TCP_CC_INFO -> {
                return getCcInfo(tp, out);
            }
            case TcpConst.TCP_USER_TIMEOUT -> val = tp.icskUserTimeout;
            case TcpConst.TCP_NOTSENT_LOWAT -> val = tp.notsentLowat;
            case TcpConst.TCP_THIN_LINEAR_TIMEOUTS -> val = tp.thinLto ? 1 : 0;
            case TcpConst.TCP_THIN_DUPACK -> val = 0;
            case TcpConst.TCP_INQ -> val = tp.recvmsgInq ? 1 : 0;
            case TcpConst.TCP_SAVE_SYN -> val = tp.saveSyn;
            case TcpConst.TCP_SAVED_SYN -> {
                return getSavedSyn(tp, out);
            }
            case TcpConst.TCP_TIMESTAMP -> {
                tp.lockSock();
                tp.mstampRefresh(tp.kernel().clock().nanoTime());
                val = tp.timeStampTs() + tp.tsoffset;
                tp.releaseSock();
            }
            case TcpConst.TCP_TX_DELAY -> val = tp.tcpTxDelay;
            case TcpConst.TCP_RTO_MAX_MS -> val = tp.icskRtoMax;
            case TcpConst.TCP_RTO_MIN_US -> val = tp.icskRtoMin * 1000;
            case TcpConst.TCP_DELACK_MAX_US -> val = tp.icskDelackMax * 1000;
            case TcpConst.TCP_FASTOPEN, TcpConst.TCP_FASTOPEN_CONNECT, TcpConst.TCP_FASTOPEN_NO_COOKIE ->
                val = TcpFastOpenSockopt.get(tp, optname);
            case TcpConst.TCP_FASTOPEN_KEY -> {
                return TcpFastOpenSockopt.getKey(tp, out);
            }
            case TcpConst.TCP_REPAIR -> val = 0;
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        out.setInt(val);
        return 0;
    }

    private static int getInfo(TcpSock tp, OptVal out) {
        TcpInfo info = new TcpInfo(); // allocates: asked for by a program
        tp.lockSock();
        info.read(tp);
        tp.releaseSock();
        out.setObject(info);
        info.encode(out);
        return 0;
    }

    private static int getCcInfo(TcpSock tp, OptVal out) {
        tp.lockSock();
        TcpCcInfo info = TcpCong.ccInfo(tp); // allocates: asked for by a program
        tp.releaseSock();
        byte[] bytes = info == null ? new byte[0] : info.bytes();
        if (info != null) {
            out.setObject(info);
        }
        int n = Math.min(bytes.length, out.len);
        System.arraycopy(bytes, 0, out.data, 0, Math.min(n, out.data.length));
        out.len = n;
        return 0;
    }

    private static int getSavedSyn(TcpSock tp, OptVal out) {
        tp.lockSock();
        byte[] syn = tp.savedSyn;
        int err = 0;
        if (syn == null) {
            out.len = 0;
        } else if (out.len < syn.length) {
            err = -Errno.EINVAL;
        } else {
            System.arraycopy(syn, 0, out.data, 0, syn.length);
            out.len = syn.length;
            tp.savedSyn = null;
        }
        tp.releaseSock();
        return err;
    }
}
