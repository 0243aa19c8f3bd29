package net.ipv4;

import net.core.Cpu;
import net.skbuff.SkBuff;

/**
 * A protocol above IP. Registered with {@link InetProtos#addProtocol}.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word (loopback, reinjected packets).
 *
 * <p>Linux: struct net_protocol, include/net/protocol.h
 */
public interface InetProtocol {
    /**
     * Takes over a packet for this host: {@code data} and the transport header are behind the IP header.
     *
     * @return 0 or less: done; {@code n > 0}: hand it to protocol n instead
     */
    int handler(Cpu cpu, SkBuff skb);

    /**
     * Hears of an ICMP error about a packet of this protocol. {@code data} is at the quoted IP header, the transport
     * header at the ICMP header; at least 8 bytes behind the quoted header are linear. Does not take over.
     *
     * @param info MTU of "fragmentation needed", pointer of "parameter problem", else 0
     * @return 0, or -ENOENT if nobody cared
     */
    default int errHandler(Cpu cpu, SkBuff skb, int info) {
        return -net.skbuff.Errno.ENOENT;
    }

    /**
     * Finds the socket, and with it the route, before the routing decision: sets {@code skb.sk} and {@code skb.dst}
     * if it can. {@code data} is at the IP header, the transport header is set.
     */
    default void earlyDemux(Cpu cpu, SkBuff skb) {}

    /** Whether the handler deals with packets that no policy was checked for; kept for the kernel's name. */
    default boolean noPolicy() {
        return true;
    }
}
