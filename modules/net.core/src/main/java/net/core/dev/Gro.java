package net.core.dev;

import net.core.Cpu;
import net.core.time.HrTimer;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Generic receive offload of one NAPI instance: packets of a flow that follow each other are merged into one large
 * packet, held until the poll ends or the flow does something else.
 *
 * <p>Eight hash buckets of at most eight held packets; the hash is the one the device supplied.
 *
 * <p>Context: the instance's poller.
 *
 * <p>Linux: net/core/gro.c
 */
public final class Gro {
    /** Buckets. */
    public static final int GRO_HASH_BUCKETS = 8;
    /** Packets held per bucket. */
    public static final int MAX_GRO_SKBS = 8;

    /** Result: merged into a held packet. */
    public static final int GRO_MERGED = 0;
    /** Result: merged, and the head is free. */
    public static final int GRO_MERGED_FREE = 1;
    /** Result: held. */
    public static final int GRO_HELD = 2;
    /** Result: went up. */
    public static final int GRO_NORMAL = 3;
    /** Result: a protocol kept it. */
    public static final int GRO_CONSUMED = 4;

    private final NapiStruct napi;
    private final GroList[] hash = new GroList[GRO_HASH_BUCKETS];
    /** Buckets that hold something. */
    int bitmask;

    // Packets on their way up, in a batch.
    private @Nullable SkBuff rxFirst;
    private @Nullable SkBuff rxLast;
    private int rxCount;

    /** Packets merged into others. */
    public long merged;
    /** Packets held. */
    public long held;
    /** Merged packets handed up. */
    public long completed;

    private final HrTimer timer = new HrTimer() {
        @Override
        protected void expire(Cpu cpu, long nowNs) {
            napi.schedule(cpu);
        }
    };

    Gro(NapiStruct napi) {
        this.napi = napi;
        for (int i = 0; i < GRO_HASH_BUCKETS; i++) {
            hash[i] = new GroList();
        }
    }

    void startTimer(Cpu cpu, long timeoutNs) {
        timer.start(cpu, cpu.nowNs() + timeoutNs);
    }

    void stopTimer() {
        timer.cancel();
    }

    // In.

    @HotPath
    int groReceive(Cpu cpu, SkBuff skb) {
        // Headers of a packet in fragments only are looked at in place by pulling them: keep one linear base.
        NapiGroCb.setDataOffset(skb, 0);
        int ret = devGroReceive(cpu, skb);
        switch (ret) {
            case GRO_NORMAL -> normalOne(cpu, skb);
            case GRO_MERGED_FREE -> {
                merged++;
                skb.consume(cpu);
            }
            case GRO_MERGED -> merged++;
            default -> {}
        }
        return ret;
    }

    private int devGroReceive(Cpu cpu, SkBuff skb) {
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null || (dev.features & NetdevFeatures.NETIF_F_GRO) == 0) {
            return GRO_NORMAL;
        }
        OffloadCallbacks ptype = cpu.sd.globals().offloadFor(skb.protocol);
        if (ptype == null) {
            return GRO_NORMAL;
        }
        int bucket = skb.hash & GRO_HASH_BUCKETS - 1;
        GroList list = hash[bucket];
        listPrepare(list, skb);
        initCb(skb);
        skb.resetNetworkHeader();
        skb.resetMacLen();
        NapiGroCb.setNetworkOffset(skb, 0);

        SkBuff pp = ptype.groReceive(cpu, list, skb);
        boolean sameFlow = NapiGroCb.sameFlow(skb);
        int ret = NapiGroCb.free(skb) > 0 ? GRO_MERGED_FREE : GRO_MERGED;
        if (pp != null) {
            list.remove(pp);
            groComplete(cpu, pp);
        }
        if (!sameFlow) {
            if (NapiGroCb.flush(skb) != 0) {
                ret = GRO_NORMAL;
            } else {
                hold(cpu, list, skb);
                ret = GRO_HELD;
            }
        }
        if (list.count != 0) {
            bitmask |= 1 << bucket;
        } else {
            bitmask &= ~(1 << bucket);
        }
        return ret;
    }

    private static void initCb(SkBuff skb) {
        SkbSharedInfo info = skb.shinfo();
        boolean gso = info.gsoSize != 0;
        int flush = info.fragList != null ? 1 : 0;
        int count = 1;
        if (gso) {
            count = Math.max(1, info.gsoSegs);
            if (!skb.isGsoTcp() || (info.gsoType & SkbSharedInfo.SKB_GSO_DODGY) != 0) {
                flush = 1;
            }
        }
        skb.cb2 = flush;
        skb.cb3 = 0;
        skb.cb4 = count;
        skb.cb5 = 0;
        skb.cb6 = 0;
        skb.cbo0 = null;
        switch (skb.ipSummed) {
            case SkBuff.CHECKSUM_COMPLETE -> {
                skb.cb6 = skb.csum;
                NapiGroCb.setCsumValid(skb, true);
                skb.cb0 = 0;
            }
            case SkBuff.CHECKSUM_UNNECESSARY -> skb.cb0 = skb.csumLevel + 1;
            default -> skb.cb0 = 0;
        }
    }

    /** Marks the held packets that could be of the same flow as far as the link layer tells. */
    private static void listPrepare(GroList list, SkBuff skb) {
        for (SkBuff p = list.first; p != null; p = p.next) {
            boolean same = p.hash == skb.hash
                    && p.dev == skb.dev
                    && p.vlanPresent == skb.vlanPresent
                    && p.vlanTci == skb.vlanTci
                    && sameMacHeader(p, skb);
            NapiGroCb.setSameFlow(p, same);
        }
    }

    private static boolean sameMacHeader(SkBuff p, SkBuff skb) {
        if (!p.macHeaderWasSet() || !skb.macHeaderWasSet()) {
            return p.macHeaderWasSet() == skb.macHeaderWasSet();
        }
        long a = p.macAddress();
        long b = skb.macAddress();
        return EthHdr.addr48(a) == EthHdr.addr48(b)
                && EthHdr.addr48(a + EthHdr.SOURCE_OFFSET) == EthHdr.addr48(b + EthHdr.SOURCE_OFFSET);
    }

    private void hold(Cpu cpu, GroList list, SkBuff skb) {
        if (list.count >= MAX_GRO_SKBS) {
            SkBuff oldest = list.last;
            if (oldest != null) {
                list.remove(oldest);
                groComplete(cpu, oldest);
            }
        }
        NapiGroCb.setAge(skb, cpu.jiffies());
        NapiGroCb.setLast(skb, null);
        if (skb.shinfo().gsoSize == 0) {
            skb.shinfo().gsoSize = groLen(skb);
        }
        list.addFirst(skb);
        held++;
    }

    // Out.

    /** A merged packet gets its headers right and goes up. Linux: napi_gro_complete(). */
    private void groComplete(Cpu cpu, SkBuff skb) {
        int count = NapiGroCb.count(skb);
        if (count == 1) {
            skb.shinfo().gsoSize = 0;
        } else {
            OffloadCallbacks ptype = cpu.sd.globals().offloadFor(skb.protocol);
            int err = ptype == null ? -Errno.ENOENT : ptype.groComplete(cpu, skb, 0);
            if (err != 0) {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                return;
            }
            completed++;
        }
        normalOne(cpu, skb);
    }

    /** Hands up what is held; with {@code flushOld} only what has waited a jiffy. Linux: napi_gro_flush(). */
    @HotPath
    void flush(Cpu cpu, boolean flushOld) {
        int bits = bitmask;
        while (bits != 0) {
            int i = Integer.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            flushChain(cpu, i, flushOld);
        }
    }

    private void flushChain(Cpu cpu, int index, boolean flushOld) {
        GroList list = hash[index];
        // Oldest first, so that packets go up in order.
        for (SkBuff skb = list.last; skb != null; ) {
            if (flushOld && NapiGroCb.age(skb) == cpu.jiffies()) {
                return;
            }
            SkBuff newer = skb.prev;
            list.remove(skb);
            groComplete(cpu, skb);
            skb = newer;
        }
        bitmask &= ~(1 << index);
    }

    /** Adds to the batch that goes up. Linux: gro_normal_one(). */
    private void normalOne(Cpu cpu, SkBuff skb) {
        skb.next = null;
        skb.prev = null;
        SkBuff l = rxLast;
        if (l == null) {
            rxFirst = skb;
        } else {
            l.next = skb;
        }
        rxLast = skb;
        rxCount++;
        if (rxCount >= cpu.sd.globals().groNormalBatch) {
            normalList(cpu);
        }
    }

    /** Hands the batch up. Linux: gro_normal_list(). */
    @HotPath
    void normalList(Cpu cpu) {
        SkBuff skb = rxFirst;
        if (skb == null) {
            return;
        }
        rxFirst = null;
        rxLast = null;
        rxCount = 0;
        DevReceive.netifReceiveSkbList(cpu, skb);
    }

    /** Packets held in a bucket, for tests. */
    int heldCount() {
        int n = 0;
        for (GroList l : hash) {
            n += l.count;
        }
        return n;
    }

    void dropAll(Cpu cpu) {
        for (GroList l : hash) {
            for (SkBuff skb = l.first; skb != null; skb = l.first) {
                l.remove(skb);
                skb.kfree(cpu, SkbDropReason.DEV_READY);
            }
        }
        bitmask = 0;
        SkBuff.freeList(cpu, rxFirst, SkbDropReason.DEV_READY);
        rxFirst = null;
        rxLast = null;
        rxCount = 0;
    }

    // For protocols.

    /** Bytes from the present offset on. Linux: skb_gro_len(). */
    @HotPath
    public static int groLen(SkBuff skb) {
        return skb.len - NapiGroCb.dataOffset(skb);
    }

    /** The present header is done with: on by {@code n}. Linux: skb_gro_pull(). */
    @HotPath
    public static void groPull(SkBuff skb, int n) {
        skb.cb1 += n;
    }

    /** Offset of the present header from {@code skb.data}. Linux: skb_gro_offset(). */
    @HotPath
    public static int groOffset(SkBuff skb) {
        return skb.cb1;
    }

    /**
     * Address of {@code hlen} bytes at {@code offset} from {@code skb.data}, pulled into the linear part if need be; 0 if
     * the packet is too short.
     *
     * <p>Linux: skb_gro_header()
     */
    @HotPath
    public static long groHeader(Cpu cpu, SkBuff skb, int hlen, int offset) {
        if (offset + hlen > skb.headlen() && !skb.mayPull(cpu, offset + hlen)) {
            return 0;
        }
        return skb.dataAddress() + offset;
    }

    /**
     * Checks the checksum from the present offset on, with {@code pseudo} the pseudo header's partial sum, unless the
     * device did.
     *
     * @return true if it is right
     *     <p>Linux: skb_gro_checksum_validate(), include/net/gro.h
     */
    @HotPath
    public static boolean checksumValidate(SkBuff skb, int pseudo, boolean zeroOkay, int check) {
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL && skb.checksumStartOffset() >= NapiGroCb.dataOffset(skb)) {
            return true;
        }
        if (NapiGroCb.csumCnt(skb) > 0) {
            NapiGroCb.setCsumCnt(skb, NapiGroCb.csumCnt(skb) - 1);
            return true;
        }
        if (zeroOkay && check == 0) {
            return true;
        }
        int off = NapiGroCb.dataOffset(skb);
        int sum;
        if (NapiGroCb.csumValid(skb)) {
            sum = NapiGroCb.csum(skb);
        } else {
            sum = skb.checksum(off, skb.len - off, 0);
        }
        if (Checksum.fold(Checksum.add(sum, pseudo)) != 0) {
            return false;
        }
        // The next check of this packet, above GRO, need not be made.
        if (skb.ipSummed != SkBuff.CHECKSUM_COMPLETE) {
            skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
            skb.csumLevel = 0;
        }
        return true;
    }

    /** Takes a header of {@code len} bytes at {@code addr} off the running sum. Linux: skb_gro_postpull_rcsum(). */
    @HotPath
    public static void postpullRcsum(SkBuff skb, long addr, int len) {
        if (NapiGroCb.csumValid(skb)) {
            NapiGroCb.setCsum(skb, Checksum.sub(NapiGroCb.csum(skb), Checksum.partial(addr, len, 0)));
        }
    }

    /**
     * Appends the payload of {@code skb}, from its present offset on, to the held packet {@code p}.
     *
     * @return 0, or -E2BIG if the result would be too large
     *     <p>Linux: skb_gro_receive(), net/core/gro.c
     */
    @HotPath
    public static int skbGroReceive(Cpu cpu, SkBuff p, SkBuff skb) {
        int offset = NapiGroCb.dataOffset(skb);
        int len = skb.len - offset;
        NetDevice dev = (NetDevice) p.dev;
        int max = dev == null ? NetDevice.GSO_LEGACY_MAX_SIZE : dev.groMaxSize;
        // The network layer marks a held packet whose header differs from the new one's (TTL, TOS, DF, identification).
        if (p.len + len >= max || (NapiGroCb.flush(skb) | NapiGroCb.flush(p)) != 0) {
            return -Errno.E2BIG;
        }
        int segs = NapiGroCb.count(skb);
        if (offset > skb.headlen() && !skb.mayPull(cpu, offset)) {
            return -Errno.ENOMEM;
        }
        skb.pull(offset);
        SkBuff last = NapiGroCb.last(p);
        if (last.tryCoalesce(skb)) {
            NapiGroCb.setFree(skb, NapiGroCb.NAPI_GRO_FREE_STOLEN_HEAD);
            if (last != p) {
                p.len += len;
                p.dataLen += len;
                p.truesize += last.coalesceDelta;
            }
        } else {
            appendToFragList(p, last, skb, len);
        }
        NapiGroCb.setCount(p, NapiGroCb.count(p) + segs);
        NapiGroCb.setSameFlow(skb, true);
        return 0;
    }

    private static void appendToFragList(SkBuff p, SkBuff last, SkBuff skb, int len) {
        skb.orphan();
        skb.next = null;
        skb.prev = null;
        if (last == p) {
            p.shinfo().fragList = skb;
        } else {
            last.next = skb;
        }
        NapiGroCb.setLast(p, skb);
        skb.releaseHeader();
        p.len += len;
        p.dataLen += len;
        p.truesize += skb.truesize;
    }
}
