package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockQueue;
import net.core.sock.TcpStates;
import net.ipv4.route.Route;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.UserBuf;

/**
 * Raw sockets.
 *
 * <p><b>Context:</b> process, no lock, unless said.
 *
 * <p>Linux: net/ipv4/raw.c
 */
final class RawProto extends DatagramProto {
    static final int ICMP_FILTER = 1;

    RawProto(Kernel kernel) {
        super(kernel, "RAW", null);
    }

    @Override
    public Sock alloc(Net net, int family, int type, int protocol) {
        return new RawSock(net, this, protocol);
    }

    @Override
    public int hash(Cpu cpu, Sock sk) {
        Ipv4Net.of(sk.net).raw.add((RawSock) sk);
        return 0;
    }

    @Override
    public void unhash(Cpu cpu, Sock sk) {
        Ipv4Net.of(sk.net).raw.remove((RawSock) sk);
    }

    /** Linux: raw_bind(). Context: socket owned. */
    @Override
    public int bind(Sock s, SockAddr address) {
        RawSock sk = (RawSock) s;
        if (!(address instanceof SockAddrIn addr)) {
            return -Errno.EAFNOSUPPORT;
        }
        if (sk.state != TcpStates.TCP_CLOSE) {
            return -Errno.EINVAL;
        }
        int kind = Route.inetAddrType(sk.net, addr.addr);
        if (addr.addr != 0
                && kind != RtType.RTN_LOCAL
                && kind != RtType.RTN_MULTICAST
                && kind != RtType.RTN_BROADCAST
                && !sk.canNonlocalBind()) {
            return -Errno.EADDRNOTAVAIL;
        }
        sk.rcvSaddr = addr.addr;
        sk.saddr = kind == RtType.RTN_MULTICAST || kind == RtType.RTN_BROADCAST ? 0 : addr.addr;
        sk.skDstReset();
        return 0;
    }

    /** The number of a raw socket is its protocol: disconnecting must not take it away. */
    @Override
    public int disconnect(Sock s, int flags) {
        RawSock sk = (RawSock) s;
        sk.state = TcpStates.TCP_CLOSE;
        sk.daddr = 0;
        sk.dport = 0;
        if ((sk.userlocks & Sock.SOCK_BINDADDR_LOCK) == 0) {
            sk.rcvSaddr = 0;
            sk.saddr = 0;
        }
        sk.skDstReset();
        return 0;
    }

    /** Linux: raw_sendmsg(). */
    @Override
    public int sendmsg(Sock s, Msghdr msg, int len) {
        RawSock sk = (RawSock) s;
        UserBuf from = msg.iter;
        if (len > 0xffff || from == null) {
            return -Errno.EMSGSIZE;
        }
        if ((msg.flags & SockConst.MSG_OOB) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        if (sk.hdrincl && len < IpHdr.LENGTH) {
            return -Errno.EINVAL;
        }
        Send send = new Send();
        int err = prepare(sk, msg, send, false);
        if (err == 0) {
            err = waitForRoom(sk, msg.flags);
        }
        if (err != 0) {
            return err;
        }
        send.connected = false;
        send.dport = 0;
        SkBuff skb;
        Rtable rt;
        Cpu cpu = sk.localBhDisable();
        try {
            err = route(cpu, sk, send, msg.flags);
            if (err != 0) {
                return err;
            }
            rt = java.util.Objects.requireNonNull(send.rt);
            int limit = sk.hdrincl ? rt.dev.mtu : maxLength(sk, rt) - IpHdr.LENGTH;
            if (len > limit) {
                IpSockGlue.localError(cpu, sk, Errno.EMSGSIZE, send.daddr, 0, rt.mtu());
                return -Errno.EMSGSIZE;
            }
            skb = alloc(cpu, sk, 0, len);
            if (skb == null) {
                return -Errno.ENOBUFS;
            }
        } finally {
            cpu.localBhEnable();
        }
        if (!fill(skb, 0, from)) {
            skb.freeDeferred(SkbDropReason.SKB_UCOPY_FAULT);
            return -Errno.EFAULT;
        }
        cpu = sk.localBhDisable();
        try {
            skb.priority = send.ipc.priority;
            skb.mark = send.ipc.mark;
            skb.resetTransportHeader();
            err = sk.hdrincl
                    ? sendHdrinc(cpu, sk, skb, rt, send)
                    : sendOut(cpu, sk, skb, rt, send.saddr, send.daddr, send.tos, send.ipc.ttl, send.ipc.opt);
        } finally {
            cpu.localBhEnable();
        }
        if (err == -Errno.ENOBUFS && !sk.recverr) {
            err = 0;
        }
        return err != 0 ? err : len;
    }

    /** The program made the header; we fill in what it left open. Linux: raw_send_hdrinc(). */
    private static int sendHdrinc(Cpu cpu, RawSock sk, SkBuff skb, Rtable rt, Send send) {
        IpSkbCb.clear(skb);
        skb.resetNetworkHeader();
        skb.dst = rt;
        long iph = skb.networkAddress();
        int ihl = IpHdr.headerLength(iph);
        if (ihl < IpHdr.LENGTH || ihl > skb.headlen()) {
            skb.kfree(cpu, SkbDropReason.IP_INHDR);
            return -Errno.EINVAL;
        }
        if (IpHdr.saddr(iph) == 0) {
            IpHdr.saddr(iph, send.saddr);
        }
        skb.setTransportHeader(ihl);
        if (IpHdr.id(iph) == 0) {
            IpIdent.select(cpu, Ipv4Net.of(sk.net), skb, iph, null, 1);
        }
        return IpOutput.ipSendSkb(cpu, sk.net, sk, skb);
    }

    /** Linux: raw_recvmsg(). */
    @Override
    public int recvmsg(Sock s, Msghdr msg, int len, int flags) {
        RawSock sk = (RawSock) s;
        if ((flags & SockConst.MSG_OOB) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        if ((flags & SockConst.MSG_ERRQUEUE) != 0) {
            return IpSockGlue.recvError(sk, msg, len);
        }
        SkBuff skb = SockQueue.recvDatagram(sk, flags, msg);
        if (skb == null) {
            return msg.err;
        }
        int ret = deliver(sk, skb, msg, len, flags, 0, 0);
        SockQueue.freeDatagram(sk, skb);
        return ret;
    }

    @Override
    public int setsockopt(Sock s, int level, int optname, OptVal v) {
        if (level == SockConst.SOL_RAW) {
            if (optname != ICMP_FILTER || s.protocol != Inet.IPPROTO_ICMP) {
                return -Errno.ENOPROTOOPT;
            }
            ((RawSock) s).icmpFilter = v.getInt();
            return 0;
        }
        return super.setsockopt(s, level, optname, v);
    }

    @Override
    public int getsockopt(Sock s, int level, int optname, OptVal v) {
        if (level == SockConst.SOL_RAW) {
            if (optname != ICMP_FILTER || s.protocol != Inet.IPPROTO_ICMP) {
                return -Errno.ENOPROTOOPT;
            }
            v.setInt(((RawSock) s).icmpFilter);
            return 0;
        }
        return super.getsockopt(s, level, optname, v);
    }
}
