package net.core.dev;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * A packet's control block while it is split: cb8 to cb11, clear of what IP and the qdisc keep.
 *
 * <p>Linux: struct skb_gso_cb
 */
public final class SkbGsoCb {
    private SkbGsoCb() {}

    /** Offset of the link header from the data of the packet that is split. */
    public static int macOffset(SkBuff skb) {
        return skb.cb8;
    }

    static void setMacOffset(SkBuff skb, int v) {
        skb.cb8 = v;
    }

    /** Partial sum of the payload from {@link #csumStart} on, for a device that does not sum. */
    @HotPath
    public static int csum(SkBuff skb) {
        return skb.cb9;
    }

    /** Sets {@link #csum}. */
    public static void setCsum(SkBuff skb, int v) {
        skb.cb9 = v;
    }

    /** Where {@link #csum} begins, offset from head. */
    @HotPath
    public static int csumStart(SkBuff skb) {
        return skb.cb10;
    }

    /** Sets {@link #csumStart}. */
    public static void setCsumStart(SkBuff skb, int v) {
        skb.cb10 = v;
    }

    /** Nesting of tunnels. */
    public static int encapLevel(SkBuff skb) {
        return skb.cb11;
    }

    /** Sets {@link #encapLevel}. */
    public static void setEncapLevel(SkBuff skb, int v) {
        skb.cb11 = v;
    }
}
