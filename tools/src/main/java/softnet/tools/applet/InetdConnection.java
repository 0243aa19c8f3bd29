package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import net.core.sock.PollMask;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A TCP client of {@link Inetd}. Echo stops reading while what it has read does not fit into the send buffer, so that a
 * client which never reads costs one buffer.
 */
final class InetdConnection implements FdLoop.Ready {
    /** Reads or writes of one connection before others get their turn. */
    private static final int ROUNDS = 16;

    private final FdLoop loop;
    private final InetdBuffers buffers;
    private final int fd;
    private final int port;
    /** Echo: read but not yet sent. */
    private @Nullable ByteBuffer pending;
    /** Chargen: place in the pattern. */
    private int at;

    InetdConnection(FdLoop loop, InetdBuffers buffers, int fd, int port) {
        this.loop = loop;
        this.buffers = buffers;
        this.fd = fd;
        this.port = port;
    }

    void open() {
        try {
            loop.add(fd, port == Inetd.CHARGEN ? PollMask.EPOLLOUT | PollMask.EPOLLRDHUP : PollMask.EPOLLIN, this);
        } catch (IOException e) {
            loop.close(fd);
        }
    }

    @Override
    @HotPath
    public void ready(int events) {
        switch (port) {
            case Inetd.CHARGEN -> chargen(events);
            case Inetd.DISCARD -> discard();
            default -> echo();
        }
    }

    private void chargen(int events) {
        if ((events & (PollMask.EPOLLERR | PollMask.EPOLLHUP | PollMask.EPOLLRDHUP)) != 0) {
            close();
            return;
        }
        for (int round = 0; round < ROUNDS; round++) {
            buffers.pattern.limit(at + InetdBuffers.WRITE).position(at);
            int n = buffers.calls.send(fd, buffers.cursor.wrap(buffers.pattern), SockConst.MSG_NOSIGNAL);
            if (n < 0) {
                if (n != -Errno.EAGAIN) {
                    close();
                }
                return;
            }
            at = (at + n) % InetdBuffers.PERIOD;
        }
    }

    private void discard() {
        for (int round = 0; round < ROUNDS; round++) {
            int n = receive();
            if (n <= 0) {
                if (n != -Errno.EAGAIN) {
                    close();
                }
                return;
            }
            if (n < InetdBuffers.READ) {
                return;
            }
        }
    }

    private void echo() {
        if (pending != null && !drain()) {
            return;
        }
        for (int round = 0; round < ROUNDS; round++) {
            int n = receive();
            if (n <= 0) {
                if (n != -Errno.EAGAIN) {
                    close();
                }
                return;
            }
            buffers.in.flip();
            if (!send(buffers.in)) {
                return;
            }
            if (n < 64) {
                return;
            }
        }
    }

    /** Reads into the shared buffer and returns what the system call did. */
    private int receive() {
        ByteBuffer in = buffers.in.clear();
        int n = buffers.calls.recv(fd, buffers.cursor.wrap(in), 0);
        if (n > 0) {
            in.position(n);
        }
        return n;
    }

    /** Sends all, or keeps the rest for later; false if the loop must wait or the connection is gone. */
    private boolean send(ByteBuffer from) {
        while (from.hasRemaining()) {
            int n = buffers.calls.send(fd, buffers.cursor.wrap(from), SockConst.MSG_NOSIGNAL);
            if (n == -Errno.EAGAIN) {
                ByteBuffer rest = buffers.takePending(from.remaining());
                pending = rest.put(from).flip();
                loop.modify(fd, PollMask.EPOLLOUT, this);
                return false;
            }
            if (n < 0) {
                close();
                return false;
            }
            from.position(from.position() + n);
        }
        return true;
    }

    /** Sends what is kept; true once nothing is left. */
    private boolean drain() {
        ByteBuffer rest = pending;
        while (rest != null && rest.hasRemaining()) {
            int n = buffers.calls.send(fd, buffers.cursor.wrap(rest), SockConst.MSG_NOSIGNAL);
            if (n < 0) {
                if (n != -Errno.EAGAIN) {
                    close();
                }
                return false;
            }
            rest.position(rest.position() + n);
        }
        if (rest != null) {
            buffers.givePending(rest);
            pending = null;
        }
        loop.modify(fd, PollMask.EPOLLIN, this);
        return true;
    }

    private void close() {
        ByteBuffer rest = pending;
        if (rest != null) {
            buffers.givePending(rest);
            pending = null;
        }
        loop.close(fd);
    }
}
