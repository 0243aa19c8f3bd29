package net.ipv4;

import net.core.Cpu;
import net.core.sock.SockQueue;
import net.core.sock.TcpStates;
import net.core.task.SpinLock;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Route;
import net.ipv4.route.RoutePmtu;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The ping sockets of a namespace by identifier, and what comes in for them.
 *
 * <p><b>Context:</b> the array is replaced under a spinlock with a CPU word, read without; delivery in softirq.
 *
 * <p>Linux: net/ipv4/ping.c
 */
final class PingTable {
    private static final PingSock[] NOBODY = {};

    private final SpinLock lock = new SpinLock();
    private volatile PingSock[] socks = NOBODY;
    private int rover;

    static PingTable of(Ipv4Net v4) {
        return v4.ping;
    }

    /** Gives a socket an identifier, 0 chooses one. Linux: ping_get_port(). */
    int getPort(PingSock sk, int ident) {
        lock.lock();
        try {
            return getPortLocked(sk, ident);
        } finally {
            lock.unlock();
        }
    }

    private int getPortLocked(PingSock sk, int ident) {
        int id = ident;
        if (id == 0) {
            for (int i = 0; i < 0xffff && id == 0; i++) {
                rover = (rover & 0xffff) + 1 & 0xffff;
                id = rover != 0 && find(rover, null) == null ? rover : 0;
            }
            if (id == 0) {
                return -Errno.EADDRINUSE;
            }
        } else {
            PingSock other = find(id, sk);
            if (other != null && (!other.reuse || !sk.reuse)) {
                return -Errno.EADDRINUSE;
            }
        }
        sk.num = id;
        PingSock[] old = socks;
        for (PingSock s : old) {
            if (s == sk) {
                return 0;
            }
        }
        PingSock[] next = java.util.Arrays.copyOf(old, old.length + 1);
        next[old.length] = sk;
        socks = next;
        return 0;
    }

    private @Nullable PingSock find(int id, @Nullable PingSock except) {
        for (PingSock s : socks) {
            if (s.num == id && s != except) {
                return s;
            }
        }
        return null;
    }

    void remove(PingSock sk) {
        lock.lock();
        socks = java.util.Arrays.stream(socks).filter(s -> s != sk).toArray(PingSock[]::new);
        lock.unlock();
        sk.num = 0;
        sk.sport = 0;
    }

    private @Nullable PingSock lookup(int ident, int local, int dif) {
        for (PingSock sk : socks) {
            if (sk.num == ident
                    && (sk.rcvSaddr == 0 || sk.rcvSaddr == local)
                    && InetSock.boundDevMatch(sk.boundDevIf, dif)) {
                return sk;
            }
        }
        return null;
    }

    /** An echo reply; {@code data} is behind the ICMP header. Takes it over. Linux: ping_rcv(). */
    int pingRcv(Cpu cpu, SkBuff skb) {
        long icmph = skb.transportAddress();
        PingSock sk = socks.length == 0
                ? null
                : lookup(IcmpHdr.id(icmph), IpHdr.daddr(skb.networkAddress()), Route.inetIif(skb));
        if (sk == null) {
            skb.kfree(cpu, SkbDropReason.NO_SOCKET);
            return 0;
        }
        skb.push(IcmpHdr.LENGTH);
        IpSockGlue.pktinfoPrepare(sk, skb);
        if (SockQueue.sockQueueRcvSkb(cpu, sk, skb) < 0) {
            skb.kfree(cpu, SkbDropReason.SOCKET_RCVBUFF);
        }
        return 0;
    }

    /** An error about an echo request of ours; {@code data} at the quoted header. Linux: ping_err(). */
    void pingErr(Cpu cpu, SkBuff skb, int info) {
        long quoted = skb.dataAddress();
        int hlen = IpHdr.headerLength(quoted);
        PingSock sk = lookup(IcmpHdr.id(quoted + hlen), IpHdr.saddr(quoted), skb.skbIif);
        if (sk == null) {
            return;
        }
        int type = IcmpHdr.type(skb.transportAddress());
        int code = IcmpHdr.code(skb.transportAddress());
        int err = Errno.EHOSTUNREACH;
        boolean hard = false;
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
                    RoutePmtu.ipv4SkUpdatePmtu(cpu, skb, sk, info);
                    if (sk.pmtudisc == InetSock.IP_PMTUDISC_DONT) {
                        return;
                    }
                    err = Errno.EMSGSIZE;
                    hard = true;
                } else {
                    hard = Icmp.isFatal(code);
                    err = Icmp.errnoOf(code);
                }
            }
            case IcmpHdr.ICMP_REDIRECT -> {
                RoutePmtu.ipv4SkRedirect(cpu, skb, sk);
                return;
            }
            default -> {}
        }
        if (sk.recverr) {
            IpSockGlue.icmpError(cpu, sk, skb, err, 0, info, hlen);
        } else if (!hard || sk.state != TcpStates.TCP_ESTABLISHED) {
            return;
        }
        sk.err = err;
        sk.errorReport(cpu);
    }
}
