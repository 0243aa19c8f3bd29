package softnet.tools.applet;

import java.nio.ByteBuffer;
import net.core.sock.OptVal;
import net.core.sock.PollMask;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.UserByteBuffer;
import softnet.tools.iperf.IperfParams;
import softnet.tools.iperf.IperfStats;

/** One data stream of an {@link IperfTest}: a socket that is filled, or emptied and counted. */
final class IperfStream implements FdLoop.Ready {
    private static final int TCP_CONGESTION = 13;
    /** Blocks sent before others and the control connection get their turn. Real iperf3: multisend. */
    private static final int SEND_ROUNDS = 10;
    /**
     * One read a turn, as real iperf3 does. A receiver that stays with one stream leaves the others' windows unread, hence
     * unacknowledged, until their senders probe for a lost tail.
     */
    private static final int RECEIVE_ROUNDS = 1;
    /** Datagrams are small. */
    private static final int UDP_ROUNDS = 64;

    private static final int RECEIVE_BYTES = 256 * 1024;
    /**
     * A paced stream sleeps at least so long. Real iperf3 wakes every millisecond, but spends 5 us on each datagram; what
     * is due in a millisecond of 1 Gbit/s, sent at our speed, overruns the 92 datagrams of a default receive buffer.
     */
    private static final long PACE_NS = 200_000;
    /** Datagrams sent at once by a stream that is late; two thirds of a default receive buffer. */
    private static final int CATCH_UP = 64;

    private final Host host;
    private final FdLoop loop;
    private final int fd;
    private final boolean udp;
    private final boolean counters64;
    private final long bitsPerSecond;
    private final IperfStats stats;
    private final ByteBuffer buffer;
    private final UserByteBuffer cursor = new UserByteBuffer();
    private long startNs;
    private long sent;
    private boolean started;
    private boolean ended;

    IperfStream(Host host, FdLoop loop, int fd, IperfParams params, IperfStats stats) {
        this.host = host;
        this.loop = loop;
        this.fd = fd;
        this.udp = params.udp();
        this.counters64 = params.counters64();
        this.bitsPerSecond = params.bitsPerSecond();
        this.stats = stats;
        int bytes = stats.sender ? params.blockBytes() : Math.max(RECEIVE_BYTES, params.blockBytes());
        buffer = ByteBuffer.allocateDirect(bytes);
        while (stats.sender && buffer.hasRemaining()) {
            buffer.put((byte) ('0' + buffer.position() % 10));
        }
    }

    IperfStats stats() {
        return stats;
    }

    void start(long nowNs) {
        startNs = nowNs;
        started = true;
        loop.modify(fd, !stats.sender ? PollMask.EPOLLIN : isPaced() ? 0 : PollMask.EPOLLOUT, this);
    }

    boolean isPaced() {
        return stats.sender && bitsPerSecond > 0;
    }

    /** When {@link #sendDue} has work; negative: never. */
    long dueInNs(long nowNs) {
        if (!isPaced() || ended) {
            return -1;
        }
        long due = startNs + (long) (sent * 8.0 / bitsPerSecond * 1e9);
        return Math.max(due - nowNs, PACE_NS);
    }

    /** Sends what the rate allows by now. */
    void sendDue(long nowNs) {
        double allowed = (nowNs - startNs) / 1e9 * bitsPerSecond / 8;
        for (int round = 0; round < CATCH_UP && !ended && sent <= allowed; round++) {
            if (send() < 0) {
                return;
            }
        }
    }

    @Override
    @HotPath
    public void ready(int events) {
        if (!started || ended) {
            return;
        }
        for (int round = udp ? UDP_ROUNDS : stats.sender ? SEND_ROUNDS : RECEIVE_ROUNDS; round > 0; round--) {
            int n = stats.sender ? send() : receive();
            if (n <= 0) {
                if (n != -Errno.EAGAIN && !udp) {
                    // The client has closed it; what it meant comes over the control connection.
                    loop.modify(fd, 0, this);
                }
                return;
            }
        }
    }

    private int receive() {
        int n = host.calls().recv(fd, cursor.wrap(buffer.clear()), 0);
        if (n > 0) {
            if (udp) {
                stats.arrived(buffer, n, counters64, host.nanoTime());
            } else {
                stats.moved(n);
            }
        }
        return n;
    }

    private int send() {
        buffer.clear();
        if (udp) {
            stats.header(buffer, counters64, host.nanoTime());
        }
        int n = host.calls().send(fd, cursor.wrap(buffer), SockConst.MSG_NOSIGNAL);
        if (n > 0) {
            sent += n;
            stats.moved(n);
        } else if (udp) {
            stats.packets--;
        }
        return n;
    }

    /** The connection's retransmitted segments; 0 where there are none to count. */
    long retransmits() {
        return udp ? 0 : TcpFacts.retransmits(host.calls(), fd);
    }

    String congestion() {
        OptVal name = new OptVal(16);
        return host.calls().getsockopt(fd, SockConst.SOL_TCP, TCP_CONGESTION, name) == 0 ? name.getString() : "unknown";
    }

    void end(long nowNs) {
        if (!ended) {
            ended = true;
            stats.ended(nowNs, retransmits());
            loop.close(fd);
        }
    }
}
