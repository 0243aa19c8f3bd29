package net.ipv4;

import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Gro;
import net.core.dev.GroList;
import net.core.dev.NapiGroCb;
import net.core.dev.OffloadCallbacks;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * IPv4's part of segmentation and merging: headers of each segment, and whether two packets are of one flow; the rest
 * is the transport protocol's.
 *
 * <p><b>Context:</b> softirq or process, with a CPU word.
 *
 * <p>Linux: inet_gso_segment(), inet_gro_receive(), inet_gro_complete(), net/ipv4/af_inet.c
 */
public final class InetOffload implements OffloadCallbacks {
    private final InetProtos protos;

    InetOffload(Kernel kernel) {
        protos = InetProtos.of(kernel);
    }

    @Override
    public @Nullable SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) {
        skb.resetNetworkHeader();
        if (!skb.mayPull(cpu, IpHdr.LENGTH)) {
            return null;
        }
        long iph = skb.networkAddress();
        int ihl = IpHdr.headerLength(iph);
        if (ihl < IpHdr.LENGTH || !skb.mayPull(cpu, ihl)) {
            return null;
        }
        iph = skb.networkAddress();
        int id = IpHdr.id(iph);
        int proto = IpHdr.protocol(iph);
        int nhoff = skb.networkHeader - (skb.macHeaderWasSet() ? skb.macHeader : skb.networkHeader);
        int gsoType = skb.shinfo().gsoType;
        skb.pull(ihl);
        skb.resetTransportHeader();
        OffloadCallbacks ops = protos.offload(proto);
        SkBuff segs = ops == null ? null : ops.gsoSegment(cpu, skb, features);
        if (segs == skb) {
            return skb;
        }
        boolean fixedId = (gsoType & SkbSharedInfo.SKB_GSO_TCP_FIXEDID) != 0;
        for (SkBuff seg = segs; seg != null; seg = seg.next) {
            seg.networkHeader = (seg.macHeaderWasSet() ? seg.macHeader : seg.data) + nhoff;
            long h = seg.networkAddress();
            if (!fixedId) {
                IpHdr.id(h, id++);
            }
            IpHdr.totLen(h, seg.tail - seg.networkHeader + seg.dataLen);
            IpHdr.sendCheck(h);
            seg.transportHeader = seg.networkHeader + ihl;
        }
        return segs;
    }

    @HotPath
    @Override
    public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
        int off = Gro.groOffset(skb);
        long iph = Gro.groHeader(cpu, skb, IpHdr.LENGTH, off);
        if (iph == 0) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        OffloadCallbacks ops = protos.offload(IpHdr.protocol(iph));
        int len = Gro.groLen(skb);
        int fragOff = IpHdr.fragOff(iph);
        if (ops == null
                || Wire.u8(iph) != 0x45
                || (fragOff & (IpHdr.IP_MF | IpHdr.IP_OFFSET)) != 0
                || IpHdr.totLen(iph) != len
                || Checksum.ipFast(iph, 5) != 0) {
            // Options, fragments, padding, damage: the normal way.
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        NapiGroCb.setNetworkOffset(skb, off);
        boolean df = (fragOff & IpHdr.IP_DF) != 0;
        matchFlows(held, iph, df);
        skb.networkHeader = skb.data + off;
        Gro.groPull(skb, IpHdr.LENGTH);
        skb.transportHeader = skb.data + Gro.groOffset(skb);
        return ops.groReceive(cpu, held, skb);
    }

    @HotPath
    private static void matchFlows(GroList held, long iph, boolean df) {
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        int protocol = IpHdr.protocol(iph);
        int flush = 0;
        for (SkBuff p = held.first; p != null; p = p.next) {
            if (!NapiGroCb.sameFlow(p)) {
                continue;
            }
            long h = p.networkAddress();
            if (IpHdr.saddr(h) != saddr || IpHdr.daddr(h) != daddr || IpHdr.protocol(h) != protocol) {
                NapiGroCb.setSameFlow(p, false);
                continue;
            }
            // One flow, but a merge would lose a difference: time to live, type of service, DF.
            flush = IpHdr.ttl(h) ^ IpHdr.ttl(iph) | IpHdr.tos(h) ^ IpHdr.tos(iph);
            flush |= (IpHdr.fragOff(h) ^ IpHdr.fragOff(iph)) & IpHdr.IP_DF;
            int step = IpHdr.id(iph) - IpHdr.id(h) & 0xffff;
            int expected = NapiGroCb.count(p);
            if (df && step == 0 && (expected == 1 || NapiGroCb.ipFixedId(p))) {
                // All the same is fine as long as nobody fragments.
                NapiGroCb.setIpFixedId(p, true);
            } else if (NapiGroCb.ipFixedId(p) || step != (expected & 0xffff)) {
                flush |= 1;
            }
            NapiGroCb.setFlush(p, flush != 0 ? 1 : 0);
        }
    }

    @Override
    public int groComplete(Cpu cpu, SkBuff skb, int nhoff) {
        long iph = skb.dataAddress() + nhoff;
        int proto = IpHdr.protocol(iph);
        int total = skb.len - nhoff;
        IpHdr.totLen(iph, total <= Inet.IP_MAX_MTU ? total : 0);
        IpHdr.sendCheck(iph);
        OffloadCallbacks ops = protos.offload(proto);
        return ops == null ? -net.skbuff.Errno.ENOSYS : ops.groComplete(cpu, skb, nhoff + IpHdr.LENGTH);
    }
}
