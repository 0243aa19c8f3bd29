package net.ipv4;

import net.core.Cpu;
import net.core.dev.GroList;
import net.core.dev.NapiGroCb;
import net.core.dev.OffloadCallbacks;
import net.core.dev.SkbGsoCb;
import net.core.dev.SkbSegment;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the bundles of UDP_SEGMENT into datagrams.
 *
 * <p>{@code Deviation:} datagrams are not merged on receive; UDP_GRO hands out bundles only when they arrive as such
 * (veth, loopback).
 *
 * <p><b>Context:</b> with a CPU word.
 *
 * <p>Linux: net/ipv4/udp_offload.c
 */
final class UdpOffload implements OffloadCallbacks {
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
        SkBuff segs = net.core.dev.Gso.skbGsoSegment(
                cpu,
                skb,
                net.core.dev.NetdevFeatures.NETIF_F_SG
                        | net.core.dev.NetdevFeatures.NETIF_F_HW_CSUM
                        | net.core.dev.NetdevFeatures.NETIF_F_IP_CSUM,
                false);
        for (SkBuff seg = segs; seg != null; seg = seg.next) {
            seg.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        }
        return segs;
    }

    @Override
    public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
        NapiGroCb.orFlush(skb, 1);
        return null;
    }

    @Override
    public int groComplete(Cpu cpu, SkBuff skb, int nhoff) {
        return -Errno.ENOSYS;
    }
}
