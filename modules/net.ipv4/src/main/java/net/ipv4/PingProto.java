package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.Msghdr;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.SockQueue;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.UserBuf;

/**
 * Ping sockets: the program writes an ICMP echo request, header included, and reads replies.
 *
 * <p><b>Context:</b> process, no lock, unless said.
 *
 * <p>Linux: net/ipv4/ping.c
 */
final class PingProto extends DatagramProto {
    PingProto(Kernel kernel) {
        super(kernel, "PING", null);
    }

    @Override
    public Sock alloc(Net net, int family, int type, int protocol) {
        return new PingSock(net, this);
    }

    @Override
    public int getPort(Cpu cpu, Sock sk, int snum) {
        return Ipv4Net.of(sk.net).ping.getPort((PingSock) sk, snum);
    }

    @Override
    public void unhash(Cpu cpu, Sock sk) {
        Ipv4Net.of(sk.net).ping.remove((PingSock) sk);
    }

    /** Linux: ping_v4_sendmsg(). */
    @Override
    public int sendmsg(Sock s, Msghdr msg, int len) {
        PingSock sk = (PingSock) s;
        UserBuf from = msg.iter;
        if (len > 0xffff) {
            return -Errno.EMSGSIZE;
        }
        if (from == null || len < IcmpHdr.LENGTH) {
            return -Errno.EINVAL;
        }
        if ((msg.flags & SockConst.MSG_OOB) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        Send send = new Send();
        int err = prepare(sk, msg, send, false);
        if (err == 0) {
            err = waitForRoom(sk, msg.flags);
        }
        if (err != 0) {
            return err;
        }
        SkBuff skb;
        Rtable rt;
        Cpu cpu = sk.localBhDisable();
        try {
            err = route(cpu, sk, send, msg.flags);
            if (err != 0) {
                return err;
            }
            rt = java.util.Objects.requireNonNull(send.rt);
            if (len + IpHdr.LENGTH > maxLength(sk, rt)) {
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
        skb.resetTransportHeader();
        long icmph = skb.transportAddress();
        if (IcmpHdr.type(icmph) != IcmpHdr.ICMP_ECHO || IcmpHdr.code(icmph) != 0) {
            skb.freeDeferred(SkbDropReason.NOT_SPECIFIED);
            return -Errno.EINVAL;
        }
        IcmpHdr.id(icmph, sk.num);
        IcmpHdr.check(icmph, 0);
        IcmpHdr.check(icmph, Checksum.fold(skb.checksum(0, skb.len, 0)));
        cpu = sk.localBhDisable();
        try {
            skb.priority = send.ipc.priority;
            skb.mark = send.ipc.mark;
            Ipv4Net v4 = Ipv4Net.of(sk.net);
            v4.icmp.inc(cpu, IpMib.Icmp.OUTMSGS);
            v4.icmp.inc(cpu, IpMib.Icmp.OUTECHOS);
            err = sendOut(cpu, sk, skb, rt, send.saddr, send.daddr, send.tos, send.ipc.ttl, send.ipc.opt);
        } finally {
            cpu.localBhEnable();
        }
        if (err == -Errno.ENOBUFS && !sk.recverr) {
            err = 0;
        }
        return err != 0 ? err : len;
    }

    /** Linux: ping_recvmsg(). */
    @Override
    public int recvmsg(Sock s, Msghdr msg, int len, int flags) {
        PingSock sk = (PingSock) s;
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
}
