package net.core.api;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Objects;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.File;
import net.core.sock.Process;
import net.core.sock.SockConst;
import net.core.sock.Syscalls;

/**
 * A program's view of the network: where its sockets come from. Bound to a kernel, a namespace and a descriptor table;
 * {@link #close} closes every socket made here.
 *
 * <p>Thread-safe.
 */
public final class SoftNetwork implements AutoCloseable {
    private final Process process;
    private final Syscalls sys;

    private SoftNetwork(Process process) {
        this.process = process;
        this.sys = process.syscalls();
    }

    /** A new program in the kernel's first namespace. */
    public static SoftNetwork of(Kernel kernel) {
        return of(kernel, kernel.initNet());
    }

    /** A new program in a namespace: a host of a lab. */
    public static SoftNetwork of(Kernel kernel, Net net) {
        return new SoftNetwork(new Process(kernel, net));
    }

    /** The view of a process that exists. */
    public static SoftNetwork of(Process process) {
        return new SoftNetwork(process);
    }

    public Process process() {
        return process;
    }

    Syscalls sys() {
        return sys;
    }

    /** An unconnected TCP socket. */
    public SoftSocket socket() throws IOException {
        int fd = check("socket", sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
        return new SoftSocket(this, fd, file(fd));
    }

    /** A TCP socket connected to {@code remote}; blocks until it is. */
    public SoftSocket connect(InetSocketAddress remote) throws IOException {
        return connected(socket(), remote);
    }

    private static SoftSocket connected(SoftSocket socket, InetSocketAddress remote) throws IOException {
        boolean done = false;
        try {
            socket.connect(remote);
            done = true;
            return socket;
        } finally {
            if (!done) {
                socket.close();
            }
        }
    }

    /** An unbound TCP listener-to-be. */
    public SoftServerSocket serverSocket() throws IOException {
        int fd = check("socket", sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
        return new SoftServerSocket(this, fd, file(fd));
    }

    /**
     * A listener with SO_REUSEADDR, as servers want it.
     *
     * @param local a port of 0 picks a free one
     * @param backlog connections that may wait for {@link SoftServerSocket#accept}
     */
    public SoftServerSocket listen(InetSocketAddress local, int backlog) throws IOException {
        SoftServerSocket server = serverSocket();
        boolean done = false;
        try {
            server.setOption(java.net.StandardSocketOptions.SO_REUSEADDR, true);
            server.bind(local);
            server.listen(backlog);
            done = true;
            return server;
        } finally {
            if (!done) {
                server.close();
            }
        }
    }

    /** An unbound UDP socket. */
    public SoftDatagramSocket datagramSocket() throws IOException {
        int fd = check("socket", sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0));
        return new SoftDatagramSocket(this, fd, file(fd));
    }

    /** A socket of any kind, through the datagram view: raw and ping sockets. */
    public SoftDatagramSocket datagramSocket(int type, int protocol) throws IOException {
        int fd = check("socket", sys.socket(SockConst.AF_INET, type, protocol));
        return new SoftDatagramSocket(this, fd, file(fd));
    }

    public SoftEpoll epoll() throws IOException {
        return new SoftEpoll(this, check("epoll_create", sys.epollCreate1(0)));
    }

    File file(int fd) {
        return Objects.requireNonNull(sys.file(fd));
    }

    static int check(String what, int result) throws IOException {
        if (result < 0) {
            throw new ErrnoException(what, -result);
        }
        return result;
    }

    @Override
    public void close() {
        process.close();
    }
}
