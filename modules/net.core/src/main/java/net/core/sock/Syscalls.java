package net.core.sock;

import java.nio.channels.FileChannel;
import net.core.Kernel;
import net.core.task.Scheduler;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of a {@link Process}. Results are as on Linux: zero or a number, or {@code -errno}. They block
 * unless the file has O_NONBLOCK or the call says MSG_DONTWAIT.
 *
 * <p><b>Context:</b> process: any platform or virtual thread in live mode, the kernel's program threads in virtual time;
 * never under a CPU word.
 *
 * <p>Linux: net/socket.c, fs/select.c, fs/eventpoll.c, fs/fcntl.c, fs/splice.c
 */
public final class Syscalls {
    private final Process process;
    private final Kernel kernel;
    private final FilesStruct files;
    private final Scheduler scheduler;
    private final Object epollNestLock = new Object();

    Syscalls(Process process) {
        this.process = process;
        this.kernel = process.kernel();
        this.files = process.files();
        this.scheduler = kernel.scheduler();
    }

    public Process process() {
        return process;
    }

    /** The socket behind a number, or null if there is none or it is another kind of file. */
    public @Nullable Socket sockfdLookup(int fd) {
        File file = files.get(fd);
        return file == null ? null : file.socket();
    }

    /** The file behind a number, or null. */
    public @Nullable File file(int fd) {
        return files.get(fd);
    }

    private int lookupError(int fd) {
        return files.get(fd) == null ? -Errno.EBADF : -Errno.ENOTSOCK;
    }

    // ---- making and naming ----

    /** @param type SOCK_xxx, with SOCK_NONBLOCK and SOCK_CLOEXEC or-ed */
    public int socket(int family, int type, int protocol) {
        scheduler.syscallEnter();
        int flags = type & ~SockConst.SOCK_TYPE_MASK;
        if ((flags & ~(SockConst.SOCK_NONBLOCK | SockConst.SOCK_CLOEXEC)) != 0) {
            return -Errno.EINVAL;
        }
        Socket[] out = new Socket[1];
        int err = SockRegistry.of(kernel)
                .create(process.net(), family, type & SockConst.SOCK_TYPE_MASK, protocol, false, out);
        if (err != 0) {
            return err;
        }
        File file = sockAllocFile(out[0], flags);
        int fd = files.add(file);
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    private static File sockAllocFile(Socket sock, int flags) {
        int nonblock = (flags & SockConst.SOCK_NONBLOCK) != 0 ? FileFlags.O_NONBLOCK : 0;
        File file = new File(SocketFileOps.INSTANCE, sock, FileFlags.O_RDWR | nonblock);
        sock.file = file;
        return file;
    }

    public int bind(int fd, SockAddr addr) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        return sock == null ? lookupError(fd) : sock.ops().bind(sock, addr);
    }

    /** @param backlog bounded by net.core.somaxconn */
    public int listen(int fd, int backlog) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        if (sock == null) {
            return lookupError(fd);
        }
        int max = SockSysctl.of(sock.net).somaxconn();
        return sock.ops().listen(sock, Integer.compareUnsigned(backlog, max) > 0 ? max : backlog);
    }

    public int accept(int fd) {
        return accept4(fd, null, 0);
    }

    /**
     * @param peer element 0 becomes the peer's address; may be null
     * @param flags SOCK_NONBLOCK, SOCK_CLOEXEC
     */
    public int accept4(int fd, @Nullable SockAddr @Nullable [] peer, int flags) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        Socket sock = file == null ? null : file.socket();
        if (file == null || sock == null) {
            return lookupError(fd);
        }
        if ((flags & ~(SockConst.SOCK_NONBLOCK | SockConst.SOCK_CLOEXEC)) != 0) {
            return -Errno.EINVAL;
        }
        int newfd = files.getUnusedFd(0);
        if (newfd < 0) {
            return newfd;
        }
        Socket newsock = new Socket(sock.net, sock.type);
        newsock.ops = sock.ops;
        ProtoAcceptArg arg = new ProtoAcceptArg();
        arg.flags = file.flags & FileFlags.O_NONBLOCK;
        int err = sock.ops().accept(sock, newsock, arg);
        if (err == 0 && peer != null) {
            err = newsock.ops().getname(newsock, peer, ProtoOps.NAME_ACCEPTED);
            err = err < 0 ? -Errno.ECONNABORTED : 0;
        }
        File newfile = sockAllocFile(newsock, flags);
        if (err < 0) {
            files.putUnusedFd(newfd);
            newfile.put();
            return err;
        }
        files.fdInstall(newfd, newfile);
        return newfd;
    }

    public int connect(int fd, SockAddr addr) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        Socket sock = file == null ? null : file.socket();
        if (file == null || sock == null) {
            return lookupError(fd);
        }
        return sock.ops().connect(sock, addr, file.flags & FileFlags.O_NONBLOCK);
    }

    /** Own address into {@code out[0]}. */
    public int getsockname(int fd, @Nullable SockAddr[] out) {
        return getname(fd, out, ProtoOps.NAME_OWN);
    }

    public int getpeername(int fd, @Nullable SockAddr[] out) {
        return getname(fd, out, ProtoOps.NAME_PEER);
    }

    private int getname(int fd, @Nullable SockAddr[] out, int which) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        if (sock == null) {
            return lookupError(fd);
        }
        int err = sock.ops().getname(sock, out, which);
        return Math.min(err, 0);
    }

    // ---- data ----

    @HotPath
    public int read(int fd, UserBuf to) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        return file == null ? -Errno.EBADF : file.ops.read(file, to);
    }

    @HotPath
    public int write(int fd, UserBuf from) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        return file == null ? -Errno.EBADF : file.ops.write(file, from);
    }

    public int send(int fd, UserBuf from, int flags) {
        return sendto(fd, from, flags, null);
    }

    /** @param to null for a connected socket */
    @HotPath
    public int sendto(int fd, UserBuf from, int flags, @Nullable SockAddr to) {
        Process.MsghdrCache cache = Process.MsghdrCache.of(kernel);
        Msghdr msg = cache.take().reset(from, to, 0);
        int n = sendmsg(fd, msg, flags);
        cache.give(msg);
        return n;
    }

    /** Sends {@code msg.iter}; {@code msg.flags} is set from {@code flags} and the file. */
    @HotPath
    public int sendmsg(int fd, Msghdr msg, int flags) {
        File file = files.get(fd);
        return file == null ? -Errno.EBADF : sendmsg(file, msg, flags);
    }

    /** As with a number, for a caller who must not meet another file under a number that was closed and reused. */
    @HotPath
    public int sendmsg(File file, Msghdr msg, int flags) {
        scheduler.syscallEnter();
        Socket sock = file.socket();
        if (sock == null || file.released()) {
            return sock == null ? -Errno.ENOTSOCK : -Errno.EBADF;
        }
        msg.flags = flags | (file.nonblocking() ? SockConst.MSG_DONTWAIT : 0);
        return SocketFileOps.sockSendmsg(sock, msg, msg.dataLeft());
    }

    public int recv(int fd, UserBuf to, int flags) {
        return recvfrom(fd, to, flags, null);
    }

    /** @param from filled with the source if not null */
    @HotPath
    public int recvfrom(int fd, UserBuf to, int flags, @Nullable SockAddr from) {
        Process.MsghdrCache cache = Process.MsghdrCache.of(kernel);
        Msghdr msg = cache.take().reset(to, from, 0);
        int n = recvmsg(fd, msg, flags);
        cache.give(msg);
        return n;
    }

    /** Receives into {@code msg.iter}; on return {@code msg.flags} has MSG_TRUNC and the like. */
    @HotPath
    public int recvmsg(int fd, Msghdr msg, int flags) {
        File file = files.get(fd);
        return file == null ? -Errno.EBADF : recvmsg(file, msg, flags);
    }

    @HotPath
    public int recvmsg(File file, Msghdr msg, int flags) {
        scheduler.syscallEnter();
        Socket sock = file.socket();
        if (sock == null || file.released()) {
            return sock == null ? -Errno.ENOTSOCK : -Errno.EBADF;
        }
        msg.flags = 0;
        msg.nameSet = false;
        int asked = flags & ~SockConst.MSG_SPLICE_PAGES;
        int all = asked | (file.nonblocking() ? SockConst.MSG_DONTWAIT : 0);
        return SocketFileOps.sockRecvmsg(sock, msg, msg.dataLeft(), all);
    }

    /** @param how SHUT_RD, SHUT_WR, SHUT_RDWR */
    public int shutdown(int fd, int how) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        return sock == null ? lookupError(fd) : sock.ops().shutdown(sock, how);
    }

    // ---- options ----

    public int setsockopt(int fd, int level, int optname, OptVal optval) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        if (sock == null) {
            return lookupError(fd);
        }
        if (optval.len < 0) {
            return -Errno.EINVAL;
        }
        if (level == SockConst.SOL_SOCKET && !sock.testFlag(Socket.SOCK_CUSTOM_SOCKOPT)) {
            return SockOptions.setsockopt(sock, optname, optval);
        }
        return sock.ops().setsockopt(sock, level, optname, optval);
    }

    public int setsockopt(int fd, int level, int optname, int value) {
        return setsockopt(fd, level, optname, OptVal.ofInt(value));
    }

    /** Answers into {@code optval}, whose length says how much room there is and then how much was needed. */
    public int getsockopt(int fd, int level, int optname, OptVal optval) {
        scheduler.syscallEnter();
        Socket sock = sockfdLookup(fd);
        if (sock == null) {
            return lookupError(fd);
        }
        if (level == SockConst.SOL_SOCKET) {
            return SockOptions.getsockopt(sock, optname, optval);
        }
        return sock.ops().getsockopt(sock, level, optname, optval);
    }

    // ---- files ----

    /** The number is free and, if it was the last of its file, the file released when this returns. */
    public int close(int fd) {
        scheduler.syscallEnter();
        File file = files.remove(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        file.put();
        return 0;
    }

    public int dup(int fd) {
        return fcntl(fd, FileFlags.F_DUPFD, 0);
    }

    public int dup2(int oldfd, int newfd) {
        scheduler.syscallEnter();
        File file = files.get(oldfd);
        if (file == null || newfd < 0 || newfd >= files.limit()) {
            return -Errno.EBADF;
        }
        if (oldfd != newfd) {
            @Nullable File[] old = new @Nullable File[1];
            file.get();
            int err = files.replace(newfd, file, old);
            File gone = err == 0 ? old[0] : file;
            if (gone != null) {
                gone.put();
            }
            return err == 0 ? newfd : err;
        }
        return newfd;
    }

    public int fcntl(int fd, int cmd, int arg) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        switch (cmd) {
            case FileFlags.F_DUPFD -> {
                if (arg < 0 || arg >= files.limit()) {
                    return -Errno.EINVAL;
                }
                int newfd = files.getUnusedFd(arg);
                if (newfd >= 0) {
                    file.get();
                    files.fdInstall(newfd, file);
                }
                return newfd;
            }
            case FileFlags.F_GETFD, FileFlags.F_SETFD -> {
                return 0;
            }
            case FileFlags.F_GETFL -> {
                return file.flags;
            }
            case FileFlags.F_SETFL -> {
                file.flags = file.flags & ~FileFlags.O_NONBLOCK | arg & FileFlags.O_NONBLOCK;
                return 0;
            }
            default -> {
                return -Errno.EINVAL;
            }
        }
    }

    public int ioctl(int fd, int cmd, OptVal arg) {
        scheduler.syscallEnter();
        File file = files.get(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        if (cmd == SockConst.FIONBIO) {
            boolean on = arg.getInt() != 0;
            file.flags = file.flags & ~FileFlags.O_NONBLOCK | (on ? FileFlags.O_NONBLOCK : 0);
            return 0;
        }
        return file.ops.ioctl(file, cmd, arg);
    }

    // ---- pipes, sendfile, splice ----

    /** A pipe: {@code fds[0]} reads, {@code fds[1]} writes. @param flags O_NONBLOCK, O_CLOEXEC */
    public int pipe2(int[] fds, int flags) {
        scheduler.syscallEnter();
        Pipe pipe = new Pipe(kernel);
        int nonblock = flags & FileFlags.O_NONBLOCK;
        File reader = new File(Pipe.READ_OPS, pipe, FileFlags.O_RDONLY | nonblock);
        File writer = new File(Pipe.WRITE_OPS, pipe, FileFlags.O_WRONLY | nonblock);
        int rfd = files.add(reader);
        if (rfd < 0) {
            return rfd;
        }
        int wfd = files.add(writer);
        if (wfd < 0) {
            files.remove(rfd);
            return wfd;
        }
        fds[0] = rfd;
        fds[1] = wfd;
        return 0;
    }

    /**
     * Sends a piece of a file. @return bytes sent, possibly fewer than {@code count}; 0 at the end of the file
     */
    public long sendfile(int outFd, FileChannel in, long position, long count) {
        scheduler.syscallEnter();
        File out = files.get(outFd);
        return out == null ? -Errno.EBADF : Splice.sendfile(kernel, out, in, position, count);
    }

    /** Moves up to {@code len} bytes between a pipe and a socket. */
    public int splice(int fdIn, int fdOut, int len, int flags) {
        scheduler.syscallEnter();
        File in = files.get(fdIn);
        File out = files.get(fdOut);
        return in == null || out == null ? -Errno.EBADF : Splice.splice(kernel, in, out, len, flags);
    }

    // ---- waiting ----

    /** @param timeoutNs 0 not to wait, negative for ever */
    public int poll(PollFd[] fds, int n, long timeoutNs) {
        scheduler.syscallEnter();
        if (n < 0 || n > fds.length) {
            return -Errno.EINVAL;
        }
        return Poll.poll(kernel, files, fds, n, timeoutNs);
    }

    public int epollCreate1(int flags) {
        scheduler.syscallEnter();
        if ((flags & ~FileFlags.O_CLOEXEC) != 0) {
            return -Errno.EINVAL;
        }
        return files.add(EventPoll.create(kernel));
    }

    /** @param op EPOLL_CTL_ADD, MOD, DEL of {@link EventPoll} */
    public int epollCtl(int epfd, int op, int fd, @Nullable EpollEvent event) {
        scheduler.syscallEnter();
        File epfile = files.get(epfd);
        File target = files.get(fd);
        if (epfile == null || target == null) {
            return -Errno.EBADF;
        }
        if (!(epfile.privateData instanceof EventPoll ep)) {
            return -Errno.EINVAL;
        }
        return ep.ctl(op, fd, target, event, epollNestLock);
    }

    /** Fills up to {@code max} elements. @param timeoutNs 0 not to wait, negative for ever */
    public int epollWait(int epfd, EpollEvent[] out, int max, long timeoutNs) {
        scheduler.syscallEnter();
        File epfile = files.get(epfd);
        if (epfile == null) {
            return -Errno.EBADF;
        }
        if (!(epfile.privateData instanceof EventPoll ep) || max <= 0 || max > out.length) {
            return -Errno.EINVAL;
        }
        return ep.epollWait(out, max, timeoutNs);
    }
}
