package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.rstAck;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.core.sock.Socket;
import net.skbuff.SkbDropReason;
import net.tcp.TcpSock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * All TCP sockets together come to the limits of {@code net.ipv4.tcp_mem} and {@code tcp_max_orphans}, which are the whole
 * machine's on Linux, so that no namespace of a test there could have its own. The sums move in batches of 256 pages.
 */
@Timeout(60)
class TcpMemoryPressureTest {
    private static final long MS = 1_000_000L;
    private static final int MSS = 1000;
    private static final int ADVMSS = 1460;
    /** Of both ends, with a receive buffer of at most 6 MB. */
    private static final int WSCALE = 7;

    private Lab lab;
    private ScriptedPeer peer;
    private SoftServerSocket listener;
    private SoftSocket socket;
    private Sock sk;
    private ProtoMemory memory;
    private int seq = 1;

    private void open(String... words) throws IOException {
        lab = Lab.virtual(1, 1, words);
        peer = new ScriptedPeer(lab);
        listener = Lab.listen(peer.host, 80);
        peer.inject(syn().seq(0).mss(MSS).wscale(WSCALE));
        peer.expect(synAck().ack(1));
        peer.inject(ack().seq(1).ack(1).win(30_000));
        socket = listener.accept();
        socket.configureBlocking(false);
        Socket program = Objects.requireNonNull(
                Objects.requireNonNull(peer.host.network.process().files().get(socket.fd()))
                        .socket());
        sk = Objects.requireNonNull(program.sk);
        memory = Objects.requireNonNull(Objects.requireNonNull(sk.prot).memory);
    }

    @AfterEach
    void end() {
        if (socket.isOpen()) {
            peer.inject(rst().seq(seq));
            socket.close();
        }
        listener.close();
        lab.close();
    }

    /** Segments that nobody reads; returns the window of the last answer, bytes. */
    private int fill(int segments) {
        int window = -1;
        for (int i = 0; i < segments; i++) {
            peer.inject(data(MSS).seq(seq).ack(1).win(30_000));
            seq += MSS;
            window = drain(window);
        }
        lab.sleep(50 * MS); // what is delayed
        return drain(window);
    }

    private int drain(int before) {
        int window = before;
        for (var sent = peer.next(0); sent != null; sent = peer.next(0)) {
            TcpFrame f = TcpFrame.parse(sent.frame());
            window = f == null ? window : f.window << WSCALE;
        }
        return window;
    }

    private int read() throws IOException {
        ByteBuffer room = ByteBuffer.allocate(1 << 20);
        int all = 0;
        for (int n = socket.read(room); n > 0; n = socket.read(room.clear())) {
            all += n;
        }
        drain(0);
        return all;
    }

    private long count(String name) {
        return peer.host.counter("TcpExt" + name);
    }

    @Test
    void shouldEnterPressureAboveTheSecondLimitAndLeaveItBelowTheFirst() throws Exception {
        open("net.ipv4.tcp_mem=300 600 4000", "net.ipv4.tcp_rmem=4096 6000000 6000000");
        int segments = 0;
        while (memory.allocatedApprox() <= 600 && segments < 4000) {
            assertThat(memory.underPressure())
                    .as("%d pages", memory.allocatedApprox())
                    .isFalse();
            fill(20);
            segments += 20;
        }
        assertThat(memory.underPressure())
                .as("%d pages", memory.allocatedApprox())
                .isTrue();
        assertThat(count("TCPMemoryPressures")).isEqualTo(1);
        lab.sleep(500 * MS);
        assertThat(read()).isEqualTo(segments * MSS);
        while (memory.underPressure()) { // what the CPU's batch holds back
            fill(20);
            read();
            segments += 20;
            assertThat(segments).isLessThan(8000);
        }
        assertThat(memory.allocatedApprox()).isLessThanOrEqualTo(300);
        assertThat(count("TCPMemoryPressures")).as("once").isEqualTo(1);
        assertThat(count("TCPMemoryPressuresChrono")).isGreaterThanOrEqualTo(500);
    }

    @Test
    void shouldNotLetReceiveWindowsGrowUnderPressure() throws Exception {
        open("net.ipv4.tcp_mem=1 2 100000", "net.ipv4.tcp_rmem=4096 2000000 6000000");
        int before = fill(4);
        memory.add(null, 50);
        int window = fill(300);
        assertThat(memory.underPressure()).isTrue();
        assertThat(window).as("of %d before", before).isLessThanOrEqualTo(before);
        TcpSock tp = (TcpSock) sk;
        int segments = 304;
        while (tp.rcvSsthresh > 4 * ADVMSS) { // until half the buffer is used
            window = fill(50);
            segments += 50;
            assertThat(sk.rmemAlloc()).as("of %d", sk.rcvbuf).isLessThan(sk.rcvbuf * 2 / 3);
        }
        int edge = segments * MSS + window;
        for (int more = 0; more < 5; more++) {
            window = fill(50);
            segments += 50;
            assertThat(segments * MSS + window)
                    .as("right edge, but for rounding")
                    .isBetween(edge, edge + MSS);
        }
        assertThat(sk.rcvbuf).as("as it was").isEqualTo(2_000_000);
        assertThat(count("TCPRcvQDrop")).isZero();
        memory.add(null, -50);
    }

    @Test
    void shouldDropDataAboveTheThirdLimit() throws Exception {
        open("net.ipv4.tcp_mem=200 300 600", "net.ipv4.tcp_rmem=4096 6000000 6000000");
        int segments = 0;
        while (count("TCPRcvQDrop") == 0 && segments < 4000) {
            fill(10);
            segments += 10;
        }
        assertThat(segments).as("%d pages", memory.allocatedApprox()).isLessThan(4000);
        assertThat(lab.kernel.cpu(0).dropCounts[SkbDropReason.PROTO_MEM.ordinal()])
                .isPositive();
        assertThat(memory.allocatedApprox()).as("within a batch").isBetween(600L - 256, 600L + 256);
        int queued = read();
        assertThat(queued).as("what was acknowledged is there").isPositive().isLessThanOrEqualTo(segments * MSS);
        seq = 1 + queued;
        fill(1);
        assertThat(read()).as("goes on with what was dropped").isEqualTo(MSS);
    }

    /** Above the limit nobody gets more, but everybody gets the minimum: else a reader with nothing queued would starve. */
    @Test
    void shouldGiveEverybodyTheMinimumWhileOthersHoldTheMemory() throws Exception {
        open("net.ipv4.tcp_mem=1 2 3", "net.ipv4.tcp_rmem=8192 2000000 6000000");
        memory.add(null, 5000);
        memory.enterPressure(null, sk);
        fill(1);
        assertThat(read()).isEqualTo(MSS);
        memory.add(null, -5000);
    }

    @Test
    void shouldHalveASendersBufferWhenMemoryRunsOut() throws Exception {
        open("net.ipv4.tcp_mem=300 400 500", "net.ipv4.tcp_wmem=4096 4000000 4000000");
        int before = sk.sndbuf;
        memory.add(null, 600);
        byte[] bytes = new byte[2_000_000];
        int taken = 0;
        for (int n = socket.write(bytes, 0, bytes.length); n > 0; n = socket.write(bytes, 0, bytes.length)) {
            taken += n;
        }
        assertThat(taken).isPositive().isLessThan(before / 2);
        assertThat(sk.sndbuf).isLessThan(before / 2);
        assertThat(memory.underPressure()).isTrue();
        memory.add(null, -600);
    }

    @Test
    void shouldResetAnOrphanThatIsOneTooMany() throws Exception {
        open("net.ipv4.tcp_max_orphans=0");
        socket.close();
        peer.expect(fin().seq(1).ack(1));
        peer.expect(rstAck().seq(2).ack(1));
        assertThat(count("TCPAbortOnMemory")).isEqualTo(1);
        assertThat(memory.orphanCount()).isZero();
    }

    @Test
    void shouldCountOrphansUntilTheyEnd() throws Exception {
        open("net.ipv4.tcp_max_orphans=1");
        socket.close();
        peer.expect(fin().seq(1).ack(1));
        assertThat(memory.orphanCount()).isEqualTo(1);
        peer.inject(ack().seq(1).ack(2));
        lab.sleep(70_000 * MS); // FIN_WAIT2 runs out
        assertThat(memory.orphanCount()).isZero();
        assertThat(count("TCPAbortOnMemory")).isZero();
    }

    /** What an orphan still has to send must go when memory is short; its peer is told. */
    @Test
    void shouldResetAnOrphanThatHoldsMemoryAboveTheThirdLimit() throws Exception {
        open("net.ipv4.tcp_mem=300 400 500");
        byte[] bytes = new byte[60_000];
        assertThat(socket.write(bytes, 0, bytes.length)).isEqualTo(bytes.length);
        lab.sleep(MS);
        drain(0);
        memory.add(null, 600);
        socket.close();
        lab.sleep(MS);
        assertThat(count("TCPAbortOnMemory")).isEqualTo(1);
        assertThat(memory.orphanCount()).isZero();
        memory.add(null, -600);
    }
}
