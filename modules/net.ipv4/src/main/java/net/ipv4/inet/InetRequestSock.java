package net.ipv4.inet;

import net.ipv4.IpOptions;
import org.jspecify.annotations.Nullable;

/**
 * A half-open inet connection. The addresses are those of {@code SockCommon}: {@code rcvSaddr} ours, {@code daddr} the
 * peer's, {@code num} our port, {@code dport} the peer's.
 *
 * <p>Linux: struct inet_request_sock, include/net/inet_sock.h
 */
public abstract class InetRequestSock extends RequestSock {
    /** Window shift of the peer. */
    public int sndWscale;
    /** Our window shift. */
    public int rcvWscale;

    public boolean tstampOk;
    public boolean sackOk;
    public boolean wscaleOk;
    public boolean ecnOk;
    /** The ACK came, but the listener deferred the accept. */
    public boolean acked;

    public boolean noSrccheck;
    /** A fast open child was made of the SYN, and its handshake isn't over. */
    public volatile boolean tfoListener;

    /** Interface the SYN came in by, if the answer must leave by it; else 0. */
    public int irIif;

    public int irMark;
    /** Options of the SYN to be echoed; or null. */
    public @Nullable IpOptions ireqOpt;

    protected InetRequestSock(RequestSockOps ops, InetConnectionSock listener) {
        super(ops, listener);
    }
}
