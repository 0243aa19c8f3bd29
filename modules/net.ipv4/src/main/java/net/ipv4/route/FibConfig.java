package net.ipv4.route;

import java.util.ArrayList;
import java.util.List;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import org.jspecify.annotations.Nullable;

/**
 * A route as somebody wants it added or deleted.
 *
 * <p>Linux: struct fib_config, include/net/ip_fib.h
 */
public final class FibConfig {
    public int dst;
    public int dstLen;
    public int dscp;
    public int type = RtType.RTN_UNICAST;
    /** Scope, -1: what fits. */
    public int scope = -1;

    public int table = RtType.RT_TABLE_MAIN;
    public int protocol = RtType.RTPROT_BOOT;
    public int priority;
    public int prefsrc;
    public final int[] metrics = new int[DstEntry.RTAX_COUNT];
    /** Bits by RTAX number: not to be learned over. */
    public int metricLocks;

    public @Nullable String ccName;
    /** Realms, for classifiers: destination in the lower half, source in the upper. Linux: RTA_FLOW */
    public int realms;

    public final List<Nexthop> nexthops = new ArrayList<>();

    /**
     * A next hop as wanted.
     *
     * @param dev the device; null: by the gateway's route
     * @param gateway 0: on the link
     * @param weight 1 to 256
     * @param onlink believe that the gateway is on the link
     */
    public record Nexthop(@Nullable NetDevice dev, int gateway, int weight, boolean onlink) {}

    /** A route to {@code dst/dstLen}. */
    public FibConfig(int dst, int dstLen) {
        this.dst = dst;
        this.dstLen = dstLen;
    }

    /** Adds a next hop. */
    public FibConfig via(@Nullable NetDevice dev, int gateway) {
        nexthops.add(new Nexthop(dev, gateway, 1, false));
        return this;
    }
}
