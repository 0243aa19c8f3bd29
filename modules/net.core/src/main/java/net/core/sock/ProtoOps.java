package net.core.sock;

import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What the system calls do for one kind of socket: between {@link Syscalls} and {@link Proto}. Implementations are
 * stateless (inet_stream_ops, inet_dgram_ops, packet_ops).
 *
 * <p><b>Context:</b> process, no lock held. All return a result or -errno; what a family doesn't know answers
 * -EOPNOTSUPP.
 *
 * <p>Linux: struct proto_ops, include/linux/net.h
 */
public abstract class ProtoOps {
    public final int family;

    protected ProtoOps(int family) {
        this.family = family;
    }

    /** The last descriptor is gone. */
    public abstract int release(Socket sock);

    public int bind(Socket sock, SockAddr addr) {
        return -Errno.EOPNOTSUPP;
    }

    /** @param flags O_NONBLOCK or 0 */
    public int connect(Socket sock, SockAddr addr, int flags) {
        return -Errno.EOPNOTSUPP;
    }

    /** Waits for a connection and grafts it onto {@code newsock}. */
    public int accept(Socket sock, Socket newsock, ProtoAcceptArg arg) {
        return -Errno.EOPNOTSUPP;
    }

    /** {@link #getname}: the own address. */
    public static final int NAME_OWN = 0;
    /** The peer's address, of a socket that has one. */
    public static final int NAME_PEER = 1;
    /** The peer's address for {@code accept}, even if the connection has ended already. */
    public static final int NAME_ACCEPTED = 2;

    /** An address into {@code out[0]}. @param which NAME_xxx */
    public int getname(Socket sock, @Nullable SockAddr[] out, int which) {
        return -Errno.EOPNOTSUPP;
    }

    /** Which events hold now; registers with the waiter table first if it is not null. */
    public int poll(File file, Socket sock, @Nullable PollTable wait) {
        return 0;
    }

    public int ioctl(Socket sock, int cmd, OptVal arg) {
        return -Errno.ENOIOCTLCMD;
    }

    public int listen(Socket sock, int backlog) {
        return -Errno.EOPNOTSUPP;
    }

    public int shutdown(Socket sock, int how) {
        return -Errno.EOPNOTSUPP;
    }

    public int setsockopt(Socket sock, int level, int optname, OptVal optval) {
        return -Errno.EOPNOTSUPP;
    }

    public int getsockopt(Socket sock, int level, int optname, OptVal optval) {
        return -Errno.EOPNOTSUPP;
    }

    public int sendmsg(Socket sock, Msghdr msg, int len) {
        return -Errno.EOPNOTSUPP;
    }

    public int recvmsg(Socket sock, Msghdr msg, int len, int flags) {
        return -Errno.EOPNOTSUPP;
    }

    /** SO_RCVLOWAT changed; 0 takes the value as it is. */
    public int setRcvlowat(Sock sk, int value) {
        sk.rcvlowat = value == 0 ? 1 : value;
        return 0;
    }

    /** How much a peek has passed; SO_PEEK_OFF. */
    public int setPeekOff(Sock sk, int value) {
        return -Errno.EOPNOTSUPP;
    }
}
