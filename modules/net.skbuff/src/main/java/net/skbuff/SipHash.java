package net.skbuff;

import org.agrona.UnsafeApi;

/**
 * SipHash-2-4, the keyed hash for whatever an attacker may choose the input of: hash tables, initial sequence numbers,
 * SYN cookies. Words are hashed as the little-endian bytes they stand for.
 *
 * <p>Context: immutable.
 *
 * <p>Linux: lib/siphash.c. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012
 */
@HotPath
public final class SipHash {
    private final long i0;
    private final long i1;
    private final long i2;
    private final long i3;

    public SipHash(long k0, long k1) {
        i0 = k0 ^ 0x736f6d6570736575L;
        i1 = k1 ^ 0x646f72616e646f6dL;
        i2 = k0 ^ 0x6c7967656e657261L;
        i3 = k1 ^ 0x7465646279746573L;
    }

    /** One 64-bit word. */
    public long hash(long a) {
        return hashWords(a, 0, 0, 0, 1, 8L << 56);
    }

    public long hash(long a, long b) {
        return hashWords(a, b, 0, 0, 2, 16L << 56);
    }

    public long hash(long a, long b, long c) {
        return hashWords(a, b, c, 0, 3, 24L << 56);
    }

    public long hash(long a, long b, long c, long d) {
        return hashWords(a, b, c, d, 4, 32L << 56);
    }

    /** One 32-bit word. */
    public long hash32(int a) {
        return hashWords(0, 0, 0, 0, 0, 4L << 56 | a & 0xffff_ffffL);
    }

    public long hash32(int a, int b) {
        return hash(pair(a, b));
    }

    public long hash32(int a, int b, int c) {
        return hashWords(pair(a, b), 0, 0, 0, 1, 12L << 56 | c & 0xffff_ffffL);
    }

    public long hash32(int a, int b, int c, int d) {
        return hash(pair(a, b), pair(c, d));
    }

    private static long pair(int low, int high) {
        return (long) high << 32 | low & 0xffff_ffffL;
    }

    /** {@code n} words, then the last block, which carries the length and up to seven bytes. */
    private long hashWords(long a, long b, long c, long d, int n, long last) {
        long v0 = i0;
        long v1 = i1;
        long v2 = i2;
        long v3 = i3;
        for (int i = 0; i <= n; i++) {
            long m = i == n ? last : i == 0 ? a : i == 1 ? b : i == 2 ? c : d;
            v3 ^= m;
            for (int r = 0; r < 2; r++) {
                v0 += v1;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v3;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 += v3;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 += v1;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
        }
        return finish(v0, v1, v2, v3);
    }

    private static long finish(long w0, long w1, long w2, long w3) {
        long v0 = w0;
        long v1 = w1;
        long v2 = w2 ^ 0xff;
        long v3 = w3;
        for (int r = 0; r < 4; r++) {
            v0 += v1;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v3;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v2 = Long.rotateLeft(v2, 32);
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    /** {@code len} bytes at an address. */
    public long hashBytes(long address, int len) {
        return hashRange(null, address, len);
    }

    /** {@code len} bytes of an array. */
    public long hashBytes(byte[] bytes, int off, int len) {
        java.util.Objects.checkFromIndexSize(off, len, bytes.length);
        return hashRange(bytes, UnsafeApi.arrayBaseOffset(byte[].class) + off, len);
    }

    @SuppressWarnings("NullAway") // a null base means an absolute address
    private long hashRange(byte @org.jspecify.annotations.Nullable [] base, long start, int len) {
        long v0 = i0;
        long v1 = i1;
        long v2 = i2;
        long v3 = i3;
        int words = len >> 3;
        for (int i = 0; i <= words; i++) {
            long m = i == words ? lastBlock(base, start + 8L * words, len) : word(base, start + 8L * i, 8);
            v3 ^= m;
            for (int r = 0; r < 2; r++) {
                v0 += v1;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v3;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 += v3;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 += v1;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
        }
        return finish(v0, v1, v2, v3);
    }

    private static long lastBlock(byte @org.jspecify.annotations.Nullable [] base, long at, int len) {
        return (long) len << 56 | word(base, at, len & 7);
    }

    @SuppressWarnings("NullAway") // a null base means an absolute address
    private static long word(byte @org.jspecify.annotations.Nullable [] base, long at, int n) {
        long w = 0;
        for (int i = 0; i < n; i++) {
            w |= (UnsafeApi.getByte(base, at + i) & 0xffL) << (8 * i);
        }
        return w;
    }
}
