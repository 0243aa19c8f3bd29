package net.core.dev;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * A packet's control block while a qdisc owns it. cb0 holds the length on the wire; cb1 the class; cb2, cb3, cbl0 and cbl1
 * are the qdisc's own. cb8 and above belong to {@link SkbGsoCb}.
 *
 * <p>Linux: struct qdisc_skb_cb
 */
public final class QdiscSkbCb {
    private QdiscSkbCb() {}

    /** Bytes on the wire, with one header for each GSO segment. Linux: qdisc_pkt_len(). */
    @HotPath
    public static int pktLen(SkBuff skb) {
        return skb.cb0;
    }

    /** Sets {@link #pktLen}. */
    @HotPath
    public static void setPktLen(SkBuff skb, int len) {
        skb.cb0 = len;
    }

    /** Class chosen by a filter. */
    public static int tcClassid(SkBuff skb) {
        return skb.cb1;
    }

    /** Sets {@link #tcClassid}. */
    public static void setTcClassid(SkBuff skb, int classid) {
        skb.cb1 = classid;
    }

    /** Computes {@link #pktLen}. Linux: qdisc_pkt_len_init(), net/core/dev.c */
    @HotPath
    static void pktLenInit(SkBuff skb) {
        int len = skb.len;
        int gsoSize = skb.shinfo().gsoSize;
        if (gsoSize != 0 && skb.transportHeader >= 0) {
            int segs = skb.shinfo().gsoSegs;
            int hdrLen = skb.transportOffset() + Gso.transportHeaderLen(skb);
            if ((skb.shinfo().gsoType & net.skbuff.SkbSharedInfo.SKB_GSO_DODGY) != 0) {
                segs = Math.max(1, (skb.len - hdrLen + gsoSize - 1) / gsoSize);
            }
            len += Math.max(0, segs - 1) * hdrLen;
        }
        skb.cb0 = len;
    }
}
