package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.NetDevice;
import net.core.sock.SockQueue;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Route;
import net.ipv4.route.RoutePmtu;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * UDP's receive side: checks, lookup, queueing; groups; ICMP errors.
 *
 * <p>A queued datagram keeps its UDP header at {@code data}: whoever copies it out checks the checksum over both.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word.
 *
 * <p>Linux: net/ipv4/udp.c. RFC 768, RFC 1122 4.1.
 */
final class UdpInput implements InetProtocol {
    private final UdpTable table;

    UdpInput(Kernel kernel) {
        table = UdpTable.of(kernel);
    }

    /** Linux: __udp4_lib_rcv(). */
    @HotPath
    @Override
    public int handler(Cpu cpu, SkBuff skb) {
        NetDevice dev = (NetDevice) skb.dev;
        Rtable rt = (Rtable) skb.dst;
        if (dev == null || rt == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 0;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        if (!skb.mayPull(cpu, UdpHdr.LENGTH)) {
            return error(cpu, v4, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        skb.resetTransportHeader();
        long uh = skb.transportAddress();
        int ulen = UdpHdr.len(uh);
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        boolean bundle = skb.isGso();
        if (!bundle) {
            if (ulen > skb.len || ulen < UdpHdr.LENGTH || skb.pskbTrimRcsum(cpu, ulen) != 0) {
                return error(cpu, v4, skb, SkbDropReason.PKT_TOO_SMALL);
            }
            uh = skb.transportAddress();
        }
        if (!csumInit(skb, uh, saddr, daddr)) {
            return csumError(cpu, v4, skb);
        }
        if (rt.isBroadcast() || rt.isMulticast()) {
            return mcastDeliver(cpu, v4, skb, dev, uh, saddr, daddr);
        }
        int dif = Route.inetIif(skb);
        UdpSock sk = table.lookup(cpu, dev.net, saddr, UdpHdr.source(uh), daddr, UdpHdr.dest(uh), dif);
        if (sk != null) {
            unicastRcv(cpu, v4, sk, skb);
            return 0;
        }
        // Nobody: before answering, make sure that the packet isn't damaged.
        if (skb.checksumComplete() != 0) {
            return csumError(cpu, v4, skb);
        }
        v4.udp.inc(cpu, IpMib.Udp.NOPORTS);
        Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_PORT_UNREACH, 0);
        skb.kfree(cpu, SkbDropReason.NO_SOCKET);
        return 0;
    }

    private static int error(Cpu cpu, Ipv4Net v4, SkBuff skb, SkbDropReason reason) {
        v4.udp.inc(cpu, IpMib.Udp.INERRORS);
        skb.kfree(cpu, reason);
        return 0;
    }

    private static int csumError(Cpu cpu, Ipv4Net v4, SkBuff skb) {
        v4.udp.inc(cpu, IpMib.Udp.INCSUMERRORS);
        return error(cpu, v4, skb, SkbDropReason.UDP_CSUM);
    }

    /** Linux: udp4_csum_init(). */
    @HotPath
    private static boolean csumInit(SkBuff skb, long uh, int saddr, int daddr) {
        if (UdpHdr.check(uh) == 0) {
            skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
            return true;
        }
        if (skb.csumUnnecessary()) {
            return true;
        }
        int pseudo = Checksum.tcpUdpNofold(saddr, daddr, skb.len, Inet.IPPROTO_UDP, 0);
        return skb.checksumInit(pseudo) == 0;
    }

    /** Linux: udp_unicast_rcv_skb(), udp_queue_rcv_skb(). */
    @HotPath
    private static void unicastRcv(Cpu cpu, Ipv4Net v4, UdpSock sk, SkBuff skb) {
        if (skb.isGso() && !sk.groEnabled) {
            segments(cpu, v4, sk, skb);
            return;
        }
        queueOne(cpu, v4, sk, skb);
    }

    /** A bundle for a program that wants single datagrams. Linux: udp_rcv_segment(). */
    private static void segments(Cpu cpu, Ipv4Net v4, UdpSock sk, SkBuff skb) {
        int hlen = skb.networkHeaderLen();
        skb.push(hlen);
        SkBuff segs = UdpOffload.segmentForReceive(cpu, skb);
        if (segs == null) {
            v4.udp.inc(cpu, IpMib.Udp.INERRORS);
            skb.kfree(cpu, SkbDropReason.SKB_GSO_SEG);
            return;
        }
        for (SkBuff seg = segs; seg != null; ) {
            SkBuff next = seg.next;
            seg.next = null;
            seg.dst = skb.dst;
            seg.dev = skb.dev;
            seg.skbIif = skb.skbIif;
            IpSkbCb.clear(seg);
            seg.pull(seg.networkHeader - seg.data + hlen);
            seg.resetTransportHeader();
            queueOne(cpu, v4, sk, seg);
            seg = next;
        }
        skb.consume(cpu);
    }

    /** Linux: udp_queue_rcv_one_skb(), __udp_queue_rcv_skb(). */
    @HotPath
    private static void queueOne(Cpu cpu, Ipv4Net v4, UdpSock sk, SkBuff skb) {
        if (sk.minTtl != 0 && IpHdr.ttl(skb.networkAddress()) < sk.minTtl) {
            error(cpu, v4, skb, SkbDropReason.NOT_SPECIFIED);
            sk.dropsAdd(1);
            return;
        }
        IpSockGlue.pktinfoPrepare(sk, skb);
        sk.incomingCpu = cpu.id;
        if (skb.napiId != 0) {
            sk.napiId = skb.napiId; // for busy polling
        }
        int rc = SockQueue.sockQueueRcvSkb(cpu, sk, skb);
        if (rc < 0) {
            boolean full = rc == -Errno.ENOMEM;
            v4.udp.inc(cpu, full ? IpMib.Udp.RCVBUFERRORS : IpMib.Udp.MEMERRORS);
            v4.udp.inc(cpu, IpMib.Udp.INERRORS);
            skb.kfree(cpu, full ? SkbDropReason.SOCKET_RCVBUFF : SkbDropReason.PROTO_MEM);
        }
    }

    /** To everybody who listens to the group. Linux: __udp4_lib_mcast_deliver(). */
    private int mcastDeliver(Cpu cpu, Ipv4Net v4, SkBuff skb, NetDevice dev, long uh, int saddr, int daddr) {
        int dport = UdpHdr.dest(uh);
        int sport = UdpHdr.source(uh);
        int dif = Route.inetIif(skb);
        UdpSock first = null;
        for (UdpSock sk : table.portChain(dev.net, dport)) {
            if (!wants(sk, dev, dport, daddr, sport, saddr, dif)) {
                continue;
            }
            if (first == null) {
                first = sk;
                continue;
            }
            SkBuff copy = skb.clone(cpu);
            if (copy == null) {
                sk.dropsAdd(1);
                v4.udp.inc(cpu, IpMib.Udp.RCVBUFERRORS);
                v4.udp.inc(cpu, IpMib.Udp.INERRORS);
                continue;
            }
            copy.dst = skb.dst;
            unicastRcv(cpu, v4, sk, copy);
        }
        if (first != null) {
            unicastRcv(cpu, v4, first, skb);
        } else {
            v4.udp.inc(cpu, IpMib.Udp.IGNOREDMULTI);
            skb.consume(cpu);
        }
        return 0;
    }

    /** Linux: __udp_is_mcast_sock(). */
    private static boolean wants(UdpSock sk, NetDevice dev, int dport, int daddr, int sport, int saddr, int dif) {
        return sk.net == dev.net
                && sk.num == dport
                && (sk.daddr == 0 || sk.daddr == saddr)
                && (sk.dport == 0 || sk.dport == sport)
                && (sk.rcvSaddr == 0 || sk.rcvSaddr == daddr)
                && InetSock.boundDevMatch(sk.boundDevIf, dif)
                && IpMulticast.allow(sk, daddr, dif);
    }

    /** An ICMP error about a datagram of ours. Linux: __udp4_lib_err(). */
    @Override
    public int errHandler(Cpu cpu, SkBuff skb, int info) {
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null) {
            return -Errno.ENOENT;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        long quoted = skb.dataAddress();
        int hlen = IpHdr.headerLength(quoted);
        long uh = quoted + hlen;
        int dport = UdpHdr.dest(uh);
        UdpSock sk = table.lookup(
                cpu, dev.net, IpHdr.daddr(quoted), dport, IpHdr.saddr(quoted), UdpHdr.source(uh), skb.skbIif);
        if (sk == null) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return -Errno.ENOENT;
        }
        int type = IcmpHdr.type(skb.transportAddress());
        int code = IcmpHdr.code(skb.transportAddress());
        int err = Errno.EHOSTUNREACH;
        boolean hard = false;
        switch (type) {
            case IcmpHdr.ICMP_SOURCE_QUENCH -> {
                return 0;
            }
            case IcmpHdr.ICMP_PARAMETERPROB -> {
                err = Errno.EPROTO;
                hard = true;
            }
            case IcmpHdr.ICMP_DEST_UNREACH -> {
                if (code == IcmpHdr.ICMP_FRAG_NEEDED) {
                    RoutePmtu.ipv4SkUpdatePmtu(cpu, skb, sk, info);
                    if (sk.pmtudisc == InetSock.IP_PMTUDISC_DONT) {
                        return 0;
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
                return 0;
            }
            default -> {}
        }
        // RFC 1122 4.1.3.3: errors go to the program, but an unconnected one could not tell whose they are.
        if (!sk.recverr) {
            if (!hard || sk.state != TcpStates.TCP_ESTABLISHED) {
                return 0;
            }
        } else {
            IpSockGlue.icmpError(cpu, sk, skb, err, dport, info, hlen + UdpHdr.LENGTH);
        }
        sk.err = err;
        sk.errorReport(cpu);
        return 0;
    }
}
