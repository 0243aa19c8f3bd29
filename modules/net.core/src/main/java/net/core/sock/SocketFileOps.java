package net.core.sock;

import net.core.Kernel;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * Sockets as files, and the few functions through which every send and receive passes.
 *
 * <p>Linux: socket_file_ops, sock_read_iter(), sock_write_iter(), sock_poll(), net/socket.c
 */
public final class SocketFileOps extends FileOperations {
    static final SocketFileOps INSTANCE = new SocketFileOps();

    private SocketFileOps() {}

    static Socket socket(File file) {
        return (Socket) file.privateData;
    }

    @Override
    @HotPath
    public int read(File file, UserBuf to) {
        Socket sock = socket(file);
        Process.MsghdrCache cache = cache(sock);
        Msghdr msg = cache.take().reset(to, null, 0);
        int n = sockRecvmsg(sock, msg, to.remaining(), file.nonblocking() ? SockConst.MSG_DONTWAIT : 0);
        cache.give(msg);
        return n;
    }

    @Override
    @HotPath
    public int write(File file, UserBuf from) {
        Socket sock = socket(file);
        Process.MsghdrCache cache = cache(sock);
        Msghdr msg = cache.take().reset(from, null, file.nonblocking() ? SockConst.MSG_DONTWAIT : 0);
        if (sock.type == SockConst.SOCK_SEQPACKET) {
            msg.flags |= SockConst.MSG_EOR;
        }
        int n = sockSendmsg(sock, msg, from.remaining());
        cache.give(msg);
        return n;
    }

    /** Sends as {@code msg} says. Linux: sock_sendmsg() */
    @HotPath
    public static int sockSendmsg(Socket sock, Msghdr msg, int len) {
        PathTrace.hit(sock.net.kernel(), Landmark.SOCK_SENDMSG);
        return sock.ops().sendmsg(sock, msg, len);
    }

    /** Receives as {@code msg} and the flags say. Linux: sock_recvmsg() */
    @HotPath
    public static int sockRecvmsg(Socket sock, Msghdr msg, int len, int flags) {
        Sock sk = sock.sk;
        if (sk != null && SockBusyPoll.canBusyLoop(sk) && sk.state != TcpStates.TCP_LISTEN) {
            SockBusyPoll.loop(sk, (flags & SockConst.MSG_DONTWAIT) != 0);
        }
        return sock.ops().recvmsg(sock, msg, len, flags);
    }

    @Override
    public int poll(File file, @Nullable PollTable wait) {
        Socket sock = socket(file);
        Sock sk = sock.sk;
        if (sk == null) {
            return PollMask.EPOLLNVAL;
        }
        if (wait != null && SockBusyPoll.canBusyLoop(sk)) {
            SockBusyPoll.loop(sk, true);
        }
        return sock.ops().poll(file, sock, wait);
    }

    @Override
    public int ioctl(File file, int cmd, OptVal arg) {
        Socket sock = socket(file);
        int err = sock.ops().ioctl(sock, cmd, arg);
        return err == -Errno.ENOIOCTLCMD ? -Errno.ENOTTY : err;
    }

    /**
     * Releases the socket and wakes whoever still sleeps in it. {@code sock.sk} stays for calls in flight, which find
     * a dead sock with both directions shut. Linux: sock_close(), __sock_release()
     */
    @Override
    public void release(File file) {
        Socket sock = socket(file);
        Sock sk = sock.sk;
        ProtoOps ops = sock.ops;
        if (ops != null && sk != null) {
            ops.release(sock);
        }
        if (sk != null) {
            sk.shutdown |= SockConst.SHUTDOWN_MASK;
            sk.wq.wake(null, PollMask.EPOLLHUP | PollMask.EPOLLNVAL | PollMask.EPOLLIN | PollMask.EPOLLOUT, 0);
        }
    }

    private static Process.MsghdrCache cache(Socket sock) {
        Kernel kernel = sock.net.kernel();
        return Process.MsghdrCache.of(kernel);
    }
}
