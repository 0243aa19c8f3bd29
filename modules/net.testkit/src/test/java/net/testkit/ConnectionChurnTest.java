package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.Proto;
import net.core.sock.SockRegistry;
import net.ipv4.inet.InetHashtables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Rounds of connections opened all at once, used and closed in every way there is: from the third round on, with
 * TIME_WAIT expired, nothing is left but what was there before. {@code -Dsoftnet.full=true}: ten rounds of 10,000.
 */
class ConnectionChurnTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final int CONNECTIONS = FULL ? 10_000 : 1_000;
    private static final int ROUNDS = FULL ? 10 : 5;
    private static final long HEAP_SLACK = 1 << 20;
    private static final long AFTER_TIME_WAIT_NS = 130_000_000_000L;

    private record Pair(SoftSocket client, SoftSocket server) {}

    /** What must be the same after each round. */
    private record Left(int clientFds, int serverFds, int hashed, long socks, long skbs, long pages, long reserved) {}

    private final SplittableRandom random = new SplittableRandom(6);
    private final byte[] bytes = new byte[4096];

    private void use(Pair p) throws IOException {
        int n = 1 + random.nextInt(bytes.length);
        p.client().write(bytes, 0, n);
        int got = 0;
        // At times the server leaves something unread, and its close becomes a reset.
        int want = random.nextInt(8) == 0 ? n / 2 : n;
        while (got < want) {
            got += p.server().read(bytes, 0, Math.min(bytes.length, want - got));
        }
        if (random.nextBoolean()) {
            p.server().write(bytes, 0, got);
        }
    }

    private void close(Pair p) throws IOException {
        switch (random.nextInt(6)) {
            case 0 -> {
                p.client().close();
                p.server().close();
            }
            case 1 -> {
                p.server().close();
                p.client().close();
            }
            case 2 -> {
                p.client().setOption(StandardSocketOptions.SO_LINGER, 0);
                p.client().close();
                p.server().close();
            }
            case 3 -> {
                p.client().shutdownOutput();
                p.server().close();
                p.client().close();
            }
            case 4 -> {
                p.client().shutdownOutput();
                p.server().shutdownOutput();
                p.server().close();
                p.client().close();
            }
            default -> {
                // FIN_WAIT2 has to time out by itself: its peer closes much later.
                p.client().close();
                late.add(p.server());
            }
        }
    }

    private final List<SoftSocket> late = new ArrayList<>();

    private void round(Lab lab, SoftServerSocket listener) throws IOException {
        Lab.Host a = lab.host("a");
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            SoftSocket client = a.network.connect(lab.host("b").at(80));
            pairs.add(new Pair(client, listener.accept()));
        }
        for (Pair p : pairs) {
            use(p);
        }
        Collections.shuffle(pairs, new Random(random.nextLong()));
        for (Pair p : pairs) {
            close(p);
        }
        pairs.clear();
        lab.sleep(AFTER_TIME_WAIT_NS / 2);
        late.forEach(SoftSocket::close);
        late.clear();
        lab.sleep(AFTER_TIME_WAIT_NS);
    }

    private static Left left(Lab lab) {
        AtomicInteger hashed = new AtomicInteger();
        InetHashtables.of(lab.kernel).forEachEstablished(s -> hashed.incrementAndGet());
        long socks = SockRegistry.of(lab.kernel).protos().stream()
                .mapToLong(Proto::inuse)
                .sum();
        return new Left(
                lab.host("a").network.process().files().count(),
                lab.host("b").network.process().files().count(),
                hashed.get(),
                socks,
                lab.kernel.memory().outstandingSkbs(),
                lab.kernel.memory().outstandingPages(),
                SockRegistry.of(lab.kernel).protos().stream()
                        .mapToLong(p -> p.memory == null ? 0 : p.memory.allocatedPages())
                        .sum());
    }

    private static long heapAfterGc() {
        Runtime r = Runtime.getRuntime();
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            best = Math.min(best, r.totalMemory() - r.freeMemory());
        }
        return best;
    }

    @Test
    @Timeout(600)
    void shouldLeaveNothingBehind() throws Exception {
        try (Lab lab = Lab.twoHosts(6, 2);
                SoftServerSocket listener = Lab.listen(lab.host("b"), 80)) {
            Left before = left(lab);
            long third = 0;
            for (int round = 1; round <= ROUNDS; round++) {
                long start = System.nanoTime();
                round(lab, listener);
                long ms = (System.nanoTime() - start) / 1_000_000;
                long heap = heapAfterGc();
                System.out.printf(
                        "round %d: %d connections in %d ms, heap %,d KiB, %s%n",
                        round, CONNECTIONS, ms, heap >> 10, left(lab));
                if (round < 3) {
                    continue;
                }
                third = round == 3 ? heap : third;
                assertThat(left(lab)).as("round " + round).isEqualTo(before);
                assertThat(heap).as("heap after round " + round).isLessThan(third + HEAP_SLACK);
            }
            assertThat(lab.counter("TcpExtTW")).as("TIME_WAIT").isPositive();
            assertThat(lab.counter("TcpExtTCPAbortOnData")).as("resets").isPositive();
        }
    }
}
