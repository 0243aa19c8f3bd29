package net.tcp;

import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Gro;
import net.core.dev.GroList;
import net.core.dev.Gso;
import net.core.dev.NapiGroCb;
import net.core.dev.NetdevFeatures;
import net.core.dev.OffloadCallbacks;
import net.core.dev.SkbSegment;
import net.core.sock.Sock;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDestructor;
import net.skbuff.SkbOwner;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * TCP's part of segmentation and receive offload: cuts one large packet into segments of gso_size with their own
 * sequence numbers and checksums, and merges segments that follow each other into one large packet.
 *
 * <p>Context: softirq or transmit, CPU word held. Flyweights are kept for each CPU.
 *
 * <p>Linux: net/ipv4/tcp_offload.c
 */
public final class TcpOffload implements OffloadCallbacks {
    private static final int IP_SADDR_OFFSET = 12;
    private static final int IP_DADDR_OFFSET = 16;
    private static final int PROTOCOL = 6;
    /** What may differ between segments of one merged packet. */
    private static final int FLAGS_THAT_MAY_DIFFER = TcpHdr.CWR | TcpHdr.FIN | TcpHdr.PSH;

    private static final int FLAGS_THAT_END_A_MERGE =
            TcpHdr.URG | TcpHdr.PSH | TcpHdr.RST | TcpHdr.SYN | TcpHdr.FIN;

    private final TcpHdr[] mine;
    private final TcpHdr[] theirs;

    /** Callbacks for one kernel; TCP over IPv4. */
    public TcpOffload(Kernel kernel) {
        mine = new TcpHdr[kernel.cpus()];
        theirs = new TcpHdr[kernel.cpus()];
        for (int i = 0; i < mine.length; i++) {
            mine[i] = new TcpHdr();
            theirs[i] = new TcpHdr();
        }
    }

    private static int address(SkBuff skb, int offset) {
        return Integer.reverseBytes(UnsafeApi.getInt(skb.networkAddress() + offset));
    }

    /** The pseudo header's sum as a checksum field carries it before the device or we fill in the rest. */
    private static int pseudo(SkBuff skb, int len) {
        return Checksum.sum16(Checksum.tcpUdpNofold(
                address(skb, IP_SADDR_OFFSET), address(skb, IP_DADDR_OFFSET), len, PROTOCOL, 0));
    }

    // Out.

    /** {@inheritDoc} Linux: tcp4_gso_segment(), tcp_gso_segment(). */
    @Override
    @HotPath
    public @Nullable SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) {
        if ((skb.shinfo().gsoType & SkbSharedInfo.SKB_GSO_TCPV4) == 0 || !skb.mayPull(cpu, TcpHdr.LENGTH)) {
            return null;
        }
        int headerBytes = mine[cpu.id].wrap(skb).headerLength();
        if (headerBytes < TcpHdr.LENGTH || !skb.mayPull(cpu, headerBytes)) {
            return null;
        }
        TcpHdr th = mine[cpu.id].wrap(skb);
        if (skb.ipSummed != SkBuff.CHECKSUM_PARTIAL) {
            th.check(pseudo(skb, skb.len));
            skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
            skb.csumStart = skb.transportHeader;
            skb.csumOffset = TcpHdr.CHECK_OFFSET;
        }
        int mss = skb.shinfo().gsoSize;
        int payload = skb.len - headerBytes;
        if (payload <= mss) {
            return null;
        }
        skb.pull(headerBytes);
        if (NetdevFeatures.gsoOk(features | NetdevFeatures.NETIF_F_GSO_ROBUST, skb.shinfo().gsoType)) {
            // Only its provenance was in doubt: the device may cut it, once the count is right.
            skb.shinfo().gsoSegs = (payload + mss - 1) / mss;
            return skb;
        }
        SkbOwner owner = skb.sk;
        SkbDestructor destructor = skb.destructor;
        SkBuff segments = SkbSegment.skbSegment(cpu, skb, features);
        if (segments != null) {
            number(cpu, segments, headerBytes, mss);
            if (owner instanceof Sock sk && destructor == TcpTsq.WFREE) {
                moveCharge(skb, sk, destructor, segments);
            }
        }
        return segments;
    }

    /** Gives each segment its sequence number, flags and checksum. */
    private void number(Cpu cpu, SkBuff segments, int headerBytes, int mss) {
        TcpHdr th = mine[cpu.id];
        int seq = th.wrap(segments).seq();
        for (SkBuff s = segments; s != null; s = s.next) {
            th.wrap(s);
            int flags = th.flags();
            if (s.next != null) {
                flags &= ~(TcpHdr.FIN | TcpHdr.PSH);
            }
            if (s != segments) {
                th.seq(seq);
                flags &= ~TcpHdr.CWR;
            }
            th.flags(flags);
            int len = s.len - (s.transportHeader - s.data);
            int pseudo = pseudo(s, len);
            th.check(pseudo);
            if (s.ipSummed != SkBuff.CHECKSUM_PARTIAL) {
                th.check(Gso.makeChecksum(s, Checksum.unfold(~pseudo)));
            }
            seq += mss;
        }
        assert headerBytes >= TcpHdr.LENGTH;
    }

    /**
     * The segments, not the packet they were cut from, hold the sender's write memory from here on: so TSQ counts what
     * is really on its way.
     */
    private static void moveCharge(SkBuff whole, Sock sk, SkbDestructor destructor, SkBuff segments) {
        int sum = 0;
        for (SkBuff s = segments; s != null; s = s.next) {
            s.sk = sk;
            s.destructor = destructor;
            sum += s.truesize;
        }
        sk.wmemAllocAdd(sum - whole.truesize);
        whole.sk = null;
        whole.destructor = null;
    }

    // In.

    /** {@inheritDoc} Linux: tcp4_gro_receive(). */
    @Override
    @HotPath
    public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
        int off = Gro.groOffset(skb);
        long at = Gro.groHeader(cpu, skb, TcpHdr.LENGTH, off);
        if (at == 0) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        TcpHdr th = mine[cpu.id].wrap(at);
        int headerBytes = th.headerLength();
        if (headerBytes < TcpHdr.LENGTH) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        if (NapiGroCb.flush(skb) == 0) {
            long ip = skb.dataAddress() + NapiGroCb.networkOffset(skb);
            int sum = Checksum.tcpUdpNofold(
                    Integer.reverseBytes(UnsafeApi.getInt(ip + IP_SADDR_OFFSET)),
                    Integer.reverseBytes(UnsafeApi.getInt(ip + IP_DADDR_OFFSET)),
                    Gro.groLen(skb),
                    PROTOCOL,
                    0);
            if (!Gro.checksumValidate(skb, sum, false, th.check())) {
                NapiGroCb.orFlush(skb, 1);
                return null;
            }
        }
        at = Gro.groHeader(cpu, skb, headerBytes, off);
        if (at == 0) {
            NapiGroCb.orFlush(skb, 1);
            return null;
        }
        th.wrap(at);
        Gro.postpullRcsum(skb, at, headerBytes);
        Gro.groPull(skb, headerBytes);
        return tcpGroReceive(cpu, held, skb, th, headerBytes);
    }

    /** Merges into the held packet of the same connection if the segment continues it. Linux: tcp_gro_receive(). */
    private @Nullable SkBuff tcpGroReceive(Cpu cpu, GroList held, SkBuff skb, TcpHdr th, int headerBytes) {
        int len = Gro.groLen(skb);
        int flags = th.flags();
        SkBuff p = find(cpu, held, th);
        int mss = 1;
        if (p != null) {
            TcpHdr th2 = theirs[cpu.id].wrap(p);
            mss = p.shinfo().gsoSize;
            boolean flush = NapiGroCb.flush(p) != 0
                    || (flags & TcpHdr.CWR) != 0
                    || ((flags ^ th2.flags()) & ~FLAGS_THAT_MAY_DIFFER) != 0
                    || th.ackSeq() != th2.ackSeq()
                    || th2.headerLength() != headerBytes
                    || optionsDiffer(th, th2, headerBytes);
            int gsoSize = skb.shinfo().gsoSize;
            if (gsoSize != 0) {
                flush |= mss != gsoSize;
            } else {
                flush |= Integer.compareUnsigned(len - 1, mss) >= 0;
            }
            flush |= th2.seq() + Gro.groLen(p) != th.seq();
            if (flush || Gro.skbGroReceive(cpu, p, skb) != 0) {
                mss = 1;
            } else {
                th2.flags(th2.flags() | flags & (TcpHdr.FIN | TcpHdr.PSH));
            }
        }
        SkbSharedInfo info = skb.shinfo();
        boolean last = info.gsoSize != 0 ? len != info.gsoSegs * info.gsoSize : len < mss;
        last |= (flags & FLAGS_THAT_END_A_MERGE) != 0;
        if (last) {
            NapiGroCb.orFlush(skb, 1);
        }
        return p != null && (!NapiGroCb.sameFlow(skb) || last) ? p : null;
    }

    private @Nullable SkBuff find(Cpu cpu, GroList held, TcpHdr th) {
        TcpHdr th2 = theirs[cpu.id];
        SkBuff found = null;
        for (SkBuff p = held.first; p != null && found == null; p = p.next) {
            if (!NapiGroCb.sameFlow(p)) {
                continue;
            }
            th2.wrap(p);
            if (th2.source() == th.source() && th2.dest() == th.dest()) {
                found = p;
            } else {
                NapiGroCb.setSameFlow(p, false);
            }
        }
        return found;
    }

    private static boolean optionsDiffer(TcpHdr a, TcpHdr b, int headerBytes) {
        for (int i = TcpHdr.LENGTH; i < headerBytes; i += 4) {
            if (UnsafeApi.getInt(a.address() + i) != UnsafeApi.getInt(b.address() + i)) {
                return true;
            }
        }
        return false;
    }

    /** {@inheritDoc} Linux: tcp4_gro_complete(), tcp_gro_complete(). */
    @Override
    @HotPath
    public int groComplete(Cpu cpu, SkBuff skb, int nhoff) {
        TcpHdr th = mine[cpu.id].wrap(skb.dataAddress() + nhoff);
        th.check(pseudo(skb, skb.len - nhoff));
        skb.csumStart = skb.data + nhoff;
        skb.csumOffset = TcpHdr.CHECK_OFFSET;
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        SkbSharedInfo info = skb.shinfo();
        info.gsoSegs = NapiGroCb.count(skb);
        info.gsoType |= SkbSharedInfo.SKB_GSO_TCPV4;
        if (NapiGroCb.ipFixedId(skb)) {
            info.gsoType |= SkbSharedInfo.SKB_GSO_TCP_FIXEDID;
        }
        if (th.cwr()) {
            info.gsoType |= SkbSharedInfo.SKB_GSO_TCP_ECN;
        }
        return 0;
    }
}
