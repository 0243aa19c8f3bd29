package net.sched.hfsc;

import net.skbuff.HotPath;

/**
 * A service curve of two segments, as a person gives it: slope {@link #m1} for the first {@link #dNs}, {@link #m2} from
 * there on. Concave, m1 above m2, it gives a burst soon; convex it makes it wait.
 *
 * <p>Linux: struct tc_service_curve, struct internal_sc
 */
final class ServiceCurve {
    /** Later than any time that is asked for; a few of them still add up. */
    static final long NEVER = Long.MAX_VALUE / 8;

    private static final long SEC = 1_000_000_000L;

    /** Bytes per second. */
    final long m1;
    /** Length of the first segment, ns. */
    final long dNs;
    /** Bytes per second. */
    final long m2;
    /** What the first segment gives, bytes. */
    final long dBytes;

    ServiceCurve(long m1, long dNs, long m2) {
        this.m1 = m1;
        this.dNs = dNs;
        this.m2 = m2;
        dBytes = work(dNs, m1);
    }

    boolean concave() {
        return m1 > m2;
    }

    boolean same(ServiceCurve o) {
        return m1 == o.m1 && dNs == o.dNs && m2 == o.m2;
    }

    /** Bytes that {@code rate} gives in {@code ns}. */
    @HotPath
    static long work(long ns, long rate) {
        return mulDiv(ns, rate, SEC);
    }

    /** Time that {@code rate} takes for {@code bytes}, ns. */
    @HotPath
    static long time(long bytes, long rate) {
        return rate == 0 ? NEVER : Math.min(mulDiv(bytes, SEC, rate), NEVER);
    }

    /** a * b / c of what is not negative, through doubles where the product does not fit. */
    @HotPath
    static long mulDiv(long a, long b, long c) {
        long low = a * b;
        return Math.multiplyHigh(a, b) == 0 && low >= 0 ? low / c : (long) ((double) a * b / c);
    }
}
