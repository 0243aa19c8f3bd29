package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.ipv4.inet.RequestSockOps;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What {@link TcpConnRequest} needs of an address family to answer a SYN.
 *
 * <p><b>Context:</b> softirq or a listener's backlog, CPU word held.
 *
 * <p>Linux: struct tcp_request_sock_ops, include/net/tcp.h.
 */
public abstract class TcpRequestSockOps extends RequestSockOps {
    /** MSS to assume when the peer announces none. */
    final int mssClamp;

    /** For an address family. */
    protected TcpRequestSockOps(int family, int mssClamp) {
        super(family);
        this.mssClamp = mssClamp;
    }

    /** Fills in the request's addresses from the SYN, and finds the way back; null if there is none. */
    abstract @Nullable DstEntry routeReq(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req);

    /** Our initial sequence number (RFC 9293 3.4.1, RFC 6528). */
    abstract int initSeq(Cpu cpu, TcpSock listener, SkBuff skb);

    /** Offset of our time stamps (RFC 7323 7.1). */
    abstract int initTsOff(Cpu cpu, TcpSock listener, SkBuff skb);

    /** An initial sequence number that holds what the request would; rounds {@code req.mss} to what it can hold. */
    abstract int cookieInitSequence(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req);

    /**
     * Sends the SYN-ACK, by {@code dst} or a route of its own, with a fast open option or none; 0 or negative errno.
     * {@code listener} may be a fast open child.
     */
    abstract int sendSynack(
            Cpu cpu,
            TcpSock listener,
            @Nullable DstEntry dst,
            TcpRequestSock req,
            boolean cookie,
            @Nullable TcpFastOpenCookie foc,
            @Nullable SkBuff syn);
}
