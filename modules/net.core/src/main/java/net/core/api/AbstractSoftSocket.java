package net.core.api;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import net.core.sock.File;
import net.core.sock.FileFlags;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockAddrIn6;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserBuf;
import net.skbuff.UserByteBuffer;
import net.skbuff.UserBytes;
import net.skbuff.UserSegment;
import org.jspecify.annotations.Nullable;

/**
 * What all sockets of this package share: names, options, mode, closing, and errors as exceptions.
 *
 * <p>Thread-safe. A close from another thread wakes those blocked here.
 */
public abstract class AbstractSoftSocket implements Channel {
    private static final VarHandle CLOSED;
    private static final VarHandle READER;
    private static final VarHandle WRITER;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            CLOSED = lookup.findVarHandle(AbstractSoftSocket.class, "closed", boolean.class);
            READER = lookup.findVarHandle(AbstractSoftSocket.class, "reader", Cursor.class);
            WRITER = lookup.findVarHandle(AbstractSoftSocket.class, "writer", Cursor.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final SoftNetwork network;
    final Syscalls sys;
    final int fd;
    final File file;

    /** Kept from call to call, so that a call allocates nothing; null while a call uses it. */
    private volatile @Nullable Cursor reader;

    private volatile @Nullable Cursor writer;
    private volatile boolean closed;

    AbstractSoftSocket(SoftNetwork network, int fd, File file) {
        this.network = network;
        this.sys = network.sys();
        this.fd = fd;
        this.file = file;
    }

    /** The descriptor, for {@link Syscalls}; another file's once this is closed. */
    public final int fd() {
        return fd;
    }

    // ---- names ----

    /** Binds to a local address; port 0 picks one. */
    public void bind(InetSocketAddress local) throws IOException {
        check("bind", local, sys.bind(open(), sockAddr(local)));
    }

    /** The local address, or null if unbound. */
    public @Nullable InetSocketAddress localAddress() throws IOException {
        @Nullable SockAddr[] out = new @Nullable SockAddr[1];
        check("getsockname", null, sys.getsockname(open(), out));
        InetSocketAddress name = socketAddress(out[0]);
        return name != null && name.getPort() == 0 ? null : name;
    }

    /** The peer's address, or null if not connected. */
    public @Nullable InetSocketAddress remoteAddress() throws IOException {
        @Nullable SockAddr[] out = new @Nullable SockAddr[1];
        int err = sys.getpeername(open(), out);
        if (err == -Errno.ENOTCONN) {
            return null;
        }
        check("getpeername", null, err);
        return socketAddress(out[0]);
    }

    static SockAddr sockAddr(InetSocketAddress address) throws UnknownHostException {
        InetAddress host = address.getAddress();
        if (host == null) {
            throw new UnknownHostException(address.getHostString());
        }
        byte[] b = host.getAddress();
        if (b.length == 16) {
            return new SockAddrIn6(b, address.getPort());
        }
        int addr = (b[0] & 255) << 24 | (b[1] & 255) << 16 | (b[2] & 255) << 8 | b[3] & 255;
        return new SockAddrIn(addr, address.getPort());
    }

    static @Nullable InetSocketAddress socketAddress(@Nullable SockAddr address) {
        try {
            if (address instanceof SockAddrIn in) {
                int a = in.addr;
                byte[] b = {(byte) (a >>> 24), (byte) (a >>> 16), (byte) (a >>> 8), (byte) a};
                return new InetSocketAddress(InetAddress.getByAddress(b), in.port);
            }
            if (address instanceof SockAddrIn6 in6) {
                return new InetSocketAddress(InetAddress.getByAddress(in6.addr), in6.port);
            }
            return null;
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- options and mode ----

    /** Sets one of {@link SoftOption} or {@link java.net.StandardSocketOptions}. */
    public final <T> void setOption(SocketOption<T> option, T value) throws IOException {
        SoftOption<T> o = SoftOption.of(option);
        check("setsockopt " + o.name(), null, sys.setsockopt(open(), o.level, o.optname, o.encode(value)));
    }

    public final <T> T option(SocketOption<T> option) throws IOException {
        SoftOption<T> o = SoftOption.of(option);
        OptVal value = o.room();
        check("getsockopt " + o.name(), null, sys.getsockopt(open(), o.level, o.optname, value));
        return o.decode(value);
    }

    /** Chooses whether calls wait; they do unless told otherwise. */
    public final void configureBlocking(boolean block) throws IOException {
        check("fcntl", null, sys.fcntl(open(), FileFlags.F_SETFL, block ? 0 : FileFlags.O_NONBLOCK));
    }

    public final boolean isBlocking() {
        return !file.nonblocking();
    }

    // ---- life ----

    @Override
    public final boolean isOpen() {
        return !closed;
    }

    /** Closes once; wakes threads blocked here. May wait, as SO_LINGER says. */
    @Override
    public final void close() {
        if (CLOSED.compareAndSet(this, false, true)) {
            sys.close(fd);
        }
    }

    /** The descriptor of an open socket. */
    final int open() throws ClosedChannelException {
        if (closed) {
            throw new ClosedChannelException();
        }
        return fd;
    }

    /** Turns a failure into its exception; a call that was cut short by {@link #close} into that. */
    final int check(String what, @Nullable Object on, int result) throws IOException {
        if (result >= 0) {
            if (closed) {
                throw new AsynchronousCloseException();
            }
            return result;
        }
        throw failure(what, on, -result);
    }

    final IOException failure(String what, @Nullable Object on, int errno) {
        if (closed) {
            return new AsynchronousCloseException();
        }
        String text = on == null ? what : what + " " + text(on);
        if (errno == Errno.EAGAIN && isBlocking()) {
            return new SocketTimeoutException(text + ": " + Errno.name(errno) + " (timed out)");
        }
        return new ErrnoException(text, errno);
    }

    /** An address without the host's name. */
    private static String text(Object on) {
        if (on instanceof InetSocketAddress a && a.getAddress() != null) {
            return a.getAddress().getHostAddress() + ":" + a.getPort();
        }
        return on.toString();
    }

    /** The peer for an error's text; never fails. */
    final @Nullable Object peerForError() {
        @Nullable SockAddr[] out = new @Nullable SockAddr[1];
        return !closed && sys.getpeername(fd, out) >= 0 ? out[0] : null;
    }

    // ---- cursors over the program's memory ----

    final Cursor takeReader() {
        Cursor c = (Cursor) READER.getAndSet(this, (Cursor) null);
        return c != null ? c : new Cursor(); // allocates: first call, or another thread is in one
    }

    final void giveReader(Cursor c) {
        c.release();
        reader = c;
    }

    final Cursor takeWriter() {
        Cursor c = (Cursor) WRITER.getAndSet(this, (Cursor) null);
        return c != null ? c : new Cursor(); // allocates: first call, or another thread is in one
    }

    final void giveWriter(Cursor c) {
        c.release();
        writer = c;
    }

    /** The objects of one call. */
    static final class Cursor {
        final Msghdr msg = new Msghdr();
        final UserByteBuffer buffer = new UserByteBuffer();
        final UserBytes bytes = new UserBytes();
        final UserSegment segment = new UserSegment();
        private static final byte[] NONE = new byte[0];

        Msghdr msg(UserBuf iter) {
            return msg.reset(iter, null, 0);
        }

        /** Lets the program's memory go. */
        void release() {
            msg.reset(null, null, 0);
            buffer.release();
            bytes.wrap(NONE, 0, 0);
            segment.wrap(java.lang.foreign.MemorySegment.NULL, 0, 0);
        }
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + "[fd " + fd + (closed ? ", closed]" : ", " + file.privateData + "]");
    }
}
