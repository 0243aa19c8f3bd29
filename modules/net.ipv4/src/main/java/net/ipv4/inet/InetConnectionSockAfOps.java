package net.ipv4.inet;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * How a connection protocol reaches the IP below it: one instance for IPv4, one for IPv6.
 *
 * <p>Linux: struct inet_connection_sock_af_ops, include/net/inet_connection_sock.h
 */
public abstract class InetConnectionSockAfOps {
    /** Bytes of the network header. */
    public final int netHeaderLen;

    protected InetConnectionSockAfOps(int netHeaderLen) {
        this.netHeaderLen = netHeaderLen;
    }

    /** Routes and sends a segment; takes it over. 0 or a negative errno. */
    public abstract int queueXmit(Cpu cpu, InetConnectionSock sk, SkBuff skb);

    /** Fills in the transport checksum, or what is left of it for the device to do. */
    public abstract void sendCheck(InetConnectionSock sk, SkBuff skb);

    /** Makes sure that there is a route; 0 or a negative errno. */
    public abstract int rebuildHeader(Cpu cpu, InetConnectionSock sk);

    /** Remembers the route a packet came by. */
    public abstract void skRxDstSet(Cpu cpu, InetConnectionSock sk, SkBuff skb);

    /** A SYN for a listener; 0, or &gt; 0 to have it answered with a reset. */
    public abstract int connRequest(Cpu cpu, InetConnectionSock listener, SkBuff skb);

    /**
     * Makes the full socket of a finished handshake and hashes it.
     *
     * @param reqUnhash the mini-socket to remove from the hash in the same step; or null
     * @return the child; null if there is no memory, no route or no room. {@code child.ownReq} tells whether the caller
     *     won the mini-socket.
     */
    public abstract @Nullable InetConnectionSock synRecvSock(
            Cpu cpu,
            InetConnectionSock listener,
            SkBuff skb,
            RequestSock req,
            @Nullable DstEntry dst,
            @Nullable RequestSock reqUnhash);

    /** The path MTU became smaller. */
    public void mtuReduced(Cpu cpu, InetConnectionSock sk) {}

    /** Bytes of a link-independent address. */
    public abstract int setsockopt(Sock sk, int level, int name, net.core.sock.OptVal value);

    /** The socket's peer as an address object. */
    public abstract void addr2sockaddr(InetConnectionSock sk, SockAddr to);
}
