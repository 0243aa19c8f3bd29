package net.core.dev;

/** Results of enqueueing and sending. Negative values are errnos. Linux: NET_XMIT_*, include/linux/netdevice.h */
public final class NetXmit {
    /** Queued or sent. */
    public static final int NET_XMIT_SUCCESS = 0x00;
    /** This packet was dropped. */
    public static final int NET_XMIT_DROP = 0x01;
    /** Congestion: some other packet was dropped, or will be. */
    public static final int NET_XMIT_CN = 0x02;
    /** All of the above. */
    public static final int NET_XMIT_MASK = 0x0f;
    /** Beside {@code NET_XMIT_SUCCESS}, inside a tree: an action took the packet over. Linux: __NET_XMIT_STOLEN */
    public static final int NET_XMIT_STOLEN = 0x10000;
    /** Beside {@code NET_XMIT_SUCCESS}, inside a tree: dropped, and the sender is not to know. Linux: __NET_XMIT_BYPASS */
    public static final int NET_XMIT_BYPASS = 0x20000;
    /** Received: fine. */
    public static final int NET_RX_SUCCESS = 0;
    /** Received: dropped. */
    public static final int NET_RX_DROP = 1;

    private NetXmit() {}

    /** What a parent counts as dropped when a child did not take a packet. Linux: net_xmit_drop_count(). */
    public static int dropCount(int rc) {
        return (rc & NET_XMIT_STOLEN) != 0 ? 0 : 1;
    }

    /** For callers to whom congestion is no error. Linux: net_xmit_eval(). */
    public static int eval(int rc) {
        return rc == NET_XMIT_CN ? 0 : rc;
    }

    /** For callers that return errnos. Linux: net_xmit_errno(). */
    public static int errno(int rc) {
        return rc == NET_XMIT_CN ? 0 : -net.skbuff.Errno.ENOBUFS;
    }

    /** Tells whether a driver's or qdisc's answer means that the packet is no longer the caller's. */
    static boolean devXmitComplete(int rc) {
        return rc < NET_XMIT_MASK;
    }
}
