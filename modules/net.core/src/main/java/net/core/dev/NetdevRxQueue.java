package net.core.dev;

import org.jspecify.annotations.Nullable;

/**
 * One receive queue's software steering. Linux: struct netdev_rx_queue
 *
 * <p>Context: replaced under rtnl; read by the receive path.
 */
public final class NetdevRxQueue {
    /** RPS: CPUs that share this queue's packets; rps_cpus. Null: the CPU that polls. */
    public volatile int @Nullable [] rpsMap;
    /** RFS: where each flow was last steered; rps_flow_cnt. Null: no RFS. */
    public volatile Rps.@Nullable RpsDevFlowTable rpsFlowTable;

    NetdevRxQueue() {}
}
