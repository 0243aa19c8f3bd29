package net.testkit.packetdrill;

import java.nio.channels.FileChannel;
import net.core.sock.EpollEvent;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.PollFd;
import net.core.sock.SockAddr;
import org.jspecify.annotations.Nullable;

/**
 * The system calls a script can make, on whichever host it runs. Each returns what the call returns, or a negative errno.
 * Their meaning is that of {@link net.core.sock.Syscalls}.
 */
interface HostCalls {
    int socket(int family, int type, int protocol);

    int bind(int fd, SockAddr addr);

    int listen(int fd, int backlog);

    int accept4(int fd, @Nullable SockAddr[] peer, int flags);

    int connect(int fd, SockAddr addr);

    int shutdown(int fd, int how);

    int close(int fd);

    int read(int fd, ScriptBuffer to);

    int write(int fd, ScriptBuffer from);

    int recv(int fd, ScriptBuffer to, int flags);

    int send(int fd, ScriptBuffer from, int flags);

    int recvfrom(int fd, ScriptBuffer to, int flags, SockAddr from);

    int sendto(int fd, ScriptBuffer from, int flags, SockAddr to);

    int recvmsg(int fd, Msghdr msg, int flags);

    int sendmsg(int fd, Msghdr msg, int flags);

    int setsockopt(int fd, int level, int name, OptVal value);

    int getsockopt(int fd, int level, int name, OptVal value);

    int fcntl(int fd, int command, int argument);

    int ioctl(int fd, int command, OptVal argument);

    int poll(PollFd[] fds, int n, long timeoutNs);

    int epollCreate1(int flags);

    int epollCtl(int epfd, int op, int fd, @Nullable EpollEvent event);

    int epollWait(int epfd, EpollEvent[] out, int max, long timeoutNs);

    int pipe2(int[] fds, int flags);

    long sendfile(int out, FileChannel in, long position, long count);

    int splice(int in, int out, int length, int flags);
}
