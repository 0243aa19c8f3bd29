package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntConsumer;
import net.core.sock.PollMask;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.UserByteBuffer;
import softnet.tools.iperf.IperfState;

/**
 * Turns first datagrams into streams: the socket that one came to is connected to its sender and becomes the stream, and
 * a new socket takes its place before the sender hears of it.
 */
final class IperfDatagramListener implements FdLoop.Ready {
    private final Host host;
    private final FdLoop loop;
    private final int port;
    private final IntConsumer opened;
    private final ByteBuffer buffer = ByteBuffer.allocate(2048).order(ByteOrder.LITTLE_ENDIAN);
    private final UserByteBuffer cursor = new UserByteBuffer();
    private final SockAddrIn from = new SockAddrIn();
    private int window;
    private int fd = -1;

    IperfDatagramListener(Host host, FdLoop loop, int port, IntConsumer opened) {
        this.host = host;
        this.loop = loop;
        this.port = port;
        this.opened = opened;
    }

    void open(int socketBytes) throws IOException {
        window = socketBytes;
        fd = FdLoop.check(
                host.calls().socket(SockConst.AF_INET, SockConst.SOCK_DGRAM | SockConst.SOCK_NONBLOCK, 0), "socket");
        host.calls().setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_REUSEADDR, 1);
        FdLoop.check(host.calls().bind(fd, new SockAddrIn(SockAddrIn.INADDR_ANY, port)), "bind to UDP port " + port);
        loop.add(fd, PollMask.EPOLLIN, this);
    }

    @Override
    public void ready(int events) {
        int n = host.calls().recvfrom(fd, cursor.wrap(buffer.clear()), 0, from);
        if (n < 4 || buffer.getInt(0) != IperfState.UDP_CONNECT_MSG) {
            return;
        }
        int stream = fd;
        try {
            FdLoop.check(host.calls().connect(stream, new SockAddrIn(from.addr, from.port)), "connect");
            open(window);
        } catch (IOException e) {
            host.err().println("iperf3: " + e.getMessage());
            return;
        }
        buffer.putInt(0, IperfState.UDP_CONNECT_REPLY).limit(4);
        host.calls().send(stream, cursor.wrap(buffer), 0);
        opened.accept(stream);
    }

    void close() {
        loop.close(fd);
    }
}
