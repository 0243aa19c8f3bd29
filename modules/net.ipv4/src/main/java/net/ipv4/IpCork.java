package net.ipv4;

import net.core.neigh.DstEntry;
import net.ipv4.route.Flowi4;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A datagram in the making: data appended by several sends goes out as one. A socket that corks has its own; others use
 * one of the CPU's or of the calling thread's.
 *
 * <p><b>Context:</b> socket owned, or private to one call.
 *
 * <p>Linux: struct inet_cork, inet_cork_full, include/net/inet_sock.h
 */
public final class IpCork {
    public final Flowi4 fl4 = new Flowi4();
    /** Packets so far: the first is the datagram's head, others its further fragments. */
    public final SkBuffHead queue = new SkBuffHead();

    public @Nullable IpOptions opt;
    public @Nullable DstEntry dst;
    public int addr;
    /** Bytes so far, transport header included. */
    public int length;
    /** MTU of the fragments, bytes. */
    public int fragsize;
    /** Payload of each segment of UDP GSO, 0: none. */
    public int gsoSize;
    public int ttl;
    /** -1: the socket's. */
    public int tos = -1;
    public int priority;
    public int mark;
    public int txFlags;
    public int tskey;
    public long transmitTimeNs;
    /** Sends are being collected. */
    public boolean active;

    /** Nothing collected. */
    public IpCork() {}

    /** Forgets what it was set up with; the queue is empty. */
    public void reset() {
        opt = null;
        dst = null;
        addr = 0;
        length = 0;
        fragsize = 0;
        gsoSize = 0;
        ttl = 0;
        tos = -1;
        priority = 0;
        mark = 0;
        txFlags = 0;
        tskey = 0;
        transmitTimeNs = 0;
        active = false;
    }
}
