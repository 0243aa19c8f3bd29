package net.tcp;

import org.jspecify.annotations.Nullable;

/**
 * What is remembered of a destination: numbers to start the next connection with, and its fast open cookie.
 *
 * <p><b>Context:</b> any. Numbers are plain words of which any recent value will do; the cookie and what belongs to it are
 * one immutable object. The chain is guarded by {@link TcpMetrics}.
 *
 * <p>Linux: struct tcp_metrics_block, net/ipv4/tcp_metrics.c
 */
public final class TcpMetricsBlock {
    /** Indices of the numbers: round trip (us * 8), its deviation (us * 4), segments, segments, segments. */
    public static final int RTT = 0, RTTVAR = 1, SSTHRESH = 2, CWND = 3, REORDERING = 4;

    private static final int COUNT = 5;

    /** What is known for fast opens. {@code tryExp}: 1: ask with the experimental option next; 2: that did not help. */
    record FastOpen(int mss, @Nullable TcpFastOpenCookie cookie, int tryExp, int synLoss, long lastSynLoss) {
        static final FastOpen NONE = new FastOpen(0, null, 0, 0, 0);
    }

    /** Our address. */
    public final int saddr;
    /** The destination. */
    public final int daddr;
    /** Last used, jiffies. */
    volatile long stamp;
    /** Bits of the numbers that the route pins. */
    volatile int lock;

    final int[] vals = new int[COUNT];
    volatile FastOpen fastopen = FastOpen.NONE;
    volatile @Nullable TcpMetricsBlock next;

    TcpMetricsBlock(int saddr, int daddr) {
        this.saddr = saddr;
        this.daddr = daddr;
    }

    /** One of the numbers; 0: unknown. */
    public int get(int what) {
        return vals[what];
    }

    void set(int what, int value) {
        vals[what] = value;
    }

    /** The route pins it. Linux: tcp_metric_locked(). */
    boolean locked(int what) {
        return (lock & 1 << what) != 0;
    }

    /** Sets what is not pinned. */
    void learn(int what, int value) {
        if (!locked(what)) {
            vals[what] = value;
        }
    }

    /** MSS that the destination announced with fast opens; 0: unknown. */
    public int fastopenMss() {
        return fastopen.mss();
    }

    /** The fast open cookie in hexadecimal; null without one. */
    public @Nullable String fastopenCookie() {
        TcpFastOpenCookie c = fastopen.cookie();
        return c == null ? null : java.util.HexFormat.of().formatHex(c.value());
    }

    /** Milliseconds since it was last used, at a time in jiffies. */
    public long age(long jiffies) {
        return jiffies - stamp;
    }
}
