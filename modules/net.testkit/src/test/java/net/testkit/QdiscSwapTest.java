package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The qdisc of a device changes again and again under a TCP transfer: nothing is lost, nothing is sent twice. */
class QdiscSwapTest {
    @ParameterizedTest
    @CsvSource({
        "fq_codel,fq",
        "netem limit 100000 rate 1gbit,fq maxrate 1gbit flow_limit 10000",
        "netem limit 100000 rate 1gbit,cake bandwidth 1gbit memlimit 100mb rtt 10s",
        "fq maxrate 1gbit flow_limit 10000,sfq limit 10000 depth 10000"
    })
    void shouldLoseNothingOfATransfer(String first, String second) throws Exception {
        long bytes = 60_000_000;
        try (Lab lab = Lab.twoHosts(5, 1)) {
            NetDevice dev = lab.host("a").devices.getFirst();
            DevGlobals g = DevGlobals.of(lab.kernel);
            lab.kernel.rtnl().run(() -> g.qdiscs.attachRoot(dev, first));
            AtomicLong received = new AtomicLong();
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    ByteBuffer to = ByteBuffer.allocate(100_000);
                    for (int n = s.read(to.clear()); n >= 0; n = s.read(to.clear())) {
                        received.addAndGet(n);
                    }
                }
            });
            lab.start("client", () -> {
                try (SoftSocket s = lab.host("a").network.socket()) {
                    s.connect(lab.host("b").at(80));
                    ByteBuffer from = ByteBuffer.allocate(100_000);
                    for (long left = bytes; left > 0; ) {
                        left -= s.write(from.clear().limit((int) Math.min(left, 100_000)));
                    }
                }
            });
            long held = 0;
            int swaps = 0;
            while (received.get() < bytes && swaps < 10_000) {
                lab.sleep(swaps == 0 ? 5_000_000 : 20_000_000);
                held = Math.max(held, dev.qdisc.currentQlen());
                String spec = ++swaps % 2 == 1 ? second : first;
                lab.kernel.rtnl().run(() -> g.qdiscs.attachRoot(dev, spec));
            }
            lab.joinAll();
            assertThat(received.get()).isEqualTo(bytes);
            assertThat(lab.counter("TcpRetransSegs")).isZero();
            assertThat(dev.getStats().txDropped).isZero();
            if (first.contains("1gbit") && second.contains("1gbit")) {
                assertThat(held).as("packets held at a change").isPositive();
                assertThat(swaps).isGreaterThan(10);
            }
        }
    }
}
