package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Kernel;
import net.core.Net;
import org.jspecify.annotations.Nullable;

/**
 * What a full socket, a request (SYN_RECV) and a TIME_WAIT mini-socket have in common: the identity by which a packet
 * finds them. All three stand in the same hash chains.
 *
 * <p><b>Context:</b> readers walk chains without a lock, so an object is never reused for another connection: the
 * garbage collector is the grace period. Writers of {@link #next} hold the bucket's lock and publish with release; an
 * unlinked node keeps its {@code next}, so that a reader standing on it finds its way on. A chain ends in an object
 * that names it (see {@link #isNulls}), by which a reader who was carried to another chain notices and restarts.
 * Identity fields are written before the object is published; {@link #state} may change at any time and is checked
 * again under the socket lock.
 *
 * <p>Linux: struct sock_common, include/net/sock.h
 */
public abstract class SockCommon {
    private static final VarHandle NEXT;

    static {
        try {
            NEXT = MethodHandles.lookup().findVarHandle(SockCommon.class, "next", SockCommon.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ---- identity: read without a lock on every lookup ----

    /** Network namespace. */
    public Net net;

    /** Full hash by which the object stands in its chain. */
    public int hash;

    /** Foreign IPv4 address, host order. */
    public int daddr;

    /** Bound local IPv4 address, host order; 0 for any. */
    public int rcvSaddr;

    /** Foreign port. */
    public int dport;

    /** Local port; for raw sockets the protocol. */
    public int num;

    /** Interface the socket is bound to, or 0. */
    public int boundDevIf;

    /** AF_xxx. */
    public int family;

    /** One of {@link TcpStates}. Written under the socket lock, read anywhere. */
    public volatile int state;

    /** IPv6 addresses, 16 bytes in network order; null for IPv4. */
    public byte @Nullable [] v6Daddr;

    public byte @Nullable [] v6RcvSaddr;

    /** Next of the hash chain; read with {@link #nextAcquire}. */
    public @Nullable SockCommon next;

    // ---- tx + rx ----

    /** The protocol; null only in an end-of-chain marker. */
    public @Nullable Proto prot;

    /** CPU that last received for this socket, or -1; SO_INCOMING_CPU. Also where its syscalls like to run. */
    public int incomingCpu = -1;

    public boolean reuse;
    public boolean reuseport;
    public boolean ipv6only;

    @SuppressWarnings("NullAway.Init")
    protected SockCommon() {}

    protected SockCommon(Net net) {
        this.net = net;
    }

    /** The kernel this belongs to. */
    public final Kernel kernel() {
        return net.kernel();
    }

    /** The successor as a reader without a lock sees it. */
    public final @Nullable SockCommon nextAcquire() {
        return (SockCommon) NEXT.getAcquire(this);
    }

    /** Links a successor so that what was written to it before is seen. Context: bucket lock. */
    public final void setNextRelease(@Nullable SockCommon successor) {
        NEXT.setRelease(this, successor);
    }

    /** True for the marker that ends a chain. */
    public boolean isNulls() {
        return false;
    }

    /** False for mini-sockets: a cast to {@link Sock} is then wrong. Linux: sk_fullsock() */
    public boolean isFullSock() {
        return false;
    }

    /** True if {@code 1 << state} is in the set. */
    public final boolean inStates(int tcpfMask) {
        return (1 << state & tcpfMask) != 0;
    }
}
