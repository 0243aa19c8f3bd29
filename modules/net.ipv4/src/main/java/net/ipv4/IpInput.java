package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.netfilter.NfHooks;
import net.core.netfilter.NfOkFn;
import net.core.sock.Sock;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.ipv4.route.Route;
import net.ipv4.route.RouteInput;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * IP input: is the header sound, whose is the packet, which protocol gets it.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word.
 *
 * <p>Linux: net/ipv4/ip_input.c
 */
public final class IpInput {
    private static final NfOkFn RCV_FINISH = IpInput::ipRcvFinish;
    private static final NfOkFn LOCAL_DELIVER_FINISH = IpInput::ipLocalDeliverFinish;

    private IpInput() {}

    /**
     * A packet of ethertype IP from a device; {@code data} at the IP header. Takes it over.
     *
     * <p>Linux: ip_rcv()
     */
    @HotPath
    public static int ipRcv(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
        PathTrace.hit(cpu, skb, Landmark.IP_RCV);
        Net net = dev.net;
        SkBuff checked = ipRcvCore(cpu, Ipv4Net.of(net), skb);
        if (checked == null) {
            return NetXmit.NET_RX_DROP;
        }
        return NfHooks.nfHook(
                cpu, NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_PRE_ROUTING, net, null, checked, dev, null, RCV_FINISH);
    }

    /** Checks the header; null if the packet was dropped. Linux: ip_rcv_core(). RFC 1122 3.2.1.2. */
    @HotPath
    private static @Nullable SkBuff ipRcvCore(Cpu cpu, Ipv4Net v4, SkBuff in) {
        // Promiscuous device, somebody else's packet.
        if (in.pktType == SkBuff.PACKET_OTHERHOST) {
            return drop(cpu, in, SkbDropReason.OTHERHOST);
        }
        v4.ip.inc(cpu, IpMib.Ip.INRECEIVES);
        v4.ipExt.add(cpu, IpMib.INOCTETS, in.len);
        SkBuff skb = in.shared() ? in.shareCheck(cpu) : in;
        if (skb == null) {
            v4.ip.inc(cpu, IpMib.Ip.INDISCARDS);
            return null;
        }
        if (!skb.mayPull(cpu, IpHdr.LENGTH)) {
            return badHeader(cpu, v4, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        long iph = skb.dataAddress();
        int ihl = IpHdr.headerLength(iph);
        if (ihl < IpHdr.LENGTH || IpHdr.version(iph) != 4) {
            return badHeader(cpu, v4, skb, SkbDropReason.IP_INHDR);
        }
        countEcn(cpu, v4, IpHdr.tos(iph));
        if (ihl != IpHdr.LENGTH) {
            if (!skb.mayPull(cpu, ihl)) {
                return badHeader(cpu, v4, skb, SkbDropReason.PKT_TOO_SMALL);
            }
            iph = skb.dataAddress();
        }
        if (Checksum.ipFast(iph, ihl >>> 2) != 0) {
            v4.ipExt.inc(cpu, IpMib.INCSUMERRORS);
            return badHeader(cpu, v4, skb, SkbDropReason.IP_CSUM);
        }
        int len = totLen(skb, iph);
        if (skb.len < len) {
            v4.ipExt.inc(cpu, IpMib.INTRUNCATEDPKTS);
            return drop(cpu, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        if (len < ihl) {
            return badHeader(cpu, v4, skb, SkbDropReason.IP_INHDR);
        }
        // The link may have padded the frame: the IP length is the true one.
        if (skb.len > len && skb.pskbTrimRcsum(cpu, len) != 0) {
            v4.ip.inc(cpu, IpMib.Ip.INDISCARDS);
            return drop(cpu, skb, SkbDropReason.NOMEM);
        }
        skb.resetNetworkHeader();
        skb.setTransportHeader(ihl);
        IpSkbCb.clear(skb);
        IpSkbCb.iif(skb, skb.skbIif);
        // The socket below is the sender's: on loopback it is not ours to look at.
        if (skb.sk != null) {
            skb.orphan();
        }
        return skb;
    }

    /** Length of the datagram: packets merged beyond 64 KiB say 0. Linux: iph_totlen(). */
    @HotPath
    static int totLen(SkBuff skb, long iph) {
        int len = IpHdr.totLen(iph);
        return len == 0 && skb.isGsoTcp() ? skb.len : len;
    }

    @HotPath
    private static void countEcn(Cpu cpu, Ipv4Net v4, int tos) {
        switch (tos & Inet.ECN_MASK) {
            case Inet.ECN_NOT_ECT -> v4.ipExt.inc(cpu, IpMib.INNOECTPKTS);
            case Inet.ECN_ECT_1 -> v4.ipExt.inc(cpu, IpMib.INECT1PKTS);
            case Inet.ECN_ECT_0 -> v4.ipExt.inc(cpu, IpMib.INECT0PKTS);
            default -> v4.ipExt.inc(cpu, IpMib.INCEPKTS);
        }
    }

    private static @Nullable SkBuff badHeader(Cpu cpu, Ipv4Net v4, SkBuff skb, SkbDropReason reason) {
        v4.ip.inc(cpu, IpMib.Ip.INHDRERRORS);
        return drop(cpu, skb, reason);
    }

    private static @Nullable SkBuff drop(Cpu cpu, SkBuff skb, SkbDropReason reason) {
        skb.kfree(cpu, reason);
        return null;
    }

    /** After PRE_ROUTING: finds the route and follows it. Linux: ip_rcv_finish(). */
    @HotPath
    public static int ipRcvFinish(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.IP_RCV_FINISH);
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null || ipRcvFinishCore(cpu, net, skb, dev) != 0) {
            return NetXmit.NET_RX_DROP;
        }
        Rtable rt = (Rtable) skb.dst;
        return rt == null ? NetXmit.NET_RX_DROP : rt.input(cpu, skb);
    }

    /** Linux: ip_rcv_finish_core(). Frees the packet unless it returns 0. */
    @HotPath
    private static int ipRcvFinishCore(Cpu cpu, Net net, SkBuff skb, NetDevice dev) {
        Ipv4Net v4 = Ipv4Net.of(net);
        long iph = skb.networkAddress();
        if (skb.dst == null && skb.sk == null && v4.sysctlIpEarlyDemux() && !IpHdr.isFragment(iph)) {
            InetProtocol proto = InetProtos.of(cpu.kernel()).protocol(IpHdr.protocol(iph));
            if (proto != null) {
                proto.earlyDemux(cpu, skb);
                iph = skb.networkAddress();
            }
        }
        int daddr = IpHdr.daddr(iph);
        if (skb.dst == null) {
            int reason = RouteInput.ipRouteInput(cpu, skb, daddr, IpHdr.saddr(iph), IpHdr.tos(iph), dev);
            if (reason != 0) {
                skb.kfree(cpu, SkbDropReason.of(reason));
                return reason;
            }
        }
        if (IpHdr.ihl(iph) > 5 && !rcvOptions(cpu, v4, skb, dev)) {
            return SkbDropReason.IP_INHDR.ordinal();
        }
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 1;
        }
        if (rt.rtType == RtType.RTN_MULTICAST) {
            v4.ipExt.inc(cpu, IpMib.INMCASTPKTS);
            v4.ipExt.add(cpu, IpMib.INMCASTOCTETS, skb.len);
        } else if (rt.rtType == RtType.RTN_BROADCAST) {
            v4.ipExt.inc(cpu, IpMib.INBCASTPKTS);
            v4.ipExt.add(cpu, IpMib.INBCASTOCTETS, skb.len);
        } else if (skb.pktType == SkBuff.PACKET_BROADCAST || skb.pktType == SkBuff.PACKET_MULTICAST) {
            // A unicast packet in a broadcast frame (RFC 1122 3.3.6): only on request.
            InDevice inDev = InDevice.of(dev);
            if (inDev != null && inDev.dropUnicastInL2Multicast()) {
                skb.kfree(cpu, SkbDropReason.UNICAST_IN_L2_MULTICAST);
                return SkbDropReason.UNICAST_IN_L2_MULTICAST.ordinal();
            }
        }
        return 0;
    }

    /** Checks the options; false and freed if they are wrong or not welcome. Linux: ip_rcv_options(). */
    private static boolean rcvOptions(Cpu cpu, Ipv4Net v4, SkBuff skb, NetDevice dev) {
        if (skb.cow(cpu, skb.headroom()) != 0) {
            v4.ip.inc(cpu, IpMib.Ip.INDISCARDS);
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return false;
        }
        long iph = skb.networkAddress();
        int[] errAt = Ipv4Net.scratch(cpu).optErrAt;
        IpOptions opt = IpOptions.compile(iph + IpHdr.LENGTH, IpHdr.headerLength(iph) - IpHdr.LENGTH, errAt);
        if (opt == null) {
            v4.ip.inc(cpu, IpMib.Ip.INHDRERRORS);
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_PARAMETERPROB, 0, errAt[0] << 24);
            skb.kfree(cpu, SkbDropReason.IP_INHDR);
            return false;
        }
        IpSkbCb.opt(skb, opt);
        if (opt.srr != 0) {
            InDevice inDev = InDevice.of(dev);
            if (inDev == null || !inDev.sourceRoute() || !opt.rcvSrr(cpu, skb)) {
                skb.kfree(cpu, SkbDropReason.IP_INHDR);
                return false;
            }
        }
        return true;
    }

    /** The route says: for this host. Linux: ip_local_deliver(). */
    @HotPath
    public static int ipLocalDeliver(Cpu cpu, SkBuff in) {
        PathTrace.hit(cpu, in, Landmark.IP_LOCAL_DELIVER);
        SkBuff skb = in;
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 0;
        }
        if (IpHdr.isFragment(skb.networkAddress())) {
            SkBuff whole = Ipv4Net.of(dev.net).frags.ipDefrag(cpu, skb, IpFragment.IP_DEFRAG_LOCAL_DELIVER);
            if (whole == null) {
                return 0;
            }
            skb = whole;
            dev = (NetDevice) skb.dev;
            if (dev == null) {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                return 0;
            }
        }
        return NfHooks.nfHook(
                cpu,
                NfHooks.NFPROTO_IPV4,
                NfHooks.NF_INET_LOCAL_IN,
                dev.net,
                null,
                skb,
                dev,
                null,
                LOCAL_DELIVER_FINISH);
    }

    /** After LOCAL_IN: the IP header goes, the protocol gets it. Linux: ip_local_deliver_finish(). */
    @HotPath
    private static int ipLocalDeliverFinish(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        skb.pull(skb.networkHeaderLen());
        deliverProtocol(cpu, net, skb, IpHdr.protocol(skb.networkAddress()));
        return 0;
    }

    /** Linux: ip_protocol_deliver_rcu(). */
    @HotPath
    static void deliverProtocol(Cpu cpu, Net net, SkBuff skb, int first) {
        Ipv4Net v4 = Ipv4Net.of(net);
        int protocol = first;
        for (; ; ) {
            RawTable raws = v4.raw;
            boolean raw = !raws.isEmpty() && raws.localDeliver(cpu, skb, protocol);
            InetProtocol proto = InetProtos.of(cpu.kernel()).protocol(protocol);
            if (proto == null) {
                if (raw) {
                    v4.ip.inc(cpu, IpMib.Ip.INDELIVERS);
                    skb.consume(cpu);
                } else {
                    v4.ip.inc(cpu, IpMib.Ip.INUNKNOWNPROTOS);
                    Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_PROT_UNREACH, 0);
                    skb.kfree(cpu, SkbDropReason.IP_NOPROTO);
                }
                return;
            }
            int ret = proto.handler(cpu, skb);
            if (ret <= 0) {
                v4.ip.inc(cpu, IpMib.Ip.INDELIVERS);
                return;
            }
            protocol = ret;
        }
    }

    /** Interface of a received packet as protocols want it; see {@link Route#inetIif}. */
    @HotPath
    public static int iif(SkBuff skb) {
        return Route.inetIif(skb);
    }
}
