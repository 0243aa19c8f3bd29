package net.ipv4;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * IP's part of a packet's control block: cb9 input interface, cb10 flags, cb11 size of the largest fragment, cbo0
 * parsed options. TCP leaves these alone on received packets ({@code header.h4}).
 *
 * <p>Linux: struct inet_skb_parm, include/net/ip.h
 */
public final class IpSkbCb {
    public static final int IPSKB_FORWARDED = 1;
    public static final int IPSKB_FRAG_COMPLETE = 1 << 3;
    public static final int IPSKB_REROUTED = 1 << 4;
    public static final int IPSKB_DOREDIRECT = 1 << 5;
    public static final int IPSKB_FRAG_PMTU = 1 << 6;
    public static final int IPSKB_MULTIPATH = 1 << 8;
    /** The packet may be fragmented here in spite of DF. Linux: skb->ignore_df. */
    public static final int IPSKB_IGNORE_DF = 1 << 16;

    private IpSkbCb() {}

    /** Forgets everything. */
    @HotPath
    public static void clear(SkBuff skb) {
        skb.cb9 = 0;
        skb.cb10 = 0;
        skb.cb11 = 0;
        skb.cbo0 = null;
    }

    @HotPath
    public static int iif(SkBuff skb) {
        return skb.cb9;
    }

    @HotPath
    public static void iif(SkBuff skb, int ifindex) {
        skb.cb9 = ifindex;
    }

    @HotPath
    public static int flags(SkBuff skb) {
        return skb.cb10;
    }

    @HotPath
    public static void flags(SkBuff skb, int flags) {
        skb.cb10 = flags;
    }

    @HotPath
    public static void orFlags(SkBuff skb, int bits) {
        skb.cb10 |= bits;
    }

    @HotPath
    public static boolean has(SkBuff skb, int bit) {
        return (skb.cb10 & bit) != 0;
    }

    /** Largest fragment of a reassembled packet, bytes; 0: it came whole. */
    @HotPath
    public static int fragMaxSize(SkBuff skb) {
        return skb.cb11;
    }

    @HotPath
    public static void fragMaxSize(SkBuff skb, int bytes) {
        skb.cb11 = bytes;
    }

    /** The options that {@code IpOptions.compile} found; null for a plain header. */
    @HotPath
    public static @Nullable IpOptions opt(SkBuff skb) {
        return skb.cbo0 instanceof IpOptions o ? o : null;
    }

    @HotPath
    public static void opt(SkBuff skb, @Nullable IpOptions opt) {
        skb.cbo0 = opt;
    }
}
