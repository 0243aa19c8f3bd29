package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.Gso;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.dev.NetdevFeatures;
import net.core.neigh.DstEntry;
import net.core.neigh.Neighbour;
import net.core.netfilter.NfHooks;
import net.core.netfilter.NfOkFn;
import net.core.sock.Sock;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * IP output: header, hooks, fragments if need be, neighbour. Fragmentation itself is {@link IpFragmenter}, collecting
 * data from several sends {@link IpCork}.
 *
 * <p><b>Context:</b> process or softirq, with a CPU word. Every function takes its packet over, whatever it returns.
 *
 * <p>Linux: net/ipv4/ip_output.c
 */
public final class IpOutput {
    /** Headroom that fits every header below TCP and UDP, bytes. Linux: MAX_HEADER + sizeof(struct iphdr) + options. */
    public static final int MAX_HEADER = 128 + IpHdr.MAX_LENGTH;

    private static final NfOkFn DST_OUTPUT = IpOutput::dstOutput;
    private static final NfOkFn FINISH_OUTPUT = IpOutput::ipFinishOutput;
    private static final NfOkFn MC_FINISH_OUTPUT = IpOutput::ipMcFinishOutput;

    /** Priority by the four old type-of-service bits. Linux: ip_tos2prio. */
    private static final byte[] TOS2PRIO = {0, 1, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4};

    private IpOutput() {}

    /** Linux: rt_tos2priority(). */
    public static int tosToPriority(int tos) {
        return TOS2PRIO[(tos & 0x1e) >> 1];
    }

    @HotPath
    private static int dstOutput(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        DstEntry dst = (DstEntry) skb.dst;
        if (dst == null) {
            skb.kfree(cpu, SkbDropReason.IP_OUTNOROUTES);
            return -Errno.EHOSTUNREACH;
        }
        return dst.output(cpu, net, sk, skb);
    }

    // ---- ways in

    /**
     * Sends a segment of a connected socket over its cached route, which is looked up again if it went stale.
     *
     * @param tos type of service to put into the header
     * @return 0, a negative errno, or {@code NET_XMIT_*}: congestion in this host
     *     <p>Linux: __ip_queue_xmit()
     */
    @HotPath
    public static int ipQueueXmit(Cpu cpu, InetSock sk, SkBuff skb, @Nullable Flowi4 unused, int tos) {
        return ipQueueXmit(cpu, sk, skb, tos);
    }

    /** As above. */
    @HotPath
    public static int ipQueueXmit(Cpu cpu, InetSock sk, SkBuff skb, int tos) {
        PathTrace.hit(cpu, skb, Landmark.IP_QUEUE_XMIT);
        Net net = sk.net;
        IpOptions opt = sk.inetOpt;
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            rt = (Rtable) sk.skDstCheck(0);
            if (rt == null) {
                rt = reroute(cpu, sk, opt);
                if (rt == null) {
                    return noRoute(cpu, net, skb);
                }
            }
            skb.dst = rt;
        }
        if (opt != null && opt.isStrictroute && rt.rtUsesGateway) {
            return noRoute(cpu, net, skb);
        }
        IpSkbCb.clear(skb);
        int optlen = opt == null ? 0 : opt.optlen;
        skb.push(IpHdr.LENGTH + optlen);
        skb.resetNetworkHeader();
        long iph = skb.networkAddress();
        IpHdr.versionIhlTos(iph, 5 + (optlen >> 2), tos);
        IpHdr.fragOff(iph, sk.dontFragment(rt) ? IpHdr.IP_DF : 0);
        IpHdr.ttl(iph, sk.selectTtl(rt));
        IpHdr.protocol(iph, sk.protocol);
        IpHdr.saddr(iph, sk.saddr);
        IpHdr.daddr(iph, sk.daddr);
        if (opt != null) {
            if (opt.srr != 0) {
                IpHdr.daddr(iph, opt.faddr);
            }
            opt.build(iph, sk.daddr);
        }
        IpIdent.select(cpu, Ipv4Net.of(net), skb, iph, sk, skb.isGso() ? Math.max(1, skb.shinfo().gsoSegs) : 1);
        skb.priority = sk.priority;
        skb.mark = sk.mark;
        return ipLocalOut(cpu, net, sk, skb);
    }

    private static @Nullable Rtable reroute(Cpu cpu, InetSock sk, @Nullable IpOptions opt) {
        int daddr = opt != null && opt.srr != 0 ? opt.faddr : sk.daddr;
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Xmit;
        fl4.init(
                sk.boundDevIf,
                sk.mark,
                sk.tos,
                Route.scopeOf(sk),
                sk.protocol,
                Route.flowFlags(sk),
                daddr,
                sk.saddr,
                sk.dport,
                sk.sport);
        Rtable rt = Route.ipRouteOutputFlow(cpu, sk.net, fl4, sk);
        if (rt != null) {
            Route.skSetupCaps(sk, rt);
        }
        return rt;
    }

    private static int noRoute(Cpu cpu, Net net, SkBuff skb) {
        Ipv4Net.of(net).ip.inc(cpu, IpMib.Ip.OUTNOROUTES);
        skb.kfree(cpu, SkbDropReason.IP_OUTNOROUTES);
        return -Errno.EHOSTUNREACH;
    }

    /**
     * Sends a segment for which no full socket exists yet (SYN-ACK); {@code skb.dst} is set. Linux:
     * ip_build_and_send_pkt()
     */
    public static int ipBuildAndSendPkt(
            Cpu cpu, SkBuff skb, InetSock sk, int saddr, int daddr, @Nullable IpOptions opt, int tos) {
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            return noRoute(cpu, sk.net, skb);
        }
        IpSkbCb.clear(skb);
        int optlen = opt == null ? 0 : opt.optlen;
        skb.push(IpHdr.LENGTH + optlen);
        skb.resetNetworkHeader();
        long iph = skb.networkAddress();
        IpHdr.versionIhlTos(iph, 5 + (optlen >> 2), tos);
        IpHdr.ttl(iph, sk.selectTtl(rt));
        IpHdr.daddr(iph, opt != null && opt.srr != 0 ? opt.faddr : daddr);
        IpHdr.saddr(iph, saddr);
        IpHdr.protocol(iph, sk.protocol);
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        // SYN-ACKs are small: DF and no identifier, unless discovery is off.
        if (sk.dontFragment(rt)) {
            IpHdr.fragOff(iph, IpHdr.IP_DF);
            IpHdr.id(iph, 0);
        } else {
            IpHdr.fragOff(iph, 0);
            IpIdent.select(cpu, v4, skb, iph, null, 1);
        }
        if (opt != null) {
            opt.build(iph, daddr);
        }
        skb.priority = sk.priority;
        if (skb.mark == 0) {
            skb.mark = sk.mark;
        }
        return ipLocalOut(cpu, sk.net, sk, skb);
    }

    /**
     * Sends an answer that no socket keeps (a reset, an ACK from TIME_WAIT). {@code skb} holds the transport header and
     * data with the checksum done or left to the device, and {@link #MAX_HEADER} bytes of headroom.
     *
     * @param request the packet answered: its input interface and mark choose the route
     * @param daddr where to; {@code saddr} our address
     * @param boundDevIf interface the answer must take, 0: any
     *     <p>Linux: ip_send_unicast_reply()
     */
    public static int ipSendUnicastReply(
            Cpu cpu,
            Net net,
            SkBuff request,
            SkBuff skb,
            int protocol,
            int daddr,
            int saddr,
            int dport,
            int sport,
            int tos,
            int mark,
            int boundDevIf,
            int flowFlags) {
        Ipv4Net v4 = Ipv4Net.of(net);
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Reply;
        int m = mark != 0 ? mark : v4.sysctlFwmarkReflect() ? request.mark : 0;
        fl4.init(boundDevIf, m, tos, 0, protocol, flowFlags, daddr, saddr, dport, sport);
        Rtable rt = Route.ipRouteOutputFlow(cpu, net, fl4, null);
        if (rt == null) {
            return noRoute(cpu, net, skb);
        }
        skb.dst = rt;
        skb.mark = m;
        return ipSendBuilt(cpu, net, null, skb, rt, protocol, saddr, daddr, tos, v4.dstHoplimit(rt), false, null);
    }

    /**
     * Puts an IP header before a transport packet and sends it; the length may exceed the MTU, it is then fragmented.
     * Used where there is no connection: ICMP, replies, raw.
     */
    static int ipSendBuilt(
            Cpu cpu,
            Net net,
            @Nullable Sock sk,
            SkBuff skb,
            Rtable rt,
            int protocol,
            int saddr,
            int daddr,
            int tos,
            int ttl,
            boolean df,
            @Nullable IpOptions opt) {
        IpSkbCb.clear(skb);
        int optlen = opt == null ? 0 : opt.optlen;
        skb.dst = rt;
        skb.push(IpHdr.LENGTH + optlen);
        skb.resetNetworkHeader();
        skb.setTransportHeader(IpHdr.LENGTH + optlen);
        long iph = skb.networkAddress();
        IpHdr.versionIhlTos(iph, 5 + (optlen >> 2), tos);
        IpHdr.fragOff(iph, df ? IpHdr.IP_DF : 0);
        IpHdr.ttl(iph, ttl);
        IpHdr.protocol(iph, protocol);
        IpHdr.saddr(iph, saddr);
        IpHdr.daddr(iph, opt != null && opt.srr != 0 ? opt.faddr : daddr);
        if (opt != null) {
            opt.build(iph, daddr);
        }
        IpIdent.select(cpu, Ipv4Net.of(net), skb, iph, null, 1);
        return ipSendSkb(cpu, net, sk, skb);
    }

    /**
     * {@link #ipLocalOut} for those who know errnos only; congestion below counts as sent, all else as discarded.
     *
     * <p>Linux: ip_send_skb()
     */
    @HotPath
    static int ipSendSkb(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        int err = ipLocalOut(cpu, net, sk, skb);
        if (err > 0) {
            err = NetXmit.errno(err);
        }
        if (err != 0) {
            Ipv4Net.of(net).ip.inc(cpu, IpMib.Ip.OUTDISCARDS);
        }
        return err;
    }

    /**
     * A packet made here with its header in place: length, checksum, LOCAL_OUT, then along its route.
     *
     * @return 0, a negative errno, or {@code NET_XMIT_*}: what the queue of this host said
     *     <p>Linux: ip_local_out()
     */
    @HotPath
    public static int ipLocalOut(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.IP_LOCAL_OUT);
        Ipv4Net v4 = Ipv4Net.of(net);
        v4.ip.inc(cpu, IpMib.Ip.OUTREQUESTS);
        long iph = skb.networkAddress();
        IpHdr.totLen(iph, skb.len <= Inet.IP_MAX_MTU ? skb.len : 0);
        IpHdr.sendCheck(iph);
        skb.protocol = Inet.ETH_P_IP;
        DstEntry dst = (DstEntry) skb.dst;
        return NfHooks.nfHook(
                cpu,
                NfHooks.NFPROTO_IPV4,
                NfHooks.NF_INET_LOCAL_OUT,
                net,
                sk,
                skb,
                null,
                dst == null ? null : dst.dev,
                DST_OUTPUT);
    }

    // ---- along the route

    /** Linux: ip_output(). */
    @HotPath
    public static int ipOutput(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.IP_OUTPUT);
        DstEntry dst = (DstEntry) skb.dst;
        if (dst == null) {
            return noRoute(cpu, net, skb);
        }
        NetDevice in = (NetDevice) skb.dev;
        NetDevice dev = dst.dev;
        skb.dev = dev;
        skb.protocol = Inet.ETH_P_IP;
        if (IpSkbCb.has(skb, IpSkbCb.IPSKB_REROUTED)) {
            return ipFinishOutput(cpu, net, sk, skb);
        }
        return NfHooks.nfHook(
                cpu, NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_POST_ROUTING, net, sk, skb, in, dev, FINISH_OUTPUT);
    }

    /** To a group or a broadcast address: a copy comes back if somebody here listens. Linux: ip_mc_output(). */
    public static int ipMcOutput(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            return noRoute(cpu, net, skb);
        }
        NetDevice dev = rt.dev;
        skb.dev = dev;
        skb.protocol = Inet.ETH_P_IP;
        long iph = skb.networkAddress();
        if (rt.isMulticast()) {
            if ((!(sk instanceof InetSock inet) || inet.mcLoop) && (rt.rtFlags & Rtable.RTCF_LOCAL) != 0) {
                loopBack(cpu, net, sk, skb, dev);
                iph = skb.networkAddress();
            }
            // Time to live 0: not beyond this host.
            if (IpHdr.ttl(iph) == 0) {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                return 0;
            }
        }
        if (rt.isBroadcast()) {
            loopBack(cpu, net, sk, skb, dev);
        }
        return NfHooks.nfHook(
                cpu, NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_POST_ROUTING, net, sk, skb, null, dev, FINISH_OUTPUT);
    }

    private static void loopBack(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, NetDevice dev) {
        SkBuff copy = skb.clone(cpu);
        if (copy != null) {
            NfHooks.nfHook(
                    cpu,
                    NfHooks.NFPROTO_IPV4,
                    NfHooks.NF_INET_POST_ROUTING,
                    net,
                    sk,
                    copy,
                    null,
                    dev,
                    MC_FINISH_OUTPUT);
        }
    }

    /**
     * Hands the copy to our own input, as if it had come by the device. Linux: ip_mc_finish_output(),
     * dev_loopback_xmit().
     */
    private static int ipMcFinishOutput(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        skb.resetMacHeader();
        skb.pull(skb.networkOffset());
        skb.pktType = SkBuff.PACKET_LOOPBACK;
        if (skb.ipSummed == SkBuff.CHECKSUM_NONE) {
            skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        }
        // The route stays: it says "local" too, and input would take our own source address for a martian.
        return Dev.netifRx(cpu, skb);
    }

    /**
     * After POST_ROUTING: small enough, a GSO packet to be cut by the device, or to be fragmented. Linux:
     * __ip_finish_output().
     */
    @HotPath
    private static int ipFinishOutput(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.IP_FINISH_OUTPUT);
        DstEntry dst = (DstEntry) skb.dst;
        if (dst == null) {
            return noRoute(cpu, net, skb);
        }
        int mtu = skbDstMtu(sk, skb, dst);
        if (skb.isGso()) {
            return finishOutputGso(cpu, net, sk, skb, mtu);
        }
        if (skb.len > mtu || IpSkbCb.fragMaxSize(skb) != 0) {
            return IpFragmenter.ipFragment(cpu, net, sk, skb, mtu);
        }
        return ipFinishOutput2(cpu, net, sk, skb);
    }

    /** Linux: ip_skb_dst_mtu(). */
    @HotPath
    private static int skbDstMtu(@Nullable Sock sk, SkBuff skb, DstEntry dst) {
        if (sk == null || !(sk instanceof InetSock inet) || inet.usePmtu()) {
            boolean forwarded = IpSkbCb.has(skb, IpSkbCb.IPSKB_FORWARDED);
            return forwarded ? forwardMtu((Rtable) dst) : dst.mtu();
        }
        return Math.min(dst.dev.mtu, Inet.IP_MAX_MTU);
    }

    /** MTU for forwarded packets: what ICMP told us is not believed. Linux: ip_dst_mtu_maybe_forward(). */
    @HotPath
    static int forwardMtu(Rtable rt) {
        int mtu = rt.metric(DstEntry.RTAX_MTU);
        return Math.min(mtu != 0 ? mtu : rt.dev.mtu, Inet.IP_MAX_MTU);
    }

    /** A packet of several segments: each must fit. Linux: ip_finish_output_gso(). */
    @HotPath
    private static int finishOutputGso(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, int mtu) {
        if (Gso.validateNetworkLen(skb, mtu)) {
            return ipFinishOutput2(cpu, net, sk, skb);
        }
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null) {
            return noRoute(cpu, net, skb);
        }
        long features = dev.features & ~NetdevFeatures.NETIF_F_GSO_MASK;
        SkBuff segs = Gso.skbGsoSegment(cpu, skb, features, false);
        if (segs == null) {
            skb.kfree(cpu, SkbDropReason.SKB_GSO_SEG);
            return -Errno.ENOMEM;
        }
        skb.consume(cpu);
        int ret = 0;
        for (SkBuff seg = segs; seg != null; ) {
            SkBuff next = seg.next;
            seg.next = null;
            int err = IpFragmenter.ipFragment(cpu, net, sk, seg, mtu);
            if (err != 0 && ret == 0) {
                ret = err;
            }
            seg = next;
        }
        return ret;
    }

    /** To the neighbour. Linux: ip_finish_output2(). */
    @HotPath
    static int ipFinishOutput2(Cpu cpu, Net net, @Nullable Sock sk, SkBuff in) {
        SkBuff skb = in;
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            return noRoute(cpu, net, skb);
        }
        Ipv4Net v4 = Ipv4Net.of(net);
        NetDevice dev = rt.dev;
        v4.ip.inc(cpu, IpMib.Ip.OUTTRANSMITS);
        v4.ipExt.add(cpu, IpMib.OUTOCTETS, skb.len);
        if (rt.rtType != RtType.RTN_UNICAST) {
            if (rt.isMulticast()) {
                v4.ipExt.inc(cpu, IpMib.OUTMCASTPKTS);
                v4.ipExt.add(cpu, IpMib.OUTMCASTOCTETS, skb.len);
            } else if (rt.isBroadcast()) {
                v4.ipExt.inc(cpu, IpMib.OUTBCASTPKTS);
                v4.ipExt.add(cpu, IpMib.OUTBCASTOCTETS, skb.len);
            }
        }
        int room = dev.llReservedSpace();
        if (skb.headroom() < room && dev.headerOps != null && skb.expandHead(cpu, room - skb.headroom(), 0) != 0) {
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return -Errno.ENOMEM;
        }
        Neighbour neigh = Arp.neighFor(cpu, dev, rt.nexthop(IpHdr.daddr(skb.networkAddress())));
        if (neigh == null) {
            skb.kfree(cpu, SkbDropReason.NEIGH_CREATEFAIL);
            return -Errno.ENOBUFS;
        }
        if (skb.dstPendingConfirm) {
            skb.dstPendingConfirm = false;
            neigh.confirm(cpu.jiffies());
            if (skb.sk instanceof Sock owner) {
                owner.dstPendingConfirm = false;
            }
        }
        return neigh.output(cpu, skb);
    }
}
