package net.ipv4;

import java.util.function.IntConsumer;
import net.core.Cpu;
import net.core.IntSysctl;
import net.core.Kernel;
import net.core.PerKernel;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.core.neigh.NeighTable;
import net.core.neigh.Neighbour;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.ipv4.route.RouteInput;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * ARP: the neighbour table of IPv4, requests, answers and what they teach.
 *
 * <p>Keys of the table are addresses in {@code keyLo}.
 *
 * <p><b>Context:</b> softirq or process, with a CPU word.
 *
 * <p>Linux: net/ipv4/arp.c. RFC 826, RFC 1122 2.3.2, RFC 5227.
 */
public final class Arp extends NeighTable {
    private static final PerKernel<Arp> SLOT = new PerKernel<>();

    private Arp(Kernel kernel) {
        super(kernel, Inet.ETH_P_IP);
        gcThresh1 = thresh(kernel, 1, gcThresh1, v -> gcThresh1 = v);
        gcThresh2 = thresh(kernel, 2, gcThresh2, v -> gcThresh2 = v);
        gcThresh3 = thresh(kernel, 3, gcThresh3, v -> gcThresh3 = v);
    }

    private static int thresh(Kernel kernel, int n, int value, IntConsumer change) {
        return kernel.sysctl()
                .register(
                        "net.ipv4.neigh.default.gc_thresh" + n,
                        value,
                        0,
                        Integer.MAX_VALUE,
                        e -> change.accept(((IntSysctl) e).value))
                .value;
    }

    static Arp install(Kernel kernel) {
        Arp arp = new Arp(kernel);
        SLOT.set(kernel, arp);
        Dev.addPack(kernel, new PacketType(Inet.ETH_P_ARP) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                return arp.arpRcv(cpu, skb, dev);
            }
        });
        return arp;
    }

    /** The table of a kernel. */
    @HotPath
    public static Arp of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    private static long key(int addr) {
        return addr & 0xffffffffL;
    }

    /** The neighbour for a next hop, made if missing; null if the table is full. Linux: ip_neigh_gw4(). */
    @HotPath
    public static @Nullable Neighbour neighFor(Cpu cpu, NetDevice dev, int addr) {
        Arp arp = of(cpu.kernel());
        // On devices without addresses all destinations are one neighbour.
        int a = (dev.flags & (NetDevice.IFF_LOOPBACK | NetDevice.IFF_POINTOPOINT)) != 0 ? 0 : addr;
        Neighbour n = arp.lookup(0, key(a), dev);
        return n != null ? n : arp.lookupOrCreate(cpu, 0, key(a), dev);
    }

    /** A packet from a neighbour proved it alive. */
    public static void confirm(Cpu cpu, NetDevice dev, int addr) {
        Neighbour n = of(cpu.kernel()).lookup(0, key(addr), dev);
        if (n != null) {
            n.confirm(cpu.jiffies());
        }
    }

    @Override
    public String keyText(long keyHi, long keyLo) {
        return Inet.text((int) keyLo);
    }

    /** Linux: arp_constructor(). */
    @Override
    protected int constructor(Neighbour n) {
        NetDevice dev = n.dev;
        int addr = (int) n.keyLo;
        InDevice inDev = InDevice.of(dev);
        if (inDev == null) {
            return -net.skbuff.Errno.EINVAL;
        }
        if (dev.headerOps == null) {
            n.type = RtType.RTN_UNICAST;
            n.initState(Neighbour.NUD_NOARP, new byte[0]);
            return 0;
        }
        n.type = (dev.flags & NetDevice.IFF_LOOPBACK) != 0 ? RtType.RTN_LOCAL : Route.inetAddrType(dev.net, dev, addr);
        if (n.type == RtType.RTN_MULTICAST) {
            n.initState(Neighbour.NUD_NOARP, multicastMac(addr));
        } else if ((dev.flags & (NetDevice.IFF_NOARP | NetDevice.IFF_LOOPBACK)) != 0) {
            n.initState(Neighbour.NUD_NOARP, dev.devAddr.clone());
        } else if (n.type == RtType.RTN_BROADCAST || (dev.flags & NetDevice.IFF_POINTOPOINT) != 0) {
            n.initState(Neighbour.NUD_NOARP, dev.broadcast.clone());
        }
        return 0;
    }

    /** 01:00:5e and the low 23 bits. RFC 1112 6.4. Linux: ip_eth_mc_map(). */
    private static byte[] multicastMac(int group) {
        return new byte[] {1, 0, 0x5e, (byte) (group >> 16 & 0x7f), (byte) (group >> 8), (byte) group};
    }

    /** Nobody answered for a packet that waited. Linux: arp_error_report(). */
    @Override
    protected void errorReport(Cpu cpu, Neighbour n, SkBuff skb) {
        if (skb.dst instanceof Rtable rt) {
            rt.ops.linkFailure(cpu, skb);
        }
        skb.kfree(cpu, SkbDropReason.NEIGH_FAILED);
    }

    /** Asks: first the known address alone, then everybody. Linux: arp_solicit(). */
    @Override
    protected void solicit(Cpu cpu, Neighbour n, @Nullable SkBuff skb) {
        NetDevice dev = n.dev;
        int target = (int) n.keyLo;
        InDevice inDev = InDevice.of(dev);
        if (inDev == null) {
            return;
        }
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        int saddr = 0;
        switch (inDev.arpAnnounce()) {
            case 0 -> {
                // Any local address: the one the packet is from.
                if (skb != null && Route.inetAddrType(dev.net, sourceOf(skb)) == RtType.RTN_LOCAL) {
                    saddr = sourceOf(skb);
                }
            }
            case 1 -> {
                // Only if it is of the target's network.
                if (skb != null
                        && Route.inetAddrType(dev.net, sourceOf(skb)) == RtType.RTN_LOCAL
                        && inDev.onlink(target, sourceOf(skb))) {
                    saddr = sourceOf(skb);
                }
            }
            default -> {}
        }
        if (saddr == 0) {
            saddr = v4.inetSelectAddr(dev, target, RtType.RT_SCOPE_LINK);
        }
        byte[] dst = null;
        if (n.probes() < n.parms.ucastProbes && n.isValid() && n.ha().length == EthHdr.ETH_ALEN) {
            dst = n.ha();
        }
        arpSend(cpu, ArpHdr.ARPOP_REQUEST, target, dev, saddr, dst, null, null);
    }

    private static int sourceOf(SkBuff skb) {
        return IpHdr.saddr(skb.networkAddress());
    }

    /**
     * Sends an ARP packet.
     *
     * @param destHw where the frame goes; null: everybody
     * @param srcHw sender in the packet; null: the device's address
     * @param targetHw target in the packet; null: zeroes
     *     <p>Linux: arp_send()
     */
    public static void arpSend(
            Cpu cpu,
            int op,
            int destIp,
            NetDevice dev,
            int srcIp,
            byte @Nullable [] destHw,
            byte @Nullable [] srcHw,
            byte @Nullable [] targetHw) {
        if ((dev.flags & NetDevice.IFF_NOARP) != 0) {
            return;
        }
        int room = dev.llReservedSpace();
        SkBuff skb = cpu.allocSkb(room + ArpHdr.LENGTH + dev.neededTailroom);
        if (skb == null) {
            return;
        }
        skb.reserve(room);
        skb.put(ArpHdr.LENGTH);
        skb.resetNetworkHeader();
        skb.dev = dev;
        skb.protocol = Inet.ETH_P_ARP;
        long h = skb.dataAddress();
        Wire.put16(h, ArpHdr.ARPHRD_ETHER);
        Wire.put16(h + 2, Inet.ETH_P_IP);
        Wire.put8(h + 4, EthHdr.ETH_ALEN);
        Wire.put8(h + 5, 4);
        Wire.put16(h + ArpHdr.OP_OFFSET, op);
        Wire.write(srcHw != null ? srcHw : dev.devAddr, 0, h + ArpHdr.SHA_OFFSET, EthHdr.ETH_ALEN);
        Wire.put32(h + ArpHdr.SIP_OFFSET, srcIp);
        if (targetHw != null) {
            Wire.write(targetHw, 0, h + ArpHdr.THA_OFFSET, EthHdr.ETH_ALEN);
        } else {
            Wire.zero(h + ArpHdr.THA_OFFSET, EthHdr.ETH_ALEN);
        }
        Wire.put32(h + ArpHdr.TIP_OFFSET, destIp);
        byte[] to = destHw != null ? destHw : dev.broadcast;
        if (dev.headerOps != null
                && dev.headerOps.create(cpu, skb, dev, Inet.ETH_P_ARP, to, srcHw != null ? srcHw : dev.devAddr, skb.len)
                        < 0) {
            skb.kfree(cpu, SkbDropReason.NEIGH_HH_FILLFAIL);
            return;
        }
        Dev.devQueueXmit(cpu, skb);
    }

    /** Linux: arp_rcv(). */
    private int arpRcv(Cpu cpu, SkBuff in, NetDevice dev) {
        if ((dev.flags & NetDevice.IFF_NOARP) != 0
                || in.pktType == SkBuff.PACKET_OTHERHOST
                || in.pktType == SkBuff.PACKET_LOOPBACK) {
            in.consume(cpu);
            return 0;
        }
        SkBuff skb = in.shared() ? in.shareCheck(cpu) : in;
        if (skb == null) {
            return 1;
        }
        if (!skb.mayPull(cpu, ArpHdr.LENGTH)) {
            skb.kfree(cpu, SkbDropReason.PKT_TOO_SMALL);
            return 1;
        }
        long h = skb.dataAddress();
        if (ArpHdr.hardwareLength(h) != EthHdr.ETH_ALEN || ArpHdr.protocolLength(h) != 4) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 1;
        }
        return arpProcess(cpu, skb, dev, h);
    }

    /** Linux: arp_process(). */
    private int arpProcess(Cpu cpu, SkBuff skb, NetDevice dev, long h) {
        InDevice inDev = InDevice.of(dev);
        int op = ArpHdr.op(h);
        int sip = ArpHdr.sip(h);
        int tip = ArpHdr.tip(h);
        if (inDev == null
                || ArpHdr.hardwareType(h) != ArpHdr.ARPHRD_ETHER
                || ArpHdr.protocolType(h) != Inet.ETH_P_IP
                || op != ArpHdr.ARPOP_REPLY && op != ArpHdr.ARPOP_REQUEST
                || Inet.isMulticast(tip)
                || !inDev.routeLocalnet() && Inet.isLoopback(tip)
                || sip == tip && inDev.dropGratuitousArp()) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return 1;
        }
        byte[] sha = new byte[EthHdr.ETH_ALEN]; // allocates: ARP is rare
        Wire.read(h + ArpHdr.SHA_OFFSET, sha, 0, EthHdr.ETH_ALEN);
        // RFC 5227 probe: somebody asks whether an address is free.
        if (sip == 0) {
            if (op == ArpHdr.ARPOP_REQUEST
                    && Route.inetAddrType(dev.net, tip) == RtType.RTN_LOCAL
                    && !ignore(inDev, sip, tip)) {
                arpSend(cpu, ArpHdr.ARPOP_REPLY, sip, dev, tip, sha, dev.devAddr, sha);
            }
            skb.consume(cpu);
            return 0;
        }
        if (op == ArpHdr.ARPOP_REQUEST && request(cpu, skb, dev, inDev, sip, tip, sha)) {
            skb.consume(cpu);
            return 0;
        }
        learn(cpu, skb, dev, inDev, op, sip, tip, sha, h);
        skb.consume(cpu);
        return 0;
    }

    /** Answers a request for one of our addresses, and learns who asked. True if it was for us. */
    private boolean request(Cpu cpu, SkBuff skb, NetDevice dev, InDevice inDev, int sip, int tip, byte[] sha) {
        if (RouteInput.ipRouteInput(cpu, skb, tip, sip, 0, dev) != 0 || !(skb.dst instanceof Rtable rt)) {
            return false;
        }
        skb.dst = null;
        if (rt.rtType != RtType.RTN_LOCAL) {
            return false;
        }
        if (ignore(inDev, sip, tip) || inDev.arpFilter() && filtered(cpu, dev, sip, tip)) {
            return true;
        }
        Neighbour n = lookupOrCreate(cpu, 0, key(sip), dev);
        if (n != null) {
            n.update(cpu, sha, Neighbour.NUD_STALE, Neighbour.NEIGH_UPDATE_F_OVERRIDE);
            arpSend(cpu, ArpHdr.ARPOP_REPLY, sip, dev, tip, sha, dev.devAddr, sha);
        }
        return true;
    }

    /** Updates what is known of the sender; makes an entry for a gratuitous packet only on request. */
    private void learn(
            Cpu cpu, SkBuff skb, NetDevice dev, InDevice inDev, int op, int sip, int tip, byte[] sha, long h) {
        Neighbour n = lookup(0, key(sip), dev);
        boolean garp = sip == tip && op == ArpHdr.ARPOP_REQUEST
                || sip == tip
                        && op == ArpHdr.ARPOP_REPLY
                        && Wire.u32(h + ArpHdr.THA_OFFSET) == Wire.u32(h + ArpHdr.SHA_OFFSET)
                        && Wire.u16(h + ArpHdr.THA_OFFSET + 4) == Wire.u16(h + ArpHdr.SHA_OFFSET + 4);
        int type = -1;
        if (n == null && inDev.arpAccept() != 0) {
            type = Route.inetAddrType(dev.net, dev, sip);
            if (type == RtType.RTN_UNICAST && (op == ArpHdr.ARPOP_REPLY || garp)) {
                n = lookupOrCreate(cpu, 0, key(sip), dev);
            }
        }
        if (n == null) {
            return;
        }
        // Two answers within locktime: the first wins, the rest are proxies.
        boolean override = cpu.jiffies() - (n.updated + n.parms.locktime) > 0 || garp;
        int state = op != ArpHdr.ARPOP_REPLY || skb.pktType != SkBuff.PACKET_HOST
                ? Neighbour.NUD_STALE
                : Neighbour.NUD_REACHABLE;
        n.update(cpu, sha, state, override ? Neighbour.NEIGH_UPDATE_F_OVERRIDE : 0);
    }

    /** Linux: arp_ignore(). */
    private static boolean ignore(InDevice inDev, int sip, int tip) {
        Ipv4Net v4 = Ipv4Net.of(inDev.dev.net);
        return switch (inDev.arpIgnore()) {
            case 1 -> v4.inetConfirmAddr(inDev, 0, tip, RtType.RT_SCOPE_HOST) == 0;
            case 2 -> v4.inetConfirmAddr(inDev, sip, tip, RtType.RT_SCOPE_HOST) == 0;
            case 3 -> v4.inetConfirmAddr(null, 0, tip, RtType.RT_SCOPE_LINK) == 0;
            case 8 -> true;
            default -> false;
        };
    }

    /** Linux: arp_filter(). */
    private static boolean filtered(Cpu cpu, NetDevice dev, int sip, int tip) {
        Flowi4 fl4 = Ipv4Net.scratch(cpu).fl4Icmp;
        fl4.init(0, 0, 0, 0, 0, 0, sip, tip, 0, 0);
        Rtable rt = Route.ipRouteOutputKey(cpu, dev.net, fl4);
        return rt == null || rt.dev != dev;
    }

    /** Announces an address after it was added or its device came up. Linux: inetdev_send_gratuitous_arp(). */
    static void announce(Cpu cpu, InDevice inDev) {
        for (InIfaddr ifa : inDev.addresses()) {
            arpSend(cpu, ArpHdr.ARPOP_REQUEST, ifa.local, inDev.dev, ifa.local, null, inDev.dev.devAddr, null);
        }
    }
}
