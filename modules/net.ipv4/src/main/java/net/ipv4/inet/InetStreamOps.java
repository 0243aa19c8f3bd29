package net.ipv4.inet;

import net.core.sock.FileFlags;
import net.core.sock.ProtoAcceptArg;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * System calls on connection sockets. The protocol extends it for {@code poll} and the like.
 *
 * <p><b>Context:</b> process, no lock held.
 *
 * <p>Linux: inet_stream_ops, net/ipv4/af_inet.c
 */
public abstract class InetStreamOps extends InetOps {
    protected InetStreamOps() {}

    /** Linux: inet_stream_connect(). */
    @Override
    public int connect(Socket sock, SockAddr addr, int flags) {
        InetSock sk = sk(sock);
        sk.lockSock();
        try {
            return connectLocked(sock, sk, addr, flags, false, 0);
        } finally {
            sk.releaseSock();
        }
    }

    /**
     * As {@link #connect}, with the socket owned (TCP fast open calls it from sendmsg).
     *
     * @param addr may be null when the connection is under way
     * @param sending called from sendmsg: the SYN of a deferred connect has gone
     * @param writeBias 1 if the caller has more data to send as soon as the handshake is over
     * <p>Linux: __inet_stream_connect()
     */
    public static int connectLocked(
            Socket sock, InetSock sk, @Nullable SockAddr addr, int flags, boolean sending, int writeBias) {
        if (sk.flag(SockFlag.DEAD)) {
            return -Errno.EBADF;
        }
        if (addr != null && addr.family == SockConst.AF_UNSPEC) {
            int err = prot(sk).disconnect(sk, flags);
            sock.state = (byte) (err != 0 ? Socket.SS_DISCONNECTING : Socket.SS_UNCONNECTED);
            return err;
        }
        int pending = -Errno.EALREADY;
        switch (sock.state) {
            case Socket.SS_CONNECTED -> {
                return -Errno.EISCONN;
            }
            case Socket.SS_CONNECTING -> { // a call before this one began it
                if (sk.deferConnect) {
                    pending = sending ? -Errno.EINPROGRESS : -Errno.EISCONN;
                }
            }
            case Socket.SS_UNCONNECTED -> {
                if (addr == null) {
                    return -Errno.EINVAL;
                }
                if (sk.state != TcpStates.TCP_CLOSE) {
                    return -Errno.EISCONN;
                }
                int err = prot(sk).preConnect(sk, addr);
                if (err == 0) {
                    err = prot(sk).connect(sk, addr);
                }
                if (err < 0) {
                    return err;
                }
                sock.state = Socket.SS_CONNECTING;
                if (err == 0 && sk.deferConnect) {
                    return 0;
                }
                pending = -Errno.EINPROGRESS;
            }
            default -> {
                return -Errno.EINVAL;
            }
        }
        if (sk.inStates(TcpStates.TCPF_SYN_SENT | TcpStates.TCPF_SYN_RECV)) {
            long timeo = sk.sndtimeo((flags & FileFlags.O_NONBLOCK) != 0);
            if (timeo == 0) {
                return pending;
            }
            long left = net.core.sock.SockStream.waitHandshake(sk, timeo, writeBias);
            if (left == 0 && sk.inStates(TcpStates.TCPF_SYN_SENT | TcpStates.TCPF_SYN_RECV)) {
                return pending;
            }
            if (left < 0) {
                return (int) left;
            }
        }
        // Closed by a reset, a timeout, an ICMP error, or another process.
        if (sk.state == TcpStates.TCP_CLOSE) {
            int err = sk.sockError();
            err = err != 0 ? err : -Errno.ECONNABORTED;
            sock.state = Socket.SS_UNCONNECTED;
            if (prot(sk).disconnect(sk, flags) != 0) {
                sock.state = Socket.SS_DISCONNECTING;
            }
            return err;
        }
        sock.state = Socket.SS_CONNECTED;
        return 0;
    }

    /** Linux: inet_accept(). */
    @Override
    public int accept(Socket sock, Socket newsock, ProtoAcceptArg arg) {
        InetSock sk = sk(sock);
        arg.err = -Errno.EINVAL;
        Sock sk2 = prot(sk).accept(sk, arg);
        if (sk2 == null) {
            return arg.err;
        }
        sk2.lockSock();
        try {
            sk2.sockGraft(newsock);
            if (sock.testFlag(Socket.SOCK_SUPPORT_ZC)) {
                newsock.setFlag(Socket.SOCK_SUPPORT_ZC);
            }
            newsock.state = Socket.SS_CONNECTED;
        } finally {
            sk2.releaseSock();
        }
        return 0;
    }

    /** Linux: inet_listen(). */
    @Override
    public int listen(Socket sock, int backlog) {
        InetSock sk = sk(sock);
        sk.lockSock();
        try {
            if (sock.state != Socket.SS_UNCONNECTED || sock.type != SockConst.SOCK_STREAM || sk.flag(SockFlag.DEAD)) {
                return -Errno.EINVAL;
            }
            if (!sk.inStates(TcpStates.TCPF_CLOSE | TcpStates.TCPF_LISTEN)) {
                return -Errno.EINVAL;
            }
            sk.maxAckBacklog = backlog;
            beforeListen((InetConnectionSock) sk, backlog);
            return sk.state == TcpStates.TCP_LISTEN ? 0 : InetCsk.listenStart((InetConnectionSock) sk);
        } finally {
            sk.releaseSock();
        }
    }

    /** What a protocol prepares before a socket listens, or when the backlog changes. Context: socket owned. */
    protected void beforeListen(InetConnectionSock sk, int backlog) {}
}
