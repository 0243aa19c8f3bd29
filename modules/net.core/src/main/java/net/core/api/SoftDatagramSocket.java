package net.core.api;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import net.core.sock.File;
import net.core.sock.Msghdr;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.skbuff.Errno;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket. The calls with {@link SockAddrIn} allocate nothing; those with {@link InetSocketAddress} are for
 * convenience. Thread-safe.
 */
public final class SoftDatagramSocket extends AbstractSoftSocket {
    SoftDatagramSocket(SoftNetwork network, int fd, File file) {
        super(network, fd, file);
    }

    /** Fixes the peer: only it is heard, and {@link #send(ByteBuffer)} needs no address. */
    public void connect(InetSocketAddress remote) throws IOException {
        check("connect", remote, sys.connect(open(), sockAddr(remote)));
    }

    /** Undoes {@link #connect}. */
    public void disconnect() throws IOException {
        check("disconnect", null, sys.connect(open(), SockAddr.unspec()));
    }

    // ---- sending: bytes sent, or 0 if non-blocking and there is no room ----

    public int send(ByteBuffer from) throws IOException {
        return sendBuffer(from, null);
    }

    public int send(ByteBuffer from, InetSocketAddress to) throws IOException {
        return sendBuffer(from, sockAddr(to));
    }

    public int send(ByteBuffer from, SockAddrIn to) throws IOException {
        return sendBuffer(from, to);
    }

    public int send(MemorySegment from, @Nullable SockAddrIn to) throws IOException {
        open();
        Cursor c = takeWriter();
        int n = sendmsg(c, c.segment.wrap(from, 0, Math.toIntExact(from.byteSize())), to);
        giveWriter(c);
        return result("send", to, n);
    }

    private int sendBuffer(ByteBuffer from, @Nullable SockAddr to) throws IOException {
        open();
        Cursor c = takeWriter();
        int n = sendmsg(c, c.buffer.wrap(from), to);
        giveWriter(c);
        if (n > 0) {
            from.position(from.position() + n);
        }
        return result("send", to, n);
    }

    private int sendmsg(Cursor c, UserBuf buf, @Nullable SockAddr to) {
        return sys.sendmsg(file, c.msg.reset(buf, to, 0), 0);
    }

    // ---- receiving: bytes, 0 for an empty datagram, -1 if non-blocking and there is none ----

    /** What doesn't fit is lost. @param from filled with the source, may be null */
    public int receive(ByteBuffer to, @Nullable SockAddrIn from) throws IOException {
        open();
        Cursor c = takeReader();
        int n = recvmsg(c, c.buffer.wrap(to), from, 0);
        giveReader(c);
        if (n > 0) {
            to.position(to.position() + n);
        }
        return received(n);
    }

    public int receive(MemorySegment to, @Nullable SockAddrIn from) throws IOException {
        open();
        Cursor c = takeReader();
        int n = recvmsg(c, c.segment.wrap(to, 0, Math.toIntExact(to.byteSize())), from, 0);
        giveReader(c);
        return received(n);
    }

    /** Receives a datagram and tells its source; null if non-blocking and there is none. */
    public @Nullable InetSocketAddress receive(ByteBuffer to) throws IOException {
        SockAddrIn from = new SockAddrIn();
        return receive(to, from) < 0 ? null : socketAddress(from);
    }

    /**
     * Receives with everything: flags such as MSG_ERRQUEUE and control messages. {@code msg.iter} says where to; the
     * result's flags and control messages are in {@code msg}.
     */
    public int receive(Msghdr msg, int flags) throws IOException {
        open();
        return received(sys.recvmsg(file, msg, flags));
    }

    private int recvmsg(Cursor c, UserBuf buf, @Nullable SockAddr from, int flags) {
        return sys.recvmsg(file, c.msg.reset(buf, from, 0), flags);
    }

    private int received(int n) throws IOException {
        return n == -Errno.EAGAIN && !isBlocking() ? -1 : result("receive", null, n);
    }

    private int result(String what, @Nullable Object on, int n) throws IOException {
        if (n == -Errno.EAGAIN && !isBlocking()) {
            return 0;
        }
        return check(what, on, n);
    }
}
