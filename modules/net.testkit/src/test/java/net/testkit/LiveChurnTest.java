package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.core.task.KernelThread;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Real threads open, use, abort and close connections all at once, some of them under the hands of a thread that is
 * blocked in them, while settings change and a device goes down and up. Nothing may hang, fail in softirq or leak: what
 * the programs see is their affair.
 */
@Timeout(60)
class LiveChurnTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final int CONNECTIONS = FULL ? 5_000 : 150;
    /** On a machine that is busy otherwise fewer connections are enough. */
    private static final long LIMIT_NS = FULL ? 20_000_000_000L : 1_000_000_000L;

    private static final int THREADS = 4;
    /** A reset that the closed device lost is not sent again. */
    private static final Duration PATIENCE = Duration.ofMillis(200);

    private final AtomicInteger answered = new AtomicInteger();
    private volatile boolean over;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void shouldOutliveConnectionsThatComeAndGo(int cpus) throws Exception {
        long limit = System.nanoTime() + LIMIT_NS;
        try (Lab lab = Lab.twoLiveHosts(1, cpus, FaultPlan.Rates.NONE, "net.ipv4.tcp_fin_timeout=1")) {
            Lab.Host a = lab.host("a");
            Lab.Host b = lab.host("b");
            InetSocketAddress place = new InetSocketAddress("10.0.0.2", 80);
            SoftServerSocket listener = b.network.listen(place, 64);
            KernelThread[] clients = new KernelThread[THREADS];
            for (int i = 0; i < THREADS; i++) {
                lab.start("server" + i, () -> serve(listener));
                int seed = i;
                AtomicReference<SoftSocket> inUse = new AtomicReference<>();
                clients[i] = lab.start("client" + i, () -> {
                    SplittableRandom random = new SplittableRandom(seed);
                    for (int n = 0; n < CONNECTIONS && System.nanoTime() < limit; n++) {
                        call(a, place, random, inUse);
                    }
                });
                lab.start("spoiler" + i, () -> spoil(lab, inUse));
            }
            lab.start("admin", () -> {
                NetDevice dev = a.devices.get(0);
                for (int n = 0; !over; n++) {
                    a.net.sysctl().set("net.ipv4.tcp_sack", "" + (n & 1));
                    a.net.sysctl().set("net.ipv4.tcp_timestamps", "" + (n >> 1 & 1));
                    b.net.sysctl().set("net.ipv4.tcp_tw_reuse", "" + n % 3);
                    lab.kernel.scheduler().sleep(20_000_000);
                    if (n % 8 == 7) {
                        dev.close();
                        dev.open();
                    }
                }
            });
            for (KernelThread client : clients) {
                lab.kernel.threads().join(client);
            }
            over = true;
            listener.close();
            lab.joinAll();
            assertThat(lab.kernel.oops()).isNull();
            assertThat(answered.get()).isPositive();
        }
    }

    private void serve(SoftServerSocket listener) {
        SplittableRandom random = new SplittableRandom(99);
        byte[] bytes = new byte[2048];
        while (!over) {
            try (SoftSocket s = listener.accept()) {
                s.setOption(SoftOption.SO_RCVTIMEO, PATIENCE);
                int n = s.read(bytes, 0, bytes.length);
                if (n > 0 && random.nextInt(8) != 0) {
                    s.write(bytes, 0, n);
                }
                if (random.nextInt(8) == 0) {
                    s.setOption(StandardSocketOptions.SO_LINGER, 0);
                }
            } catch (IOException e) {
                // Reset, or the end.
            }
        }
    }

    private void call(Lab.Host from, InetSocketAddress to, SplittableRandom random, AtomicReference<SoftSocket> inUse) {
        byte[] bytes = new byte[1 + random.nextInt(2048)];
        try (SoftSocket s = from.network.connect(to)) {
            s.setOption(SoftOption.SO_RCVTIMEO, PATIENCE);
            if (random.nextInt(4) == 0) {
                inUse.set(s);
            }
            s.write(bytes, 0, bytes.length);
            switch (random.nextInt(5)) {
                case 0 -> s.setOption(StandardSocketOptions.SO_LINGER, 0);
                case 1 -> s.shutdownOutput();
                default -> {}
            }
            if (random.nextInt(4) != 0 && s.read(bytes, 0, bytes.length) > 0) {
                answered.incrementAndGet();
            }
        } catch (IOException e) {
            // Reset, or spoiled.
        } finally {
            inUse.set(null);
        }
    }

    /** Closes a socket that another thread uses. */
    private void spoil(Lab lab, AtomicReference<SoftSocket> inUse) throws IOException {
        while (!over) {
            SoftSocket s = inUse.getAndSet(null);
            if (s != null) {
                s.close();
            }
            lab.kernel.scheduler().sleep(300_000);
        }
    }
}
