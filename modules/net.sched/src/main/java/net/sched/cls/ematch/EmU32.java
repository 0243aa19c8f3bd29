package net.sched.cls.ematch;

import java.util.Locale;
import net.core.Cpu;
import net.sched.cls.ClsWords;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code u32(u16 0x1122 0xffff at 4)}: a word of the network header under a mask, as a key of the u32 classifier. There is
 * no next header here: {@code nexthdr+} is read and shown, and means 0.
 *
 * <p>Linux: net/sched/em_u32.c; tc/em_u32.c
 */
record EmU32(int val, int mask, int off, boolean nextHdr) implements Ematch {
    static EmU32 parse(EmatchArgs a) {
        int bits = a.take("u8") ? 8 : a.take("u16") ? 16 : a.take("u32") ? 32 : 0;
        if (bits == 0) {
            throw a.error("invalid alignment");
        }
        long key = a.number("key");
        long mask = a.number("mask");
        if (key >>> bits != 0 || mask >>> bits != 0) {
            throw a.error("illegal key or mask (of more than " + bits + " bits)");
        }
        if (!a.take("at")) {
            throw a.error("missing \"at\"");
        }
        String at = a.next("offset").text();
        boolean nextHdr = at.startsWith("nexthdr+");
        if (nextHdr) {
            at = at.length() > 8 ? at.substring(8) : a.next("offset").text();
        }
        long off = ClsWords.signed(at);
        if (off == Long.MIN_VALUE || a.more() || bits == 32 && off % 4 != 0) {
            throw a.error("invalid offset");
        }
        int shift = bits == 8 ? 24 - 8 * ((int) off & 3) : bits == 16 && (off & 3) == 0 ? 16 : 0;
        int m = (int) (mask << shift);
        return new EmU32((int) (key << shift) & m, m, (int) off & ~3, nextHdr);
    }

    @Override
    public String kind() {
        return "u32";
    }

    @Override
    @HotPath
    public boolean match(Cpu cpu, SkBuff skb) {
        long v = SkbBytes.u32(skb, EmatchArgs.base(skb, EmatchArgs.NETWORK) + off);
        return v >= 0 && (((int) v ^ val) & mask) == 0;
    }

    @Override
    public String args() {
        return String.format(Locale.ROOT, "%08x/%08x at %s%d", val, mask, nextHdr ? "nexthdr+" : "", off);
    }
}
