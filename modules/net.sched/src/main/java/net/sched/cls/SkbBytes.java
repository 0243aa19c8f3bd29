package net.sched.cls;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;

/**
 * Reads a packet's bytes at an offset from {@code data}, wherever they lie, without moving anything: the packet is as it
 * was afterwards, also one whose bytes are shared. A negative offset reads the headers that were pulled before.
 *
 * <p>Context: whoever holds the packet.
 *
 * <p>Linux: skb_header_pointer()
 */
@HotPath
public final class SkbBytes {
    private static final boolean LITTLE = java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.LITTLE_ENDIAN;

    private SkbBytes() {}

    /** Tells whether {@code n} bytes from {@code off} on are there. */
    public static boolean has(SkBuff skb, int off, int n) {
        return off >= -skb.headroom() && off <= skb.len - n;
    }

    /** The byte, unsigned; -1 if it is not there. */
    public static int u8(SkBuff skb, int off) {
        if (off >= -skb.headroom() && off < skb.headlen()) {
            return UnsafeApi.getByte(skb.dataAddress() + off) & 0xff;
        }
        return far(skb, off);
    }

    /** Two bytes in network order; -1 if they are not all there. */
    public static int u16(SkBuff skb, int off) {
        if (off >= -skb.headroom() && off <= skb.headlen() - 2) {
            short v = UnsafeApi.getShort(skb.dataAddress() + off);
            return (LITTLE ? Short.reverseBytes(v) : v) & 0xffff;
        }
        int hi = u8(skb, off);
        int lo = u8(skb, off + 1);
        return (hi | lo) < 0 ? -1 : hi << 8 | lo;
    }

    /** Four bytes in network order, unsigned; -1 if they are not all there. */
    public static long u32(SkBuff skb, int off) {
        if (off >= -skb.headroom() && off <= skb.headlen() - 4) {
            int v = UnsafeApi.getInt(skb.dataAddress() + off);
            return (LITTLE ? Integer.reverseBytes(v) : v) & 0xffffffffL;
        }
        int hi = u16(skb, off);
        int lo = u16(skb, off + 2);
        return (hi | lo) < 0 ? -1 : (long) hi << 16 | lo;
    }

    /** Beyond the linear part: in a fragment, or in a packet of the fragment list. */
    private static int far(SkBuff skb, int offset) {
        if (offset < 0 || offset >= skb.len) {
            return -1;
        }
        int off = offset - skb.headlen();
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            if (off < size) {
                return UnsafeApi.getByte(info.fragAddress(i) + off) & 0xff;
            }
            off -= size;
        }
        for (SkBuff s = info.fragList; s != null; s = s.next) {
            if (off < s.len) {
                return u8(s, off);
            }
            off -= s.len;
        }
        return -1;
    }
}
