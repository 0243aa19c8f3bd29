package net.ipv4.route;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.ipv4.IcmpHdr;
import net.ipv4.InDevice;
import net.ipv4.Inet;
import net.ipv4.IpHdr;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.InetSock;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What routers tell us: a smaller path MTU, a better gateway. Both become exceptions of the next hop.
 *
 * <p><b>Context:</b> any with a CPU word.
 *
 * <p>Linux: ip_rt_update_pmtu(), ip_do_redirect(), net/ipv4/route.c
 */
public final class RoutePmtu {
    private RoutePmtu() {}

    private static Flowi4 flowOf(Cpu cpu, SkBuff skb) {
        long iph = skb.networkAddress();
        return Ipv4Net.scratch(cpu)
                .fl4Pmtu
                .init(0, 0, IpHdr.tos(iph), 0, IpHdr.protocol(iph), 0, IpHdr.daddr(iph), IpHdr.saddr(iph), 0, 0);
    }

    private static Flowi4 flowOf(Cpu cpu, InetSock sk) {
        return Ipv4Net.scratch(cpu)
                .fl4Pmtu
                .init(
                        sk.boundDevIf,
                        sk.mark,
                        sk.tos,
                        Route.scopeOf(sk),
                        sk.protocol,
                        Route.flowFlags(sk),
                        sk.daddr,
                        sk.saddr,
                        sk.dport,
                        sk.sport);
    }

    /** Linux: ip_rt_update_pmtu(). */
    static void ipRtUpdatePmtu(Cpu cpu, Rtable rt, @Nullable Sock sk, @Nullable SkBuff skb, int mtu) {
        if (skb != null) {
            ipRtUpdatePmtuFlow(cpu, rt, flowOf(cpu, skb), mtu);
        } else if (sk instanceof InetSock inet) {
            ipRtUpdatePmtuFlow(cpu, rt, flowOf(cpu, inet), mtu);
        }
    }

    /** Linux: __ip_rt_update_pmtu(). RFC 1191 6.3. */
    static void ipRtUpdatePmtuFlow(Cpu cpu, Rtable rt, Flowi4 fl4, int newMtu) {
        if ((rtLockBits(rt) & 1 << DstEntry.RTAX_MTU) != 0) {
            return;
        }
        int mtu = newMtu;
        int oldMtu = rt.mtu();
        if (oldMtu < mtu) {
            return;
        }
        Ipv4Net v4 = Ipv4Net.of(rt.dev.net);
        boolean lock = false;
        if (mtu < v4.sysctlIpRtMinPmtu()) {
            lock = true;
            mtu = Math.min(oldMtu, v4.sysctlIpRtMinPmtu());
        }
        long now = cpu.jiffies();
        long life = v4.sysctlIpRtMtuExpiresJiffies();
        if (rt.rtPmtu == mtu && !lock && now - (rt.expires - life / 2) < 0) {
            return;
        }
        FibResult res = Ipv4Net.scratch(cpu).resPmtu.reset();
        if (v4.fib.lookup(fl4, res) != 0 || res.fi == null) {
            return;
        }
        for (FibNh nh : res.fi.nh) {
            nh.updateException(fl4.daddr, 0, mtu, lock, now + life, now, v4.rtGenid.get());
        }
    }

    private static int rtLockBits(Rtable rt) {
        return rt.metricLocked(DstEntry.RTAX_MTU) && !rt.rtMtuLocked ? 1 << DstEntry.RTAX_MTU : 0;
    }

    /**
     * A "fragmentation needed" for no particular socket: {@code skb} starts at the quoted packet. Linux:
     * ipv4_update_pmtu().
     */
    public static void ipv4UpdatePmtu(Cpu cpu, SkBuff skb, Net net, int mtu, int oif, int protocol) {
        Flowi4 fl4 = quotedFlow(cpu, skb, oif, protocol);
        Rtable rt = Route.ipRouteOutputKey(cpu, net, fl4);
        if (rt != null) {
            ipRtUpdatePmtuFlow(cpu, rt, fl4, mtu);
        }
    }

    /** As above for a connected socket: its cached route is replaced. Linux: ipv4_sk_update_pmtu(). */
    public static void ipv4SkUpdatePmtu(Cpu cpu, SkBuff skb, InetSock sk, int mtu) {
        if (!sk.acceptPmtu()) {
            return;
        }
        DstEntry old = sk.skDstGet();
        if (old == null) {
            ipv4UpdatePmtu(cpu, skb, sk.net, mtu, sk.boundDevIf, sk.protocol);
            return;
        }
        Flowi4 fl4 = quotedFlow(cpu, skb, sk.boundDevIf, sk.protocol);
        Rtable rt = (Rtable) sk.skDstCheck(0);
        if (rt == null) {
            rt = Route.ipRouteOutputFlow(cpu, sk.net, fl4, sk);
            if (rt == null) {
                return;
            }
        }
        ipRtUpdatePmtuFlow(cpu, rt, fl4, mtu);
        if (rt.check(0) == null) {
            rt = Route.ipRouteOutputFlow(cpu, sk.net, fl4, sk);
        }
        sk.skDstSet(rt);
    }

    private static Flowi4 quotedFlow(Cpu cpu, SkBuff skb, int oif, int protocol) {
        long iph = skb.dataAddress();
        return Ipv4Net.scratch(cpu)
                .fl4Pmtu
                .init(oif, 0, IpHdr.tos(iph), 0, protocol, 0, IpHdr.daddr(iph), IpHdr.saddr(iph), 0, 0);
    }

    /** A redirect for no particular socket. Linux: ipv4_redirect(). */
    public static void ipv4Redirect(Cpu cpu, SkBuff skb, Net net, int oif, int protocol) {
        Rtable rt = Route.ipRouteOutputKey(cpu, net, quotedFlow(cpu, skb, oif, protocol));
        if (rt != null) {
            ipDoRedirect(cpu, rt, skb);
        }
    }

    /** Linux: ipv4_sk_redirect(). */
    public static void ipv4SkRedirect(Cpu cpu, SkBuff skb, InetSock sk) {
        ipv4Redirect(cpu, skb, sk.net, sk.boundDevIf, sk.protocol);
    }

    /**
     * Believes a redirect if it comes from the gateway in use, names a neighbour and redirects are accepted here.
     * {@code skb} is the ICMP message with {@code data} at the quoted packet. Linux: __ip_do_redirect(). RFC 1122
     * 3.2.2.2.
     */
    static void ipDoRedirect(Cpu cpu, Rtable rt, SkBuff skb) {
        long icmph = skb.transportAddress();
        int newGw = IcmpHdr.info(icmph);
        int code = IcmpHdr.code(icmph) & 7;
        if (code > IcmpHdr.ICMP_REDIR_HOSTTOS || !rt.rtUsesGateway) {
            return;
        }
        int oldGw = IpHdr.saddr(skb.networkAddress());
        if (rt.rtGw4 != oldGw) {
            return;
        }
        NetDevice dev = (NetDevice) skb.dev;
        InDevice inDev = dev == null ? null : InDevice.of(dev);
        if (dev == null || inDev == null) {
            return;
        }
        if (newGw == oldGw
                || !inDev.rxRedirects()
                || Inet.isMulticast(newGw)
                || Inet.isLbcast(newGw)
                || Inet.isZeronet(newGw)) {
            return;
        }
        if (!inDev.sharedMedia()) {
            if (!inDev.onlink(newGw, oldGw) || inDev.secureRedirects() && !inDev.isDefaultGateway(newGw)) {
                return;
            }
        } else if (Route.inetAddrType(dev.net, newGw) != RtType.RTN_UNICAST) {
            return;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        long quoted = skb.dataAddress();
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Pmtu;
        fl4.init(0, 0, IpHdr.tos(quoted), 0, IpHdr.protocol(quoted), 0, IpHdr.daddr(quoted), IpHdr.saddr(quoted), 0, 0);
        FibResult res = Ipv4Net.scratch(cpu).resPmtu.reset();
        if (v4.fib.lookup(fl4, res) == 0 && res.nh != null) {
            long now = cpu.jiffies();
            res.nh.updateException(
                    fl4.daddr, newGw, 0, false, now + v4.sysctlIpRtGcTimeoutJiffies(), now, v4.rtGenid.get());
        }
        rt.obsolete = DstEntry.DST_OBSOLETE_KILL;
    }
}
