package net.core.api;

import java.io.IOException;
import net.core.sock.File;
import net.core.sock.SockAddr;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/** A TCP listener. Thread-safe: any number of threads may accept. */
public final class SoftServerSocket extends AbstractSoftSocket {
    SoftServerSocket(SoftNetwork network, int fd, File file) {
        super(network, fd, file);
    }

    /** @param backlog connections that may wait, bounded by net.core.somaxconn */
    public void listen(int backlog) throws IOException {
        check("listen", null, sys.listen(open(), backlog));
    }

    /** The next connection; waits for it. @throws java.net.SocketTimeoutException after SO_RCVTIMEO */
    public SoftSocket accept() throws IOException {
        SoftSocket socket = tryAccept();
        if (socket == null) {
            throw failure("accept", null, Errno.EAGAIN);
        }
        return socket;
    }

    /** The next connection; null if the listener is non-blocking and none waits. */
    public @Nullable SoftSocket tryAccept() throws IOException {
        int newfd = sys.accept4(open(), (SockAddr[]) null, 0);
        if (newfd == -Errno.EAGAIN && !isBlocking()) {
            return null;
        }
        if (newfd < 0) {
            throw failure("accept", null, -newfd);
        }
        return new SoftSocket(network, newfd, network.file(newfd));
    }
}
