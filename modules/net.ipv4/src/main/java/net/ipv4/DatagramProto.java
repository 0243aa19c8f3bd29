package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.SockQueue;
import net.core.sock.SockTimestamp;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * What UDP, raw and ping sockets have in common: connect, the route of a send, room for a packet, copying, receiving.
 *
 * <p><b>Context:</b> process, no CPU word, unless said.
 *
 * <p>Linux: net/ipv4/datagram.c
 */
abstract class DatagramProto extends Proto {
    private static final int LINEAR = 16384;
    private static final int PAGE = 32768;

    protected DatagramProto(Kernel kernel, String name, @Nullable ProtoMemory memory) {
        super(kernel, name, memory);
    }

    /**
     * The destination of a send and what else it asks for. A socket keeps one for its next send: {@link
     * UdpSock#takeSend}.
     */
    static final class Send {
        final IpSockGlue.IpcmCookie ipc = new IpSockGlue.IpcmCookie();
        int daddr;
        int dport;
        int saddr;
        int tos;
        boolean connected;

        @Nullable
        Rtable rt;

        Send reset() {
            daddr = 0;
            dport = 0;
            saddr = 0;
            tos = 0;
            connected = false;
            rt = null;
            return this;
        }
    }

    // ---- life

    /** Linux: sk_common_release(). */
    @Override
    public void close(Sock sk, long timeoutNs) {
        InetSock inet = (InetSock) sk;
        sk.lockSock();
        Cpu cpu = sk.localBhDisable();
        try {
            unhash(cpu, sk);
            sk.sockOrphan();
            IpCork cork = inet.cork;
            if (cork != null) {
                cork.flush();
            }
            sk.skFree(cpu);
        } finally {
            cpu.localBhEnable();
        }
        sk.releaseSock();
    }

    // ---- connecting

    /** Linux: __ip4_datagram_connect(). Context: socket owned. */
    @Override
    public int connect(Sock s, SockAddr address) {
        InetSock sk = (InetSock) s;
        if (!(address instanceof SockAddrIn to)) {
            return -Errno.EAFNOSUPPORT;
        }
        sk.skDstReset();
        int oif = sk.boundDevIf;
        int saddr = sk.saddr;
        if (Inet.isMulticast(to.addr)) {
            oif = oif == 0 ? sk.mcIndex : oif;
            saddr = saddr == 0 ? sk.mcAddr : saddr;
        } else if (oif == 0) {
            oif = sk.ucIndex;
        }
        Cpu cpu = sk.localBhDisable();
        try {
            Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Udp;
            Rtable rt = Route.ipRouteConnect(cpu, fl4, to.addr, saddr, oif, sk.protocol, sk.sport, to.port, sk);
            if (rt == null) {
                if (fl4.error == -Errno.ENETUNREACH) {
                    Ipv4Net.of(sk.net).ip.inc(cpu, IpMib.Ip.OUTNOROUTES);
                }
                return fl4.error;
            }
            if (rt.isBroadcast() && !sk.flag(SockFlag.BROADCAST)) {
                return -Errno.EACCES;
            }
            if (sk.saddr == 0) {
                sk.saddr = fl4.saddr;
            }
            boolean rebind = sk.rcvSaddr == 0;
            if (rebind) {
                sk.rcvSaddr = fl4.saddr;
            }
            sk.daddr = fl4.daddr;
            sk.dport = to.port;
            if (rebind) {
                rehash(cpu, sk);
            }
            sk.state = TcpStates.TCP_ESTABLISHED;
            sk.txHash = kernel.getRandomU32() | 1;
            sk.inetId(kernel.getRandomU32());
            sk.skDstSet(rt);
            return 0;
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Linux: __udp_disconnect(). Context: socket owned. */
    @Override
    public int disconnect(Sock s, int flags) {
        InetSock sk = (InetSock) s;
        sk.state = TcpStates.TCP_CLOSE;
        sk.daddr = 0;
        sk.dport = 0;
        sk.boundDevIf = 0;
        Cpu cpu = sk.localBhDisable();
        try {
            if ((sk.userlocks & Sock.SOCK_BINDADDR_LOCK) == 0) {
                sk.rcvSaddr = 0;
                sk.saddr = 0;
                rehash(cpu, sk);
            }
            if ((sk.userlocks & Sock.SOCK_BINDPORT_LOCK) == 0) {
                unhash(cpu, sk);
                sk.sport = 0;
            }
        } finally {
            cpu.localBhEnable();
        }
        sk.skDstReset();
        return 0;
    }

    // ---- sending

    /** Where to and how; 0 or a negative errno. */
    int prepare(InetSock sk, Msghdr msg, Send s, boolean wantPort) {
        SockAddr name = msg.name;
        if (name != null) {
            if (!(name instanceof SockAddrIn to)) {
                return name.family == SockConst.AF_UNSPEC ? -Errno.EINVAL : -Errno.EAFNOSUPPORT;
            }
            s.daddr = to.addr;
            s.dport = to.port;
            if (wantPort && s.dport == 0) {
                return -Errno.EINVAL;
            }
        } else {
            if (sk.state != TcpStates.TCP_ESTABLISHED) {
                return -Errno.EDESTADDRREQ;
            }
            s.daddr = sk.daddr;
            s.dport = sk.dport;
            s.connected = true;
        }
        s.ipc.init(sk);
        if (msg.control != null) {
            int err = IpSockGlue.cmsgSend(msg, s.ipc);
            if (err != 0) {
                return err;
            }
            s.connected = false;
        }
        s.saddr = s.ipc.addr;
        s.tos = s.ipc.tos >= 0 ? s.ipc.tos : sk.tos;
        if (s.ipc.opt == null) {
            s.ipc.opt = sk.inetOpt;
        }
        if (Inet.isMulticast(s.daddr)) {
            s.ipc.oif = s.ipc.oif == 0 ? sk.mcIndex : s.ipc.oif;
            s.saddr = s.saddr == 0 ? sk.mcAddr : s.saddr;
            s.connected = false;
        } else if (s.ipc.oif == 0) {
            s.ipc.oif = sk.ucIndex;
        }
        return 0;
    }

    /** The route; fills in addresses. Context: CPU word. 0 or a negative errno. */
    int route(Cpu cpu, InetSock sk, Send s, int flags) {
        Rtable rt = s.connected ? (Rtable) sk.skDstCheck(0) : null;
        if (rt == null) {
            Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Udp;
            IpOptions opt = s.ipc.opt;
            int daddr = opt != null && opt.srr != 0 ? opt.faddr : s.daddr;
            boolean link = (flags & SockConst.MSG_DONTROUTE) != 0 || opt != null && opt.isStrictroute;
            int scope = link ? net.ipv4.route.RtType.RT_SCOPE_LINK : Route.scopeOf(sk);
            fl4.init(
                    s.ipc.oif,
                    s.ipc.mark,
                    s.tos & Inet.DSCP_MASK,
                    scope,
                    sk.hdrincl ? Inet.IPPROTO_RAW : sk.protocol,
                    Route.flowFlags(sk),
                    daddr,
                    s.saddr,
                    s.dport,
                    sk.sport);
            rt = Route.ipRouteOutputFlow(cpu, sk.net, fl4, sk);
            if (rt == null) {
                if (fl4.error == -Errno.ENETUNREACH) {
                    Ipv4Net.of(sk.net).ip.inc(cpu, IpMib.Ip.OUTNOROUTES);
                }
                return fl4.error;
            }
            if (rt.isBroadcast() && !sk.flag(SockFlag.BROADCAST)) {
                return -Errno.EACCES;
            }
            s.saddr = fl4.saddr;
            if (s.daddr == 0) {
                s.daddr = fl4.daddr;
            }
            if (s.connected) {
                sk.skDstSet(rt);
            }
        } else {
            s.saddr = sk.saddr;
        }
        s.rt = rt;
        return 0;
    }

    /**
     * Waits until the send buffer has room for a packet; 0 or a negative errno, and then the packet counts as discarded.
     *
     * <p>Linux: sock_alloc_send_pskb(), and its callers' error path
     */
    static int waitForRoom(InetSock sk, int flags) {
        int err = room(sk, flags);
        if (err != 0) {
            Ipv4Net.of(sk.net).ip.inc(IpMib.Ip.OUTDISCARDS);
        }
        return err;
    }

    private static int room(InetSock sk, int flags) {
        long timeo = sk.sndtimeo((flags & SockConst.MSG_DONTWAIT) != 0);
        int err = sk.sockError();
        if (err != 0) {
            return err;
        }
        if ((sk.shutdown & SockConst.SEND_SHUTDOWN) != 0) {
            return -Errno.EPIPE;
        }
        if (sk.wmemAlloc() < sk.sndbuf) {
            return 0;
        }
        if (timeo == 0) {
            net.core.sock.SockStream.noSpace(sk);
            return -Errno.EAGAIN;
        }
        long left = SockQueue.waitForWmem(sk, timeo);
        return left < 0 ? (int) left : 0;
    }

    /**
     * A packet with room for all headers and {@code payload} bytes, charged to the socket; null without memory.
     * Context: CPU word.
     */
    static @Nullable SkBuff alloc(Cpu cpu, InetSock sk, int transportHeader, int payload) {
        int linear = Math.min(payload, LINEAR);
        SkBuff skb = cpu.allocSkb(IpOutput.MAX_HEADER + transportHeader + linear);
        if (skb == null) {
            return null;
        }
        skb.reserve(IpOutput.MAX_HEADER);
        skb.put(transportHeader + linear);
        for (int left = payload - linear; left > 0; ) {
            int n = Math.min(left, PAGE);
            Page page = cpu.allocPage(n);
            if (page == null) {
                skb.kfree(cpu, SkbDropReason.NOMEM);
                return null;
            }
            skb.addFrag(page, 0, n, page.size());
            left -= n;
        }
        sk.setOwnerW(skb);
        return skb;
    }

    /** Fills a packet of {@link #alloc} with user data; false if there was less. Context: process, no CPU word. */
    static boolean fill(SkBuff skb, int transportHeader, UserBuf from) {
        int n = skb.headlen() - transportHeader;
        if (n > 0 && from.copyIn(skb.dataAddress() + transportHeader, n) != n) {
            return false;
        }
        int frags = skb.dataLen == 0 ? 0 : skb.shinfo().nrFrags;
        for (int i = 0; i < frags; i++) {
            int size = skb.shinfo().fragSize[i];
            if (from.copyIn(skb.shinfo().fragAddress(i), size) != size) {
                return false;
            }
        }
        return true;
    }

    /** Header, identifier, hooks: on its way. Context: CPU word. */
    static int sendOut(
            Cpu cpu,
            InetSock sk,
            SkBuff skb,
            Rtable rt,
            int saddr,
            int daddr,
            int tos,
            int ttl,
            @Nullable IpOptions opt) {
        IpSkbCb.clear(skb);
        int optlen = opt == null ? 0 : opt.optlen;
        skb.dst = rt;
        skb.push(IpHdr.LENGTH + optlen);
        skb.resetNetworkHeader();
        long iph = skb.networkAddress();
        IpHdr.versionIhlTos(iph, 5 + (optlen >> 2), tos);
        boolean pmtuDf = sk.pmtudisc == InetSock.IP_PMTUDISC_DO || sk.pmtudisc == InetSock.IP_PMTUDISC_PROBE;
        boolean df = pmtuDf || skb.len <= rt.mtu() && sk.dontFragment(rt);
        if (sk.ignoreDf()) {
            IpSkbCb.orFlags(skb, IpSkbCb.IPSKB_IGNORE_DF);
        }
        IpHdr.fragOff(iph, df ? IpHdr.IP_DF : 0);
        int t = ttl != 0 ? ttl : rt.isMulticast() ? sk.mcTtl : sk.selectTtl(rt);
        IpHdr.ttl(iph, t);
        IpHdr.protocol(iph, sk.protocol);
        IpHdr.saddr(iph, saddr);
        IpHdr.daddr(iph, opt != null && opt.srr != 0 ? opt.faddr : daddr);
        if (opt != null) {
            opt.build(iph, daddr);
        }
        IpIdent.select(cpu, Ipv4Net.of(sk.net), skb, iph, sk, skb.isGso() ? Math.max(1, skb.shinfo().gsoSegs) : 1);
        return IpOutput.ipSendSkb(cpu, sk.net, sk, skb);
    }

    /** Longest datagram the socket may send over a route, IP header included. */
    static int maxLength(InetSock sk, Rtable rt) {
        return sk.ignoreDf() ? Inet.IP_MAX_MTU : sk.pmtudisc == InetSock.IP_PMTUDISC_PROBE ? rt.dev.mtu : rt.mtu();
    }

    // ---- receiving

    /**
     * Copies a received packet from {@code offset} on to the program with its source address and control messages.
     *
     * @param sport source port to report
     * @return bytes, or a negative errno
     */
    static int deliver(InetSock sk, SkBuff skb, Msghdr msg, int len, int flags, int offset, int sport) {
        int total = skb.len - offset;
        int copied = Math.min(len, total);
        if (copied < total) {
            msg.flags |= SockConst.MSG_TRUNC;
        }
        UserBuf to = msg.iter;
        int err = copied == 0 || to == null ? 0 : skb.copyDatagram(offset, to, copied);
        if (err < 0) {
            return err;
        }
        SockTimestamp.recvCmsgs(msg, sk, skb);
        if (msg.name instanceof SockAddrIn from) {
            from.set(IpHdr.saddr(skb.networkAddress()), sport);
            msg.nameSet = true;
        }
        IpSockGlue.cmsgRecv(msg, sk, skb);
        return (flags & SockConst.MSG_TRUNC) != 0 ? total : copied;
    }

    // ---- options

    @Override
    public int setsockopt(Sock sk, int level, int optname, OptVal optval) {
        return IpSockGlue.setsockopt((InetSock) sk, level, optname, optval);
    }

    @Override
    public int getsockopt(Sock sk, int level, int optname, OptVal optval) {
        return IpSockGlue.getsockopt((InetSock) sk, level, optname, optval);
    }

    @Override
    public int ioctl(Sock sk, int cmd, OptVal arg) {
        switch (cmd) {
            case SockConst.SIOCOUTQ -> arg.setInt(sk.wmemAlloc());
            case SockConst.SIOCINQ -> {
                sk.lockQueue();
                SkBuff skb = sk.receiveQueue.peek();
                int n = skb == null ? 0 : Math.max(0, skb.len - headerInQueue());
                sk.unlockQueue();
                arg.setInt(n);
            }
            default -> {
                return -Errno.ENOIOCTLCMD;
            }
        }
        return 0;
    }

    /** Bytes of header that queued packets still have before the user's data. */
    int headerInQueue() {
        return 0;
    }
}
