package net.tcp;

import net.core.Cpu;
import net.core.dev.Gro;
import net.core.dev.GroList;
import net.core.dev.Gso;
import net.core.dev.NapiGroCb;
import net.core.dev.NetdevFeatures;
import net.core.dev.OffloadCallbacks;
import net.core.dev.SkbSegment;
import net.ipv4.Inet;
import net.ipv4.IpHdr;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDestructor;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a large packet into segments for a device that cannot, and joins received segments into one large packet.
 *
 * <p><b>Context:</b> CPU word: transmit, or a NAPI poll.
 *
 * <p>Linux: net/ipv4/tcp_offload.c
 */
final class TcpOffload implements OffloadCallbacks {
    /** URG, PSH, RST, SYN, FIN in the flag word: the packet goes up at once. */
    private static final int FLUSH_FLAGS = (TcpHdr.URG | TcpHdr.PSH | TcpHdr.RST | TcpHdr.SYN | TcpHdr.FIN) << 16;

    TcpOffload() {}

    // ---- out

    /** Linux: tcp4_gso_segment(), tcp_gso_segment(). */
    @Override
    @HotPath
    public @Nullable SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) {
        SkbSharedInfo info = skb.shinfo();
        if ((info.gsoType & SkbSharedInfo.SKB_GSO_TCPV4) == 0 || !skb.mayPull(cpu, TcpHdr.LENGTH)) {
            return null;
        }
        int thLen = TcpHdr.lengthAt(skb.transportAddress());
        int mss = info.gsoSize;
        if (thLen < TcpHdr.LENGTH || !skb.mayPull(cpu, thLen) || skb.len - thLen <= mss) {
            return null;
        }
        skb.pull(thLen);
        if ((features & NetdevFeatures.NETIF_F_GSO_ROBUST) != 0 && NetdevFeatures.gsoOk(features, info.gsoType)) {
            info.gsoSegs = (skb.len + mss - 1) / mss; // from an untrusted source, but the device can do it
            return skb;
        }
        if (skb.ipSummed != SkBuff.CHECKSUM_PARTIAL) {
            // Forwarded with a sum that covers the whole: each segment needs its own.
            skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
            skb.csumStart = skb.transportHeader;
            skb.csumOffset = TcpHdr.CHECK_OFFSET;
        }
        boolean oooOkay = skb.oooOkay;
        skb.oooOkay = false;
        SkBuff segs = SkbSegment.skbSegment(cpu, skb, features);
        if (segs == null) {
            return null;
        }
        segs.oooOkay = oooOkay;
        TcpTxTimestamp.segmented(skb, segs, Bits.getBe32(segs.transportAddress() + TcpHdr.SEQ_OFFSET), mss);
        finish(skb, segs, mss);
        return segs;
    }

    /** Numbers, flags, checksums and accounting of the segments. */
    @HotPath
    private static void finish(SkBuff whole, SkBuff segs, int mss) {
        boolean accurateEcn =
                (whole.shinfo().gsoType & SkbSharedInfo.SKB_GSO_TCP_ACCECN) != 0; // CWR is a bit of a number
        boolean copyDestructor = whole.destructor == TcpTsq.WFREE;
        int sum = 0;
        int seq = Bits.getBe32(segs.transportAddress() + TcpHdr.SEQ_OFFSET);
        SkBuff skb = segs;
        boolean first = true;
        while (true) {
            long th = skb.transportAddress();
            Bits.putBe32(th + TcpHdr.SEQ_OFFSET, seq);
            int flags = UnsafeApi.getByte(th + TcpHdr.FLAGS_OFFSET + 1);
            if (!first && !accurateEcn) {
                flags &= ~TcpHdr.CWR;
            }
            if (skb.next != null) {
                flags &= ~(TcpHdr.FIN | TcpHdr.PSH);
            }
            UnsafeApi.putByte(th + TcpHdr.FLAGS_OFFSET + 1, (byte) flags);
            checksum(skb, th);
            seq += mss;
            first = false;
            sum += skb.truesize;
            if (skb.next == null) {
                break;
            }
            if (copyDestructor) {
                skb.sk = whole.sk;
                skb.destructor = whole.destructor;
            }
            skb = skb.next;
        }
        if (copyDestructor && whole.sk instanceof TcpSock tp) {
            // The last segment to leave tells the socket: the small queue counts until then.
            SkbDestructor d = whole.destructor;
            skb.sk = tp;
            skb.destructor = d;
            whole.sk = null;
            whole.destructor = null;
            tp.wmemAllocAdd(sum - whole.truesize);
        }
    }

    @HotPath
    private static void checksum(SkBuff skb, long th) {
        long iph = skb.networkAddress();
        int len = skb.len - skb.transportOffset();
        int pseudo = ~Checksum.tcpUdpMagic(IpHdr.saddr(iph), IpHdr.daddr(iph), len, Inet.IPPROTO_TCP, 0) & 0xffff;
        Bits.putBe16(th + TcpHdr.CHECK_OFFSET, pseudo);
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
            skb.csumStart = skb.transportHeader;
            skb.csumOffset = TcpHdr.CHECK_OFFSET;
        } else {
            Bits.putBe16(th + TcpHdr.CHECK_OFFSET, Gso.makeChecksum(skb, ~pseudo));
        }
    }

    // ---- in

    /** Linux: tcp4_gro_receive(), tcp_gro_receive(). */
    @Override
    @HotPath
    public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
        int offset = Gro.groOffset(skb);
        long th = Gro.groHeader(cpu, skb, TcpHdr.LENGTH, offset);
        int thLen = th == 0 ? 0 : TcpHdr.lengthAt(th);
        if (thLen >= TcpHdr.LENGTH) {
            th = Gro.groHeader(cpu, skb, thLen, offset);
        }
        if (thLen < TcpHdr.LENGTH || th == 0 || NapiGroCb.flush(skb) == 0 && !checksumOk(skb)) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        Gro.groPull(skb, thLen);
        return merge(cpu, held, skb, th, thLen);
    }

    private static boolean checksumOk(SkBuff skb) {
        long iph = skb.dataAddress() + NapiGroCb.networkOffset(skb);
        int pseudo = Checksum.tcpUdpNofold(IpHdr.saddr(iph), IpHdr.daddr(iph), Gro.groLen(skb), Inet.IPPROTO_TCP, 0);
        return Gro.checksumValidate(skb, pseudo, false, 0);
    }

    @HotPath
    private static @Nullable SkBuff merge(Cpu cpu, GroList held, SkBuff skb, long th, int thLen) {
        int len = Gro.groLen(skb);
        int flags = Bits.getBe32(th + TcpHdr.FLAGS_OFFSET);
        SkBuff p = lookup(held, th);
        int mss = 1;
        boolean gso = skb.shinfo().gsoSize != 0;
        if (p != null) {
            mss = p.shinfo().gsoSize;
            long th2 = p.transportAddress();
            boolean differs = differs(th, th2, thLen, flags)
                    || (gso ? mss != skb.shinfo().gsoSize : Integer.compareUnsigned(len - 1, mss) >= 0)
                    || Bits.getBe32(th2 + TcpHdr.SEQ_OFFSET) + Gro.groLen(p) != Bits.getBe32(th + TcpHdr.SEQ_OFFSET);
            if (differs || Gro.skbGroReceive(cpu, p, skb) != 0) {
                mss = 1;
            } else {
                int merged = Bits.getBe32(th2 + TcpHdr.FLAGS_OFFSET) | flags & (TcpHdr.FIN | TcpHdr.PSH) << 16;
                Bits.putBe32(th2 + TcpHdr.FLAGS_OFFSET, merged);
            }
        }
        boolean flush = gso ? len != NapiGroCb.count(skb) * skb.shinfo().gsoSize : len < mss;
        flush |= (flags & FLUSH_FLAGS) != 0;
        SkBuff done = p != null && (!NapiGroCb.sameFlow(skb) || flush) ? p : null;
        if (flush) {
            NapiGroCb.orFlush(skb, 1);
        }
        return done;
    }

    @HotPath
    private static boolean differs(long th, long th2, int thLen, int flags) {
        int ignored = (TcpHdr.FIN | TcpHdr.PSH) << 16;
        if ((flags & TcpHdr.CWR << 16) != 0
                || ((flags ^ Bits.getBe32(th2 + TcpHdr.FLAGS_OFFSET)) & ~ignored) != 0
                || UnsafeApi.getInt(th + TcpHdr.ACK_SEQ_OFFSET) != UnsafeApi.getInt(th2 + TcpHdr.ACK_SEQ_OFFSET)) {
            return true;
        }
        for (int i = TcpHdr.LENGTH; i < thLen; i += 4) {
            if (UnsafeApi.getInt(th + i) != UnsafeApi.getInt(th2 + i)) {
                return true;
            }
        }
        return false;
    }

    /** The held packet of the same ports. Linux: tcp_gro_lookup(). */
    @HotPath
    private static @Nullable SkBuff lookup(GroList held, long th) {
        int ports = UnsafeApi.getInt(th);
        for (SkBuff p = held.first; p != null; p = p.next) {
            if (!NapiGroCb.sameFlow(p)) {
                continue;
            }
            if (UnsafeApi.getInt(p.transportAddress()) == ports) {
                return p;
            }
            NapiGroCb.setSameFlow(p, false);
        }
        return null;
    }

    /** Linux: tcp4_gro_complete(). */
    @Override
    @HotPath
    public int groComplete(Cpu cpu, SkBuff skb, int thOff) {
        long iph = skb.networkAddress();
        skb.transportHeader = skb.data + thOff;
        long th = skb.transportAddress();
        int pseudo = ~Checksum.tcpUdpMagic(IpHdr.saddr(iph), IpHdr.daddr(iph), skb.len - thOff, Inet.IPPROTO_TCP, 0)
                & 0xffff;
        Bits.putBe16(th + TcpHdr.CHECK_OFFSET, pseudo);
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = TcpHdr.CHECK_OFFSET;
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        SkbSharedInfo info = skb.shinfo();
        info.gsoSegs = NapiGroCb.count(skb);
        info.gsoType |= SkbSharedInfo.SKB_GSO_TCPV4;
        if (NapiGroCb.ipFixedId(skb)) {
            info.gsoType |= SkbSharedInfo.SKB_GSO_TCP_FIXEDID;
        }
        if ((UnsafeApi.getByte(th + TcpHdr.FLAGS_OFFSET + 1) & TcpHdr.CWR) != 0) {
            info.gsoType |= SkbSharedInfo.SKB_GSO_TCP_ECN;
        }
        return 0;
    }
}
