package net.ipv4.route;

import net.core.neigh.DstEntry;
import org.jspecify.annotations.Nullable;

/**
 * What routes lead to: preferred source, metrics and next hops. Set before publication, except for the dead marks.
 *
 * <p>Linux: struct fib_info, include/net/ip_fib.h
 */
public final class FibInfo {
    public final int protocol;
    public final int scope;
    public final int type;
    public final int priority;
    public final int prefsrc;
    /** By RTAX number. */
    public final int[] metrics;
    /** Metrics that learning must not change. */
    public final int metricLocks;

    public final @Nullable String ccName;
    /** Realms; see {@link FibConfig#realms}. */
    public final int realms;

    public final FibNh[] nh;
    /** Being removed. */
    public volatile boolean dead;

    FibInfo(FibConfig c, int scope, FibNh[] nh) {
        protocol = c.protocol;
        this.scope = scope;
        type = c.type;
        priority = c.priority;
        prefsrc = c.prefsrc;
        metrics = c.metrics.clone();
        metricLocks = c.metricLocks;
        ccName = c.ccName;
        realms = c.realms;
        this.nh = nh;
        for (FibNh n : nh) {
            n.parent = this;
        }
    }

    boolean hasMetrics() {
        if (ccName != null) {
            return true;
        }
        for (int i = 0; i < DstEntry.RTAX_COUNT; i++) {
            if (metrics[i] != 0) {
                return true;
            }
        }
        return false;
    }
}
