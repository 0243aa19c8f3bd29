package net.sched;

import net.skbuff.HotPath;

/**
 * A rate, as nanoseconds for so many bytes: a multiplication and a shift instead of a division.
 *
 * <p>Linux: struct psched_ratecfg, psched_ratecfg_precompute(), net/sched/sch_generic.c
 */
public final class PschedRatecfg {
    /** Bytes per second. */
    public final long rateBytesPs;
    /** Bytes added to each packet. */
    public final int overhead;
    /** Least size of a packet, bytes. */
    public final int mpu;
    /** 48 bytes travel in cells of 53. */
    public final boolean atm;

    private final long mult;
    private final int shift;

    /** A plain rate. */
    public PschedRatecfg(long rateBytesPs) {
        this(rateBytesPs, 0, 0, false);
    }

    /** A rate on a link with so much framing. */
    public PschedRatecfg(long rateBytesPs, int overhead, int mpu, boolean atm) {
        this.rateBytesPs = rateBytesPs;
        this.overhead = overhead;
        this.mpu = mpu;
        this.atm = atm;
        long m = 1;
        int s = 0;
        if (rateBytesPs > 0) {
            // The greatest precision that leaves room for 32-bit lengths.
            long factor = 1_000_000_000L;
            while (true) {
                m = Long.divideUnsigned(factor, rateBytesPs);
                if ((m & 1L << 31) != 0 || (factor & 1L << 63) != 0) {
                    break;
                }
                factor <<= 1;
                s++;
            }
        }
        mult = m;
        shift = s;
    }

    /** Nanoseconds that {@code bytes} take. Linux: psched_l2t_ns(). */
    @HotPath
    public long l2tNs(int bytes) {
        int len = Math.max(bytes + overhead, mpu);
        if (atm) {
            len = (len + 47) / 48 * 53;
        }
        return len * mult >>> shift;
    }
}
