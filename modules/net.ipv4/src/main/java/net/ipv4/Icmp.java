package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.ipv4.route.RoutePmtu;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * ICMP: errors sent about packets we could not handle, answers to echo and time stamp requests, and errors received,
 * which go to the protocol of the packet they quote.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word.
 *
 * <p>Linux: net/ipv4/icmp.c. RFC 792, RFC 1122 3.2.2, RFC 1812 4.3.
 */
public final class Icmp implements InetProtocol {
    private static final int MAX_ERROR_BYTES = 576;
    private static final int MAX_DEPTH = 2;
    private static final int PAGE = 32768;

    private Icmp() {}

    /** The protocol, to be registered. */
    static Icmp create() {
        return new Icmp();
    }

    /** Errno by code of "destination unreachable", and whether it ends a connection. Linux: icmp_err_convert. */
    private static final int[] CONVERT = {
        Errno.ENETUNREACH,
        Errno.EHOSTUNREACH,
        Errno.ENOPROTOOPT,
        Errno.ECONNREFUSED,
        Errno.EMSGSIZE,
        Errno.EOPNOTSUPP,
        Errno.ENETUNREACH,
        Errno.EHOSTDOWN,
        Errno.ENONET,
        Errno.ENETUNREACH,
        Errno.EHOSTUNREACH,
        Errno.ENETUNREACH,
        Errno.EHOSTUNREACH,
        Errno.EHOSTUNREACH,
        Errno.EHOSTUNREACH,
        Errno.EHOSTUNREACH
    };

    private static final int FATAL =
            1 << 2 | 1 << 3 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 13 | 1 << 14 | 1 << 15;

    /** Positive errno that a socket gets for a code of "destination unreachable". */
    public static int errnoOf(int code) {
        return code <= IcmpHdr.NR_ICMP_UNREACH ? CONVERT[code] : Errno.EHOSTUNREACH;
    }

    /** Whether such an error ends a connection attempt. */
    public static boolean isFatal(int code) {
        return code <= IcmpHdr.NR_ICMP_UNREACH && (FATAL & 1 << code) != 0;
    }

    private static boolean isErrorType(int type) {
        return switch (type) {
            case IcmpHdr.ICMP_DEST_UNREACH,
                    IcmpHdr.ICMP_SOURCE_QUENCH,
                    IcmpHdr.ICMP_REDIRECT,
                    IcmpHdr.ICMP_TIME_EXCEEDED,
                    IcmpHdr.ICMP_PARAMETERPROB -> true;
            default -> false;
        };
    }

    // ---- sending errors

    /**
     * Tells a packet's sender what is wrong with it. Says nothing where RFC 1122 3.2.2 forbids it (about ICMP errors,
     * later fragments, broadcasts, groups) or a rate limit does. The packet stays the caller's.
     *
     * @param info second word of the message: MTU, gateway, or pointer in the first byte
     *     <p>Linux: __icmp_send()
     */
    public static void icmpSend(Cpu cpu, SkBuff in, int type, int code, int info) {
        if (!(in.dst instanceof Rtable rt)) {
            return;
        }
        NetDevice skbDev = (NetDevice) in.dev;
        Net net = rt.rtIsInput && skbDev != null ? skbDev.net : rt.dev.net;
        Ipv4Scratch scratch = Ipv4Net.scratch(cpu);
        if (scratch.icmpDepth >= MAX_DEPTH) {
            return;
        }
        scratch.icmpDepth++;
        try {
            send(cpu, net, rt, in, type, code, info);
        } finally {
            scratch.icmpDepth--;
        }
    }

    private static void send(Cpu cpu, Net net, Rtable rt, SkBuff in, int type, int code, int info) {
        long iph = in.networkAddress();
        if (in.networkHeader < 0 || in.networkHeader + IpHdr.LENGTH > in.tail) {
            return;
        }
        if (in.pktType != SkBuff.PACKET_HOST || rt.isBroadcast() || rt.isMulticast()) {
            return;
        }
        if ((IpHdr.fragOff(iph) & IpHdr.IP_OFFSET) != 0) {
            return;
        }
        int hlen = IpHdr.headerLength(iph);
        // Never an error about an error.
        if (isErrorType(type) && IpHdr.protocol(iph) == Inet.IPPROTO_ICMP) {
            if (in.networkHeader + hlen + 1 > in.tail) {
                return;
            }
            int quotedType = Wire.u8(iph + hlen);
            if (quotedType > IcmpHdr.NR_ICMP_TYPES || isErrorType(quotedType)) {
                return;
            }
        }
        Ipv4Net v4 = Ipv4Net.of(net);
        if (!overLoopback(in) && !v4.icmpLimit.globalAllow(cpu, type, code)) {
            return;
        }
        int saddr = IpHdr.daddr(iph);
        if (!rt.isLocal()) {
            NetDevice dev =
                    rt.rtIsInput && v4.sysctlIcmpErrorsUseInboundIfaddr() ? net.devices.byIndex(rt.rtIif) : null;
            saddr = dev != null ? v4.inetSelectAddr(dev, IpHdr.saddr(iph), RtType.RT_SCOPE_LINK) : 0;
        }
        int tos = isErrorType(type) ? IpHdr.tos(iph) & 0x1e | 0xc0 : IpHdr.tos(iph);
        int mark = v4.sysctlFwmarkReflect() ? in.mark : 0;
        IpOptions opt = IpOptions.echo(in);
        int daddr = opt != null && opt.srr != 0 ? opt.faddr : IpHdr.saddr(iph);
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Icmp;
        fl4.init(0, mark, tos & Inet.DSCP_MASK, 0, Inet.IPPROTO_ICMP, 0, daddr, saddr, code, type);
        Rtable out = Route.ipRouteOutputKey(cpu, net, fl4);
        if (out == null) {
            return;
        }
        int source = fl4.saddr;
        if (!v4.icmpLimit.peerAllow(cpu, out, daddr, type, code)) {
            return;
        }
        int optlen = opt == null ? 0 : opt.optlen;
        int room = Math.min(out.mtu(), MAX_ERROR_BYTES) - IpHdr.LENGTH - optlen - IcmpHdr.LENGTH;
        int quote = in.len - in.networkOffset();
        if (quote > room) {
            quote = room;
        }
        if (quote <= IpHdr.LENGTH) {
            return;
        }
        SkBuff skb = cpu.allocSkb(IpOutput.MAX_HEADER + IcmpHdr.LENGTH + quote);
        if (skb == null) {
            v4.icmp.inc(cpu, IpMib.Icmp.OUTERRORS);
            return;
        }
        skb.reserve(IpOutput.MAX_HEADER);
        skb.put(IcmpHdr.LENGTH + quote);
        skb.resetTransportHeader();
        long h = skb.transportAddress();
        IcmpHdr.type(h, type);
        IcmpHdr.code(h, code);
        IcmpHdr.info(h, info);
        IcmpHdr.check(h, 0);
        quoteInto(in, h + IcmpHdr.LENGTH, quote);
        IcmpHdr.check(h, Checksum.fold(Checksum.partial(h, IcmpHdr.LENGTH + quote, 0)));
        push(cpu, v4, skb, out, source, IpHdr.saddr(iph), tos, mark, v4.dstHoplimit(out), opt, type);
    }

    /** It came from this host itself. The route does not tell: that of a packet for this host ends at loopback too. */
    private static boolean overLoopback(SkBuff in) {
        return in.dev instanceof NetDevice dev && (dev.flags & NetDevice.IFF_LOOPBACK) != 0;
    }

    /** Copies a packet from its network header on, which may lie before {@code data}. */
    private static void quoteInto(SkBuff in, long to, int n) {
        int pulled = Math.min(n, Math.max(0, -in.networkOffset()));
        Wire.copy(in.networkAddress(), to, pulled);
        if (n > pulled) {
            in.copyBits(Math.max(0, in.networkOffset()), to + pulled, n - pulled);
        }
    }

    private static void push(
            Cpu cpu,
            Ipv4Net v4,
            SkBuff skb,
            Rtable rt,
            int saddr,
            int daddr,
            int tos,
            int mark,
            int ttl,
            @Nullable IpOptions opt,
            int type) {
        v4.icmp.inc(cpu, IpMib.Icmp.OUTMSGS);
        countOut(cpu, v4, type);
        skb.ipSummed = SkBuff.CHECKSUM_NONE;
        skb.mark = mark;
        skb.priority = isErrorType(type) ? 6 : 0;
        IpOutput.ipSendBuilt(cpu, v4.net, null, skb, rt, Inet.IPPROTO_ICMP, saddr, daddr, tos, ttl, false, opt);
    }

    private static void countOut(Cpu cpu, Ipv4Net v4, int type) {
        switch (type) {
            case IcmpHdr.ICMP_ECHOREPLY -> v4.icmp.inc(cpu, IpMib.Icmp.OUTECHOREPS);
            case IcmpHdr.ICMP_DEST_UNREACH -> v4.icmp.inc(cpu, IpMib.Icmp.OUTDESTUNREACHS);
            case IcmpHdr.ICMP_SOURCE_QUENCH -> v4.icmp.inc(cpu, IpMib.Icmp.OUTSRCQUENCHS);
            case IcmpHdr.ICMP_REDIRECT -> v4.icmp.inc(cpu, IpMib.Icmp.OUTREDIRECTS);
            case IcmpHdr.ICMP_ECHO -> v4.icmp.inc(cpu, IpMib.Icmp.OUTECHOS);
            case IcmpHdr.ICMP_TIME_EXCEEDED -> v4.icmp.inc(cpu, IpMib.Icmp.OUTTIMEEXCDS);
            case IcmpHdr.ICMP_PARAMETERPROB -> v4.icmp.inc(cpu, IpMib.Icmp.OUTPARMPROBS);
            case IcmpHdr.ICMP_TIMESTAMP -> v4.icmp.inc(cpu, IpMib.Icmp.OUTTIMESTAMPS);
            case IcmpHdr.ICMP_TIMESTAMPREPLY -> v4.icmp.inc(cpu, IpMib.Icmp.OUTTIMESTAMPREPS);
            default -> {}
        }
    }

    // ---- receiving

    /** Linux: icmp_rcv(). */
    @Override
    public int handler(Cpu cpu, SkBuff skb) {
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null || !(skb.dst instanceof Rtable rt)) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 0;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        v4.icmp.inc(cpu, IpMib.Icmp.INMSGS);
        if (!csumOk(skb)) {
            v4.icmp.inc(cpu, IpMib.Icmp.INCSUMERRORS);
            return error(cpu, v4, skb, SkbDropReason.ICMP_CSUM);
        }
        if (!skb.mayPull(cpu, IcmpHdr.LENGTH)) {
            return error(cpu, v4, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        skb.resetTransportHeader();
        skb.pull(IcmpHdr.LENGTH);
        int type = IcmpHdr.type(skb.transportAddress());
        // RFC 1122 3.2.2: unknown types are silently discarded.
        if (type > IcmpHdr.NR_ICMP_TYPES) {
            return error(cpu, v4, skb, SkbDropReason.UNHANDLED_PROTO);
        }
        if (rt.isBroadcast() || rt.isMulticast()) {
            if ((type == IcmpHdr.ICMP_ECHO || type == IcmpHdr.ICMP_TIMESTAMP) && v4.sysctlIcmpEchoIgnoreBroadcasts()) {
                return error(cpu, v4, skb, SkbDropReason.INVALID_PROTO);
            }
            if (type != IcmpHdr.ICMP_ECHO
                    && type != IcmpHdr.ICMP_TIMESTAMP
                    && type != IcmpHdr.ICMP_ADDRESS
                    && type != IcmpHdr.ICMP_ADDRESSREPLY) {
                return error(cpu, v4, skb, SkbDropReason.INVALID_PROTO);
            }
        }
        return dispatch(cpu, v4, skb, rt, type);
    }

    private static boolean csumOk(SkBuff skb) {
        if (skb.csumUnnecessary()) {
            return true;
        }
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE && Checksum.fold(skb.csum) == 0) {
            return true;
        }
        return Checksum.fold(skb.checksum(0, skb.len, 0)) == 0;
    }

    private static int dispatch(Cpu cpu, Ipv4Net v4, SkBuff skb, Rtable rt, int type) {
        SkbDropReason reason = SkbDropReason.CONSUMED;
        switch (type) {
            case IcmpHdr.ICMP_ECHO -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INECHOS);
                echo(cpu, v4, skb, rt);
            }
            case IcmpHdr.ICMP_ECHOREPLY -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INECHOREPS);
                return PingTable.of(v4).pingRcv(cpu, skb);
            }
            case IcmpHdr.ICMP_DEST_UNREACH -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INDESTUNREACHS);
                reason = unreach(cpu, v4, skb, type);
            }
            case IcmpHdr.ICMP_SOURCE_QUENCH -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INSRCQUENCHS);
                reason = unreach(cpu, v4, skb, type);
            }
            case IcmpHdr.ICMP_TIME_EXCEEDED -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INTIMEEXCDS);
                reason = unreach(cpu, v4, skb, type);
            }
            case IcmpHdr.ICMP_PARAMETERPROB -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INPARMPROBS);
                reason = unreach(cpu, v4, skb, type);
            }
            case IcmpHdr.ICMP_REDIRECT -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INREDIRECTS);
                reason = redirect(cpu, v4, skb);
            }
            case IcmpHdr.ICMP_TIMESTAMP -> {
                v4.icmp.inc(cpu, IpMib.Icmp.INTIMESTAMPS);
                timestamp(cpu, v4, skb, rt);
            }
            case IcmpHdr.ICMP_TIMESTAMPREPLY -> v4.icmp.inc(cpu, IpMib.Icmp.INTIMESTAMPREPS);
            case IcmpHdr.ICMP_ADDRESS -> v4.icmp.inc(cpu, IpMib.Icmp.INADDRMASKS);
            case IcmpHdr.ICMP_ADDRESSREPLY -> v4.icmp.inc(cpu, IpMib.Icmp.INADDRMASKREPS);
            case IcmpHdr.ICMP_INFO_REQUEST, IcmpHdr.ICMP_INFO_REPLY -> {}
            default -> {
                return error(cpu, v4, skb, SkbDropReason.UNHANDLED_PROTO);
            }
        }
        if (reason == SkbDropReason.CONSUMED) {
            skb.consume(cpu);
        } else {
            skb.kfree(cpu, reason);
        }
        return 0;
    }

    private static int error(Cpu cpu, Ipv4Net v4, SkBuff skb, SkbDropReason reason) {
        v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
        skb.kfree(cpu, reason);
        return 0;
    }

    /** Answers a ping with what it carried; {@code data} is behind the header. Linux: icmp_echo(). RFC 1122 3.2.2.6. */
    private static void echo(Cpu cpu, Ipv4Net v4, SkBuff skb, Rtable rt) {
        if (v4.sysctlIcmpEchoIgnoreAll()) {
            return;
        }
        reply(cpu, v4, skb, rt, IcmpHdr.ICMP_ECHOREPLY, skb.len, null);
    }

    /** Linux: icmp_timestamp(). RFC 1122 3.2.2.8. */
    private static void timestamp(Cpu cpu, Ipv4Net v4, SkBuff skb, Rtable rt) {
        if (skb.len < 12 || !skb.mayPull(cpu, 12)) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return;
        }
        int[] times = {Wire.u32(skb.dataAddress()), Ipv4Net.inetCurrentTimestamp(cpu), Ipv4Net.inetCurrentTimestamp(cpu)
        };
        reply(cpu, v4, skb, rt, IcmpHdr.ICMP_TIMESTAMPREPLY, 12, times);
    }

    /** Linux: icmp_reply(). */
    private static void reply(
            Cpu cpu, Ipv4Net v4, SkBuff in, Rtable rt, int type, int payload, int @Nullable [] words) {
        Ipv4Scratch scratch = Ipv4Net.scratch(cpu);
        if (scratch.icmpDepth >= MAX_DEPTH) {
            return;
        }
        long iph = in.networkAddress();
        if (!overLoopback(in) && !v4.icmpLimit.globalAllow(cpu, type, 0)) {
            return;
        }
        IpOptions opt = IpOptions.echo(in);
        int peer = IpHdr.saddr(iph);
        int daddr = opt != null && opt.srr != 0 ? opt.faddr : peer;
        int saddr = rt.isBroadcast() || rt.isMulticast() ? 0 : IpHdr.daddr(iph);
        int mark = v4.sysctlFwmarkReflect() ? in.mark : 0;
        int tos = IpHdr.tos(iph);
        Flowi4 fl4 = scratch.fl4Icmp;
        fl4.init(0, mark, tos & Inet.DSCP_MASK, 0, Inet.IPPROTO_ICMP, 0, daddr, saddr, 0, type);
        Rtable out = Route.ipRouteOutputKey(cpu, v4.net, fl4);
        if (out == null) {
            return;
        }
        int source = fl4.saddr;
        if (!v4.icmpLimit.peerAllow(cpu, out, peer, type, 0)) {
            return;
        }
        SkBuff skb = allocBig(cpu, IpOutput.MAX_HEADER, IcmpHdr.LENGTH, payload);
        if (skb == null) {
            v4.icmp.inc(cpu, IpMib.Icmp.OUTERRORS);
            return;
        }
        skb.resetTransportHeader();
        long h = skb.transportAddress();
        Wire.copy(in.transportAddress(), h, IcmpHdr.LENGTH);
        IcmpHdr.type(h, type);
        IcmpHdr.code(h, 0);
        IcmpHdr.check(h, 0);
        if (words != null) {
            for (int i = 0; i < words.length; i++) {
                Wire.put32(h + IcmpHdr.LENGTH + 4L * i, words[i]);
            }
        } else {
            copyPayload(in, skb);
        }
        IcmpHdr.check(h, Checksum.fold(skb.checksum(0, skb.len, 0)));
        scratch.icmpDepth++;
        try {
            push(cpu, v4, skb, out, source, peer, tos, mark, v4.dstHoplimit(out), opt, type);
        } finally {
            scratch.icmpDepth--;
        }
    }

    /** A packet of any size: what doesn't fit in one page goes into fragments. Null without memory. */
    static @Nullable SkBuff allocBig(Cpu cpu, int headroom, int header, int payload) {
        int linear = Math.min(payload, 16384);
        SkBuff skb = cpu.allocSkb(headroom + header + linear);
        if (skb == null) {
            return null;
        }
        skb.reserve(headroom);
        skb.put(header + linear);
        for (int left = payload - linear; left > 0; ) {
            int n = Math.min(left, PAGE);
            Page page = cpu.allocPage(n);
            if (page == null) {
                skb.kfree(cpu, SkbDropReason.NOMEM);
                return null;
            }
            skb.addFrag(page, 0, n, page.size());
            left -= n;
        }
        return skb;
    }

    private static void copyPayload(SkBuff from, SkBuff to) {
        int off = to.headlen() - IcmpHdr.LENGTH;
        from.copyBits(0, to.dataAddress() + IcmpHdr.LENGTH, off);
        for (int i = 0; i < to.shinfo().nrFrags; i++) {
            int n = to.shinfo().fragSize[i];
            from.copyBits(off, to.shinfo().fragAddress(i), n);
            off += n;
        }
    }

    /** An error about a packet we sent; {@code data} at the quoted header. Linux: icmp_unreach(). */
    private static SkbDropReason unreach(Cpu cpu, Ipv4Net v4, SkBuff skb, int type) {
        if (!skb.mayPull(cpu, IpHdr.LENGTH)) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return SkbDropReason.PKT_TOO_SMALL;
        }
        long icmph = skb.transportAddress();
        long quoted = skb.dataAddress();
        if (IpHdr.ihl(quoted) < 5) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return SkbDropReason.IP_INHDR;
        }
        int info = 0;
        if (type == IcmpHdr.ICMP_DEST_UNREACH) {
            switch (IcmpHdr.code(icmph)) {
                case IcmpHdr.ICMP_FRAG_NEEDED -> {
                    info = IcmpHdr.mtu(icmph);
                    if (v4.sysctlNoPmtuDisc() == 1) {
                        info = 0;
                    } else if (v4.sysctlNoPmtuDisc() == 2) {
                        return SkbDropReason.CONSUMED;
                    }
                    if (info == 0) {
                        return SkbDropReason.CONSUMED;
                    }
                }
                default -> {}
            }
            if (IcmpHdr.code(icmph) > IcmpHdr.NR_ICMP_UNREACH) {
                return SkbDropReason.CONSUMED;
            }
        } else if (type == IcmpHdr.ICMP_PARAMETERPROB) {
            info = IcmpHdr.info(icmph) >>> 24;
        }
        // Routers must not answer broadcasts: such a message is broken, or forged.
        if (!v4.sysctlIcmpIgnoreBogus() && Route.inetAddrType(v4.net, IpHdr.daddr(quoted)) == RtType.RTN_BROADCAST) {
            return SkbDropReason.CONSUMED;
        }
        return socketDeliver(cpu, v4, skb, info);
    }

    /** Linux: icmp_socket_deliver(). */
    private static SkbDropReason socketDeliver(Cpu cpu, Ipv4Net v4, SkBuff skb, int info) {
        int hlen = IpHdr.headerLength(skb.dataAddress());
        // The full header and 8 bytes of the protocol's are needed to find anybody.
        if (!skb.mayPull(cpu, hlen + 8)) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return SkbDropReason.PKT_TOO_SMALL;
        }
        int protocol = IpHdr.protocol(skb.dataAddress());
        v4.raw.icmpError(cpu, skb, protocol, info);
        InetProtocol proto = InetProtos.of(cpu.kernel()).protocol(protocol);
        if (proto != null) {
            proto.errHandler(cpu, skb, info);
        }
        return SkbDropReason.CONSUMED;
    }

    /** Linux: icmp_redirect(). */
    private static SkbDropReason redirect(Cpu cpu, Ipv4Net v4, SkBuff skb) {
        if (skb.len < IpHdr.LENGTH || !skb.mayPull(cpu, IpHdr.LENGTH)) {
            v4.icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return SkbDropReason.PKT_TOO_SMALL;
        }
        return socketDeliver(cpu, v4, skb, IcmpHdr.info(skb.transportAddress()));
    }

    /** An error about an ICMP packet of ours: an echo's goes to its socket. Linux: icmp_err(). */
    @Override
    public int errHandler(Cpu cpu, SkBuff skb, int info) {
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null) {
            return -Errno.ENOENT;
        }
        long quoted = skb.dataAddress();
        long icmph = skb.transportAddress();
        long quotedIcmp = quoted + IpHdr.headerLength(quoted);
        int type = IcmpHdr.type(icmph);
        int code = IcmpHdr.code(icmph);
        if (IcmpHdr.type(quotedIcmp) == IcmpHdr.ICMP_ECHO) {
            PingTable.of(Ipv4Net.of(dev.net)).pingErr(cpu, skb, info);
            return 0;
        }
        if (type == IcmpHdr.ICMP_DEST_UNREACH && code == IcmpHdr.ICMP_FRAG_NEEDED) {
            RoutePmtu.ipv4UpdatePmtu(cpu, skb, dev.net, info, 0, Inet.IPPROTO_ICMP);
        } else if (type == IcmpHdr.ICMP_REDIRECT) {
            RoutePmtu.ipv4Redirect(cpu, skb, dev.net, 0, Inet.IPPROTO_ICMP);
        }
        return 0;
    }
}
