package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A long transfer with real threads: once warm, the CPUs' workers make no garbage. */
@Timeout(300)
class LiveAllocationTest {
    private static final long WARM_UP = 512L << 20;
    private static final long BYTES = Boolean.getBoolean("softnet.full") ? 10L << 30 : 1L << 30;
    private static final int CHUNK = 128 << 10;

    @Test
    void shouldMoveGibibytesWithoutGarbageInTheStacksThreads() throws Exception {
        try (Lab lab = Lab.twoLiveHosts(1, 2, FaultPlan.Rates.NONE)) {
            Lab.Host a = lab.hosts().get(0);
            Lab.Host b = lab.hosts().get(1);
            AtomicLong before = new AtomicLong();
            AtomicLong after = new AtomicLong();
            AtomicLong received = new AtomicLong();
            SoftServerSocket listener = Lab.listen(b, 5001);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    byte[] buffer = new byte[CHUNK];
                    for (int n = s.read(buffer, 0, CHUNK); n >= 0; n = s.read(buffer, 0, CHUNK)) {
                        long total = received.get() + n;
                        if (received.get() < WARM_UP && total >= WARM_UP) {
                            before.set(AllocationMeter.allocatedByThreads("cpu/"));
                        }
                        received.set(total);
                    }
                    after.set(AllocationMeter.allocatedByThreads("cpu/"));
                }
            });
            lab.start("client", () -> {
                try (SoftSocket s = a.network.connect(b.at(5001))) {
                    byte[] buffer = new byte[CHUNK];
                    for (long left = WARM_UP + BYTES; left > 0; left -= CHUNK) {
                        s.outputStream().write(buffer, 0, CHUNK);
                    }
                }
            });
            lab.joinAll();
            long bytes = after.get() - before.get();
            System.out.println(
                    "live transfer of " + (BYTES >> 20) + " MiB: the stack's threads allocated " + bytes + " bytes");
            assertThat(received.get()).isEqualTo(WARM_UP + BYTES);
            assertThat(bytes).isLessThan(1 << 20);
        }
    }
}
