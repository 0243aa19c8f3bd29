package net.core.neigh;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.Sock;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What a family's routes do; one instance per family.
 *
 * <p>Linux: struct dst_ops
 */
public abstract class DstOps {
    /** Ethertype of the family. */
    public final int protocol;

    /** Creates the operations of a family. */
    protected DstOps(int protocol) {
        this.protocol = protocol;
    }

    /** Returns {@code dst} if it may still be used by a holder who remembers {@code cookie}, else null. */
    public abstract @Nullable DstEntry check(DstEntry dst, int cookie);

    /** MTU of the path, bytes. */
    public abstract int mtu(DstEntry dst);

    /** MSS to advertise when the route does not say, bytes. */
    public abstract int defaultAdvmss(DstEntry dst);

    /** The holder saw the path fail: returns what it should hold from now on (null: look up again). */
    public @Nullable DstEntry negativeAdvice(Cpu cpu, @Nullable Sock sk, DstEntry dst) {
        return dst;
    }

    /** A packet could not be delivered to the link. Takes over nothing. */
    public void linkFailure(Cpu cpu, SkBuff skb) {}

    /** A router reported a smaller MTU. */
    public void updatePmtu(
            Cpu cpu, DstEntry dst, @Nullable Sock sk, @Nullable SkBuff skb, int mtu, boolean confirmNeigh) {}

    /** A router reported a better first hop. */
    public void redirect(Cpu cpu, DstEntry dst, @Nullable Sock sk, SkBuff skb) {}

    /** Sends a packet made here; the family's ip_local_out. */
    public abstract int localOut(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb);

    /** The next hop's neighbour, creating it when missing; null when the table is full. */
    public abstract @Nullable Neighbour neighLookup(
            Cpu cpu, DstEntry dst, @Nullable SkBuff skb, long keyHi, long keyLo);

    /** The peer proved reachable (an ACK advanced): confirms its neighbour. */
    public void confirmNeigh(Cpu cpu, DstEntry dst, long keyHi, long keyLo) {}
}
