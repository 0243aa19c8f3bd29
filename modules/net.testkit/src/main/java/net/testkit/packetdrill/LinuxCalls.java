package net.testkit.packetdrill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.core.sock.EpollEvent;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.PollFd;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.tcp.TcpConst;
import org.jspecify.annotations.Nullable;

/**
 * The machine's system calls with the arguments of Softnet's. Memory handed to a call lives as long as the run, because a
 * zero-copy send keeps it.
 *
 * <p>Context: the script's thread and that of its blocking call.
 */
final class LinuxCalls implements HostCalls {
    private static final int SOCKADDR_LENGTH = 16;
    private static final int TCP_INFO_ROOM = 512;

    /** On x86-64 an epoll_event has no padding. */
    private static final boolean PACKED_EPOLL = System.getProperty("os.arch").equals("amd64");

    private static final int EPOLL_EVENT_LENGTH = PACKED_EPOLL ? 12 : 16;
    private static final int EPOLL_DATA_OFFSET = PACKED_EPOLL ? 4 : 8;

    private final Arena arena = Arena.ofShared();
    /** Descriptors that the script has not closed. */
    private final Set<Integer> open = ConcurrentHashMap.newKeySet();

    private int opened(long fd) {
        if (fd >= 0) {
            open.add((int) fd);
        }
        return (int) fd;
    }

    /** Ends what is left; a call that blocks on it returns. */
    void closeAll() {
        for (int fd : open) {
            LibC.SHUTDOWN.call(fd, 2);
            close(fd);
        }
    }

    MemorySegment allocate(long bytes) {
        return arena.allocate(Math.max(bytes, 1), 16);
    }

    // ---- sockets

    @Override
    public int socket(int family, int type, int protocol) {
        return opened(LibC.SOCKET.call(family, type, protocol));
    }

    private MemorySegment sockaddr(SockAddr addr) {
        MemorySegment m = allocate(SOCKADDR_LENGTH);
        m.set(ValueLayout.JAVA_SHORT, 0, (short) addr.family);
        if (addr instanceof SockAddrIn in) {
            ByteBuffer b = m.asByteBuffer().order(ByteOrder.BIG_ENDIAN);
            b.putShort(2, (short) in.port);
            b.putInt(4, in.addr);
        }
        return m;
    }

    private static SockAddrIn sockaddr(MemorySegment m) {
        ByteBuffer b = m.asByteBuffer().order(ByteOrder.BIG_ENDIAN);
        return new SockAddrIn(b.getInt(4), b.getShort(2) & 0xffff);
    }

    @Override
    public int bind(int fd, SockAddr addr) {
        return (int) LibC.BIND.call(fd, sockaddr(addr).address(), SOCKADDR_LENGTH);
    }

    @Override
    public int listen(int fd, int backlog) {
        return (int) LibC.LISTEN.call(fd, backlog);
    }

    @Override
    public int accept4(int fd, @Nullable SockAddr[] peer, int flags) {
        MemorySegment name = allocate(SOCKADDR_LENGTH);
        MemorySegment length = allocate(4);
        length.set(ValueLayout.JAVA_INT, 0, SOCKADDR_LENGTH);
        int live = opened(LibC.ACCEPT4.call(fd, name.address(), length.address(), flags));
        if (live >= 0) {
            peer[0] = sockaddr(name);
        }
        return live;
    }

    @Override
    public int connect(int fd, SockAddr addr) {
        return (int) LibC.CONNECT.call(fd, sockaddr(addr).address(), SOCKADDR_LENGTH);
    }

    @Override
    public int shutdown(int fd, int how) {
        return (int) LibC.SHUTDOWN.call(fd, how);
    }

    @Override
    public int close(int fd) {
        open.remove(fd);
        return (int) LibC.CLOSE.call(fd);
    }

    // ---- data

    /** The buffer's memory, all zeros; 0 for a null pointer. */
    private long memory(ScriptBuffer buffer) {
        return buffer.isNull() ? 0 : allocate(buffer.remaining()).address();
    }

    /** The buffer as an array of struct iovec. @return its address */
    private long iovec(ScriptBuffer buffer) {
        int[] pieces = buffer.pieces();
        MemorySegment iov = allocate(16L * pieces.length);
        for (int i = 0; i < pieces.length; i++) {
            // Apart, as a program's pieces are: a zero-copy send joins neighbours to one fragment.
            long at = buffer.isNull() ? 0 : allocate(pieces[i] + 1L).address();
            iov.set(ValueLayout.JAVA_LONG, 16L * i, at);
            iov.set(ValueLayout.JAVA_LONG, 16L * i + 8, pieces[i]);
        }
        return iov.address();
    }

    @Override
    public int read(int fd, ScriptBuffer to) {
        return (int)
                (to.isVector()
                        ? LibC.READV.call(fd, iovec(to), to.pieces().length)
                        : LibC.READ.call(fd, memory(to), to.remaining()));
    }

    @Override
    public int write(int fd, ScriptBuffer from) {
        return (int)
                (from.isVector()
                        ? LibC.WRITEV.call(fd, iovec(from), from.pieces().length)
                        : LibC.WRITE.call(fd, memory(from), from.remaining()));
    }

    @Override
    public int recv(int fd, ScriptBuffer to, int flags) {
        return (int) LibC.RECVFROM.call(fd, memory(to), to.remaining(), flags);
    }

    @Override
    public int send(int fd, ScriptBuffer from, int flags) {
        return (int) LibC.SENDTO.call(fd, memory(from), from.remaining(), flags);
    }

    @Override
    public int recvfrom(int fd, ScriptBuffer to, int flags, SockAddr from) {
        MemorySegment name = allocate(SOCKADDR_LENGTH);
        MemorySegment length = allocate(4);
        length.set(ValueLayout.JAVA_INT, 0, SOCKADDR_LENGTH);
        return (int) LibC.RECVFROM.call(fd, memory(to), to.remaining(), flags, name.address(), length.address());
    }

    @Override
    public int sendto(int fd, ScriptBuffer from, int flags, SockAddr to) {
        return (int) LibC.SENDTO.call(
                fd, memory(from), from.remaining(), flags, sockaddr(to).address(), SOCKADDR_LENGTH);
    }

    @Override
    public int recvmsg(int fd, Msghdr msg, int flags) {
        LinuxMsg m = message(msg, allocate(SOCKADDR_LENGTH));
        int n = (int) LibC.RECVMSG.call(fd, m.address(), flags);
        if (n >= 0) {
            m.received(msg);
        }
        return n;
    }

    @Override
    public int sendmsg(int fd, Msghdr msg, int flags) {
        SockAddr to = msg.name;
        LinuxMsg m = message(msg, to == null ? null : sockaddr(to));
        m.control(msg);
        return (int) LibC.SENDMSG.call(fd, m.address(), flags);
    }

    private LinuxMsg message(Msghdr msg, @Nullable MemorySegment name) {
        if (!(msg.iter instanceof ScriptBuffer buffer)) {
            throw new IllegalArgumentException("a message without a script's buffer");
        }
        return new LinuxMsg(this, name, iovec(buffer), buffer.pieces().length, msg.wantControl);
    }

    // ---- options

    @Override
    public int setsockopt(int fd, int level, int name, OptVal value) {
        MemorySegment m = allocate(Math.max(value.len, value.data.length));
        MemorySegment.copy(value.data, 0, m, ValueLayout.JAVA_BYTE, 0, value.data.length);
        return (int) LibC.SETSOCKOPT.call(fd, level, name, m.address(), value.len);
    }

    @Override
    public int getsockopt(int fd, int level, int name, OptVal value) {
        boolean info = level == SockConst.SOL_TCP && name == TcpConst.TCP_INFO;
        MemorySegment m = allocate(Math.max(value.len, TCP_INFO_ROOM));
        MemorySegment length = allocate(4);
        length.set(ValueLayout.JAVA_INT, 0, info ? TCP_INFO_ROOM : value.len);
        int rc = (int) LibC.GETSOCKOPT.call(fd, level, name, m.address(), length.address());
        if (rc < 0) {
            return rc;
        }
        int n = length.get(ValueLayout.JAVA_INT, 0);
        if (info) {
            value.object = LinuxTcpInfo.decode(m.asByteBuffer().order(ByteOrder.nativeOrder()));
        }
        value.len = Math.min(n, value.len);
        MemorySegment.copy(m, ValueLayout.JAVA_BYTE, 0, value.data, 0, Math.min(value.len, value.data.length));
        return rc;
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return (int) LibC.FCNTL.call(fd, command, argument);
    }

    @Override
    public int ioctl(int fd, int command, OptVal argument) {
        MemorySegment m = allocate(64);
        int rc = (int) LibC.IOCTL.call(fd, command & 0xffffffffL, m.address());
        argument.setInt(m.get(ValueLayout.JAVA_INT, 0));
        return rc;
    }

    // ---- events

    private static int millis(long timeoutNs) {
        return timeoutNs < 0 ? -1 : (int) (timeoutNs / 1_000_000);
    }

    @Override
    public int poll(PollFd[] fds, int n, long timeoutNs) {
        MemorySegment m = allocate(8L * n);
        for (int i = 0; i < n; i++) {
            m.set(ValueLayout.JAVA_INT, 8L * i, fds[i].fd);
            m.set(ValueLayout.JAVA_SHORT, 8L * i + 4, (short) fds[i].events);
        }
        int rc = (int) LibC.POLL.call(m.address(), n, millis(timeoutNs));
        for (int i = 0; i < n; i++) {
            fds[i].revents = m.get(ValueLayout.JAVA_SHORT, 8L * i + 6) & 0xffff;
        }
        return rc;
    }

    @Override
    public int epollCreate1(int flags) {
        return opened(LibC.EPOLL_CREATE1.call(flags));
    }

    @Override
    public int epollCtl(int epfd, int op, int fd, @Nullable EpollEvent event) {
        MemorySegment m = allocate(EPOLL_EVENT_LENGTH);
        if (event != null) {
            m.set(ValueLayout.JAVA_INT_UNALIGNED, 0, event.events);
            m.set(ValueLayout.JAVA_LONG_UNALIGNED, EPOLL_DATA_OFFSET, event.data);
        }
        return (int) LibC.EPOLL_CTL.call(epfd, op, fd, event == null ? 0 : m.address());
    }

    @Override
    public int epollWait(int epfd, EpollEvent[] out, int max, long timeoutNs) {
        MemorySegment m = allocate((long) EPOLL_EVENT_LENGTH * out.length);
        int n = (int) LibC.EPOLL_WAIT.call(epfd, m.address(), max, millis(timeoutNs));
        for (int i = 0; i < n; i++) {
            out[i].events = m.get(ValueLayout.JAVA_INT_UNALIGNED, (long) EPOLL_EVENT_LENGTH * i);
            out[i].data = m.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) EPOLL_EVENT_LENGTH * i + EPOLL_DATA_OFFSET);
        }
        return n;
    }

    // ---- files and pipes

    @Override
    public int pipe2(int[] fds, int flags) {
        MemorySegment m = allocate(8);
        int rc = (int) LibC.PIPE2.call(m.address(), flags);
        if (rc == 0) {
            fds[0] = opened(m.get(ValueLayout.JAVA_INT, 0));
            fds[1] = opened(m.get(ValueLayout.JAVA_INT, 4));
        }
        return rc;
    }

    /** A file in memory takes the place of the script's, which is zeros as well. */
    @Override
    public long sendfile(int out, FileChannel in, long position, long count) {
        MemorySegment name = arena.allocateFrom("script");
        MemorySegment offset = allocate(8);
        offset.set(ValueLayout.JAVA_LONG, 0, position);
        int file = (int) LibC.MEMFD_CREATE.call(name.address(), 0);
        try {
            LibC.FTRUNCATE.call(file, in.size());
            return LibC.SENDFILE.call(out, file, offset.address(), count);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            LibC.CLOSE.call(file);
        }
    }

    @Override
    public int splice(int in, int out, int length, int flags) {
        return (int) LibC.SPLICE.call(in, 0, out, 0, length, flags);
    }
}
