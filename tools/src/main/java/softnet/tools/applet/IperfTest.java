package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import net.core.api.ErrnoException;
import net.core.sock.OptVal;
import net.core.sock.PollMask;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.skbuff.UserByteBuffer;
import org.jspecify.annotations.Nullable;
import softnet.tools.iperf.IperfJson;
import softnet.tools.iperf.IperfParams;
import softnet.tools.iperf.IperfState;
import softnet.tools.iperf.IperfStats;

/**
 * One test of {@link Iperf3}: its control connection and its streams. The server leads: it names each state, the client
 * answers, and the client says when the test ends.
 *
 * <p>Context: the server's thread.
 */
final class IperfTest implements FdLoop.Ready {
    /** Where the control connection stands. */
    private enum Phase {
        /** Waiting for the parameters' JSON. */
        PARAMS,
        /** Waiting for all streams. */
        STREAMS,
        /** Data flows; a byte from the client ends it. */
        RUNNING,
        /** Waiting for the client's results. */
        RESULTS,
        /** Waiting for IPERF_DONE. */
        DONE,
        OVER
    }

    private static final int TCP_NODELAY = 1;
    private static final int TCP_CONGESTION = 13;
    private static final int IP_TOS = 1;
    private static final int SMALL = 256;

    private final Host host;
    private final FdLoop loop;
    private final int port;
    private final int control;
    private final byte[] cookie;
    private final String peer;
    private final UserByteBuffer cursor = new UserByteBuffer();
    private final List<IperfStream> streams = new ArrayList<>();
    private final Duration cpuBefore = cpuTime();
    private ByteBuffer input = ByteBuffer.allocate(SMALL);
    private Phase phase = Phase.PARAMS;
    private @Nullable IperfParams params;
    private @Nullable IperfDatagramListener datagrams;
    private long startNs;
    private boolean omitting;

    IperfTest(Host host, FdLoop loop, int port, int control, byte[] cookie, String peer) {
        this.host = host;
        this.loop = loop;
        this.port = port;
        this.control = control;
        this.cookie = cookie;
        this.peer = peer;
        startNs = host.nanoTime();
    }

    void open() {
        host.out().println("Accepted connection from " + peer);
        loop.modify(control, PollMask.EPOLLIN, this);
        say(IperfState.PARAM_EXCHANGE);
    }

    /** Whether a connection with this cookie is one of ours. */
    boolean expects(byte[] theirs) {
        return phase == Phase.STREAMS && Arrays.equals(cookie, theirs);
    }

    boolean isOver() {
        return phase == Phase.OVER;
    }

    /** How long the loop may sleep before {@link #tick}; negative for ever. */
    long waitNs() {
        IperfParams p = params;
        if (phase != Phase.RUNNING || p == null) {
            return -1;
        }
        long now = host.nanoTime();
        long wait = omitting ? Math.max(1, startNs + p.omitSeconds() * 1_000_000_000L - now) : -1;
        for (IperfStream stream : streams) {
            long due = stream.dueInNs(now);
            if (due >= 0) {
                wait = wait < 0 ? due : Math.min(wait, due);
            }
        }
        return wait;
    }

    /** What the clock brings: the end of the omitted seconds, paced sends. */
    void tick() {
        IperfParams p = params;
        if (phase != Phase.RUNNING || p == null) {
            return;
        }
        long now = host.nanoTime();
        if (omitting && now - startNs >= p.omitSeconds() * 1_000_000_000L) {
            omitting = false;
            streams.forEach(s -> s.stats().omitted(now, s.retransmits()));
        }
        for (IperfStream stream : streams) {
            if (stream.isPaced()) {
                stream.sendDue(now);
            }
        }
    }

    // ---- control connection

    @Override
    public void ready(int events) {
        try {
            if (read()) {
                advance();
            }
        } catch (IOException e) {
            fail(e);
        }
    }

    private boolean read() {
        int n = host.calls().recv(control, cursor.wrap(input), 0);
        if (n == -Errno.EAGAIN) {
            return false;
        }
        if (n <= 0) {
            if (phase != Phase.DONE) {
                host.out().println("the client has closed the connection");
            }
            over();
            return false;
        }
        input.position(input.position() + n);
        return true;
    }

    /** Takes whole messages off the input. */
    private void advance() throws IOException {
        while (phase != Phase.OVER) {
            if (phase == Phase.PARAMS || phase == Phase.RESULTS) {
                byte[] json = takeJson();
                if (json == null) {
                    return;
                }
                if (phase == Phase.PARAMS) {
                    begin(IperfParams.parse(json));
                } else {
                    IperfJson.parse(json);
                    exchange();
                }
            } else {
                if (input.position() == 0) {
                    return;
                }
                input.flip();
                int state = input.get();
                input.compact();
                told(state);
            }
        }
    }

    private byte @Nullable [] takeJson() throws IOException {
        if (input.position() < 4) {
            return null;
        }
        int length = input.getInt(0);
        if (length <= 0 || length > IperfState.MAX_JSON_BYTES) {
            throw new IOException("JSON of " + length + " bytes");
        }
        if (input.position() < 4 + length) {
            if (input.capacity() < 4 + length) {
                input = ByteBuffer.allocate(4 + length + SMALL).put(input.flip());
            }
            return null;
        }
        input.flip().position(4);
        byte[] json = new byte[length];
        input.get(json);
        input.compact();
        return json;
    }

    private void told(int state) throws IOException {
        switch (state) {
            case IperfState.TEST_END -> {
                if (phase != Phase.RUNNING) {
                    throw new IOException("TEST_END out of turn");
                }
                endStreams();
                phase = Phase.RESULTS;
                say(IperfState.EXCHANGE_RESULTS);
            }
            case IperfState.IPERF_DONE -> over();
            case IperfState.CLIENT_TERMINATE -> {
                host.out().println("the client has terminated");
                endStreams();
                report();
                over();
            }
            case IperfState.TEST_START -> {}
            default -> throw new IOException("unexpected state " + state);
        }
    }

    private void begin(IperfParams asked) throws IOException {
        params = asked;
        phase = Phase.STREAMS;
        if (asked.udp()) {
            IperfDatagramListener listener = new IperfDatagramListener(host, loop, port, this::addStream);
            datagrams = listener;
            listener.open(asked.window());
        }
        say(IperfState.CREATE_STREAMS);
    }

    /** A stream has arrived; those on which we receive come first. */
    void addStream(int fd) {
        IperfParams p = params;
        if (p == null || phase != Phase.STREAMS) {
            loop.close(fd);
            return;
        }
        int n = streams.size();
        boolean sender = n >= p.receiving();
        setOptions(fd, p);
        IperfStats stats = new IperfStats(IperfState.streamId(n), sender, host.nanoTime());
        IperfStream stream = new IperfStream(host, loop, fd, p, stats);
        streams.add(stream);
        if (streams.size() < p.receiving() + p.sending()) {
            loop.modify(fd, 0, stream);
            return;
        }
        closeDatagramListener();
        say(IperfState.TEST_START);
        say(IperfState.TEST_RUNNING);
        phase = Phase.RUNNING;
        startNs = host.nanoTime();
        omitting = p.omitSeconds() > 0;
        streams.forEach(s -> s.start(startNs));
    }

    private void setOptions(int fd, IperfParams p) {
        if (p.window() > 0) {
            host.calls().setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_SNDBUF, p.window());
            host.calls().setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_RCVBUF, p.window());
        }
        if (p.tos() != 0) {
            host.calls().setsockopt(fd, SockConst.SOL_IP, IP_TOS, p.tos());
        }
        if (!p.udp() && p.noDelay()) {
            host.calls().setsockopt(fd, SockConst.SOL_TCP, TCP_NODELAY, 1);
        }
        String congestion = p.congestion();
        if (!p.udp() && congestion != null) {
            host.calls().setsockopt(fd, SockConst.SOL_TCP, TCP_CONGESTION, OptVal.ofString(congestion));
        }
    }

    private void exchange() throws IOException {
        IperfParams p = params;
        if (p == null) {
            return;
        }
        double seconds = Math.max(1, host.nanoTime() - startNs) / 1e9;
        double cpu = 100 * cpuTime().minus(cpuBefore).toNanos() / 1e9 / seconds;
        List<IperfStats> stats = streams.stream().map(IperfStream::stats).toList();
        write(IperfJson.results(stats, !p.udp(), p.sending() > 0, cpu, p.udp() ? null : congestionUsed()));
        phase = Phase.DONE;
        say(IperfState.DISPLAY_RESULTS);
        report();
    }

    private @Nullable String congestionUsed() {
        return streams.isEmpty() ? null : streams.get(0).congestion();
    }

    private static Duration cpuTime() {
        Optional<Duration> used = ProcessHandle.current().info().totalCpuDuration();
        return used.orElse(Duration.ZERO);
    }

    private void report() {
        for (IperfStream stream : streams) {
            IperfStats s = stream.stats();
            double rate = s.bytes() * 8 / Math.max(1e-9, s.seconds());
            host.out()
                    .printf(
                            "[%3d] %6.2f sec  %d bytes  %.3f Gbits/sec%s  %s%n",
                            s.id,
                            s.seconds(),
                            s.bytes(),
                            rate / 1e9,
                            params != null && params.udp()
                                    ? String.format("  %.3f ms  %d/%d lost", s.jitterSeconds * 1e3, s.lost, s.packets)
                                    : "",
                            s.sender ? "sender" : "receiver");
        }
    }

    // ---- ends

    private void endStreams() {
        long now = host.nanoTime();
        streams.forEach(s -> s.end(now));
    }

    private void closeDatagramListener() {
        IperfDatagramListener listener = datagrams;
        if (listener != null) {
            listener.close();
            datagrams = null;
        }
    }

    private void fail(IOException why) {
        host.err().println("iperf3: " + why.getMessage());
        ByteBuffer message = ByteBuffer.allocate(9);
        message.put((byte) IperfState.SERVER_ERROR)
                .putInt(IperfState.ERROR_UNIMPLEMENTED)
                .putInt(0);
        host.calls().send(control, cursor.wrap(message.flip()), SockConst.MSG_NOSIGNAL);
        over();
    }

    /** The server ends in the middle. */
    void abandon() {
        if (phase != Phase.OVER) {
            say(IperfState.SERVER_TERMINATE);
            over();
        }
    }

    private void over() {
        if (phase != Phase.OVER) {
            phase = Phase.OVER;
            endStreams();
            closeDatagramListener();
            loop.close(control);
        }
    }

    private void say(int state) {
        try {
            write(new byte[] {(byte) state});
        } catch (IOException e) {
            host.err().println("iperf3: " + e.getMessage());
            over();
        }
    }

    /** Control messages are small: a send buffer that has no room for them belongs to a client that is gone. */
    private void write(byte[] bytes) throws IOException {
        ByteBuffer message = ByteBuffer.wrap(bytes);
        while (message.hasRemaining()) {
            int n = host.calls().send(control, cursor.wrap(message), SockConst.MSG_NOSIGNAL);
            if (n < 0) {
                throw new ErrnoException("control connection to " + peer, -n);
            }
            message.position(message.position() + n);
        }
    }
}
