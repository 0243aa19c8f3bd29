package softnet.tools.applet;

import java.io.IOException;
import java.util.List;
import net.core.api.SoftServerSocket;
import net.core.sock.OptVal;
import net.core.sock.PollMask;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/**
 * The test services of old: echo on port 7, discard on 9 and chargen on 19, over TCP and UDP. One thread serves all
 * clients from an epoll set: an idle connection costs its socket and {@link InetdConnection}, and a busy one allocates
 * nothing.
 *
 * <p>RFC 862, RFC 863, RFC 864.
 */
@Command(
        name = "inetd",
        mixinStandardHelpOptions = true,
        description = "Serves echo (7), discard (9) and chargen (19) over TCP and UDP.")
public final class Inetd implements Applet {
    static final int ECHO = 7;
    static final int DISCARD = 9;
    static final int CHARGEN = 19;
    private static final List<Integer> PORTS = List.of(ECHO, DISCARD, CHARGEN);
    private static final int BACKLOG = 4096;
    /** IPPROTO_TCP level. */
    private static final int TCP_NODELAY = 1;
    /** Pause after an accept that failed for want of descriptors or memory. */
    private static final long ACCEPT_PAUSE_NS = 10_000_000;

    private final OptVal one = OptVal.ofInt(1);
    private volatile @Nullable FdLoop loop;
    private volatile boolean stopped;

    @Override
    public int run(Host host) throws IOException {
        try (FdLoop serving = new FdLoop(host.process())) {
            loop = serving;
            InetdBuffers buffers = new InetdBuffers(host.calls());
            for (int port : PORTS) {
                listen(host, serving, buffers, port);
                new InetdDatagrams(host, buffers, port).open(serving);
            }
            host.err().println("inetd: serving echo 7, discard 9, chargen 19 on TCP and UDP");
            if (!stopped) {
                serving.run();
            }
            return 0;
        }
    }

    @Override
    public void stop() {
        stopped = true;
        FdLoop serving = loop;
        if (serving != null) {
            serving.stop();
        }
    }

    private void listen(Host host, FdLoop serving, InetdBuffers buffers, int port) throws IOException {
        SoftServerSocket listener = host.network().listen(Addr.of(SockAddrIn.INADDR_ANY, port), BACKLOG);
        listener.configureBlocking(false);
        int fd = listener.fd();
        serving.add(fd, PollMask.EPOLLIN, events -> acceptAll(host, serving, buffers, fd, port));
    }

    @HotPath
    private void acceptAll(Host host, FdLoop serving, InetdBuffers buffers, int listener, int port) {
        while (true) {
            int fd = host.calls().accept4(listener, null, SockConst.SOCK_NONBLOCK);
            if (fd == -Errno.ECONNABORTED) {
                continue;
            }
            if (fd < 0) {
                if (fd != -Errno.EAGAIN) {
                    host.kernel().scheduler().sleep(ACCEPT_PAUSE_NS);
                }
                return;
            }
            host.calls().setsockopt(fd, SockConst.IPPROTO_TCP, TCP_NODELAY, one);
            InetdConnection connection = new InetdConnection(serving, buffers, fd, port); // allocates: the connection
            connection.open();
        }
    }
}
