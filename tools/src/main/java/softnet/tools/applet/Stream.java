package softnet.tools.applet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import net.core.sock.OptVal;
import net.core.sock.Process;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A blocking TCP connection. One thread may read while another writes.
 *
 * <p>Context: process.
 */
public final class Stream implements Closeable {
    private final Syscalls calls;
    private final int fd;
    private final String peer;
    private final UserByteBuffer reading = new UserByteBuffer();
    private final UserByteBuffer writing = new UserByteBuffer();
    private boolean closed;

    private Stream(Syscalls calls, int fd, String peer) {
        this.calls = calls;
        this.fd = fd;
        this.peer = peer;
    }

    /** Connects to an address in host order. */
    public static Stream connect(Process process, int addr, int port) throws IOException {
        Syscalls calls = process.syscalls();
        int fd = SysException.check(calls.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0), "socket");
        String peer = SockAddrIn.text(addr) + ":" + port;
        int rc = calls.connect(fd, new SockAddrIn(addr, port));
        if (rc < 0) {
            calls.close(fd);
            throw new SysException("connect to " + peer, -rc);
        }
        return new Stream(calls, fd, peer);
    }

    /** A listening socket's descriptor. */
    public static int listen(Process process, int addr, int port, int backlog) throws IOException {
        Syscalls calls = process.syscalls();
        int fd = SysException.check(calls.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0), "socket");
        calls.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_REUSEADDR, 1);
        int rc = calls.bind(fd, new SockAddrIn(addr, port));
        if (rc == 0) {
            rc = calls.listen(fd, backlog);
        }
        if (rc < 0) {
            calls.close(fd);
            throw new SysException("listen on port " + port, -rc);
        }
        return fd;
    }

    /** Waits for a connection on {@link #listen}'s descriptor. */
    public static Stream accept(Process process, int listener) throws IOException {
        Syscalls calls = process.syscalls();
        @Nullable SockAddr[] peer = new SockAddr[1];
        while (true) {
            int fd = calls.accept4(listener, peer, 0);
            if (fd >= 0) {
                SockAddr from = peer[0];
                return new Stream(calls, fd, from == null ? "?" : Addr.text(from));
            }
            if (fd != -Errno.ECONNABORTED) {
                throw new SysException("accept", -fd);
            }
        }
    }

    /** The descriptor. */
    public int fd() {
        return fd;
    }

    /** The peer's address and port. */
    public String peer() {
        return peer;
    }

    /** Reads what is there, waiting for the first byte; -1 at the peer's end of stream. */
    public int read(ByteBuffer to) throws IOException {
        int n = SysException.check(calls.recv(fd, reading.wrap(to), 0), "read from " + peer);
        reading.release();
        to.position(to.position() + n);
        return n == 0 && to.hasRemaining() ? -1 : n;
    }

    /** Writes everything, waiting for room. */
    public void write(ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            int n = SysException.check(
                    calls.send(fd, writing.wrap(from), SockConst.MSG_NOSIGNAL), "write to " + peer);
            from.position(from.position() + n);
        }
        writing.release();
    }

    /** Sends {@code count} bytes of a file from {@code position} without copying them through the program. */
    public void sendFile(FileChannel file, long position, long count) throws IOException {
        long end = position + count;
        for (long at = position; at < end; ) {
            long n = calls.sendfile(fd, file, at, end - at);
            if (n < 0) {
                throw new SysException("send file to " + peer, (int) -n);
            }
            if (n == 0) {
                throw new IOException("send file to " + peer + ": the file became shorter");
            }
            at += n;
        }
    }

    /** How long a read waits before it fails with EAGAIN. */
    public void readTimeoutNs(long ns) {
        calls.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_RCVTIMEO, OptVal.ofTimevalNs(ns));
    }

    /** Ends our direction; reading goes on. */
    public void shutdownOutput() throws IOException {
        int rc = calls.shutdown(fd, SockConst.SHUT_WR);
        if (rc < 0 && rc != -Errno.ENOTCONN) {
            throw new SysException("shutdown to " + peer, -rc);
        }
    }

    /** Ends both directions, so that whoever is blocked on it returns. The descriptor stays. Context: any thread. */
    public void abort() {
        calls.shutdown(fd, SockConst.SHUT_RDWR);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            calls.close(fd);
        }
    }
}
