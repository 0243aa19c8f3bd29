package net.ipv4;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.Sock;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockErrQueue;
import net.core.sock.SockExtendedErr;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Between sockets and IP: options of level {@code SOL_IP}, control messages both ways, errors for MSG_ERRQUEUE.
 *
 * <p>Linux: net/ipv4/ip_sockglue.c
 */
public final class IpSockGlue {
    public static final int IP_TOS = 1;
    public static final int IP_TTL = 2;
    public static final int IP_HDRINCL = 3;
    public static final int IP_OPTIONS = 4;
    public static final int IP_RECVOPTS = 6;
    public static final int IP_RETOPTS = 7;
    public static final int IP_PKTINFO = 8;
    public static final int IP_MTU_DISCOVER = 10;
    public static final int IP_RECVERR = 11;
    public static final int IP_RECVTTL = 12;
    public static final int IP_RECVTOS = 13;
    public static final int IP_MTU = 14;
    public static final int IP_FREEBIND = 15;
    public static final int IP_TRANSPARENT = 19;
    public static final int IP_RECVORIGDSTADDR = 20;
    public static final int IP_MINTTL = 21;
    public static final int IP_NODEFRAG = 22;
    public static final int IP_BIND_ADDRESS_NO_PORT = 24;
    public static final int IP_RECVFRAGSIZE = 25;
    public static final int IP_RECVERR_RFC4884 = 26;
    public static final int IP_MULTICAST_IF = 32;
    public static final int IP_MULTICAST_TTL = 33;
    public static final int IP_MULTICAST_LOOP = 34;
    public static final int IP_ADD_MEMBERSHIP = 35;
    public static final int IP_DROP_MEMBERSHIP = 36;
    public static final int IP_MULTICAST_ALL = 49;
    public static final int IP_UNICAST_IF = 50;
    public static final int IP_LOCAL_PORT_RANGE = 51;
    public static final int IP_PROTOCOL = 52;

    /**
     * Value of an IP_PKTINFO control message.
     *
     * @param ifindex interface
     * @param specDst local address of the packet
     * @param addr destination in its header
     */
    public record InPktinfo(int ifindex, int specDst, int addr) {}

    private IpSockGlue() {}

    // ---- options

    /** Context: process, socket not owned. Linux: ip_setsockopt(). */
    public static int setsockopt(InetSock sk, int level, int optname, OptVal v) {
        if (level != SockConst.SOL_IP) {
            return -Errno.ENOPROTOOPT;
        }
        sk.lockSock();
        try {
            return setLocked(sk, optname, v);
        } finally {
            sk.releaseSock();
        }
    }

    private static int intOf(OptVal v) {
        return v.len >= 4 ? v.getInt() : v.len >= 1 ? v.data[0] & 255 : 0;
    }

    private static int addrOf(OptVal v, int at) {
        return (v.data[at] & 255) << 24
                | (v.data[at + 1] & 255) << 16
                | (v.data[at + 2] & 255) << 8
                | v.data[at + 3] & 255;
    }

    private static void cmsg(InetSock sk, int bit, int on) {
        sk.cmsgFlags = on != 0 ? sk.cmsgFlags | bit : sk.cmsgFlags & ~bit;
    }

    private static int setLocked(InetSock sk, int optname, OptVal v) {
        int val = intOf(v);
        boolean on = val != 0;
        switch (optname) {
            case IP_TOS -> setTos(sk, val);
            case IP_TTL -> {
                if (v.len < 1 || val != -1 && (val < 1 || val > 255)) {
                    return -Errno.EINVAL;
                }
                sk.ucTtl = val;
            }
            case IP_HDRINCL -> {
                if (sk.type != SockConst.SOCK_RAW) {
                    return -Errno.ENOPROTOOPT;
                }
                sk.hdrincl = on;
            }
            case IP_OPTIONS -> {
                return setOptions(sk, v);
            }
            case IP_RECVOPTS -> cmsg(sk, InetSock.IP_CMSG_RECVOPTS, val);
            case IP_RETOPTS -> cmsg(sk, InetSock.IP_CMSG_RETOPTS, val);
            case IP_PKTINFO -> cmsg(sk, InetSock.IP_CMSG_PKTINFO, val);
            case IP_RECVTTL -> cmsg(sk, InetSock.IP_CMSG_TTL, val);
            case IP_RECVTOS -> cmsg(sk, InetSock.IP_CMSG_TOS, val);
            case IP_RECVORIGDSTADDR -> cmsg(sk, InetSock.IP_CMSG_ORIGDSTADDR, val);
            case IP_RECVFRAGSIZE -> cmsg(sk, InetSock.IP_CMSG_RECVFRAGSIZE, val);
            case IP_MTU_DISCOVER -> {
                if (val < InetSock.IP_PMTUDISC_DONT || val > InetSock.IP_PMTUDISC_OMIT) {
                    return -Errno.EINVAL;
                }
                sk.pmtudisc = val;
            }
            case IP_RECVERR -> {
                sk.recverr = on;
                if (!on) {
                    purgeErrors(sk);
                }
            }
            case IP_RECVERR_RFC4884 -> sk.recverrRfc4884 = on;
            case IP_FREEBIND -> sk.freebind = on;
            case IP_TRANSPARENT -> sk.transparent = on;
            case IP_MINTTL -> {
                if (val < 0 || val > 255) {
                    return -Errno.EINVAL;
                }
                sk.minTtl = val;
            }
            case IP_NODEFRAG -> sk.nodefrag = on;
            case IP_BIND_ADDRESS_NO_PORT -> sk.bindAddressNoPort = on;
            case IP_LOCAL_PORT_RANGE -> {
                int low = val & 0xffff;
                int high = val >>> 16;
                if (low != 0 && high != 0 && low > high) {
                    return -Errno.EINVAL;
                }
                sk.localPortRange = low == 0 && high == 0 ? 0 : (high == 0 ? 65535 : high) << 16 | (low == 0 ? 1 : low);
            }
            case IP_UNICAST_IF -> sk.ucIndex = val;
            default -> {
                return setMulticast(sk, optname, v, val);
            }
        }
        return 0;
    }

    private static int setMulticast(InetSock sk, int optname, OptVal v, int val) {
        switch (optname) {
            case IP_MULTICAST_TTL -> {
                int ttl = val == -1 ? 1 : val;
                if (sk.isIcsk || ttl < 0 || ttl > 255) {
                    return -Errno.EINVAL;
                }
                sk.mcTtl = ttl;
            }
            case IP_MULTICAST_LOOP -> sk.mcLoop = val != 0;
            case IP_MULTICAST_ALL -> sk.mcAll = val != 0;
            case IP_MULTICAST_IF -> {
                int addr = v.len >= 8 ? addrOf(v, 4) : v.len >= 4 ? addrOf(v, 0) : 0;
                int ifindex = v.len >= 12 ? v.getInt(8) : 0;
                if (ifindex == 0 && addr != 0) {
                    NetDevice dev = Ipv4Net.of(sk.net).ipDevFind(addr);
                    if (dev == null) {
                        return -Errno.EADDRNOTAVAIL;
                    }
                    ifindex = dev.ifindex;
                } else if (ifindex != 0 && sk.net.devices.byIndex(ifindex) == null) {
                    return -Errno.EADDRNOTAVAIL;
                }
                sk.mcIndex = ifindex;
                sk.mcAddr = addr;
            }
            case IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP -> {
                if (v.len < 8) {
                    return -Errno.EINVAL;
                }
                int group = addrOf(v, 0);
                int addr = addrOf(v, 4);
                int ifindex = v.len >= 12 ? v.getInt(8) : 0;
                return optname == IP_ADD_MEMBERSHIP
                        ? IpMulticast.join(sk, group, addr, ifindex)
                        : IpMulticast.leave(sk, group, addr, ifindex);
            }
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    /** The ECN bits of a stream are the protocol's. Linux: __ip_sock_set_tos(). */
    private static void setTos(InetSock sk, int val) {
        int tos = val & 0xff;
        if (sk.type == SockConst.SOCK_STREAM) {
            tos = tos & ~Inet.ECN_MASK | sk.tos & Inet.ECN_MASK;
        }
        if (sk.tos != tos) {
            sk.tos = tos;
            sk.priority = IpOutput.tosToPriority(tos);
            sk.skDstReset();
        }
    }

    private static int setOptions(InetSock sk, OptVal v) {
        if (v.len > IpOptions.MAX_LENGTH) {
            return -Errno.EINVAL;
        }
        IpOptions opt = null;
        if (v.len > 0) {
            opt = IpOptions.forSending(v.data, v.len);
            if (opt == null) {
                return -Errno.EINVAL;
            }
        }
        IpOptions old = sk.inetOpt;
        if (sk instanceof InetConnectionSock icsk) {
            icsk.icskExtHdrLen += (opt == null ? 0 : opt.optlen) - (old == null ? 0 : old.optlen);
        }
        sk.inetOpt = opt;
        return 0;
    }

    private static void purgeErrors(InetSock sk) {
        for (SkBuff skb; (skb = SockErrQueue.dequeue(sk)) != null; ) {
            skb.cbo0 = null;
            skb.freeDeferred(SkbDropReason.QUEUE_PURGE);
        }
    }

    /** Context: process, socket not owned. Linux: ip_getsockopt(). */
    public static int getsockopt(InetSock sk, int level, int optname, OptVal v) {
        if (level != SockConst.SOL_IP) {
            return -Errno.ENOPROTOOPT;
        }
        switch (optname) {
            case IP_TOS -> v.setInt(sk.tos);
            case IP_TTL ->
                v.setInt(sk.ucTtl >= 0 ? sk.ucTtl : Ipv4Net.of(sk.net).sysctlIpDefaultTtl());
            case IP_HDRINCL -> v.setInt(sk.hdrincl ? 1 : 0);
            case IP_RECVOPTS -> flag(sk, v, InetSock.IP_CMSG_RECVOPTS);
            case IP_RETOPTS -> flag(sk, v, InetSock.IP_CMSG_RETOPTS);
            case IP_PKTINFO -> flag(sk, v, InetSock.IP_CMSG_PKTINFO);
            case IP_RECVTTL -> flag(sk, v, InetSock.IP_CMSG_TTL);
            case IP_RECVTOS -> flag(sk, v, InetSock.IP_CMSG_TOS);
            case IP_RECVORIGDSTADDR -> flag(sk, v, InetSock.IP_CMSG_ORIGDSTADDR);
            case IP_RECVFRAGSIZE -> flag(sk, v, InetSock.IP_CMSG_RECVFRAGSIZE);
            case IP_MTU_DISCOVER -> v.setInt(sk.pmtudisc);
            case IP_RECVERR -> v.setInt(sk.recverr ? 1 : 0);
            case IP_RECVERR_RFC4884 -> v.setInt(sk.recverrRfc4884 ? 1 : 0);
            case IP_FREEBIND -> v.setInt(sk.freebind ? 1 : 0);
            case IP_TRANSPARENT -> v.setInt(sk.transparent ? 1 : 0);
            case IP_MINTTL -> v.setInt(sk.minTtl);
            case IP_NODEFRAG -> v.setInt(sk.nodefrag ? 1 : 0);
            case IP_BIND_ADDRESS_NO_PORT -> v.setInt(sk.bindAddressNoPort ? 1 : 0);
            case IP_LOCAL_PORT_RANGE -> v.setInt(sk.localPortRange);
            case IP_UNICAST_IF -> v.setInt(sk.ucIndex);
            case IP_MULTICAST_TTL -> v.setInt(sk.mcTtl);
            case IP_MULTICAST_LOOP -> v.setInt(sk.mcLoop ? 1 : 0);
            case IP_MULTICAST_ALL -> v.setInt(sk.mcAll ? 1 : 0);
            case IP_PROTOCOL -> v.setInt(sk.num);
            case IP_MTU -> {
                var dst = sk.skDstGet();
                if (dst == null) {
                    return -Errno.ENOTCONN;
                }
                v.setInt(dst.mtu());
            }
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    private static void flag(InetSock sk, OptVal v, int bit) {
        v.setInt((sk.cmsgFlags & bit) != 0 ? 1 : 0);
    }

    // ---- control messages of a send

    /** What a send asks for beyond the socket's settings. Linux: struct ipcm_cookie. */
    public static final class IpcmCookie {
        public int addr;
        public int oif;
        public int ttl;
        public int tos;
        public int priority;
        public int mark;
        public int gsoSize;
        public @Nullable IpOptions opt;

        /** Linux: ipcm_init_sk(). */
        public IpcmCookie init(InetSock sk) {
            addr = sk.saddr;
            oif = sk.boundDevIf;
            ttl = 0;
            tos = -1;
            priority = sk.priority;
            mark = sk.mark;
            gsoSize = 0;
            opt = null;
            return this;
        }
    }

    /** Reads the control messages of a send; 0 or a negative errno. Linux: ip_cmsg_send(). */
    static int cmsgSend(Msghdr msg, IpcmCookie ipc) {
        for (Cmsg c = msg.control; c != null; c = c.next) {
            if (c.level == SockConst.SOL_SOCKET) {
                if (c.type == SockConst.SO_MARK) {
                    ipc.mark = (int) c.value;
                } else if (c.type == SockConst.SO_PRIORITY) {
                    ipc.priority = (int) c.value;
                }
                continue;
            }
            if (c.level != SockConst.SOL_IP) {
                continue;
            }
            switch (c.type) {
                case IP_PKTINFO -> {
                    if (!(c.object instanceof InPktinfo info)) {
                        return -Errno.EINVAL;
                    }
                    if (info.ifindex() != 0) {
                        ipc.oif = info.ifindex();
                    }
                    ipc.addr = info.specDst();
                }
                case IP_TTL -> {
                    if (c.value < 1 || c.value > 255) {
                        return -Errno.EINVAL;
                    }
                    ipc.ttl = (int) c.value;
                }
                case IP_TOS -> {
                    if (c.value < 0 || c.value > 255) {
                        return -Errno.EINVAL;
                    }
                    ipc.tos = (int) c.value;
                    ipc.priority = IpOutput.tosToPriority(ipc.tos);
                }
                default -> {
                    return -Errno.EINVAL;
                }
            }
        }
        return 0;
    }

    // ---- control messages of a receive

    /**
     * Notes in a packet about to be queued what IP_PKTINFO will want, before the route is dropped: input interface in
     * {@link IpSkbCb#iif}, local address in cb8. Linux: ipv4_pktinfo_prepare()
     */
    static void pktinfoPrepare(InetSock sk, SkBuff skb) {
        int iif = 0;
        int spec = 0;
        if ((sk.cmsgFlags & InetSock.IP_CMSG_PKTINFO) != 0 && skb.dst instanceof Rtable rt) {
            iif = rt.rtIif != 0 && (rt.dev.flags & NetDevice.IFF_LOOPBACK) != 0 && !rt.rtIsInput
                    ? rt.rtIif
                    : skb.skbIif;
            spec = rt.isMulticast() || rt.isBroadcast() ? selectFor(skb, iif) : IpHdr.daddr(skb.networkAddress());
        }
        IpSkbCb.iif(skb, iif);
        skb.cb8 = spec;
    }

    private static int selectFor(SkBuff skb, int iif) {
        NetDevice dev = skb.dev instanceof NetDevice d ? d.net.devices.byIndex(iif) : null;
        return dev == null ? 0 : Ipv4Net.of(dev.net).inetSelectAddr(dev, IpHdr.saddr(skb.networkAddress()), 0);
    }

    /** Control messages that a program asked for. Linux: ip_cmsg_recv_offset(). */
    static void cmsgRecv(Msghdr msg, InetSock sk, SkBuff skb) {
        int flags = sk.cmsgFlags;
        if (flags == 0) {
            return;
        }
        long iph = skb.networkAddress();
        if ((flags & InetSock.IP_CMSG_PKTINFO) != 0) {
            InPktinfo info = new InPktinfo(IpSkbCb.iif(skb), skb.cb8, IpHdr.daddr(iph));
            msg.putCmsg(SockConst.SOL_IP, IP_PKTINFO, info.ifindex(), 0, info);
        }
        if ((flags & InetSock.IP_CMSG_TTL) != 0) {
            msg.putCmsg(SockConst.SOL_IP, IP_TTL, IpHdr.ttl(iph));
        }
        if ((flags & InetSock.IP_CMSG_TOS) != 0) {
            msg.putCmsg(SockConst.SOL_IP, IP_TOS, IpHdr.tos(iph));
        }
        IpOptions opt = IpSkbCb.opt(skb);
        if ((flags & InetSock.IP_CMSG_RECVOPTS) != 0 && opt != null) {
            msg.putCmsg(SockConst.SOL_IP, IP_RECVOPTS, 0, 0, opt.data.clone());
        }
        if ((flags & InetSock.IP_CMSG_ORIGDSTADDR) != 0 && skb.transportHeaderWasSet()) {
            int port = Wire.u16(skb.transportAddress() + 2);
            msg.putCmsg(SockConst.SOL_IP, IP_RECVORIGDSTADDR, port, 0, new SockAddrIn(IpHdr.daddr(iph), port));
        }
        if ((flags & InetSock.IP_CMSG_RECVFRAGSIZE) != 0 && IpSkbCb.fragMaxSize(skb) != 0) {
            msg.putCmsg(SockConst.SOL_IP, IP_RECVFRAGSIZE, IpSkbCb.fragMaxSize(skb));
        }
    }

    // ---- errors

    /**
     * Queues what an ICMP error said about a packet of this socket. {@code skb.data} is at the quoted IP header.
     *
     * @param port peer's port; {@code payload} offset of the quoted user data from {@code data}
     *     <p>Linux: ip_icmp_error()
     */
    public static void icmpError(Cpu cpu, InetSock sk, SkBuff skb, int err, int port, int info, int payload) {
        SkBuff copy = skb.clone(cpu);
        if (copy == null) {
            return;
        }
        long quoted = skb.dataAddress();
        long icmph = skb.transportAddress();
        SockExtendedErr ee = new SockExtendedErr(); // allocates: one per error that a program asked for
        ee.errno = err;
        ee.origin = SockExtendedErr.SO_EE_ORIGIN_ICMP;
        ee.type = IcmpHdr.type(icmph);
        ee.code = IcmpHdr.code(icmph);
        ee.info = info;
        ee.offender = new SockAddrIn(IpHdr.saddr(skb.networkAddress()), 0);
        ee.dest = new SockAddrIn(IpHdr.daddr(quoted), port);
        if (payload <= copy.len && copy.mayPull(cpu, Math.min(payload, copy.len))) {
            copy.pull(payload);
            copy.dst = null;
            copy.dev = null;
            if (SockErrQueue.queue(cpu, sk, copy, ee) == 0) {
                return;
            }
        }
        copy.kfree(cpu, SkbDropReason.SOCKET_RCVBUFF);
    }

    /** Queues an error that arose here, for a program that asked. Context: CPU word. Linux: ip_local_error(). */
    static void localError(Cpu cpu, InetSock sk, int err, int daddr, int dport, int info) {
        if (!sk.recverr) {
            return;
        }
        SkBuff skb = cpu.allocSkb(64);
        if (skb == null) {
            return;
        }
        SockExtendedErr ee = new SockExtendedErr();
        ee.errno = err;
        ee.origin = SockExtendedErr.SO_EE_ORIGIN_LOCAL;
        ee.info = info;
        ee.dest = new SockAddrIn(daddr, dport);
        if (SockErrQueue.queue(cpu, sk, skb, ee) != 0) {
            skb.kfree(cpu, SkbDropReason.SOCKET_RCVBUFF);
        }
    }

    /** recvmsg with MSG_ERRQUEUE. Linux: ip_recv_error(). */
    public static int recvError(Sock sk, Msghdr msg, int len) {
        return SockErrQueue.recvErrqueue(sk, msg, len, SockConst.SOL_IP, IP_RECVERR);
    }
}
