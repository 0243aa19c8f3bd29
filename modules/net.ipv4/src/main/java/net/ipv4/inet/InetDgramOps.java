package net.ipv4.inet;

import net.core.sock.File;
import net.core.sock.PollTable;
import net.core.sock.SockAddr;
import net.core.sock.SockConst;
import net.core.sock.SockQueue;
import net.core.sock.Socket;
import org.jspecify.annotations.Nullable;

/**
 * System calls on datagram, raw and ping sockets.
 *
 * <p><b>Context:</b> process, no lock held.
 *
 * <p>Linux: inet_dgram_ops, inet_sockraw_ops, net/ipv4/af_inet.c
 */
public final class InetDgramOps extends InetOps {
    public InetDgramOps() {}

    /** Linux: inet_dgram_connect(). */
    @Override
    public int connect(Socket sock, SockAddr addr, int flags) {
        InetSock sk = sk(sock);
        if (addr.family == SockConst.AF_UNSPEC) {
            sk.lockSock();
            try {
                return prot(sk).disconnect(sk, flags);
            } finally {
                sk.releaseSock();
            }
        }
        if (sk.num == 0) {
            int err = autobind(sk);
            if (err != 0) {
                return err;
            }
        }
        sk.lockSock();
        try {
            return prot(sk).connect(sk, addr);
        } finally {
            sk.releaseSock();
        }
    }

    @Override
    public int poll(File file, Socket sock, @Nullable PollTable wait) {
        return SockQueue.datagramPoll(file, sock, wait);
    }
}
