package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.skbuff.HotPath;

/**
 * How large a segment may be: from the path's MTU, the peer's MSS, the options in use and the window ever offered.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: net/ipv4/tcp_output.c
 */
public final class TcpMss {
    private static final int GSO_LEGACY_MAX_SIZE = 65536;

    private TcpMss() {}

    /** MSS of a SYN: of the route, at most what was announced before. Linux: tcp_advertise_mss(). */
    static int advertiseMss(TcpSock tp) {
        DstEntry dst = tp.skDstGet();
        int mss = tp.advmss;
        if (dst != null) {
            int metric = dst.advmss();
            if (metric < mss) {
                mss = metric;
                tp.advmss = mss;
            }
        }
        return mss;
    }

    /** The smaller of a route's MSS and the user's. Linux: tcp_mss_clamp(). */
    static int mssClamp(TcpSock tp, int mss) {
        int user = tp.rxOpt.userMss;
        return user != 0 && user < mss ? user : mss;
    }

    /** Payload in an MTU, options of the connection left out of account. Linux: __tcp_mtu_to_mss(). */
    static int mtuToMssRaw(TcpSock tp, int pmtu) {
        int mss = pmtu - Tcp.afOps(tp).netHeaderLen - TcpHdr.LENGTH;
        if (mss > tp.rxOpt.mssClamp) {
            mss = tp.rxOpt.mssClamp;
        }
        return Math.max(mss - tp.icskExtHdrLen, tp.sysctl.tcpMinSndMss);
    }

    /** Payload in an MTU. Linux: tcp_mtu_to_mss(). */
    public static int mtuToMss(TcpSock tp, int pmtu) {
        return mtuToMssRaw(tp, pmtu) - (tp.tcpHeaderLen - TcpHdr.LENGTH);
    }

    /** The inverse. Linux: tcp_mss_to_mtu(). */
    public static int mssToMtu(TcpSock tp, int mss) {
        return mss + tp.tcpHeaderLen + tp.icskExtHdrLen + Tcp.afOps(tp).netHeaderLen;
    }

    /** Starts the search for the path MTU. Linux: tcp_mtup_init(). */
    public static void mtupInit(Cpu cpu, TcpSock tp) {
        tp.icskMtupEnabled = tp.sysctl.tcpMtuProbing > 1;
        tp.icskMtupSearchHigh = tp.rxOpt.mssClamp + TcpHdr.LENGTH + Tcp.afOps(tp).netHeaderLen;
        tp.icskMtupSearchLow = mssToMtu(tp, tp.sysctl.tcpBaseMss);
        tp.icskMtupProbeSize = 0;
        if (tp.icskMtupEnabled) {
            tp.icskMtupProbeTimestamp = cpu.jiffies();
        }
    }

    /** Never more than half of the largest window seen. Linux: tcp_bound_to_half_wnd(). */
    @HotPath
    static int boundToHalfWnd(TcpSock tp, int size) {
        int cutoff = tp.maxWindow > TcpConst.TCP_MSS_DEFAULT ? tp.maxWindow >> 1 : tp.maxWindow;
        return cutoff != 0 && size > cutoff ? Math.max(cutoff, 68 - tp.tcpHeaderLen) : size;
    }

    /**
     * Takes a path MTU over and returns the new sending MSS.
     *
     * <p>Linux: tcp_sync_mss(), net/ipv4/tcp_output.c
     */
    public static int tcpSyncMss(TcpSock tp, int pmtu) {
        if (tp.icskMtupSearchHigh > pmtu) {
            tp.icskMtupSearchHigh = pmtu;
        }
        int mss = boundToHalfWnd(tp, mtuToMss(tp, pmtu));
        tp.icskPmtuCookie = pmtu;
        if (tp.icskMtupEnabled) {
            mss = Math.min(mss, mtuToMss(tp, tp.icskMtupSearchLow));
        }
        tp.mssCache = mss;
        return mss;
    }

    /**
     * The sending MSS now, SACK blocks taken off.
     *
     * <p>Linux: tcp_current_mss(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static int tcpCurrentMss(TcpSock tp) {
        int mss = tp.mssCache;
        DstEntry dst = tp.skDstGet();
        if (dst != null) {
            int mtu = dst.mtu();
            if (mtu != tp.icskPmtuCookie) {
                mss = tcpSyncMss(tp, mtu);
            }
        }
        int header = TcpOutOptions.establishedSize(tp) + TcpHdr.LENGTH;
        return mss - (header - tp.tcpHeaderLen);
    }

    /** {@link #tcpSyncMss(TcpSock, int)}. */
    public static int tcpSyncMss(Cpu cpu, TcpSock tp, int pmtu) {
        return tcpSyncMss(tp, pmtu);
    }

    /** {@link #tcpCurrentMss(TcpSock)}. */
    @HotPath
    public static int tcpCurrentMss(Cpu cpu, TcpSock tp) {
        return tcpCurrentMss(tp);
    }

    /** Payload of the largest GSO packet: room for the headers taken off. Linux: sk_dst_gso_max_size(). */
    @HotPath
    static int gsoMaxSize(TcpSock tp) {
        return Math.min(tp.gsoMaxSize, GSO_LEGACY_MAX_SIZE) - (TcpConst.MAX_TCP_HEADER + 1);
    }

    /** Bytes that one segment of the queue should grow to. Linux: tcp_xmit_size_goal(), net/ipv4/tcp.c. */
    @HotPath
    static int xmitSizeGoal(TcpSock tp, int mss, boolean largeAllowed) {
        if (!largeAllowed) {
            return mss;
        }
        int goal = boundToHalfWnd(tp, gsoMaxSize(tp));
        int sizeGoal = tp.gsoSegs * mss;
        if (goal < sizeGoal || goal >= sizeGoal + mss) {
            tp.gsoSegs = Math.min(goal / mss, tp.gsoMaxSegs);
            sizeGoal = tp.gsoSegs * mss;
        }
        return Math.max(sizeGoal, mss);
    }
}
