package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import net.core.api.SoftDatagramSocket;
import org.junit.jupiter.api.Test;

/** Hosts in one kernel reach each other, damaged wires or not, and the trace follows from the seed. */
class LabTest {
    private static long digestOfExchange(long seed) throws Exception {
        try (Lab lab = Lab.twoHosts(seed, 2, FaultPlan.Rates.of(0.05, 0.05, 0.05, 0.05))) {
            PacketTrace trace = lab.trace();
            Lab.Host a = lab.host("a");
            Lab.Host b = lab.host("b");
            lab.start("server", () -> {
                try (SoftDatagramSocket s = b.network.datagramSocket()) {
                    s.bind(Lab.endpoint("0.0.0.0", 7));
                    ByteBuffer buf = ByteBuffer.allocate(2000);
                    s.setOption(net.core.api.SoftOption.SO_RCVTIMEO, java.time.Duration.ofSeconds(10));
                    try {
                        while (true) {
                            InetSocketAddress from = s.receive(buf.clear());
                            s.send(buf.flip(), from);
                        }
                    } catch (java.net.SocketTimeoutException e) {
                        // The client has ended.
                    }
                }
            });
            lab.start("client", () -> {
                try (SoftDatagramSocket s = a.network.datagramSocket()) {
                    for (int i = 0; i < 100; i++) {
                        s.send(ByteBuffer.wrap(new byte[1000]), b.at(7));
                        lab.sleep(1_000_000);
                    }
                }
            });
            lab.joinAll();
            assertThat(b.counter("UdpInDatagrams")).as("seed " + seed).isGreaterThan(50);
            trace.close();
            return trace.digest();
        }
    }

    @Test
    void shouldGiveTheSamePacketsForTheSameSeed() throws Exception {
        assertThat(digestOfExchange(7)).isEqualTo(digestOfExchange(7)).isNotEqualTo(digestOfExchange(8));
    }
}
