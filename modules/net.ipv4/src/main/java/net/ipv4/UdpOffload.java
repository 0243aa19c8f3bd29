package net.ipv4;

import net.core.Cpu;
import net.core.dev.Gro;
import net.core.dev.GroList;
import net.core.dev.Gso;
import net.core.dev.NapiGroCb;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.dev.OffloadCallbacks;
import net.core.dev.SkbGsoCb;
import net.core.dev.SkbSegment;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the bundles of UDP_SEGMENT into datagrams, and merges datagrams for sockets with UDP_GRO.
 *
 * <p><b>Context:</b> with a CPU word.
 *
 * <p>Linux: net/ipv4/udp_offload.c
 */
final class UdpOffload implements OffloadCallbacks {
    private static final int UDP_GRO_CNT_MAX = 64;

    UdpOffload() {}

    /** Linux: __udp_gso_segment(). */
    @Override
    public @Nullable SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) {
        if (!skb.mayPull(cpu, UdpHdr.LENGTH) || skb.shinfo().gsoSize == 0) {
            return null;
        }
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        int thoff = skb.transportHeader - skb.networkHeader;
        int nhoff = skb.networkHeader - skb.macHeader;
        skb.pull(UdpHdr.LENGTH);
        SkBuff segs = SkbSegment.skbSegment(cpu, skb, features);
        for (SkBuff seg = segs; seg != null; seg = seg.next) {
            seg.networkHeader = seg.macHeader + nhoff;
            seg.transportHeader = seg.networkHeader + thoff;
            long uh = seg.transportAddress();
            int ulen = seg.tail - seg.transportHeader + seg.dataLen;
            UdpHdr.len(uh, ulen);
            UdpHdr.check(uh, 0);
            int pseudo = Checksum.tcpUdpNofold(saddr, daddr, ulen, Inet.IPPROTO_UDP, 0);
            if (seg.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
                seg.csumStart = seg.transportHeader;
                seg.csumOffset = UdpHdr.CHECK_OFFSET;
                UdpHdr.check(uh, ~Checksum.fold(pseudo) & 0xffff);
            } else {
                int sum = Checksum.partial(uh, UdpHdr.LENGTH, Checksum.add(pseudo, SkbGsoCb.csum(seg)));
                int check = Checksum.fold(sum);
                UdpHdr.check(uh, check == 0 ? 0xffff : check);
            }
        }
        return segs;
    }

    /** A bundle for this host whose reader wants single datagrams; {@code data} at the IP header. */
    static @Nullable SkBuff segmentForReceive(Cpu cpu, SkBuff skb) {
        // What was merged or made here needs no sums: they would be checked at once by whom we trust.
        SkBuff segs = Gso.skbGsoSegment(
                cpu,
                skb,
                NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_IP_CSUM,
                false);
        for (SkBuff seg = segs; seg != null; seg = seg.next) {
            seg.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        }
        return segs;
    }

    /**
     * Merges datagrams of one flow, all of one size but the last, for a socket that asked (UDP_GRO).
     *
     * <p>Linux: udp4_gro_receive(), udp_gro_receive_segment()
     */
    @HotPath
    @Override
    public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
        int off = Gro.groOffset(skb);
        long uh = Gro.groHeader(cpu, skb, UdpHdr.LENGTH, off);
        NetDevice dev = (NetDevice) skb.dev;
        if (uh == 0 || dev == null || !wanted(cpu, dev, skb, uh)) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        int ulen = UdpHdr.len(uh);
        long iph = skb.networkAddress();
        // No checksum, padding or nonsense: nothing to merge.
        if (UdpHdr.check(uh) == 0
                || ulen <= UdpHdr.LENGTH
                || ulen != Gro.groLen(skb)
                || !checksumOk(skb, iph, uh, ulen)) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        Gro.groPull(skb, UdpHdr.LENGTH);
        for (SkBuff p = held.first; p != null; p = p.next) {
            if (!NapiGroCb.sameFlow(p)) {
                continue;
            }
            long uh2 = p.transportAddress();
            if (Wire.u32(uh) != Wire.u32(uh2)) {
                NapiGroCb.setSameFlow(p, false);
                continue;
            }
            int first = UdpHdr.len(uh2);
            if (ulen > first || NapiGroCb.flush(p) != 0 || Gro.skbGroReceive(cpu, p, skb) != 0) {
                return p;
            }
            // A shorter one is the last of its bundle.
            return ulen != first || NapiGroCb.count(p) >= UDP_GRO_CNT_MAX ? p : null;
        }
        return null;
    }

    private static boolean checksumOk(SkBuff skb, long iph, long uh, int ulen) {
        int pseudo = Checksum.tcpUdpNofold(IpHdr.saddr(iph), IpHdr.daddr(iph), ulen, Inet.IPPROTO_UDP, 0);
        return Gro.checksumValidate(skb, pseudo, false, UdpHdr.check(uh));
    }

    private static boolean wanted(Cpu cpu, NetDevice dev, SkBuff skb, long uh) {
        UdpTable table = UdpTable.of(cpu.kernel());
        if (table.groSockets() == 0) {
            return false;
        }
        long iph = skb.networkAddress();
        UdpSock sk = table.lookup(
                cpu, dev.net, IpHdr.saddr(iph), UdpHdr.source(uh), IpHdr.daddr(iph), UdpHdr.dest(uh), dev.ifindex);
        return sk != null && sk.groEnabled;
    }

    /** Linux: udp4_gro_complete(). */
    @Override
    public int groComplete(Cpu cpu, SkBuff skb, int nhoff) {
        long uh = skb.dataAddress() + nhoff;
        int ulen = skb.len - nhoff;
        long iph = skb.networkAddress();
        UdpHdr.len(uh, ulen);
        UdpHdr.check(uh, ~Checksum.tcpUdpMagic(IpHdr.saddr(iph), IpHdr.daddr(iph), ulen, Inet.IPPROTO_UDP, 0) & 0xffff);
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        skb.transportHeader = skb.data + nhoff;
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = UdpHdr.CHECK_OFFSET;
        skb.shinfo().gsoType = SkbSharedInfo.SKB_GSO_UDP_L4;
        skb.shinfo().gsoSegs = NapiGroCb.count(skb);
        return 0;
    }
}
