package net.ipv4.inet;

import org.jspecify.annotations.Nullable;

/**
 * The owners of a local port at one local address.
 *
 * <p>{@code Deviation:} Linux keeps these in a second hash table (bhash2) with locks of its own; here they hang off
 * their port's bucket, whose lock everyone holds anyway. Conflict checks look at two of these lists, whatever the
 * number of connections on other addresses.
 *
 * <p>Linux: struct inet_bind2_bucket
 */
public final class InetBind2Bucket {
    final InetBindBucket port;
    final int addr;

    @Nullable
    InetBindNode owners;

    @Nullable
    InetBind2Bucket nextOfPort;

    InetBind2Bucket(InetBindBucket port, int addr) {
        this.port = port;
        this.addr = addr;
    }
}
