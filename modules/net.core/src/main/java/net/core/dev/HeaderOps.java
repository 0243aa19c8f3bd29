package net.core.dev;

import net.core.Cpu;
import net.core.neigh.HhCache;
import net.core.neigh.Neighbour;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * How a device builds and reads its link-layer header.
 *
 * <p>Linux: struct header_ops
 */
public interface HeaderOps {
    /**
     * Pushes a header onto {@code skb}, whose headroom the caller has seen to.
     *
     * @param type ethertype
     * @param daddr destination address; null leaves it for later
     * @param saddr source address; null means the device's
     * @return header length, or its negative when {@code daddr} is missing
     */
    int create(Cpu cpu, SkBuff skb, NetDevice dev, int type, byte @Nullable [] daddr, byte @Nullable [] saddr, int len);

    /** Copies the source address of {@code skb} into {@code haddr}; returns its length. */
    int parse(SkBuff skb, byte[] haddr);

    /** Builds the cached header of a resolved neighbour; null if this link layer does not cache. */
    @Nullable
    HhCache cache(Neighbour neigh, int type);

    /** The protocol field of a packet's link header, or 0. */
    default int parseProtocol(SkBuff skb) {
        return 0;
    }
}
