package net.ipv4;

import java.util.concurrent.atomic.AtomicIntegerArray;
import net.core.Cpu;
import net.core.Kernel;
import net.ipv4.inet.InetSock;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Identifiers of datagrams: a connected socket counts by itself; a packet that can't be fragmented needs none; others
 * take from counters chosen by a keyed hash of addresses and protocol, which jump by a random step as time passes, so
 * that nobody can count our packets.
 *
 * <p><b>Context:</b> any.
 *
 * <p>Linux: ip_select_ident_segs(), ip_idents_reserve(), net/ipv4/route.c
 */
public final class IpIdent {
    private static final int BUCKETS = 2048;

    private final Kernel kernel;
    private final SipHash key;
    private final AtomicIntegerArray idents = new AtomicIntegerArray(BUCKETS);
    private final AtomicIntegerArray stamps = new AtomicIntegerArray(BUCKETS);
    private final int start;

    IpIdent(Kernel kernel) {
        this.kernel = kernel;
        this.key = kernel.bootSecret("ip_idents");
        this.start = (int) key.hash(0);
    }

    /** Sets the identifier of a header whose addresses and flags are there. */
    @HotPath
    public static void select(Cpu cpu, Ipv4Net v4, SkBuff skb, long iph, @Nullable InetSock sk, int segs) {
        if (sk != null && sk.daddr != 0) {
            IpHdr.id(iph, sk.nextIds(segs));
            return;
        }
        if ((IpHdr.fragOff(iph) & IpHdr.IP_DF) != 0 && !IpSkbCb.has(skb, IpSkbCb.IPSKB_IGNORE_DF)) {
            IpHdr.id(iph, 0);
            return;
        }
        IpHdr.id(iph, v4.ident.reserve(cpu, IpHdr.daddr(iph), IpHdr.saddr(iph), IpHdr.protocol(iph), segs));
    }

    @HotPath
    private int reserve(Cpu cpu, int daddr, int saddr, int protocol, int segs) {
        int bucket = (int) key.hash32(daddr, saddr, protocol) & BUCKETS - 1;
        int now = (int) cpu.jiffies();
        int old = stamps.getOpaque(bucket);
        int delta = 0;
        if (old != now && stamps.compareAndSet(bucket, old, now)) {
            delta = kernel.getRandomBelow(Math.max(1, Math.abs(now - old)));
        }
        return idents.getAndAdd(bucket, segs + delta) + delta + start & 0xffff;
    }

    /** A keyed hash of a pair of addresses, for spreading. */
    @HotPath
    int flowHash(int saddr, int daddr) {
        return (int) key.hash32(saddr, daddr);
    }
}
