package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import net.core.sock.PollMask;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.HotPath;

/**
 * A UDP service of {@link Inetd}. Datagrams that come from a service's own port are dropped: two echo servers would
 * answer each other for ever.
 */
final class InetdDatagrams implements FdLoop.Ready {
    private static final int ROUNDS = 64;
    /** RFC 864: a datagram of 0 to 512 characters. */
    private static final int CHARGEN_BYTES = 512;

    private final Host host;
    private final InetdBuffers buffers;
    private final int port;
    private final SockAddrIn from = new SockAddrIn();
    private int fd = -1;
    private int at;

    InetdDatagrams(Host host, InetdBuffers buffers, int port) {
        this.host = host;
        this.buffers = buffers;
        this.port = port;
    }

    void open(FdLoop loop) throws IOException {
        fd = FdLoop.check(
                host.calls().socket(SockConst.AF_INET, SockConst.SOCK_DGRAM | SockConst.SOCK_NONBLOCK, 0), "socket");
        FdLoop.check(host.calls().bind(fd, new SockAddrIn(SockAddrIn.INADDR_ANY, port)), "bind to UDP port " + port);
        loop.add(fd, PollMask.EPOLLIN, this);
    }

    @Override
    @HotPath
    public void ready(int events) {
        for (int round = 0; round < ROUNDS; round++) {
            ByteBuffer in = buffers.in.clear();
            int n = host.calls().recvfrom(fd, buffers.cursor.wrap(in), 0, from);
            if (n < 0) {
                // EAGAIN, or an ICMP error of an earlier answer, which this read has taken off the socket.
                return;
            }
            if (from.port == Inetd.ECHO || from.port == Inetd.CHARGEN) {
                continue;
            }
            if (port == Inetd.ECHO) {
                answer(in.limit(n));
            } else if (port == Inetd.CHARGEN) {
                answer(buffers.pattern.limit(at + CHARGEN_BYTES).position(at));
                at = (at + 74) % InetdBuffers.PERIOD;
            }
        }
    }

    /** Sends one datagram back, or drops it where there is no room: it is UDP. */
    private void answer(ByteBuffer data) {
        host.calls().sendto(fd, buffers.cursor.wrap(data), 0, from);
    }
}
