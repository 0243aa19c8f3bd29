package net.testkit;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Echoes over a damaged wire: many connections at once, all buffers full in both directions, so that each side depends on
 * the other's ACKs; with real threads on CPUs that truly run side by side, and in virtual time.
 */
class EchoTransferTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final int CONNECTIONS = 8;
    private static final int BYTES = FULL ? 8 << 20 : 512 << 10;
    private static final FaultPlan.Rates FAULTS = FaultPlan.Rates.of(0.01, 0.02, 0.01, 0.005);

    @Test
    @Timeout(600)
    void shouldDeliverEveryByteWithRealThreads() throws Exception {
        for (int round = 1; round <= (FULL ? 10 : 1); round++) {
            for (int cpus : new int[] {1, 2, 4}) {
                long seed = round * 10L + cpus;
                try (Lab lab = Lab.twoLiveHosts(seed, cpus, FAULTS)) {
                    transfers(lab, seed, CONNECTIONS, BYTES);
                }
            }
        }
    }

    @Test
    @Timeout(600)
    void shouldDeliverEveryByteInVirtualTime() throws Exception {
        for (long seed = 1; seed <= (FULL ? 300 : 15); seed++) {
            int cpus = new int[] {1, 2, 4}[(int) (seed % 3)];
            FaultPlan.Rates faults = seed % 2 == 0 ? FAULTS : new FaultPlan.Rates(0.01, 0.02, 0.01, 0.005, 300_000, 0);
            String[] words = seed % 5 == 3 ? new String[] {"net.ipv4.tcp_rmem=4096 30000 60000"} : new String[0];
            try (Lab lab = Lab.twoHosts(seed, cpus, faults, words)) {
                transfers(lab, seed, 3, BYTES / 2);
                TcpInvariants.checkAll(lab);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
        }
    }

    private static void transfers(Lab lab, long seed, int connections, int bytes) throws Exception {
        AtomicLong received = new AtomicLong();
        Lab.Host a = lab.host("a");
        Lab.Host b = lab.host("b");
        SoftServerSocket listener = Lab.listen(b, 5001);
        for (int i = 0; i < connections; i++) {
            long id = seed * 100 + i;
            lab.start("server " + i, () -> {
                try (SoftSocket s = listener.accept()) {
                    echo(s);
                }
            });
            lab.start("client " + i, () -> {
                try (SoftSocket s = a.network.connect(b.at(5001))) {
                    received.addAndGet(exchange(lab, s, id, bytes));
                }
            });
        }
        lab.joinAll();
        listener.close();
        Assertions.assertThat(received.get()).as("bytes, seed " + seed).isEqualTo((long) connections * bytes);
    }

    private static void echo(SoftSocket s) throws IOException {
        byte[] buf = new byte[30_000];
        for (int n = s.read(buf, 0, buf.length); n >= 0; n = s.read(buf, 0, buf.length)) {
            for (int at = 0; at < n; ) {
                at += s.write(buf, at, n - at);
            }
        }
    }

    /** Writes in a thread of its own and checks what comes back. */
    private static long exchange(Lab lab, SoftSocket s, long seed, int bytes) throws IOException {
        var writer = lab.start("writer " + seed, () -> {
            PayloadStream out = new PayloadStream(seed);
            byte[] buf = new byte[16_000];
            while (out.position() < bytes) {
                int n = (int) Math.min(buf.length, bytes - out.position());
                out.fill(buf, 0, n);
                for (int at = 0; at < n; ) {
                    at += s.write(buf, at, n - at);
                }
            }
            s.shutdownOutput();
        });
        PayloadStream in = new PayloadStream(seed);
        byte[] buf = new byte[20_000];
        for (int n = s.read(buf, 0, buf.length); n >= 0; n = s.read(buf, 0, buf.length)) {
            in.check(buf, 0, n);
        }
        lab.kernel.threads().join(writer);
        return in.position();
    }
}
