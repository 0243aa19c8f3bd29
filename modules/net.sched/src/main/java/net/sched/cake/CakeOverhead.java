package net.sched.cake;

import net.core.dev.Gso;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * What a packet takes on the link: framing that the host does not see, cells, a least size.
 *
 * <p>Linux: cake_overhead(), cake_calc_overhead()
 */
final class CakeOverhead {
    static final int NOATM = 0;
    static final int ATM = 1;
    static final int PTM = 2;

    /** Bytes beside the IP packet; counted only if not {@link #raw}. */
    int overhead;

    int mpu;
    int atm;
    /** As the host sees it, with its own link header. */
    boolean raw = true;

    int minNetlen = 0xffff;
    int maxNetlen;
    int minAdjlen = 0xffff;
    int maxAdjlen;
    private long avgNetoff;

    private int one(int length, int off) {
        int len = raw ? length : length - off;
        maxNetlen = Math.max(maxNetlen, len);
        minNetlen = Math.min(minNetlen, len);
        len = Math.max(len + overhead, mpu);
        if (atm == ATM) {
            len = (len + 47) / 48 * 53;
        } else if (atm == PTM) {
            len += (len + 63) / 64; // a byte in 65 is the framing's
        }
        maxAdjlen = Math.max(maxAdjlen, len);
        minAdjlen = Math.min(minAdjlen, len);
        return len;
    }

    /** Bytes on the link, of all segments if it is a GSO packet. */
    @HotPath
    int of(SkBuff skb) {
        int off = skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        avgNetoff += ((long) off << 16) - avgNetoff >> 8;
        int gsoSize = skb.shinfo().gsoSize;
        if (gsoSize == 0 || skb.transportHeader < 0) {
            return one(skb.len, off);
        }
        int hdrLen = skb.transportOffset() + Gso.transportHeaderLen(skb);
        int segs = Math.max(1, skb.shinfo().gsoSegs);
        int last = skb.len - hdrLen - gsoSize * (segs - 1);
        return one(gsoSize + hdrLen, off) * (segs - 1) + one(Math.max(last, 0) + hdrLen, off);
    }

    void dump(TcPrint p) {
        p.flag("raw", raw, "raw ");
        if (atm != NOATM || overhead != 0 && !raw) {
            String s = atm == ATM ? "atm" : atm == PTM ? "ptm" : "noatm";
            p.str("atm", "", s, " ");
        } else if (p.isJson()) {
            p.str("atm", "", "noatm", "");
        }
        p.num("overhead", "overhead ", overhead, " ");
        if (mpu != 0) {
            p.num("mpu", "mpu ", mpu, " ");
        }
    }

    void dumpStats(TcPrint p) {
        p.value("min_network_size", minNetlen, String.format(" min/max network layer size: %12d", minNetlen));
        p.value("max_network_size", maxNetlen, String.format(" /%8d\n", maxNetlen));
        p.value("min_adj_size", minAdjlen, String.format(" min/max overhead-adjusted size: %8d", minAdjlen));
        p.value("max_adj_size", maxAdjlen, String.format(" /%8d\n", maxAdjlen));
        long off = avgNetoff + 0x8000 >> 16;
        p.value("avg_hdr_offset", off, String.format(" average network hdr offset: %12d\n\n", off));
    }
}
