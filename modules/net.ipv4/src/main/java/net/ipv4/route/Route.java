package net.ipv4.route;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.core.sock.SockFlag;
import net.ipv4.Icmp;
import net.ipv4.IcmpHdr;
import net.ipv4.InDevice;
import net.ipv4.Inet;
import net.ipv4.IpMib;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.InetSock;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Route lookup for output: which source address, device and gateway a packet made here takes. Input is in
 * {@link RouteInput}, what routers tell us in {@link RoutePmtu}.
 *
 * <p><b>Context:</b> any with a CPU word; no lock.
 *
 * <p>Linux: net/ipv4/route.c
 */
public final class Route {
    /** The loopback device's index in every namespace. */
    public static final int LOOPBACK_IFINDEX = 1;

    private Route() {}

    /** Routing scope of a socket's packets: SO_DONTROUTE stays on the link. Linux: ip_sock_rt_scope(). */
    @HotPath
    public static int scopeOf(Sock sk) {
        return sk.flag(SockFlag.LOCALROUTE) ? RtType.RT_SCOPE_LINK : RtType.RT_SCOPE_UNIVERSE;
    }

    /** Linux: inet_sk_flowi_flags(). */
    @HotPath
    public static int flowFlags(InetSock sk) {
        return sk.transparent || sk.hdrincl ? Flowi4.FLOWI_FLAG_ANYSRC : 0;
    }

    /**
     * The route of a flow; null with {@code fl4.error} set if there is none. Source address and output interface are
     * filled in. Linux: ip_route_output_flow().
     */
    @HotPath
    public static @Nullable Rtable ipRouteOutputFlow(Cpu cpu, Net net, Flowi4 fl4, @Nullable Sock sk) {
        return ipRouteOutputKey(cpu, net, fl4);
    }

    /** As {@link #ipRouteOutputFlow} for no particular socket. Linux: ip_route_output_key_hash_rcu(). */
    @HotPath
    public static @Nullable Rtable ipRouteOutputKey(Cpu cpu, Net net, Flowi4 fl4) {
        Ipv4Net v4 = Ipv4Net.of(net);
        FibResult res = Ipv4Net.scratch(cpu).resOutput.reset();
        int origOif = fl4.oif;
        NetDevice devOut = null;
        fl4.iif = LOOPBACK_IFINDEX;
        fl4.error = 0;
        if (fl4.saddr != 0) {
            if (Inet.isMulticast(fl4.saddr) || Inet.isLbcast(fl4.saddr) || Inet.isZeronet(fl4.saddr)) {
                return fail(fl4, -Errno.EINVAL);
            }
            // A group or broadcast packet goes out where its source address lives.
            if (fl4.oif == 0 && (Inet.isMulticast(fl4.daddr) || Inet.isLbcast(fl4.daddr))) {
                devOut = v4.ipDevFind(fl4.saddr);
                if (devOut == null) {
                    return fail(fl4, -Errno.EINVAL);
                }
                fl4.oif = devOut.ifindex;
                res.type = RtType.RTN_UNICAST;
                return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, 0);
            }
            if ((fl4.flags & Flowi4.FLOWI_FLAG_ANYSRC) == 0 && v4.ipDevFind(fl4.saddr) == null) {
                return fail(fl4, -Errno.EINVAL);
            }
        }
        if (fl4.oif != 0) {
            devOut = net.devices.byIndex(fl4.oif);
            if (devOut == null) {
                return fail(fl4, -Errno.ENODEV);
            }
            InDevice inDev = InDevice.of(devOut);
            if ((devOut.flags & NetDevice.IFF_UP) == 0 || inDev == null) {
                return fail(fl4, -Errno.ENETUNREACH);
            }
            if (Inet.isLocalMulticast(fl4.daddr) || Inet.isLbcast(fl4.daddr) || fl4.proto == Inet.IPPROTO_IGMP) {
                if (fl4.saddr == 0) {
                    fl4.saddr = v4.inetSelectAddr(devOut, 0, RtType.RT_SCOPE_LINK);
                }
                res.type = RtType.RTN_UNICAST;
                return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, 0);
            }
            if (fl4.saddr == 0) {
                if (Inet.isMulticast(fl4.daddr)) {
                    fl4.saddr = v4.inetSelectAddr(devOut, 0, fl4.scope);
                } else if (fl4.daddr == 0) {
                    fl4.saddr = v4.inetSelectAddr(devOut, 0, RtType.RT_SCOPE_HOST);
                }
            }
        }
        if (fl4.daddr == 0) {
            fl4.daddr = fl4.saddr;
            if (fl4.daddr == 0) {
                fl4.daddr = Inet.INADDR_LOOPBACK;
                fl4.saddr = Inet.INADDR_LOOPBACK;
            }
            devOut = net.devices.loopback();
            fl4.oif = LOOPBACK_IFINDEX;
            res.type = RtType.RTN_LOCAL;
            return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, Rtable.RTCF_LOCAL);
        }
        int err = v4.fib.lookup(fl4, res);
        if (err != 0) {
            if (fl4.oif == 0 || devOut == null) {
                return fail(fl4, err);
            }
            // Told which device, but no route: take the destination to be on its link.
            res.reset();
            if (fl4.saddr == 0) {
                fl4.saddr = v4.inetSelectAddr(devOut, 0, RtType.RT_SCOPE_LINK);
            }
            res.type = RtType.RTN_UNICAST;
            return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, 0);
        }
        FibInfo fi = res.fi;
        FibNh nh = res.nh;
        if (fi == null || nh == null) {
            return fail(fl4, -Errno.ENETUNREACH);
        }
        if (res.type == RtType.RTN_LOCAL) {
            if (fl4.saddr == 0) {
                fl4.saddr = fi.prefsrc != 0 ? fi.prefsrc : fl4.daddr;
            }
            // Whatever device owns the address, the packet never leaves: it goes through loopback.
            origOif = nh.dev.ifindex;
            devOut = net.devices.loopback();
            fl4.oif = LOOPBACK_IFINDEX;
            return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, Rtable.RTCF_LOCAL);
        }
        v4.fib.selectPath(res, fl4);
        devOut = res.nh == null ? nh.dev : res.nh.dev;
        if (fl4.saddr == 0) {
            fl4.saddr = v4.fib.resultPrefsrc(res);
        }
        fl4.oif = devOut.ifindex;
        return mkrouteOutput(cpu, v4, res, fl4, origOif, devOut, 0);
    }

    private static @Nullable Rtable fail(Flowi4 fl4, int err) {
        fl4.error = err;
        return null;
    }

    /** Linux: rt_cache_valid(). */
    @HotPath
    static boolean cacheValid(Ipv4Net v4, @Nullable Rtable rt) {
        return rt != null && rt.obsolete == DstEntry.DST_OBSOLETE_FORCE_CHK && rt.rtGenid == v4.rtGenid.get();
    }

    /** Finds the route cached in the next hop, or makes one. Linux: __mkroute_output(). */
    @HotPath
    private static @Nullable Rtable mkrouteOutput(
            Cpu cpu, Ipv4Net v4, FibResult res, Flowi4 fl4, int origOif, NetDevice devOut, int flagsIn) {
        int flags = flagsIn;
        InDevice inDev = InDevice.of(devOut);
        if (inDev == null) {
            return fail(fl4, -Errno.EINVAL);
        }
        if (Inet.isLoopback(fl4.saddr) && (devOut.flags & NetDevice.IFF_LOOPBACK) == 0 && !inDev.cnf.routeLocalnet()) {
            return fail(fl4, -Errno.EINVAL);
        }
        int type = res.type;
        if (Inet.isLbcast(fl4.daddr)) {
            type = RtType.RTN_BROADCAST;
        } else if (Inet.isMulticast(fl4.daddr)) {
            type = RtType.RTN_MULTICAST;
        } else if (Inet.isZeronet(fl4.daddr)) {
            return fail(fl4, -Errno.EINVAL);
        }
        if ((devOut.flags & NetDevice.IFF_LOOPBACK) != 0) {
            flags |= Rtable.RTCF_LOCAL;
        }
        FibInfo fi = res.fi;
        boolean doCache = true;
        if (type == RtType.RTN_BROADCAST) {
            flags |= Rtable.RTCF_BROADCAST | Rtable.RTCF_LOCAL;
            fi = null;
        } else if (type == RtType.RTN_MULTICAST) {
            flags |= Rtable.RTCF_MULTICAST | Rtable.RTCF_LOCAL;
            if (!inDev.isMember(fl4.daddr)) {
                flags &= ~Rtable.RTCF_LOCAL;
            } else {
                doCache = false;
            }
            // The default route says nothing about groups.
            if (res.prefixLen < 4) {
                fi = null;
            }
        } else if (type == RtType.RTN_LOCAL && origOif != 0 && origOif != devOut.ifindex) {
            // The input interface seen by the receiver must be the one asked for: not for others.
            doCache = false;
        }
        FibNh nh = res.nh;
        FibNhException fnhe = null;
        doCache &= fi != null && nh != null;
        if (fi != null && nh != null) {
            fnhe = nh.findException(fl4.daddr, cpu.jiffies());
            if (fnhe == null
                    && (fl4.flags & Flowi4.FLOWI_FLAG_KNOWN_NH) != 0
                    && !(nh.gw != 0 && nh.scope == RtType.RT_SCOPE_LINK)) {
                doCache = false;
            }
            if (doCache) {
                Rtable cached = fnhe != null ? fnhe.rthOutput : nh.rthOutput;
                if (cacheValid(v4, cached)) {
                    return cached;
                }
            }
        }
        return makeOutput(v4, fl4, origOif, devOut, flags, type, fi, nh, fnhe, doCache);
    }

    private static Rtable makeOutput(
            Ipv4Net v4,
            Flowi4 fl4,
            int origOif,
            NetDevice devOut,
            int flags,
            int type,
            @Nullable FibInfo fi,
            @Nullable FibNh nh,
            @Nullable FibNhException fnhe,
            boolean doCache) {
        Rtable rth = new Rtable(devOut, v4.dstOps, flags, type); // allocates: once per next hop and generation
        rth.rtIif = origOif;
        if ((flags & (Rtable.RTCF_BROADCAST | Rtable.RTCF_MULTICAST)) != 0
                && (flags & Rtable.RTCF_LOCAL) != 0
                && (devOut.flags & NetDevice.IFF_LOOPBACK) == 0) {
            rth.outputKind = Rtable.OUT_MC_OUTPUT;
        }
        setNexthop(v4, rth, fl4.daddr, fi, nh, fnhe, type, doCache);
        return rth;
    }

    /** Gateway and metrics from the next hop; puts the route into its cache. Linux: rt_set_nexthop(). */
    static void setNexthop(
            Ipv4Net v4,
            Rtable rt,
            int daddr,
            @Nullable FibInfo fi,
            @Nullable FibNh nh,
            @Nullable FibNhException fnhe,
            int type,
            boolean doCache) {
        if (fi == null || nh == null) {
            return;
        }
        if (nh.gw != 0 && nh.scope == RtType.RT_SCOPE_LINK) {
            rt.rtUsesGateway = true;
            rt.rtGw4 = nh.gw;
        }
        rt.tclassid = fi.realms;
        if (fi.hasMetrics()) {
            rt.initMetrics(fi.metrics);
            rt.ccName = fi.ccName;
            rt.setMetricLocks(fi.metricLocks);
        }
        if (fnhe != null) {
            fnhe.fill(rt);
            if (doCache) {
                if (rt.rtIsInput) {
                    fnhe.rthInput = rt;
                } else {
                    fnhe.rthOutput = rt;
                }
            }
        } else if (doCache) {
            if (rt.rtIsInput) {
                nh.rthInput = rt;
            } else {
                nh.rthOutput = rt;
            }
        }
    }

    // ---- for sockets

    /**
     * First step of connect: finds the route and with it the source address, which goes into {@code fl4}. Linux:
     * ip_route_connect().
     */
    public static @Nullable Rtable ipRouteConnect(
            Cpu cpu, Flowi4 fl4, int dst, int src, int oif, int protocol, int sport, int dport, InetSock sk) {
        fl4.init(oif, sk.mark, sk.tos, scopeOf(sk), protocol, flowFlags(sk), dst, src, dport, sport);
        if (dst == 0 || src == 0) {
            Rtable rt = ipRouteOutputKey(cpu, sk.net, fl4);
            if (rt == null) {
                return null;
            }
            fl4.updateOutput(oif, fl4.daddr, fl4.saddr);
        }
        return ipRouteOutputFlow(cpu, sk.net, fl4, sk);
    }

    /** Second step: the ports are known now. Linux: ip_route_newports(). */
    public static @Nullable Rtable ipRouteNewports(
            Cpu cpu, Flowi4 fl4, Rtable rt, int origSport, int origDport, int sport, int dport, InetSock sk) {
        if (sport == origSport && dport == origDport) {
            return rt;
        }
        fl4.dport = dport;
        fl4.sport = sport;
        fl4.updateOutput(sk.boundDevIf, fl4.daddr, fl4.saddr);
        return ipRouteOutputFlow(cpu, sk.net, fl4, sk);
    }

    /** Caches a route in the socket with what its device can do. Linux: sk_setup_caps(). */
    public static void skSetupCaps(Sock sk, DstEntry dst) {
        sk.skDstSet(dst);
        long features = dst.dev.features;
        long caps = features;
        if ((features & net.core.dev.NetdevFeatures.NETIF_F_GSO) != 0) {
            caps |= net.core.dev.NetdevFeatures.NETIF_F_GSO_SOFTWARE;
        }
        boolean large = !sk.gsoDisabled();
        if (!large) {
            caps &= ~net.core.dev.NetdevFeatures.NETIF_F_GSO_MASK;
        } else if ((caps & net.core.dev.NetdevFeatures.NETIF_F_GSO) != 0) {
            caps |= net.core.dev.NetdevFeatures.NETIF_F_SG | net.core.dev.NetdevFeatures.NETIF_F_HW_CSUM;
            sk.gsoMaxSize = dst.dev.gsoIpv4MaxSize;
        }
        sk.routeCaps = caps;
        sk.gsoMaxSegs = large ? Math.max(1, dst.dev.gsoMaxSegs) : 1;
    }

    // ---- errors

    /** A packet whose route is an error: counts and answers. Linux: ip_error(). */
    static int ipError(Cpu cpu, SkBuff skb) {
        NetDevice dev = (NetDevice) skb.dev;
        Rtable rt = (Rtable) skb.dst;
        if (dev == null || rt == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 0;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        InDevice inDev = InDevice.of(dev);
        SkbDropReason reason = SkbDropReason.NOT_SPECIFIED;
        int code = -1;
        if (inDev != null && !inDev.forwarding()) {
            switch (rt.error) {
                case Errno.EHOSTUNREACH -> v4.ip.inc(cpu, IpMib.Ip.INADDRERRORS);
                case Errno.ENETUNREACH -> v4.ipExt.inc(cpu, IpMib.INNOROUTES);
                default -> {}
            }
            reason = SkbDropReason.IP_INADDRERRORS;
        } else {
            switch (rt.error) {
                case Errno.EHOSTUNREACH -> code = IcmpHdr.ICMP_HOST_UNREACH;
                case Errno.ENETUNREACH -> {
                    code = IcmpHdr.ICMP_NET_UNREACH;
                    reason = SkbDropReason.IP_INNOROUTES;
                    v4.ipExt.inc(cpu, IpMib.INNOROUTES);
                }
                case Errno.EACCES -> code = IcmpHdr.ICMP_PKT_FILTERED;
                default -> {}
            }
            if (code >= 0) {
                Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, code, 0);
            }
        }
        skb.kfree(cpu, reason);
        return 0;
    }

    /** Kind of an address as the tables see it: RTN_xxx. Linux: inet_addr_type(). */
    public static int inetAddrType(Net net, int addr) {
        return inetAddrType(net, null, addr);
    }

    /** As above; with {@code dev}, only routes over it count. Linux: inet_dev_addr_type(). */
    public static int inetAddrType(Net net, @Nullable NetDevice dev, int addr) {
        if (Inet.isZeronet(addr) || Inet.isLbcast(addr)) {
            return RtType.RTN_BROADCAST;
        }
        if (Inet.isMulticast(addr)) {
            return RtType.RTN_MULTICAST;
        }
        return Ipv4Net.of(net).fib.addrType(dev, addr);
    }

    /** Interface a packet came in by, as sockets see it. Linux: inet_iif(). */
    @HotPath
    public static int inetIif(SkBuff skb) {
        if (skb.dst instanceof Rtable rt && rt.rtIif != 0) {
            return rt.rtIif;
        }
        return skb.skbIif;
    }
}
