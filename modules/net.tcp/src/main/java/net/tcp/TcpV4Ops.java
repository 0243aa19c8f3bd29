package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.OptVal;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockFlag;
import net.ipv4.Inet;
import net.ipv4.IpHdr;
import net.ipv4.IpOutput;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetConnectionSockAfOps;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetHashtables;
import net.ipv4.inet.RequestSock;
import net.ipv4.route.Route;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * TCP over IPv4: how a connection reaches IP, and how IP's peers reach a listener.
 *
 * <p>Linux: ipv4_specific, net/ipv4/tcp_ipv4.c
 */
final class TcpV4Ops extends InetConnectionSockAfOps {
    TcpV4Ops() {
        super(IpHdr.LENGTH);
    }

    @Override
    @HotPath
    public int queueXmit(Cpu cpu, InetConnectionSock sk, SkBuff skb) {
        return IpOutput.ipQueueXmit(cpu, sk, skb, TcpPcpu.of(cpu).fl4, sk.tos);
    }

    @Override
    @HotPath
    public void sendCheck(InetConnectionSock sk, SkBuff skb) {
        TcpV4Reply.partialCheck(skb, sk.saddr, sk.daddr);
    }

    /** Linux: inet_sk_rebuild_header(). */
    @Override
    public int rebuildHeader(Cpu cpu, InetConnectionSock sk) {
        if (sk.skDstCheck(0) != null) {
            return 0;
        }
        if (InetCsk.rebuildRoute(cpu, sk) != null) {
            return 0;
        }
        sk.routeCaps = 0;
        sk.errSoft = Errno.EHOSTUNREACH;
        return -Errno.EHOSTUNREACH;
    }

    /** Linux: inet_sk_rx_dst_set(). */
    @Override
    public void skRxDstSet(Cpu cpu, InetConnectionSock sk, SkBuff skb) {
        if (skb.dst instanceof DstEntry dst) {
            sk.rxDst = dst;
            sk.rxDstIfindex = skb.skbIif;
        }
    }

    /** Linux: tcp_v4_conn_request(). */
    @Override
    public int connRequest(Cpu cpu, InetConnectionSock listener, SkBuff skb) {
        TcpSock tp = (TcpSock) listener;
        if (skb.dst instanceof Rtable rt && (rt.isBroadcast() || rt.isMulticast())) {
            tp.tcpNet.inc(cpu, LinuxMib.LISTENDROPS);
            return 0; // never answer a broadcast
        }
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        int isn = pcpu.twIsn;
        pcpu.twIsn = 0;
        return TcpConnRequest.tcpConnRequest(cpu, TcpSockets.of(cpu.kernel()).requestOps, tp, skb, isn);
    }

    /** Linux: tcp_v4_syn_recv_sock(). */
    @Override
    public @Nullable InetConnectionSock synRecvSock(
            Cpu cpu,
            InetConnectionSock listener,
            SkBuff skb,
            RequestSock request,
            @Nullable DstEntry route,
            @Nullable RequestSock reqUnhash) {
        TcpSock parent = (TcpSock) listener;
        TcpRequestSock req = (TcpRequestSock) request;
        if (parent.acceptqIsFull()) {
            parent.tcpNet.inc(cpu, LinuxMib.LISTENOVERFLOWS);
            parent.tcpNet.inc(cpu, LinuxMib.LISTENDROPS);
            return null;
        }
        TcpSock child = TcpMinisocks.createOpenreqChild(cpu, parent, req, skb);
        addresses(cpu, child, req, skb);
        DstEntry dst = route != null ? route : InetCsk.routeChildSock(cpu, parent, child, req);
        if (dst == null) {
            forcedClose(cpu, parent, child);
            return null;
        }
        Route.skSetupCaps(child, dst);
        TcpCong.openreqChild(cpu, child, dst);
        TcpMss.tcpSyncMss(child, dst.mtu());
        child.advmss = TcpMss.mssClamp(parent, dst.advmss());
        TcpRcvSpace.tcpInitializeRcvMss(child);
        InetHashtables tables = InetHashtables.of(cpu);
        if (TcpMd5.inherit(parent, child) != 0 || tables.inetInheritPort(cpu, parent, child) < 0) {
            forcedClose(cpu, parent, child);
            return null;
        }
        child.ownReq = tables.inetEhashNolisten(cpu, child, reqUnhash);
        if (child.ownReq) {
            child.savedSyn = req.savedSyn;
            req.savedSyn = null;
            req.ireqOpt = null;
        } else {
            child.inetOpt = null;
            if (reqUnhash == null) { // a cookie's ACK came twice
                child.bhUnlockSock(cpu);
                TcpSockets.discardChild(cpu, child);
                return null;
            }
        }
        return child;
    }

    private void addresses(Cpu cpu, TcpSock child, TcpRequestSock req, SkBuff skb) {
        child.afOps = this;
        child.gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
        skRxDstSet(cpu, child, skb);
        child.daddr = req.daddr;
        child.rcvSaddr = req.rcvSaddr;
        child.saddr = req.rcvSaddr;
        child.boundDevIf = req.irIif;
        child.inetOpt = req.ireqOpt;
        long iph = skb.networkAddress();
        child.mcIndex = Route.inetIif(skb);
        child.mcTtl = IpHdr.ttl(iph);
        child.rcvTos = IpHdr.tos(iph);
        child.icskExtHdrLen = req.ireqOpt == null ? 0 : req.ireqOpt.optlen;
        child.inetId(child.kernel().getRandomU32());
        if (child.sysctl.tcpReflectTos != 0) {
            child.tos = req.synTos & ~Inet.ECN_MASK;
        }
    }

    /** Linux: inet_csk_prepare_forced_close(), tcp_done(). */
    private static void forcedClose(Cpu cpu, TcpSock parent, TcpSock child) {
        child.inetOpt = null;
        child.bhUnlockSock(cpu);
        TcpSockets.discardChild(cpu, child);
        parent.tcpNet.inc(cpu, LinuxMib.LISTENDROPS);
    }

    @Override
    public void mtuReduced(Cpu cpu, InetConnectionSock sk) {
        TcpV4Err.mtuReduced(cpu, (TcpSock) sk);
    }

    @Override
    public int setsockopt(Sock sk, int level, int name, OptVal value) {
        return -Errno.ENOPROTOOPT;
    }

    @Override
    public void addr2sockaddr(InetConnectionSock sk, SockAddr to) {
        SockAddrIn in = (SockAddrIn) to;
        in.addr = sk.daddr;
        in.port = sk.dport;
    }

    // ---- connect

    /**
     * Finds route, source address and local port, and sends the SYN.
     *
     * <p><b>Context:</b> process, socket owned. Linux: tcp_v4_connect(), net/ipv4/tcp_ipv4.c
     */
    static int tcpV4Connect(TcpSock tp, SockAddr addr) {
        if (!(addr instanceof SockAddrIn to)) {
            return -Errno.EAFNOSUPPORT;
        }
        Cpu cpu = tp.localBhDisable();
        try {
            int err = connect(cpu, tp, to);
            return err;
        } finally {
            cpu.localBhEnable();
        }
    }

    private static int connect(Cpu cpu, TcpSock tp, SockAddrIn to) {
        var fl4 = TcpPcpu.of(cpu).fl4;
        int origSport = tp.sport;
        Rtable rt = Route.ipRouteConnect(
                cpu, fl4, to.addr, tp.saddr, tp.boundDevIf, Inet.IPPROTO_TCP, origSport, to.port, tp);
        if (rt == null) {
            return fl4.error != 0 ? fl4.error : -Errno.ENETUNREACH;
        }
        if (rt.isMulticast() || rt.isBroadcast()) {
            return -Errno.ENETUNREACH;
        }
        int daddr = fl4.daddr;
        if (tp.saddr == 0) {
            InetHashtables.of(cpu).bhash2UpdateSaddr(cpu, tp, fl4.saddr);
            tp.saddr = fl4.saddr;
        }
        tp.rcvSaddr = tp.saddr;
        if (tp.rxOpt.tsRecentStamp != 0 && tp.daddr != daddr) {
            tp.rxOpt.tsRecent = 0;
            tp.rxOpt.tsRecentStamp = 0;
            if (!tp.repair) {
                tp.writeSeq = 0;
            }
        }
        tp.dport = to.port;
        tp.daddr = daddr;
        tp.icskExtHdrLen = tp.inetOpt == null ? 0 : tp.inetOpt.optlen;
        tp.rxOpt.mssClamp = TcpConst.TCP_MSS_DEFAULT;
        Tcp.tcpSetState(cpu, tp, net.core.sock.TcpStates.TCP_SYN_SENT);
        int err = InetHashtables.of(cpu).inetHashConnect(cpu, tp);
        if (err == 0) {
            tp.txHash = Tcp.newTxhash(tp);
            rt = Route.ipRouteNewports(cpu, fl4, rt, origSport, to.port, tp.sport, tp.dport, tp);
            err = rt == null ? (fl4.error != 0 ? fl4.error : -Errno.ENETUNREACH) : commit(cpu, tp, rt);
        }
        if (err != 0) {
            Tcp.tcpSetState(cpu, tp, net.core.sock.TcpStates.TCP_CLOSE);
            if ((tp.userlocks & Sock.SOCK_BINDADDR_LOCK) == 0) {
                InetHashtables.of(cpu).bhash2UpdateSaddr(cpu, tp, 0);
                tp.saddr = 0;
                tp.rcvSaddr = 0;
            }
            tp.skDstReset();
            tp.routeCaps = 0;
            tp.dport = 0;
        }
        return err;
    }

    private static int commit(Cpu cpu, TcpSock tp, Rtable rt) {
        tp.gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
        Route.skSetupCaps(tp, rt);
        TcpSeqSecret secret = TcpSeqSecret.of(tp.kernel());
        if (!tp.repair) {
            if (tp.writeSeq == 0) {
                tp.writeSeq = secret.isn(cpu.nowNs(), tp.saddr, tp.daddr, tp.sport, tp.dport);
            }
            tp.tsoffset = secret.tsOffset(tp.sysctl, tp.saddr, tp.daddr);
        }
        tp.inetId(tp.kernel().getRandomU32());
        tp.resetFlag(SockFlag.DONE);
        if (TcpFastOpenClient.deferConnect(cpu, tp)) {
            return 0;
        }
        return TcpConnect.tcpConnect(cpu, tp);
    }
}
