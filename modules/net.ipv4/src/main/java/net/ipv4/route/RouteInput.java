package net.ipv4.route;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.ipv4.InDevice;
import net.ipv4.Inet;
import net.ipv4.IpMib;
import net.ipv4.IpSkbCb;
import net.ipv4.Ipv4Net;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * Route lookup for received packets: for this host, to be forwarded, or a martian (a packet whose source or destination
 * cannot be right here).
 *
 * <p>Results are drop reasons' ordinals: 0 means that {@code skb.dst} is set.
 *
 * <p><b>Context:</b> softirq, no lock.
 *
 * <p>Linux: ip_route_input_slow(), net/ipv4/route.c
 */
public final class RouteInput {
    private static final int OK = 0;

    private RouteInput() {}

    /** Linux: ip_route_input_noref(). */
    @HotPath
    public static int ipRouteInput(Cpu cpu, SkBuff skb, int daddr, int saddr, int tos, NetDevice dev) {
        InDevice inDev = InDevice.of(dev);
        if (inDev == null) {
            return SkbDropReason.NOT_SPECIFIED.ordinal();
        }
        if (Inet.isMulticast(daddr)) {
            return inputMc(cpu, skb, daddr, saddr, tos, dev, inDev);
        }
        return inputSlow(cpu, skb, daddr, saddr, tos, dev, inDev);
    }

    /** Linux: ip_route_input_mc(). */
    private static int inputMc(Cpu cpu, SkBuff skb, int daddr, int saddr, int tos, NetDevice dev, InDevice inDev) {
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        boolean our = inDev.isMember(daddr);
        if (!our) {
            return SkbDropReason.IP_INVALID_DEST.ordinal();
        }
        int reason = validateMcSource(cpu, daddr, saddr, tos, dev, inDev);
        if (reason != OK) {
            return reason;
        }
        Rtable rth = new Rtable(dev, v4.dstOps, Rtable.RTCF_MULTICAST | Rtable.RTCF_LOCAL, RtType.RTN_MULTICAST);
        rth.outputKind = Rtable.OUT_BUG; // allocates: group packets; Linux doesn't cache these either
        rth.rtIsInput = true;
        skb.dst = rth;
        return OK;
    }

    /** Linux: ip_mc_validate_source(). */
    private static int validateMcSource(Cpu cpu, int daddr, int saddr, int tos, NetDevice dev, InDevice inDev) {
        if (Inet.isMulticast(saddr) || Inet.isLbcast(saddr)) {
            return SkbDropReason.IP_INVALID_SOURCE.ordinal();
        }
        if (Inet.isLoopback(saddr) && !inDev.routeLocalnet()) {
            return SkbDropReason.IP_LOCALNET.ordinal();
        }
        if (Inet.isZeronet(saddr)) {
            return Inet.isLocalMulticast(daddr) ? OK : SkbDropReason.IP_INVALID_SOURCE.ordinal();
        }
        return validateSource(cpu, saddr, 0, tos, 0, dev, inDev) < 0 ? SkbDropReason.IP_RPFILTER.ordinal() : OK;
    }

    private static int inputSlow(Cpu cpu, SkBuff skb, int daddr, int saddr, int tos, NetDevice dev, InDevice inDev) {
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        FibResult res = Ipv4Net.scratch(cpu).resInput.reset();
        if (Inet.isMulticast(saddr) || Inet.isLbcast(saddr)) {
            return martianSource(cpu, v4, SkbDropReason.IP_INVALID_SOURCE);
        }
        if (Inet.isLbcast(daddr) || saddr == 0 && daddr == 0) {
            return brdInput(cpu, v4, skb, res, saddr, tos, dev, inDev);
        }
        // 0.0.0.0/8 has one use: a host that does not know its address (BOOTP) sends from 0.0.0.0 to the broadcast.
        if (Inet.isZeronet(saddr)) {
            return martianSource(cpu, v4, SkbDropReason.IP_INVALID_SOURCE);
        }
        if (Inet.isZeronet(daddr)) {
            return martianDestination(cpu, v4);
        }
        if (Inet.isLoopback(daddr)) {
            if ((dev.flags & NetDevice.IFF_LOOPBACK) == 0 && !inDev.routeLocalnet()) {
                return martianDestination(cpu, v4);
            }
        } else if (Inet.isLoopback(saddr) && (dev.flags & NetDevice.IFF_LOOPBACK) == 0 && !inDev.routeLocalnet()) {
            return martianSource(cpu, v4, SkbDropReason.IP_LOCALNET);
        }
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Input;
        fl4.init(0, skb.mark, tos, RtType.RT_SCOPE_UNIVERSE, 0, 0, daddr, saddr, 0, 0);
        fl4.iif = dev.ifindex;
        int err = v4.fib.lookup(fl4, res);
        if (err != 0) {
            if (!inDev.forwarding()) {
                err = -Errno.EHOSTUNREACH;
            }
            v4.ipExt.inc(cpu, IpMib.INNOROUTES);
            res.type = RtType.RTN_UNREACHABLE;
            res.fi = null;
            res.nh = null;
            return localInput(v4, skb, res, 0, err);
        }
        switch (res.type) {
            case RtType.RTN_BROADCAST:
                if (inDev.cnf.bcForwarding()) {
                    return mkrouteInput(cpu, v4, skb, res, daddr, saddr, tos, dev, inDev);
                }
                return brdInput(cpu, v4, skb, res, saddr, tos, dev, inDev);
            case RtType.RTN_LOCAL:
                err = validateSource(cpu, saddr, daddr, tos, 0, dev, inDev);
                if (err < 0) {
                    return martianSource(
                            cpu, v4, err == -Errno.EXDEV ? SkbDropReason.IP_RPFILTER : SkbDropReason.IP_LOCAL_SOURCE);
                }
                return localInput(v4, skb, res, 0, 0);
            default:
                break;
        }
        if (!inDev.forwarding()) {
            v4.ipExt.inc(cpu, IpMib.INNOROUTES);
            res.type = RtType.RTN_UNREACHABLE;
            res.fi = null;
            res.nh = null;
            return localInput(v4, skb, res, 0, -Errno.EHOSTUNREACH);
        }
        if (res.type != RtType.RTN_UNICAST) {
            return martianDestination(cpu, v4);
        }
        return mkrouteInput(cpu, v4, skb, res, daddr, saddr, tos, dev, inDev);
    }

    private static int brdInput(
            Cpu cpu, Ipv4Net v4, SkBuff skb, FibResult res, int saddr, int tos, NetDevice dev, InDevice inDev) {
        if (skb.protocol != Inet.ETH_P_IP) {
            return SkbDropReason.INVALID_PROTO.ordinal();
        }
        if (!Inet.isZeronet(saddr)) {
            int err = validateSource(cpu, saddr, 0, tos, 0, dev, inDev);
            if (err < 0) {
                return martianSource(
                        cpu, v4, err == -Errno.EXDEV ? SkbDropReason.IP_RPFILTER : SkbDropReason.IP_LOCAL_SOURCE);
            }
        }
        res.type = RtType.RTN_BROADCAST;
        return localInput(v4, skb, res, Rtable.RTCF_BROADCAST, 0);
    }

    /** The packet is for this host, or for nobody ({@code err}). */
    @HotPath
    private static int localInput(Ipv4Net v4, SkBuff skb, FibResult res, int flags, int err) {
        FibNh nh = res.fi == null ? null : res.nh;
        if (nh != null) {
            Rtable cached = nh.rthInput;
            if (Route.cacheValid(v4, cached)) {
                skb.dst = cached;
                return OK;
            }
        }
        // allocates: once per address and generation
        Rtable rth = new Rtable(v4.net.devices.loopback(), v4.dstOps, flags | Rtable.RTCF_LOCAL, res.type);
        rth.outputKind = Rtable.OUT_BUG;
        rth.rtIsInput = true;
        if (res.type == RtType.RTN_UNREACHABLE) {
            rth.inputKind = Rtable.IN_ERROR;
            rth.error = -err;
            rth.rtFlags &= ~Rtable.RTCF_LOCAL;
        }
        if (nh != null) {
            nh.rthInput = rth;
        }
        skb.dst = rth;
        return OK;
    }

    /** Linux: __mkroute_input(). */
    private static int mkrouteInput(
            Cpu cpu,
            Ipv4Net v4,
            SkBuff skb,
            FibResult res,
            int daddr,
            int saddr,
            int tos,
            NetDevice dev,
            InDevice inDev) {
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Input;
        v4.fib.selectPath(res, fl4);
        FibNh nh = res.nh;
        FibInfo fi = res.fi;
        if (nh == null || fi == null) {
            return SkbDropReason.IP_INNOROUTES.ordinal();
        }
        NetDevice outDev = nh.dev;
        InDevice outInDev = InDevice.of(outDev);
        if (outInDev == null) {
            return SkbDropReason.NOT_SPECIFIED.ordinal();
        }
        // The check routes once more: what this lookup found is kept in locals from here on.
        int resType = res.type;
        int err = validateSource(cpu, saddr, daddr, tos, outDev.ifindex, dev, inDev);
        if (err < 0) {
            return martianSource(
                    cpu, v4, err == -Errno.EXDEV ? SkbDropReason.IP_RPFILTER : SkbDropReason.IP_LOCAL_SOURCE);
        }
        if (outDev == dev && err != 0 && outInDev.txRedirects() && skb.protocol == Inet.ETH_P_IP) {
            int gw = nh.gw;
            if (outInDev.sharedMedia() || outInDev.onlink(saddr, gw)) {
                IpSkbCb.orFlags(skb, IpSkbCb.IPSKB_DOREDIRECT);
            }
        }
        FibNhException fnhe = nh.findException(daddr, cpu.jiffies());
        Rtable cached = fnhe != null ? fnhe.rthInput : nh.rthInput;
        if (Route.cacheValid(v4, cached)) {
            skb.dst = cached;
            return OK;
        }
        Rtable rth = new Rtable(outDev, v4.dstOps, 0, resType); // allocates: once per next hop and generation
        rth.rtIsInput = true;
        rth.inputKind = Rtable.IN_FORWARD;
        Route.setNexthop(v4, rth, daddr, fi, nh, fnhe, resType, true);
        skb.dst = rth;
        return OK;
    }

    private static int martianSource(Cpu cpu, Ipv4Net v4, SkbDropReason reason) {
        v4.inMartianSrc(cpu);
        return reason.ordinal();
    }

    private static int martianDestination(Cpu cpu, Ipv4Net v4) {
        v4.inMartianDst(cpu);
        return SkbDropReason.IP_INVALID_DEST.ordinal();
    }

    /**
     * Decides whether a source address may be seen on this device.
     *
     * @param oif output interface of a forwarded packet, 0 for a local one
     * @return negative errno: no (-EXDEV: the reverse path filter said so); 1: the source is a neighbour; 0: yes
     *     <p>Linux: fib_validate_source()
     */
    @HotPath
    public static int validateSource(Cpu cpu, int src, int dst, int tos, int oif, NetDevice dev, InDevice inDev) {
        int rpf = inDev.rpFilter();
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        if (rpf == 0 && (dev.ifindex != oif || !inDev.txRedirects())) {
            if (inDev.acceptLocal() || (dev.flags & NetDevice.IFF_LOOPBACK) != 0) {
                return 0;
            }
            return v4.ipDevFind(src) != null ? -Errno.EINVAL : 0;
        }
        return validateSourceSlow(cpu, v4, src, dst, tos, oif, rpf, dev, inDev);
    }

    /** Linux: __fib_validate_source(). */
    private static int validateSourceSlow(
            Cpu cpu, Ipv4Net v4, int src, int dst, int tos, int oif, int rpf, NetDevice dev, InDevice inDev) {
        FibResult res = Ipv4Net.scratch(cpu).resValidate.reset();
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Validate;
        fl4.init(0, 0, tos, RtType.RT_SCOPE_UNIVERSE, 0, 0, src, dst, 0, 0);
        fl4.iif = oif != 0 ? oif : Route.LOOPBACK_IFINDEX;
        if (v4.fib.lookup(fl4, res) != 0) {
            return lastResort(rpf);
        }
        if (res.type != RtType.RTN_UNICAST && (res.type != RtType.RTN_LOCAL || !inDev.acceptLocal())) {
            return (dev.flags & NetDevice.IFF_LOOPBACK) != 0 ? 0 : -Errno.EINVAL;
        }
        FibInfo fi = res.fi;
        if (fi == null) {
            return lastResort(rpf);
        }
        for (FibNh nh : fi.nh) {
            if (nh.dev == dev) {
                return nh.gw == 0 ? 1 : 0;
            }
        }
        if (inDev.hasNoAddress()) {
            return lastResort(rpf);
        }
        if (rpf == 1) {
            return -Errno.EXDEV;
        }
        fl4.oif = dev.ifindex;
        if (v4.fib.lookup(fl4, res.reset()) == 0 && res.type == RtType.RTN_UNICAST) {
            FibNh nh = res.nh;
            return nh != null && nh.gw == 0 ? 1 : 0;
        }
        return 0;
    }

    private static int lastResort(int rpf) {
        return rpf != 0 ? -Errno.EXDEV : 0;
    }
}
