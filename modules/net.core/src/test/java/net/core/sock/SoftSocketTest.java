package net.core.sock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import net.core.api.ErrnoException;
import net.core.api.SoftEpoll;
import net.core.api.SoftNetwork;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.LoopFamily.Host;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Java programs' API over the test protocol. */
@Timeout(60)
class SoftSocketTest {
    private static InetSocketAddress local(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private record Pair(SoftSocket client, SoftSocket server) {}

    private static Pair pair(SoftNetwork network) throws IOException {
        try (SoftServerSocket listener = network.listen(local(0), 4)) {
            SoftSocket client = network.connect(listener.localAddress());
            return new Pair(client, listener.accept());
        }
    }

    @Test
    void shouldEchoThroughStreams() throws Exception {
        byte[] data = new byte[200_000];
        new Random(1).nextBytes(data);
        try (Host host = Host.virtual(2, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel)) {
            SoftServerSocket listener = network.listen(local(7), 4);
            KernelThread server = host.kernel.threads().start("server", () -> {
                try (SoftSocket peer = listener.accept()) {
                    peer.inputStream().transferTo(peer.outputStream());
                }
            });
            SoftSocket client = network.connect(local(7));
            KernelThread sender = host.kernel.threads().start("sender", () -> {
                client.outputStream().write(data);
                client.shutdownOutput();
            });
            assertThat(client.inputStream().readAllBytes()).isEqualTo(data);
            host.kernel.threads().join(sender);
            host.kernel.threads().join(server);
            assertThat(client.remoteAddress()).isEqualTo(local(7));
        }
    }

    @Test
    void shouldMoveBuffersArraysAndSegments() throws Exception {
        try (Host host = Host.virtual(1, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel);
                Arena arena = Arena.ofConfined()) {
            Pair p = pair(network);
            ByteBuffer out =
                    ByteBuffer.allocateDirect(8).putLong(0x0102030405060708L).flip();
            assertThat(p.client.write(out)).isEqualTo(8);
            assertThat(out.hasRemaining()).isFalse();
            ByteBuffer in = ByteBuffer.allocate(5);
            assertThat(p.server.read(in)).isEqualTo(5);
            assertThat(in.array()).containsExactly(1, 2, 3, 4, 5);
            byte[] rest = new byte[9];
            assertThat(p.server.read(rest, 2, 7)).isEqualTo(3);
            assertThat(Arrays.copyOfRange(rest, 2, 5)).containsExactly(6, 7, 8);
            MemorySegment segment = arena.allocate(4);
            segment.set(ValueLayout.JAVA_INT, 0, 0x11223344);
            assertThat(p.server.write(segment)).isEqualTo(4);
            MemorySegment back = arena.allocate(16);
            assertThat(p.client.read(back)).isEqualTo(4);
            assertThat(back.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x11223344);
            p.client.close();
            host.sleep(1_000_000);
            assertThat(p.server.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            assertThat(p.server.inputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void shouldNameTheErrno() throws Exception {
        try (Host host = Host.virtual(1, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel)) {
            assertThatThrownBy(() -> network.connect(local(81)))
                    .isInstanceOf(ErrnoException.class)
                    .isInstanceOf(SocketException.class)
                    .hasMessage("connect 127.0.0.1:81: ECONNREFUSED (Connection refused)")
                    .extracting(e -> ((ErrnoException) e).errno())
                    .isEqualTo(Errno.ECONNREFUSED);
            assertThat(network.process().files().count())
                    .as("the failed socket was closed")
                    .isZero();
            SoftServerSocket first = network.listen(local(80), 1);
            assertThatThrownBy(() -> network.listen(local(80), 1))
                    .hasMessageStartingWith("bind 127.0.0.1:80: EADDRINUSE");
            first.close();
            assertThatThrownBy(() -> first.listen(1)).isInstanceOf(ClosedChannelException.class);
        }
    }

    @Test
    void shouldTimeOut() throws Exception {
        try (Host host = Host.virtual(1, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel)) {
            Pair p = pair(network);
            p.client.setOption(SoftOption.SO_RCVTIMEO, Duration.ofMillis(1500));
            assertThat(p.client.option(SoftOption.SO_RCVTIMEO)).isEqualTo(Duration.ofMillis(1500));
            long before = host.now();
            InputStream in = p.client.inputStream();
            assertThatThrownBy(in::read)
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("EAGAIN");
            assertThat(host.now() - before).isBetween(1_500_000_000L, 1_501_000_000L);
        }
    }

    @Test
    void shouldWakeAReaderThatIsBlockedWhenAnotherThreadCloses() throws Exception {
        try (Host host = Host.virtual(2, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel)) {
            Pair p = pair(network);
            SoftServerSocket listener = network.listen(local(99), 1);
            KernelThread reader = host.kernel
                    .threads()
                    .start(
                            "reader",
                            () -> assertThatThrownBy(() -> p.client.read(ByteBuffer.allocate(1)))
                                    .isInstanceOf(AsynchronousCloseException.class));
            KernelThread acceptor = host.kernel
                    .threads()
                    .start(
                            "acceptor",
                            () -> assertThatThrownBy(listener::accept).isInstanceOf(AsynchronousCloseException.class));
            host.sleep(1_000_000);
            p.client.close();
            listener.close();
            host.kernel.threads().join(reader);
            host.kernel.threads().join(acceptor);
            assertThat(p.client.isOpen()).isFalse();
        }
    }

    @Test
    void shouldWorkWithoutBlocking() throws Exception {
        try (Host host = Host.virtual(1, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel);
                SoftEpoll epoll = network.epoll()) {
            SoftServerSocket listener = network.listen(local(0), 4);
            listener.configureBlocking(false);
            assertThat(listener.tryAccept()).isNull();
            SoftEpoll.Events events = new SoftEpoll.Events(8);
            epoll.add(listener, SoftEpoll.IN, "listener");
            SoftSocket client = network.connect(listener.localAddress());
            assertThat(epoll.await(events, -1)).isEqualTo(1);
            assertThat(events.attachment(0)).isEqualTo("listener");
            SoftSocket server = listener.tryAccept();
            assertThat(server).isNotNull();
            server.configureBlocking(false);
            assertThat(server.read(ByteBuffer.allocate(1))).as("nothing yet").isZero();
            epoll.add(server, SoftEpoll.IN | SoftEpoll.ET, "server");
            client.write(new byte[3], 0, 3);
            assertThat(epoll.await(events, -1)).isEqualTo(1);
            assertThat(events.attachment(0)).isEqualTo("server");
            assertThat(events.mask(0)).isEqualTo(SoftEpoll.IN);
            KernelThread waiter = host.kernel
                    .threads()
                    .start(
                            "waiter",
                            () -> assertThat(epoll.await(new SoftEpoll.Events(1), -1))
                                    .isZero());
            host.sleep(1_000_000);
            epoll.wakeup();
            host.kernel.threads().join(waiter);
        }
    }

    @Test
    void shouldSetStandardAndOwnOptions() throws Exception {
        try (Host host = Host.virtual(1, 4);
                SoftNetwork network = SoftNetwork.of(host.kernel);
                SoftSocket socket = network.socket()) {
            socket.setOption(StandardSocketOptions.SO_RCVBUF, 40_000);
            assertThat(socket.option(StandardSocketOptions.SO_RCVBUF)).isEqualTo(80_000);
            socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            assertThat(socket.option(StandardSocketOptions.SO_KEEPALIVE)).isTrue();
            assertThat(socket.option(StandardSocketOptions.SO_LINGER)).isEqualTo(-1);
            socket.setOption(StandardSocketOptions.SO_LINGER, 5);
            assertThat(socket.option(StandardSocketOptions.SO_LINGER)).isEqualTo(5);
            socket.setOption(SoftOption.SO_PRIORITY, 6);
            assertThat(socket.option(SoftOption.SO_PRIORITY)).isEqualTo(6);
            assertThatThrownBy(() -> socket.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 1))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }
}
