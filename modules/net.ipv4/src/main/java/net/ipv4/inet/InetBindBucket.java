package net.ipv4.inet;

import net.core.Net;
import org.jspecify.annotations.Nullable;

/**
 * A local port in use: who is bound to it, and whether all of them agreed to share.
 *
 * <p>Context: guarded by the spinlock of its bind hash bucket. Empty buckets are removed at once.
 *
 * <p>Linux: struct inet_bind_bucket, include/net/inet_hashtables.h
 */
public final class InetBindBucket {
    public final Net net;
    public final int port;

    /** 1: all owners set SO_REUSEADDR and none listens; 0: not so; -1: made by connect, nobody bound explicitly. */
    public int fastreuse;
    /** &gt; 0: all owners set SO_REUSEPORT; -1 as above. */
    public int fastreuseport;
    /** Address of the owner that {@link #fastreuseport} was noted from (FASTREUSEPORT_STRICT). */
    public int fastRcvSaddr;

    /** Buckets by address of this port. */
    @Nullable
    InetBind2Bucket addresses;

    /** Next port in the hash chain. */
    @Nullable
    InetBindBucket next;

    InetBindBucket(Net net, int port) {
        this.net = net;
        this.port = port;
    }

    boolean isEmpty() {
        return addresses == null;
    }

    /** The part of the port that is bound to one address; null if nobody is. */
    @Nullable
    InetBind2Bucket find(int addr) {
        for (InetBind2Bucket b = addresses; b != null; b = b.nextOfPort) {
            if (b.addr == addr) {
                return b;
            }
        }
        return null;
    }
}
