package net.core.dev;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A packet's control block while GRO looks at it.
 *
 * <p>Linux: struct napi_gro_cb, include/net/gro.h
 */
public final class NapiGroCb {
    /** {@link #free}: the head and the bytes before the payload are of no use any more. */
    public static final int NAPI_GRO_FREE = 1;
    /** {@link #free}: as above, and the linear page went to the merged packet. */
    public static final int NAPI_GRO_FREE_STOLEN_HEAD = 2;

    private static final int SAME_FLOW = 1;
    private static final int CSUM_VALID = 2;
    private static final int IP_FIXEDID = 4;
    private static final int IS_IPV6 = 8;
    private static final int IS_FLIST = 16;
    private static final int ENCAP_MARK = 32;

    private NapiGroCb() {}

    /** Offset of the next header from {@code skb.data}. Linux: skb_gro_offset(). */
    @HotPath
    public static int dataOffset(SkBuff skb) {
        return skb.cb1;
    }

    static void setDataOffset(SkBuff skb, int off) {
        skb.cb1 = off;
    }

    /** Non-zero: must not be held for merging. Functions or bits into it. */
    @HotPath
    public static int flush(SkBuff skb) {
        return skb.cb2;
    }

    /** Adds reasons not to hold {@code skb}. */
    @HotPath
    public static void orFlush(SkBuff skb, int bits) {
        skb.cb2 |= bits;
    }

    /** Sets {@link #flush}. */
    public static void setFlush(SkBuff skb, int value) {
        skb.cb2 = value;
    }

    /** How many packets this one stands for. */
    @HotPath
    public static int count(SkBuff skb) {
        return skb.cb4;
    }

    static void setCount(SkBuff skb, int n) {
        skb.cb4 = n;
    }

    /** One of {@code NAPI_GRO_FREE*} after a merge, else 0. */
    public static int free(SkBuff skb) {
        return skb.cb3;
    }

    static void setFree(SkBuff skb, int v) {
        skb.cb3 = v;
    }

    private static boolean bit(SkBuff skb, int bit) {
        return (skb.cb5 & bit) != 0;
    }

    private static void setBit(SkBuff skb, int bit, boolean on) {
        skb.cb5 = on ? skb.cb5 | bit : skb.cb5 & ~bit;
    }

    /** On a held packet: still looks like the flow of the new one. On the new one: was merged. */
    @HotPath
    public static boolean sameFlow(SkBuff skb) {
        return bit(skb, SAME_FLOW);
    }

    /** Sets {@link #sameFlow}. */
    @HotPath
    public static void setSameFlow(SkBuff skb, boolean on) {
        setBit(skb, SAME_FLOW, on);
    }

    /** {@link #csum} holds the sum from {@link #dataOffset} on. */
    public static boolean csumValid(SkBuff skb) {
        return bit(skb, CSUM_VALID);
    }

    static void setCsumValid(SkBuff skb, boolean on) {
        setBit(skb, CSUM_VALID, on);
    }

    /** IP identifications of this flow do not change. */
    public static boolean ipFixedId(SkBuff skb) {
        return bit(skb, IP_FIXEDID);
    }

    /** Sets {@link #ipFixedId}. */
    public static void setIpFixedId(SkBuff skb, boolean on) {
        setBit(skb, IP_FIXEDID, on);
    }

    /** The inner network header is IPv6. */
    public static boolean isIpv6(SkBuff skb) {
        return bit(skb, IS_IPV6);
    }

    /** Sets {@link #isIpv6}. */
    public static void setIsIpv6(SkBuff skb, boolean on) {
        setBit(skb, IS_IPV6, on);
    }

    /** Merged as a list of whole packets. */
    public static boolean isFlist(SkBuff skb) {
        return bit(skb, IS_FLIST);
    }

    /** Sets {@link #isFlist}. */
    public static void setIsFlist(SkBuff skb, boolean on) {
        setBit(skb, IS_FLIST, on);
    }

    /** Inside a tunnel. */
    public static boolean encapMark(SkBuff skb) {
        return bit(skb, ENCAP_MARK);
    }

    /** Sets {@link #encapMark}. */
    public static void setEncapMark(SkBuff skb, boolean on) {
        setBit(skb, ENCAP_MARK, on);
    }

    /** Partial sum of the bytes from {@link #dataOffset} on, if {@link #csumValid}. */
    public static int csum(SkBuff skb) {
        return skb.cb6;
    }

    static void setCsum(SkBuff skb, int csum) {
        skb.cb6 = csum;
    }

    /** Offset of the network header from {@code skb.data}. */
    @HotPath
    public static int networkOffset(SkBuff skb) {
        return skb.cb7;
    }

    /** Sets {@link #networkOffset}. */
    @HotPath
    public static void setNetworkOffset(SkBuff skb, int off) {
        skb.cb7 = off;
    }

    /** Checksums that the device vouched for and are not used up. */
    static int csumCnt(SkBuff skb) {
        return skb.cb0;
    }

    static void setCsumCnt(SkBuff skb, int n) {
        skb.cb0 = n;
    }

    /** Jiffies when held. */
    static long age(SkBuff skb) {
        return skb.cbl1;
    }

    static void setAge(SkBuff skb, long jiffies) {
        skb.cbl1 = jiffies;
    }

    /** The packet whose end is the merged packet's end. */
    static SkBuff last(SkBuff skb) {
        SkBuff l = (SkBuff) skb.cbo0;
        return l == null ? skb : l;
    }

    static void setLast(SkBuff skb, @Nullable SkBuff last) {
        skb.cbo0 = last;
    }
}
