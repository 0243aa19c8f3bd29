package net.core.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.FileChannel;
import net.core.sock.File;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.UserBuf;

/**
 * A TCP connection. Blocking unless configured otherwise; then a read or write that cannot proceed answers 0.
 *
 * <p>Thread-safe: a reader and a writer don't disturb each other; several readers share the stream as on Linux.
 */
public final class SoftSocket extends AbstractSoftSocket implements ByteChannel {
    SoftSocket(SoftNetwork network, int fd, File file) {
        super(network, fd, file);
    }

    // ---- connection ----

    /**
     * Connects.
     *
     * @return true if connected; false if non-blocking and on its way: wait for {@link SoftEpoll#OUT} and call
     *     {@link #finishConnect}
     */
    public boolean connect(InetSocketAddress remote) throws IOException {
        int err = sys.connect(open(), sockAddr(remote));
        if (err == -Errno.EINPROGRESS || err == -Errno.EALREADY) {
            if (!isBlocking()) {
                return false;
            }
            // A blocking connect ends so when SO_SNDTIMEO is over.
            throw failure("connect", remote, err == -Errno.EINPROGRESS ? Errno.EAGAIN : -err);
        }
        check("connect", remote, err);
        return true;
    }

    /** Tells how a non-blocking connect went. @return false if it is still on its way */
    public boolean finishConnect() throws IOException {
        int errno = option(SoftOption.SO_ERROR);
        if (errno != 0) {
            throw failure("connect", null, errno);
        }
        return remoteAddress() != null;
    }

    /** No more to read: later reads see the end of the stream. */
    public void shutdownInput() throws IOException {
        check("shutdown", null, sys.shutdown(open(), SockConst.SHUT_RD));
    }

    /** Sends a FIN after what was written. */
    public void shutdownOutput() throws IOException {
        check("shutdown", null, sys.shutdown(open(), SockConst.SHUT_WR));
    }

    // ---- receiving ----

    /** @return bytes read, -1 at the end of the stream, 0 if non-blocking and there is nothing */
    @Override
    public int read(ByteBuffer to) throws IOException {
        open();
        if (!to.hasRemaining()) {
            return 0;
        }
        Cursor c = takeReader();
        int n = recv(c, c.buffer.wrap(to), 0);
        giveReader(c);
        if (n > 0) {
            to.position(to.position() + n);
        }
        return streamResult(n);
    }

    public int read(byte[] to, int off, int len) throws IOException {
        open();
        if (len == 0) {
            return 0;
        }
        Cursor c = takeReader();
        int n = recv(c, c.bytes.wrap(to, off, len), 0);
        giveReader(c);
        return streamResult(n);
    }

    /** Reads into the segment's first bytes. */
    public int read(MemorySegment to) throws IOException {
        return read(to, 0);
    }

    /** @param flags MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, ... of {@link SockConst} */
    public int read(MemorySegment to, int flags) throws IOException {
        open();
        if (to.byteSize() == 0) {
            return 0;
        }
        Cursor c = takeReader();
        int n = recv(c, c.segment.wrap(to, 0, (int) Math.min(to.byteSize(), Integer.MAX_VALUE)), flags);
        giveReader(c);
        return streamResult(n);
    }

    private int recv(Cursor c, UserBuf buf, int flags) {
        return sys.recvmsg(file, c.msg(buf), flags);
    }

    private int streamResult(int n) throws IOException {
        if (n > 0) {
            return n;
        }
        if (n == 0) {
            check("read", null, 0);
            return -1;
        }
        if (n == -Errno.EAGAIN && !isBlocking()) {
            return 0;
        }
        throw failure("read", peerForError(), -n);
    }

    // ---- sending ----

    /** @return bytes taken: all if blocking, perhaps 0 if not */
    @Override
    public int write(ByteBuffer from) throws IOException {
        open();
        Cursor c = takeWriter();
        int n = send(c, c.buffer.wrap(from), 0);
        giveWriter(c);
        if (n > 0) {
            from.position(from.position() + n);
        }
        return writeResult(n);
    }

    public int write(byte[] from, int off, int len) throws IOException {
        open();
        Cursor c = takeWriter();
        int n = send(c, c.bytes.wrap(from, off, len), 0);
        giveWriter(c);
        return writeResult(n);
    }

    public int write(MemorySegment from) throws IOException {
        return write(from, 0);
    }

    /** @param flags MSG_MORE, MSG_DONTWAIT, MSG_OOB, MSG_ZEROCOPY, ... of {@link SockConst} */
    public int write(MemorySegment from, int flags) throws IOException {
        open();
        Cursor c = takeWriter();
        int n = send(c, c.segment.wrap(from, 0, (int) Math.min(from.byteSize(), Integer.MAX_VALUE)), flags);
        giveWriter(c);
        return writeResult(n);
    }

    /** Writes all of it, whatever the mode of the socket was when it began; blocking sockets only. */
    public void writeFully(ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            if (write(from) == 0) {
                throw failure("write", peerForError(), Errno.EAGAIN);
            }
        }
    }

    private int send(Cursor c, UserBuf buf, int flags) {
        return sys.sendmsg(file, c.msg(buf), flags | SockConst.MSG_NOSIGNAL);
    }

    private int writeResult(int n) throws IOException {
        if (n > 0) {
            return n;
        }
        if (n == -Errno.EAGAIN && !isBlocking()) {
            return 0;
        }
        if (n < 0) {
            throw failure("write", peerForError(), -n);
        }
        return check("write", null, n);
    }

    /**
     * Sends a piece of a file without copying it through the program. @return bytes sent, which may be fewer than
     * {@code count}
     */
    public long transferFrom(FileChannel in, long position, long count) throws IOException {
        long n = sys.sendfile(open(), in, position, count);
        if (n < 0) {
            return writeResult((int) n);
        }
        return n;
    }

    // ---- streams ----

    /** Reads of this socket; closing it closes the socket. */
    public InputStream inputStream() {
        return new In(this);
    }

    /** Writes of this socket; closing it closes the socket. */
    public OutputStream outputStream() {
        return new Out(this);
    }

    private static final class In extends InputStream {
        private final SoftSocket socket;
        private final byte[] one = new byte[1];

        In(SoftSocket socket) {
            this.socket = socket;
        }

        @Override
        public int read() throws IOException {
            return read(one, 0, 1) < 0 ? -1 : one[0] & 255;
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            if (!socket.isBlocking()) {
                throw new java.nio.channels.IllegalBlockingModeException();
            }
            return socket.read(b, off, len);
        }

        @Override
        public int available() throws IOException {
            net.core.sock.OptVal n = new net.core.sock.OptVal(4);
            return socket.sys.ioctl(socket.open(), SockConst.SIOCINQ, n) < 0 ? 0 : n.getInt();
        }

        @Override
        public void close() {
            socket.close();
        }
    }

    private static final class Out extends OutputStream {
        private final SoftSocket socket;
        private final byte[] one = new byte[1];

        Out(SoftSocket socket) {
            this.socket = socket;
        }

        @Override
        public void write(int b) throws IOException {
            one[0] = (byte) b;
            write(one, 0, 1);
        }

        @Override
        public void write(byte[] b, int off, int len) throws IOException {
            if (!socket.isBlocking()) {
                throw new java.nio.channels.IllegalBlockingModeException();
            }
            int at = off;
            while (at < off + len) {
                at += socket.write(b, at, off + len - at);
            }
        }

        @Override
        public void close() {
            socket.close();
        }
    }
}
