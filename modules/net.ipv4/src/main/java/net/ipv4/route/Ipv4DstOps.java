package net.ipv4.route;

import net.core.Cpu;
import net.core.Net;
import net.core.neigh.DstEntry;
import net.core.neigh.DstOps;
import net.core.neigh.Neighbour;
import net.core.sock.Sock;
import net.ipv4.Arp;
import net.ipv4.Icmp;
import net.ipv4.IcmpHdr;
import net.ipv4.Inet;
import net.ipv4.IpOutput;
import net.ipv4.Ipv4Net;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What routes of IPv4 do. One per kernel.
 *
 * <p>Linux: ipv4_dst_ops, net/ipv4/route.c
 */
public final class Ipv4DstOps extends DstOps {
    private static final int IP_TCP_HEADERS = 40;

    /** Creates the operations. */
    public Ipv4DstOps() {
        super(Inet.ETH_P_IP);
    }

    int genid(Net net) {
        return Ipv4Net.of(net).rtGenid.get();
    }

    @HotPath
    @Override
    public @Nullable DstEntry check(DstEntry dst, int cookie) {
        if (dst.obsolete != DstEntry.DST_OBSOLETE_FORCE_CHK) {
            return null;
        }
        Rtable rt = (Rtable) dst;
        return rt.rtGenid == genid(rt.dev.net) ? dst : null;
    }

    /** Linux: ipv4_mtu(), ip_dst_mtu_maybe_forward(). */
    @HotPath
    @Override
    public int mtu(DstEntry dst) {
        Rtable rt = (Rtable) dst;
        int mtu = rt.rtPmtu;
        if (mtu != 0) {
            long expires = rt.expires;
            if (expires != 0 && rt.dev.kernel().clock().jiffies() - expires >= 0) {
                mtu = 0;
            }
        }
        if (mtu == 0) {
            mtu = dst.metric(DstEntry.RTAX_MTU);
        }
        if (mtu == 0) {
            mtu = dst.dev.mtu;
            if (rt.metricLocked(DstEntry.RTAX_MTU) && rt.rtUsesGateway && mtu > 576) {
                mtu = 576;
            }
        }
        return Math.min(mtu, Inet.IP_MAX_MTU);
    }

    /** As much as the route's MTU, a learned one too, has room for. Linux: ipv4_default_advmss(). */
    @Override
    public int defaultAdvmss(DstEntry dst) {
        int min = Ipv4Net.of(dst.dev.net).sysctlIpRtMinAdvmss();
        int advmss = Math.max(mtu(dst) - IP_TCP_HEADERS, min);
        return Math.min(advmss, Inet.IP_MAX_MTU - IP_TCP_HEADERS);
    }

    /** Linux: ipv4_negative_advice(). */
    @Override
    public @Nullable DstEntry negativeAdvice(Cpu cpu, @Nullable Sock sk, DstEntry dst) {
        Rtable rt = (Rtable) dst;
        if (dst.obsolete > 0 || (rt.rtFlags & Rtable.RTCF_REDIRECTED) != 0 || rt.expires != 0) {
            if (sk != null) {
                sk.skDstReset();
            }
            return null;
        }
        return dst;
    }

    /** Linux: ipv4_link_failure(). */
    @Override
    public void linkFailure(Cpu cpu, SkBuff skb) {
        Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_HOST_UNREACH, 0);
        if (skb.dst instanceof Rtable rt && rt.rtPmtu != 0) {
            rt.expires = 1;
        }
    }

    @Override
    public void updatePmtu(
            Cpu cpu, DstEntry dst, @Nullable Sock sk, @Nullable SkBuff skb, int mtu, boolean confirmNeigh) {
        RoutePmtu.ipRtUpdatePmtu(cpu, (Rtable) dst, sk, skb, mtu);
    }

    @Override
    public void redirect(Cpu cpu, DstEntry dst, @Nullable Sock sk, SkBuff skb) {
        RoutePmtu.ipDoRedirect(cpu, (Rtable) dst, skb);
    }

    @Override
    public int localOut(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        return IpOutput.ipLocalOut(cpu, net, sk, skb);
    }

    /** Linux: ipv4_neigh_lookup(). */
    @Override
    public @Nullable Neighbour neighLookup(Cpu cpu, DstEntry dst, @Nullable SkBuff skb, long keyHi, long keyLo) {
        return Arp.neighFor(cpu, dst.dev, ((Rtable) dst).nexthop((int) keyLo));
    }

    /** Linux: ipv4_confirm_neigh(). */
    @Override
    public void confirmNeigh(Cpu cpu, DstEntry dst, long keyHi, long keyLo) {
        Rtable rt = (Rtable) dst;
        if ((rt.rtFlags & (Rtable.RTCF_MULTICAST | Rtable.RTCF_BROADCAST | Rtable.RTCF_LOCAL)) == 0) {
            Arp.confirm(cpu, rt.dev, rt.nexthop((int) keyLo));
        }
    }
}
