package net.tcp;

import net.core.sock.File;
import net.core.sock.PollTable;
import net.core.sock.Sock;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetStreamOps;
import org.jspecify.annotations.Nullable;

/**
 * System calls on TCP sockets: what differs from every connection socket.
 *
 * <p>Linux: inet_stream_ops, net/ipv4/af_inet.c
 */
final class TcpStreamOps extends InetStreamOps {
    TcpStreamOps() {}

    @Override
    protected void beforeListen(InetConnectionSock sk, int backlog) {
        TcpFastOpen.listening((TcpSock) sk, backlog);
    }

    /** Linux: tcp_poll(). */
    @Override
    public int poll(File file, Socket sock, @Nullable PollTable wait) {
        Sock sk = sock.sk;
        if (!(sk instanceof TcpSock tp)) {
            return 0;
        }
        if (wait != null) {
            wait.pollWait(file, tp.wq);
        }
        return tp.state == TcpStates.TCP_LISTEN ? InetCsk.listenPoll(tp) : Tcp.poll(tp);
    }

    /** SO_RCVLOWAT: the buffer must hold what the program waits for. Linux: tcp_set_rcvlowat(). */
    @Override
    public int setRcvlowat(Sock sk, int value) {
        TcpSock tp = (TcpSock) sk;
        boolean fixed = (tp.userlocks & Sock.SOCK_RCVBUF_LOCK) != 0;
        int cap = fixed ? tp.rcvbuf >> 1 : tp.sysctl.tcpRmem[2] >> 1;
        int v = Math.min(value, cap);
        tp.rcvlowat = v == 0 ? 1 : v;
        if (Tcp.epollinReady(tp, tp.rcvlowat)) {
            tp.dataReady(null);
        }
        if (fixed) {
            return 0;
        }
        int space = tp.spaceFromWin(v);
        if (space > tp.rcvbuf) {
            tp.rcvbuf = space;
            tp.windowClamp = Math.max(tp.windowClamp, v);
        }
        return 0;
    }

    /** SO_PEEK_OFF. Linux: sk_set_peek_off(). */
    @Override
    public int setPeekOff(Sock sk, int value) {
        sk.peekOff = value;
        return 0;
    }
}
