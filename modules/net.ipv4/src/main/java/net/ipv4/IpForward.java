package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.Gso;
import net.core.dev.NetDevice;
import net.core.netfilter.NfHooks;
import net.core.netfilter.NfOkFn;
import net.core.sock.Sock;
import net.ipv4.route.Rtable;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Packets for others.
 *
 * <p><b>Context:</b> softirq.
 *
 * <p>Linux: net/ipv4/ip_forward.c
 */
public final class IpForward {
    private static final NfOkFn FORWARD_FINISH = IpForward::ipForwardFinish;

    private IpForward() {}

    /** The route says: onwards. Takes the packet over. Linux: ip_forward(). */
    @HotPath
    public static int ipForward(Cpu cpu, SkBuff skb) {
        Rtable rt = (Rtable) skb.dst;
        NetDevice in = (NetDevice) skb.dev;
        if (skb.pktType != SkBuff.PACKET_HOST || rt == null || in == null || skb.sk != null) {
            return drop(cpu, skb, SkbDropReason.NOT_SPECIFIED);
        }
        Net net = in.net;
        Ipv4Net v4 = Ipv4Net.of(net);
        // Forwarding changes the header: checksums over all of the packet no longer hold, those of the protocol do.
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE) {
            skb.ipSummed = SkBuff.CHECKSUM_NONE;
        }
        long iph = skb.networkAddress();
        if (IpHdr.ttl(iph) <= 1) {
            v4.ip.inc(cpu, IpMib.Ip.INHDRERRORS);
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_TIME_EXCEEDED, IcmpHdr.ICMP_EXC_TTL, 0);
            return drop(cpu, skb, SkbDropReason.IP_INHDR);
        }
        IpOptions opt = IpSkbCb.opt(skb);
        if (opt != null && opt.isStrictroute && rt.rtUsesGateway) {
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_SR_FAILED, 0);
            return drop(cpu, skb, SkbDropReason.IP_INHDR);
        }
        v4.ip.inc(cpu, IpMib.Ip.FORWDATAGRAMS);
        IpSkbCb.orFlags(skb, IpSkbCb.IPSKB_FORWARDED);
        int mtu = v4.sysctlIpForwardUsePmtu() ? rt.mtu() : IpOutput.forwardMtu(rt);
        if (exceedsMtu(skb, iph, mtu)) {
            v4.ip.inc(cpu, IpMib.Ip.FRAGFAILS);
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_FRAG_NEEDED, mtu);
            return drop(cpu, skb, SkbDropReason.PKT_TOO_BIG);
        }
        if (skb.cow(cpu, rt.dev.llReservedSpace() + rt.headerLen) != 0) {
            v4.ip.inc(cpu, IpMib.Ip.INDISCARDS);
            return drop(cpu, skb, SkbDropReason.NOMEM);
        }
        IpHdr.decreaseTtl(skb.networkAddress());
        if (IpSkbCb.has(skb, IpSkbCb.IPSKB_DOREDIRECT) && (opt == null || opt.srr == 0)) {
            sendRedirect(cpu, skb, rt);
        }
        if (v4.sysctlIpForwardUpdatePriority()) {
            skb.priority = IpOutput.tosToPriority(IpHdr.tos(skb.networkAddress()));
        }
        return NfHooks.nfHook(
                cpu, NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_FORWARD, net, null, skb, in, rt.dev, FORWARD_FINISH);
    }

    /** Linux: ip_exceeds_mtu(). */
    @HotPath
    private static boolean exceedsMtu(SkBuff skb, long iph, int mtu) {
        if (skb.len <= mtu || (IpHdr.fragOff(iph) & IpHdr.IP_DF) == 0) {
            return false;
        }
        int fragMax = IpSkbCb.fragMaxSize(skb);
        if (fragMax > mtu) {
            return true;
        }
        if (IpSkbCb.has(skb, IpSkbCb.IPSKB_IGNORE_DF)) {
            return false;
        }
        return !skb.isGso() || !Gso.validateNetworkLen(skb, mtu);
    }

    /** Linux: ip_forward_finish(). */
    @HotPath
    private static int ipForwardFinish(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            return drop(cpu, skb, SkbDropReason.NOT_SPECIFIED);
        }
        IpOptions opt = IpSkbCb.opt(skb);
        if (opt != null) {
            int ours = Ipv4Net.of(net).inetSelectAddr(rt.dev, rt.nexthop(0), 0);
            opt.forward(cpu, skb, rt.dev, ours);
        }
        skb.tstampNs = 0;
        return rt.output(cpu, net, sk, skb);
    }

    /**
     * Tells a sender of a better gateway, seldom: each one waits twice as long as the one before, and after nine
     * without effect we give up for a while. Linux: ip_rt_send_redirect()
     */
    private static void sendRedirect(Cpu cpu, SkBuff skb, Rtable rt) {
        NetDevice dev = rt.dev;
        InDevice inDev = InDevice.of(dev);
        if (inDev == null || !inDev.txRedirects()) {
            return;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        long iph = skb.networkAddress();
        InetPeer peer = v4.peers.get(IpHdr.saddr(iph));
        if (peer.mayRedirect(cpu.jiffies())) {
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_REDIRECT, IcmpHdr.ICMP_REDIR_HOST, rt.nexthop(IpHdr.daddr(iph)));
            peer.redirected(cpu.jiffies());
        }
    }

    private static int drop(Cpu cpu, SkBuff skb, SkbDropReason reason) {
        skb.kfree(cpu, reason);
        return 1;
    }
}
