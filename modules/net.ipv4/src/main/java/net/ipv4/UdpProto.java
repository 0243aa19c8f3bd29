package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.LongVecSysctl;
import net.core.Net;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.SockQueue;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * UDP as programs see it: send, receive, options.
 *
 * <p>A send to one destination takes no socket lock. It holds a CPU word twice: to find the route and the memory, and
 * to send; the copy in between is done without.
 *
 * <p><b>Context:</b> process, no lock, unless said.
 *
 * <p>Linux: net/ipv4/udp.c
 */
final class UdpProto extends DatagramProto {
    static final int UDP_CORK = 1;
    static final int UDP_SEGMENT = 103;
    static final int UDP_GRO = 104;
    private static final int UDP_MAX_SEGMENTS = 128;
    private static final int MAX_PAYLOAD = 0xffff;

    private final UdpTable table;

    UdpProto(Kernel kernel) {
        super(kernel, "UDP", new Memory(kernel));
        table = UdpTable.of(kernel);
    }

    /** net.ipv4.udp_mem, in pages. */
    private static final class Memory extends ProtoMemory {
        private final LongVecSysctl mem;

        Memory(Kernel kernel) {
            super(kernel);
            long pages = Math.max(128, Runtime.getRuntime().maxMemory() / 4096 / 8);
            mem = kernel.sysctl()
                    .registerVec(
                            "net.ipv4.udp_mem",
                            new long[] {pages / 4 * 3, pages, pages / 4 * 3 * 2},
                            0,
                            Long.MAX_VALUE,
                            null);
        }

        @Override
        public long limit(int index) {
            return mem.at(index);
        }
    }

    @Override
    public Sock alloc(Net net, int family, int type, int protocol) {
        return new UdpSock(net, this);
    }

    @Override
    public int rmemMin(Net net) {
        return Ipv4Net.of(net).sysctlUdpRmemMin();
    }

    @Override
    public int wmemMin(Net net) {
        return Ipv4Net.of(net).sysctlUdpWmemMin();
    }

    @Override
    public int getPort(Cpu cpu, Sock sk, int snum) {
        return table.getPort((UdpSock) sk, snum);
    }

    @Override
    public void close(Sock sk, long timeoutNs) {
        setGro((UdpSock) sk, false);
        super.close(sk, timeoutNs);
    }

    @Override
    public void unhash(Cpu cpu, Sock sk) {
        table.unhash((UdpSock) sk);
    }

    @Override
    public void rehash(Cpu cpu, Sock sk) {
        table.rehash((UdpSock) sk);
    }

    @Override
    int headerInQueue() {
        return UdpHdr.LENGTH;
    }

    // ---- sending

    /** Linux: udp_sendmsg(). */
    @Override
    public int sendmsg(Sock s, Msghdr msg, int len) {
        UdpSock sk = (UdpSock) s;
        UserBuf from = msg.iter;
        if (len > MAX_PAYLOAD) {
            return -Errno.EMSGSIZE;
        }
        if ((msg.flags & SockConst.MSG_OOB) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        if (from == null && len > 0) {
            return -Errno.EFAULT;
        }
        boolean cork = sk.corkflag || (msg.flags & SockConst.MSG_MORE) != 0;
        IpCork open = sk.cork;
        if (cork || open != null && open.isActive()) {
            return sendCorked(sk, msg, len, cork);
        }
        Send send = sk.takeSend();
        int ret = sendOne(sk, msg, from, len, send);
        sk.giveBack(send);
        return ret;
    }

    /** The way without a cork: no socket lock. */
    @HotPath
    private int sendOne(UdpSock sk, Msghdr msg, @Nullable UserBuf from, int len, Send send) {
        int err = prepareUdp(sk, msg, send);
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
            err = checkLength(sk, rt, len, send.ipc.gsoSize, send.ipc.opt);
            if (err != 0) {
                return tooLong(cpu, sk, send, rt, err);
            }
            skb = alloc(cpu, sk, UdpHdr.LENGTH, len);
            if (skb == null) {
                Ipv4Net.of(sk.net).udp.inc(cpu, IpMib.Udp.SNDBUFERRORS);
                return -Errno.ENOBUFS;
            }
        } finally {
            cpu.localBhEnable();
        }
        if (from != null && len > 0 && !fill(skb, UdpHdr.LENGTH, from)) {
            skb.freeDeferred(SkbDropReason.SKB_UCOPY_FAULT);
            return -Errno.EFAULT;
        }
        cpu = sk.localBhDisable();
        try {
            skb.priority = send.ipc.priority;
            skb.mark = send.ipc.mark;
            err = udpSendSkb(
                    cpu,
                    sk,
                    skb,
                    rt,
                    send.saddr,
                    sk.num,
                    send.daddr,
                    send.dport,
                    send.tos,
                    send.ipc.ttl,
                    send.ipc.gsoSize,
                    send.ipc.opt);
        } finally {
            cpu.localBhEnable();
        }
        return err != 0 ? err : len;
    }

    private int prepareUdp(UdpSock sk, Msghdr msg, Send send) {
        int gso = sk.gsoSize;
        Cmsg own = msg.control == null ? null : msg.cmsg(SockConst.SOL_UDP, UDP_SEGMENT);
        if (own != null) {
            gso = (int) own.value & 0xffff;
        }
        int err = prepare(sk, msg, send, true);
        send.ipc.gsoSize = gso;
        return err;
    }

    private static int checkLength(UdpSock sk, Rtable rt, int len, int gsoSize, @Nullable IpOptions opt) {
        int headers = IpHdr.LENGTH + (opt == null ? 0 : opt.optlen) + UdpHdr.LENGTH;
        if (gsoSize != 0) {
            if (headers + gsoSize > rt.mtu() || len > gsoSize * UDP_MAX_SEGMENTS) {
                return -Errno.EINVAL;
            }
            return len + headers > Inet.IP_MAX_MTU ? -Errno.EMSGSIZE : 0;
        }
        return len + headers > maxLength(sk, rt) ? -Errno.EMSGSIZE : 0;
    }

    private static int tooLong(Cpu cpu, UdpSock sk, Send send, Rtable rt, int err) {
        if (err == -Errno.EMSGSIZE && sk.recverr) {
            IpSockGlue.localError(cpu, sk, Errno.EMSGSIZE, send.daddr, send.dport, rt.mtu());
        }
        return err;
    }

    /** Header and checksum, then down. Context: CPU word. Linux: udp_send_skb(). */
    private static int udpSendSkb(
            Cpu cpu,
            UdpSock sk,
            SkBuff skb,
            Rtable rt,
            int saddr,
            int sport,
            int daddr,
            int dport,
            int tos,
            int ttl,
            int gsoSize,
            @Nullable IpOptions opt) {
        int ulen = skb.len;
        skb.resetTransportHeader();
        long uh = skb.transportAddress();
        UdpHdr.source(uh, sport);
        UdpHdr.dest(uh, dport);
        UdpHdr.len(uh, ulen);
        UdpHdr.check(uh, 0);
        int payload = ulen - UdpHdr.LENGTH;
        if (gsoSize != 0 && payload > gsoSize) {
            SkbSharedInfo sh = skb.shinfo();
            sh.gsoSize = gsoSize;
            sh.gsoType = SkbSharedInfo.SKB_GSO_UDP_L4;
            sh.gsoSegs = (payload + gsoSize - 1) / gsoSize;
        }
        if (sk.noCheckTx && !skb.isGso()) {
            skb.ipSummed = SkBuff.CHECKSUM_NONE;
        } else {
            // The device, or whoever cuts or sends without it, sums the rest.
            skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
            skb.csumStart = skb.transportHeader;
            skb.csumOffset = UdpHdr.CHECK_OFFSET;
            UdpHdr.check(uh, ~Checksum.tcpUdpMagic(saddr, daddr, ulen, Inet.IPPROTO_UDP, 0) & 0xffff);
        }
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        int err = sendOut(cpu, sk, skb, rt, saddr, daddr, tos, ttl, opt);
        if (err == -Errno.ENOBUFS && !sk.recverr) {
            v4.udp.inc(cpu, IpMib.Udp.SNDBUFERRORS);
            return 0;
        }
        if (err == 0) {
            v4.udp.inc(cpu, IpMib.Udp.OUTDATAGRAMS);
        }
        return err;
    }

    /** Appends to a datagram in the making, and sends it when nothing more is announced. */
    private int sendCorked(UdpSock sk, Msghdr msg, int len, boolean more) {
        sk.lockSock();
        try {
            IpCork cork = sk.cork;
            if (cork == null) {
                cork = new IpCork();
                sk.cork = cork;
            }
            int err = cork.isActive() ? 0 : beginCork(sk, msg, cork);
            if (err != 0) {
                return err;
            }
            Rtable rt = java.util.Objects.requireNonNull(cork.dst);
            err = checkLength(sk, rt, cork.length + len, cork.gsoSize, cork.opt);
            UserBuf from = msg.iter;
            if (err == 0 && from != null) {
                err = cork.append(sk, from, len);
            }
            if (err != 0) {
                cork.flush();
                return err;
            }
            if (!more) {
                err = pushPending(sk, cork);
            }
            return err != 0 ? err : len;
        } finally {
            sk.releaseSock();
        }
    }

    private int beginCork(UdpSock sk, Msghdr msg, IpCork cork) {
        Send send = new Send();
        int err = prepareUdp(sk, msg, send);
        if (err != 0) {
            return err;
        }
        Cpu cpu = sk.localBhDisable();
        try {
            err = route(cpu, sk, send, msg.flags);
            if (err != 0) {
                return err;
            }
            if (!cork.begin(cpu, sk, UdpHdr.LENGTH)) {
                return -Errno.ENOBUFS;
            }
        } finally {
            cpu.localBhEnable();
        }
        cork.dst = send.rt;
        cork.opt = send.ipc.opt;
        cork.saddr = send.saddr;
        cork.daddr = send.daddr;
        cork.sport = sk.num;
        cork.dport = send.dport;
        cork.tos = send.tos;
        cork.ttl = send.ipc.ttl;
        cork.priority = send.ipc.priority;
        cork.mark = send.ipc.mark;
        cork.gsoSize = send.ipc.gsoSize;
        return 0;
    }

    /** Context: socket owned. Linux: udp_push_pending_frames(). */
    private static int pushPending(UdpSock sk, IpCork cork) {
        SkBuff skb = cork.take();
        Rtable rt = cork.dst;
        if (skb == null || rt == null) {
            return 0;
        }
        Cpu cpu = sk.localBhDisable();
        try {
            skb.priority = cork.priority;
            skb.mark = cork.mark;
            return udpSendSkb(
                    cpu,
                    sk,
                    skb,
                    rt,
                    cork.saddr,
                    cork.sport,
                    cork.daddr,
                    cork.dport,
                    cork.tos,
                    cork.ttl,
                    cork.gsoSize,
                    cork.opt);
        } finally {
            cpu.localBhEnable();
        }
    }

    // ---- receiving

    /** Linux: udp_recvmsg(). */
    @Override
    public int recvmsg(Sock s, Msghdr msg, int len, int flags) {
        UdpSock sk = (UdpSock) s;
        if ((flags & SockConst.MSG_ERRQUEUE) != 0) {
            return IpSockGlue.recvError(sk, msg, len);
        }
        for (; ; ) {
            SkBuff skb = SockQueue.recvDatagram(sk, flags, msg);
            if (skb == null) {
                return msg.err;
            }
            if (!skb.csumUnnecessary() && skb.checksumComplete() != 0) {
                if (badChecksum(sk, skb, flags)) {
                    return -Errno.EAGAIN;
                }
                continue;
            }
            int ret = deliver(sk, skb, msg, len, flags, UdpHdr.LENGTH, UdpHdr.source(skb.transportAddress()));
            if (ret >= 0) {
                if (sk.groEnabled && skb.shinfo().gsoSize != 0) {
                    msg.putCmsg(SockConst.SOL_UDP, UDP_GRO, skb.shinfo().gsoSize);
                }
                if ((flags & SockConst.MSG_PEEK) == 0) {
                    Ipv4Net.of(sk.net).udp.inc(IpMib.Udp.INDATAGRAMS);
                }
            }
            SockQueue.freeDatagram(sk, skb);
            return ret;
        }
    }

    /** Drops a damaged datagram; true if a call that must not wait should say so. Linux: csum_copy_err. */
    private static boolean badChecksum(UdpSock sk, SkBuff skb, int flags) {
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        v4.udp.inc(IpMib.Udp.INCSUMERRORS);
        v4.udp.inc(IpMib.Udp.INERRORS);
        if ((flags & SockConst.MSG_PEEK) != 0) {
            SkBuff queued = SockQueue.tryRecvDatagram(sk, 0);
            if (queued != null) {
                queued.freeDeferred(SkbDropReason.UDP_CSUM);
            }
        }
        skb.freeDeferred(SkbDropReason.UDP_CSUM);
        return (flags & SockConst.MSG_DONTWAIT) != 0;
    }

    // ---- options

    @Override
    public int setsockopt(Sock s, int level, int optname, OptVal v) {
        UdpSock sk = (UdpSock) s;
        if (level != SockConst.SOL_UDP) {
            return super.setsockopt(s, level, optname, v);
        }
        if (v.len < 4) {
            return -Errno.EINVAL;
        }
        int val = v.getInt();
        switch (optname) {
            case UDP_CORK -> {
                sk.corkflag = val != 0;
                if (val == 0) {
                    sk.lockSock();
                    IpCork cork = sk.cork;
                    int err = cork == null ? 0 : pushPending(sk, cork);
                    sk.releaseSock();
                    return err;
                }
            }
            case UDP_SEGMENT -> {
                if (val < 0 || val > 0xffff) {
                    return -Errno.EINVAL;
                }
                sk.gsoSize = val;
            }
            case UDP_GRO -> setGro(sk, val != 0);
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    private void setGro(UdpSock sk, boolean on) {
        sk.lockSock();
        if (sk.groEnabled != on) {
            sk.groEnabled = on;
            table.groSocketsAdd(on ? 1 : -1);
        }
        sk.releaseSock();
    }

    @Override
    public int getsockopt(Sock s, int level, int optname, OptVal v) {
        UdpSock sk = (UdpSock) s;
        if (level != SockConst.SOL_UDP) {
            return super.getsockopt(s, level, optname, v);
        }
        switch (optname) {
            case UDP_CORK -> v.setInt(sk.corkflag ? 1 : 0);
            case UDP_SEGMENT -> v.setInt(sk.gsoSize);
            case UDP_GRO -> v.setInt(sk.groEnabled ? 1 : 0);
            default -> {
                return -Errno.ENOPROTOOPT;
            }
        }
        return 0;
    }

    @Override
    public void destroy(Cpu cpu, Sock sk) {
        if (sk instanceof InetSock inet && inet.cork != null) {
            inet.cork.flush();
        }
    }
}
