package net.sched.netem;

import net.skbuff.HotPath;

/**
 * Random numbers from a seed: the combined Tausworthe generator lfsr113, as Linux's prandom, so that a seed means the
 * same sequence.
 *
 * <p>Linux: prandom_u32_state(), prandom_seed_state(). L'Ecuyer, Tables of Maximally-Equidistributed Combined LFSR
 * Generators, 1999
 */
final class NetemRandom {
    private int s1;
    private int s2;
    private int s3;
    private int s4;

    NetemRandom(long seed) {
        seed(seed);
    }

    void seed(long seed) {
        int i = (int) (seed >>> 32 ^ seed << 10 ^ seed);
        s1 = atLeast(i, 2);
        s2 = atLeast(i, 8);
        s3 = atLeast(i, 16);
        s4 = atLeast(i, 128);
    }

    private static int atLeast(int x, int m) {
        return Integer.compareUnsigned(x, m) < 0 ? x + m : x;
    }

    private static int step(int s, int a, int b, int mask, int d) {
        return (s & mask) << d ^ (s << a ^ s) >>> b;
    }

    /** 32 random bits, as a number from 0 to 2^32 - 1. */
    @HotPath
    long next() {
        s1 = step(s1, 6, 13, ~1, 18);
        s2 = step(s2, 2, 27, ~7, 2);
        s3 = step(s3, 13, 21, ~15, 7);
        s4 = step(s4, 3, 12, ~127, 13);
        return (s1 ^ s2 ^ s3 ^ s4) & 0xffffffffL;
    }

    /** A number correlated with the one before. Linux: struct crndstate, get_crandom(). */
    static final class Correlated {
        /** Share of the last number in the next, of 2^32. */
        long rho;

        private long last;

        @HotPath
        long next(NetemRandom r) {
            long v = r.next();
            if (rho == 0) {
                return v;
            }
            long k = rho + 1;
            // Both products fit 64 unsigned bits, and so does their sum.
            last = v * ((1L << 32) - k) + last * k >>> 32;
            return last;
        }

        /** From a share of 0 to 1. */
        void set(double share) {
            rho = NetemRandom.scale(share);
        }

        /** For printing. */
        double share() {
            return rho / (double) 0xffffffffL;
        }
    }

    /** A probability as a number below which a random one falls. */
    static long scale(double p) {
        return Math.round(p * 0xffffffffL);
    }
}
