package net.skbuff;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;

/**
 * The Internet checksum: one's complement sums of 16-bit words (RFC 1071).
 *
 * <p>A <em>partial sum</em> is a 32-bit int congruent, modulo 65535, to the sum of the big-endian words read so far.
 * It is independent of the machine's byte order, and any host-order int of a header may be added to it with
 * {@link #add}. {@link #fold} turns it into the 16-bit value to store with a big-endian putShort.
 *
 * <p>Linux: lib/checksum.c, include/net/checksum.h. {@code Deviation:} the kernel keeps sums in memory byte order;
 * here they are in network order, since the flyweights of this stack return host ints.
 */
@HotPath
public final class Checksum {
    private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    private static final long LOW = 0xffff_ffffL;

    private Checksum() {}

    /** Sum of {@code len} bytes at {@code address}, added to {@code sum}. An odd last byte counts as the high one. */
    public static int partial(long address, int len, int sum) {
        // All words modulo 2^64 in one sum and their high halves in another give the low halves by subtraction.
        long all = 0;
        long high = 0;
        int i = 0;
        for (int end = len - 31; i < end; i += 32) {
            long v0 = UnsafeApi.getLong(address + i);
            long v1 = UnsafeApi.getLong(address + i + 8);
            long v2 = UnsafeApi.getLong(address + i + 16);
            long v3 = UnsafeApi.getLong(address + i + 24);
            all += v0 + v1 + (v2 + v3);
            high += (v0 >>> 32) + (v1 >>> 32) + ((v2 >>> 32) + (v3 >>> 32));
        }
        for (int end = len - 7; i < end; i += 8) {
            long v = UnsafeApi.getLong(address + i);
            all += v;
            high += v >>> 32;
        }
        long wide = all - (high << 32) + high;
        return finish(i == len ? wide : wide + rest(address + i, len - i), sum);
    }

    /** The last 1 to 7 bytes in memory order. */
    private static long rest(long address, int n) {
        long at = address;
        long sum = 0;
        if ((n & 4) != 0) {
            sum += UnsafeApi.getInt(at) & LOW;
            at += 4;
        }
        if ((n & 2) != 0) {
            sum += UnsafeApi.getShort(at) & 0xffff;
            at += 2;
        }
        if ((n & 1) != 0) {
            int last = UnsafeApi.getByte(at) & 0xff;
            sum += LITTLE ? last : last << 8;
        }
        return sum;
    }

    /** Copies and sums in one pass. */
    public static int copy(long src, long dst, int len, int sum) {
        long all = 0;
        long high = 0;
        int i = 0;
        for (int end = len - 31; i < end; i += 32) {
            long v0 = UnsafeApi.getLong(src + i);
            long v1 = UnsafeApi.getLong(src + i + 8);
            long v2 = UnsafeApi.getLong(src + i + 16);
            long v3 = UnsafeApi.getLong(src + i + 24);
            UnsafeApi.putLong(dst + i, v0);
            UnsafeApi.putLong(dst + i + 8, v1);
            UnsafeApi.putLong(dst + i + 16, v2);
            UnsafeApi.putLong(dst + i + 24, v3);
            all += v0 + v1 + (v2 + v3);
            high += (v0 >>> 32) + (v1 >>> 32) + ((v2 >>> 32) + (v3 >>> 32));
        }
        for (int end = len - 7; i < end; i += 8) {
            long v = UnsafeApi.getLong(src + i);
            UnsafeApi.putLong(dst + i, v);
            all += v;
            high += v >>> 32;
        }
        long wide = all - (high << 32) + high;
        int left = len - i;
        if (left > 0) {
            wide += rest(src + i, left);
            for (; i < len; i++) {
                UnsafeApi.putByte(dst + i, UnsafeApi.getByte(src + i));
            }
        }
        return finish(wide, sum);
    }

    /** From a 64-bit sum in memory order to 16 bits in network order, added to {@code sum}. */
    private static int finish(long wide, int sum) {
        long s = (wide & LOW) + (wide >>> 32);
        s = (s & 0xffff) + (s >>> 16 & 0xffff) + (s >>> 32);
        s = (s & 0xffff) + (s >>> 16);
        s = (s & 0xffff) + (s >>> 16);
        int folded = (int) s;
        if (LITTLE) {
            folded = (folded & 0xff) << 8 | folded >>> 8;
        }
        return add(sum, folded);
    }

    /** The checksum to store: 16 bits, complemented. Over data that carries a good checksum it is 0. */
    public static int fold(int sum) {
        return ~sum16(sum) & 0xffff;
    }

    /** The sum as 16 bits, not complemented. */
    public static int sum16(int sum) {
        int s = (sum & 0xffff) + (sum >>> 16);
        return (s & 0xffff) + (s >>> 16);
    }

    /** A 16-bit value as a partial sum: the inverse of {@link #fold}. */
    public static int unfold(int check) {
        return check & 0xffff;
    }

    /** One's complement sum of two partial sums. */
    public static int add(int a, int b) {
        int s = a + b;
        return Integer.compareUnsigned(s, b) < 0 ? s + 1 : s;
    }

    /** {@code a} without {@code b}. */
    public static int sub(int a, int b) {
        return add(a, ~b);
    }

    /** Adds the sum {@code b} of a block that begins {@code off} bytes after the block of {@code a}. */
    public static int blockAdd(int a, int b, int off) {
        return add(a, (off & 1) == 0 ? b : Integer.rotateRight(b, 8));
    }

    public static int blockSub(int a, int b, int off) {
        return blockAdd(a, ~b, off);
    }

    /** Partial sum of the IPv4 pseudo header; addresses and length in host order. */
    public static int tcpUdpNofold(int saddr, int daddr, int len, int proto, int sum) {
        return add(add(add(sum, saddr), daddr), proto + len);
    }

    /** Checksum of a TCP or UDP packet over IPv4 whose bytes sum to {@code sum}: folded and complemented. */
    public static int tcpUdpMagic(int saddr, int daddr, int len, int proto, int sum) {
        return fold(tcpUdpNofold(saddr, daddr, len, proto, sum));
    }

    /** Partial sum of the IPv6 pseudo header (RFC 8200 8.1); the addresses lie in memory. */
    public static int ipv6Nofold(long saddr, long daddr, int len, int proto, int sum) {
        return add(add(partial(daddr, 16, partial(saddr, 16, sum)), len), proto);
    }

    /** Checksum of an IPv4 header of {@code words} 32-bit words: 0 if the one in it is good. */
    public static int ipFast(long address, int words) {
        long s = 0;
        for (int i = 0; i < words; i++) {
            s += UnsafeApi.getInt(address + 4L * i) & LOW;
        }
        return fold(finish(s, 0));
    }

    /**
     * A stored checksum after a 16-bit field it covers changed (RFC 1624, equation 3).
     *
     * @return the new value to store
     */
    public static int replace2(int check, int from, int to) {
        return fold(add(add(~check & 0xffff, ~from & 0xffff), to & 0xffff));
    }

    /** As {@link #replace2} for a 32-bit field at an even offset. */
    public static int replace4(int check, int from, int to) {
        return fold(add(add(~check & 0xffff, ~from), to));
    }

    /** As {@link #replace4} by the difference of two partial sums. */
    public static int replaceByDiff(int check, int diff) {
        return fold(add(~check & 0xffff, diff));
    }
}
