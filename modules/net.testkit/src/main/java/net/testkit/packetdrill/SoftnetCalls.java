package net.testkit.packetdrill;

import java.nio.channels.FileChannel;
import net.core.sock.EpollEvent;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.PollFd;
import net.core.sock.SockAddr;
import net.core.sock.Syscalls;
import org.jspecify.annotations.Nullable;

/** The calls of a process of Softnet. */
record SoftnetCalls(Syscalls sys) implements HostCalls {
    @Override
    public int socket(int family, int type, int protocol) {
        return sys.socket(family, type, protocol);
    }

    @Override
    public int bind(int fd, SockAddr addr) {
        return sys.bind(fd, addr);
    }

    @Override
    public int listen(int fd, int backlog) {
        return sys.listen(fd, backlog);
    }

    @Override
    public int accept4(int fd, @Nullable SockAddr[] peer, int flags) {
        return sys.accept4(fd, peer, flags);
    }

    @Override
    public int connect(int fd, SockAddr addr) {
        return sys.connect(fd, addr);
    }

    @Override
    public int shutdown(int fd, int how) {
        return sys.shutdown(fd, how);
    }

    @Override
    public int close(int fd) {
        return sys.close(fd);
    }

    @Override
    public int read(int fd, ScriptBuffer to) {
        return sys.read(fd, to);
    }

    @Override
    public int write(int fd, ScriptBuffer from) {
        return sys.write(fd, from);
    }

    @Override
    public int recv(int fd, ScriptBuffer to, int flags) {
        return sys.recv(fd, to, flags);
    }

    @Override
    public int send(int fd, ScriptBuffer from, int flags) {
        return sys.send(fd, from, flags);
    }

    @Override
    public int recvfrom(int fd, ScriptBuffer to, int flags, SockAddr from) {
        return sys.recvfrom(fd, to, flags, from);
    }

    @Override
    public int sendto(int fd, ScriptBuffer from, int flags, SockAddr to) {
        return sys.sendto(fd, from, flags, to);
    }

    @Override
    public int recvmsg(int fd, Msghdr msg, int flags) {
        return sys.recvmsg(fd, msg, flags);
    }

    @Override
    public int sendmsg(int fd, Msghdr msg, int flags) {
        return sys.sendmsg(fd, msg, flags);
    }

    @Override
    public int setsockopt(int fd, int level, int name, OptVal value) {
        return sys.setsockopt(fd, level, name, value);
    }

    @Override
    public int getsockopt(int fd, int level, int name, OptVal value) {
        return sys.getsockopt(fd, level, name, value);
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return sys.fcntl(fd, command, argument);
    }

    @Override
    public int ioctl(int fd, int command, OptVal argument) {
        return sys.ioctl(fd, command, argument);
    }

    @Override
    public int poll(PollFd[] fds, int n, long timeoutNs) {
        return sys.poll(fds, n, timeoutNs);
    }

    @Override
    public int epollCreate1(int flags) {
        return sys.epollCreate1(flags);
    }

    @Override
    public int epollCtl(int epfd, int op, int fd, @Nullable EpollEvent event) {
        return sys.epollCtl(epfd, op, fd, event);
    }

    @Override
    public int epollWait(int epfd, EpollEvent[] out, int max, long timeoutNs) {
        return sys.epollWait(epfd, out, max, timeoutNs);
    }

    @Override
    public int pipe2(int[] fds, int flags) {
        return sys.pipe2(fds, flags);
    }

    @Override
    public long sendfile(int out, FileChannel in, long position, long count) {
        return sys.sendfile(out, in, position, count);
    }

    @Override
    public int splice(int in, int out, int length, int flags) {
        return sys.splice(in, out, length, flags);
    }
}
