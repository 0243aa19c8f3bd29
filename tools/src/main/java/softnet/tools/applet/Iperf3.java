package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import net.core.UserError;
import net.core.api.SoftServerSocket;
import net.core.sock.PollMask;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.UserByteBuffer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import softnet.tools.iperf.IperfState;

/**
 * A server for the real iperf3: takes connections, finds out by their cookies which test they belong to, and serves one
 * test at a time. {@link IperfTest} is the test itself.
 */
@Command(
        name = "iperf3",
        mixinStandardHelpOptions = true,
        description = "Serves the real iperf3 client: TCP and UDP, forward, -R, -P and --bidir.")
public final class Iperf3 implements Applet {
    private static final int BACKLOG = 128;
    private static final long COOKIE_WAIT_NS = 5_000_000_000L;

    @Option(
            names = {"-s", "--server"},
            description = "Run as a server; the client is the real one.")
    private boolean server;

    @Option(
            names = {"-p", "--port"},
            paramLabel = "P",
            defaultValue = "5201",
            description = "${DEFAULT-VALUE}")
    private String port = "5201";

    @Option(
            names = {"-1", "--one-off"},
            description = "End after one test.")
    private boolean oneOff;

    private volatile boolean stopped;
    private volatile @Nullable FdLoop loop;
    private @Nullable IperfTest test;

    @Override
    public int run(Host host) throws IOException {
        if (!server) {
            throw new UserError("iperf3: want -s: only the server is built in, the client is the real iperf3");
        }
        int number = Addr.port(port);
        try (FdLoop serving = new FdLoop(host.process())) {
            loop = serving;
            SoftServerSocket socket = host.network().listen(Addr.of(SockAddrIn.INADDR_ANY, number), BACKLOG);
            socket.configureBlocking(false);
            int listener = socket.fd();
            serving.add(listener, PollMask.EPOLLIN, e -> acceptAll(host, serving, listener, number));
            host.out().println("Server listening on " + number);
            while (!stopped && !serving.stopped()) {
                IperfTest current = test;
                serving.once(current == null ? -1 : current.waitNs());
                if (current != null) {
                    current.tick();
                }
                if (current != null && current.isOver()) {
                    test = null;
                    if (oneOff) {
                        break;
                    }
                    host.out().println("Server listening on " + number);
                }
            }
            IperfTest last = test;
            if (last != null) {
                last.abandon();
            }
            socket.close();
        }
        return 0;
    }

    @Override
    public void stop() {
        stopped = true;
        FdLoop serving = loop;
        if (serving != null) {
            serving.stop();
        }
    }

    private void acceptAll(Host host, FdLoop serving, int listener, int number) {
        @Nullable SockAddr[] peer = new SockAddr[1];
        while (true) {
            int fd = host.calls().accept4(listener, peer, SockConst.SOCK_NONBLOCK);
            if (fd == -Errno.ECONNABORTED) {
                continue;
            }
            if (fd < 0) {
                return;
            }
            SockAddr from = peer[0];
            new Newcomer(host, serving, fd, number, from == null ? "?" : Addr.text(from)).open();
        }
    }

    /** A connection that has not said its cookie yet. */
    private final class Newcomer implements FdLoop.Ready {
        private final Host host;
        private final FdLoop serving;
        private final int fd;
        private final int number;
        private final String peer;
        private final ByteBuffer cookie = ByteBuffer.allocate(IperfState.COOKIE_BYTES);
        private final UserByteBuffer cursor = new UserByteBuffer();
        private final long deadlineNs;

        Newcomer(Host host, FdLoop serving, int fd, int number, String peer) {
            this.host = host;
            this.serving = serving;
            this.fd = fd;
            this.number = number;
            this.peer = peer;
            deadlineNs = host.nanoTime() + COOKIE_WAIT_NS;
        }

        void open() {
            try {
                serving.add(fd, PollMask.EPOLLIN, this);
            } catch (IOException e) {
                serving.close(fd);
            }
        }

        @Override
        public void ready(int events) {
            int n = host.calls().recv(fd, cursor.wrap(cookie), 0);
            if (n == -Errno.EAGAIN && host.nanoTime() < deadlineNs) {
                return;
            }
            if (n <= 0) {
                serving.close(fd);
                return;
            }
            cookie.position(cookie.position() + n);
            if (!cookie.hasRemaining()) {
                known();
            }
        }

        private void known() {
            IperfTest current = test;
            if (current == null) {
                current = new IperfTest(host, serving, number, fd, cookie.array(), peer);
                test = current;
                current.open();
            } else if (current.expects(cookie.array())) {
                current.addStream(fd);
            } else {
                host.calls()
                        .send(
                                fd,
                                cursor.wrap(ByteBuffer.wrap(new byte[] {IperfState.ACCESS_DENIED})),
                                SockConst.MSG_NOSIGNAL);
                serving.close(fd);
            }
        }
    }
}
