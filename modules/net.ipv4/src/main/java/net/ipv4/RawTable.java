package net.ipv4;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.sock.SockQueue;
import net.core.sock.TcpStates;
import net.core.task.SpinLock;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Route;
import net.ipv4.route.RoutePmtu;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * The raw sockets of a namespace, and what comes in for them.
 *
 * <p><b>Context:</b> the array is replaced under a spinlock with a CPU word, read without; delivery in softirq.
 *
 * <p>Linux: raw_v4_input(), raw_icmp_error(), net/ipv4/raw.c
 */
final class RawTable {
    private static final RawSock[] NOBODY = {};

    private final SpinLock lock = new SpinLock();
    private volatile RawSock[] socks = NOBODY;

    @HotPath
    boolean isEmpty() {
        return socks.length == 0;
    }

    void add(RawSock sk) {
        lock.lock();
        RawSock[] old = socks;
        RawSock[] next = java.util.Arrays.copyOf(old, old.length + 1);
        next[old.length] = sk;
        socks = next;
        lock.unlock();
    }

    void remove(RawSock sk) {
        lock.lock();
        socks = java.util.Arrays.stream(socks).filter(s -> s != sk).toArray(RawSock[]::new);
        lock.unlock();
    }

    /** A copy to everybody whose protocol it is; true if there was anybody. {@code data} is behind the IP header. */
    boolean localDeliver(Cpu cpu, SkBuff skb, int protocol) {
        boolean delivered = false;
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        int dif = Route.inetIif(skb);
        for (RawSock sk : socks) {
            if (!matches(sk, protocol, saddr, daddr, dif)) {
                continue;
            }
            delivered = true;
            if (protocol == Inet.IPPROTO_ICMP && filtered(cpu, sk, skb) || !IpMulticast.allow(sk, daddr, dif)) {
                continue;
            }
            SkBuff copy = skb.clone(cpu);
            if (copy != null) {
                copy.dst = skb.dst;
                copy.dev = skb.dev;
                rawRcv(cpu, sk, copy);
            }
        }
        return delivered;
    }

    private static boolean matches(RawSock sk, int protocol, int saddr, int daddr, int dif) {
        return sk.num == protocol
                && (sk.daddr == 0 || sk.daddr == saddr)
                && (sk.rcvSaddr == 0 || sk.rcvSaddr == daddr)
                && InetSock.boundDevMatch(sk.boundDevIf, dif);
    }

    /** Linux: icmp_filter(). */
    private static boolean filtered(Cpu cpu, RawSock sk, SkBuff skb) {
        if (!skb.mayPull(cpu, IcmpHdr.LENGTH)) {
            return true;
        }
        int type = Wire.u8(skb.dataAddress());
        return type < 32 && (1 << type & sk.icmpFilter) != 0;
    }

    /** Linux: raw_rcv(). */
    private static void rawRcv(Cpu cpu, RawSock sk, SkBuff skb) {
        skb.push(skb.data - skb.networkHeader);
        IpSockGlue.pktinfoPrepare(sk, skb);
        if (SockQueue.sockQueueRcvSkb(cpu, sk, skb) < 0) {
            skb.kfree(cpu, SkbDropReason.SOCKET_RCVBUFF);
        }
    }

    /** An ICMP error about a packet of some raw socket; {@code data} at the quoted header. */
    void icmpError(Cpu cpu, SkBuff skb, int protocol, int info) {
        RawSock[] all = socks;
        if (all.length == 0) {
            return;
        }
        long quoted = skb.dataAddress();
        NetDevice dev = (NetDevice) skb.dev;
        int dif = dev == null ? 0 : dev.ifindex;
        for (RawSock sk : all) {
            if (matches(sk, protocol, IpHdr.daddr(quoted), IpHdr.saddr(quoted), dif)) {
                rawErr(cpu, sk, skb, info);
            }
        }
    }

    /** Linux: raw_err(). */
    private static void rawErr(Cpu cpu, RawSock sk, SkBuff skb, int info) {
        int type = IcmpHdr.type(skb.transportAddress());
        int code = IcmpHdr.code(skb.transportAddress());
        int err = Errno.EHOSTUNREACH;
        boolean hard = false;
        if (type == IcmpHdr.ICMP_DEST_UNREACH && code == IcmpHdr.ICMP_FRAG_NEEDED) {
            RoutePmtu.ipv4SkUpdatePmtu(cpu, skb, sk, info);
        } else if (type == IcmpHdr.ICMP_REDIRECT) {
            RoutePmtu.ipv4SkRedirect(cpu, skb, sk);
            return;
        }
        // Without IP_RECVERR only a connected socket hears, and only of what is final.
        if (!sk.recverr && sk.state != TcpStates.TCP_ESTABLISHED) {
            return;
        }
        switch (type) {
            case IcmpHdr.ICMP_SOURCE_QUENCH -> {
                return;
            }
            case IcmpHdr.ICMP_PARAMETERPROB -> {
                err = Errno.EPROTO;
                hard = true;
            }
            case IcmpHdr.ICMP_DEST_UNREACH -> {
                if (code == IcmpHdr.ICMP_FRAG_NEEDED) {
                    hard = sk.pmtudisc != InetSock.IP_PMTUDISC_DONT;
                    err = Errno.EMSGSIZE;
                } else {
                    err = Icmp.errnoOf(code);
                    hard = Icmp.isFatal(code);
                }
            }
            default -> {}
        }
        if (sk.recverr) {
            int payload = sk.hdrincl ? 0 : IpHdr.headerLength(skb.dataAddress());
            IpSockGlue.icmpError(cpu, sk, skb, err, 0, info, payload);
        }
        if (sk.recverr || hard) {
            sk.err = err;
            sk.errorReport(cpu);
        }
    }
}
