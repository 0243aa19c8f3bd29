package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.core.Kernel;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every discipline by its bare name, on both ends of a wire, carries TCP both ways: equal bytes, nothing left over. */
class QdiscTransferTest {
    /** Those that let no TCP through: on purpose, or because they want a transmit time in each packet. */
    private static final Set<String> NOTHING = Set.of("blackhole", "etf");

    static List<String> kinds() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            return DevGlobals.of(kernel).qdiscs.names();
        }
    }

    static Stream<String> carriers() {
        return kinds().stream().filter(k -> !NOTHING.contains(k));
    }

    @ParameterizedTest
    @MethodSource("carriers")
    void shouldCarryTcpBothWays(String kind) throws Exception {
        byte[] data = new byte[3_000_000];
        new SplittableRandom(1).nextBytes(data);
        byte[][] got = new byte[2][];
        try (Lab lab = Lab.twoHosts(9, 2)) {
            for (Lab.Host host : lab.hosts()) {
                NetDevice dev = host.devices.getFirst();
                lab.kernel.rtnl().run(() -> DevGlobals.of(lab.kernel).qdiscs.attachRoot(dev, kind));
            }
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    got[0] = receive(s);
                    s.writeFully(ByteBuffer.wrap(data));
                }
            });
            lab.start("client", () -> {
                try (SoftSocket s = lab.host("a").network.socket()) {
                    s.connect(lab.host("b").at(80));
                    s.writeFully(ByteBuffer.wrap(data));
                    s.shutdownOutput();
                    got[1] = receive(s);
                }
            });
            lab.joinAll();
            byte[] sent = MessageDigest.getInstance("SHA-256").digest(data);
            assertThat(got[0]).isEqualTo(sent);
            assertThat(got[1]).isEqualTo(sent);
            NetDevice dev = lab.host("a").devices.getFirst();
            boolean hooked = dev.ingressQdisc != null || kind.equals("noqueue");
            assertThat(hooked ? kind : dev.qdisc.id()).isEqualTo(kind);
            if (!hooked) {
                assertThat(dev.qdisc.currentPackets())
                        .as(dev.qdisc.describe(true))
                        .isGreaterThan(data.length / 1500);
            }
        }
    }

    private static byte[] receive(SoftSocket s) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        ByteBuffer to = ByteBuffer.allocate(100_000);
        while (s.read(to.clear()) >= 0) {
            digest.update(to.flip());
        }
        return digest.digest();
    }

    /** What drops everything makes a connection time out, as on a dead wire, and counts what it drops. */
    @Test
    void shouldTimeOutBehindThoseThatLetNothingThrough() {
        for (String kind : NOTHING) {
            try (Lab lab = Lab.twoHosts(9, 1)) {
                NetDevice dev = lab.host("a").devices.getFirst();
                lab.kernel.rtnl().run(() -> DevGlobals.of(lab.kernel).qdiscs.attachRoot(dev, kind));
                String[] says = {""};
                lab.start("client", () -> {
                    try (SoftSocket s = lab.host("a").network.socket()) {
                        s.connect(lab.host("b").at(80));
                    } catch (IOException e) {
                        says[0] = String.valueOf(e.getMessage());
                    }
                });
                lab.joinAll();
                assertThat(says[0]).as(kind).isNotEmpty();
                assertThat(dev.qdisc.currentDrops()).as(kind).isPositive();
            }
        }
    }
}
