package softnet.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import net.core.api.SoftDatagramSocket;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.testkit.FaultPlan;
import net.testkit.Lab;

/**
 * Type profiles. A benchmark alone in its JVM lets the JIT see one congestion control, one driver and one qdisc, and
 * inline them all; "polluted" first runs transfers over other ones, damaged wires and datagrams, as a real host does.
 */
final class Profiles {
    private Profiles() {}

    static void prepare(String profile) throws IOException {
        if (!profile.equals("polluted")) {
            return;
        }
        for (String cc : new String[] {"reno", "cubic"}) {
            transfer(FaultPlan.Rates.of(0.02, 0.02, 0.01, 0.01), "net.ipv4.tcp_congestion_control=" + cc);
            transfer(FaultPlan.Rates.NONE, "net.ipv4.tcp_congestion_control=" + cc);
        }
        datagrams();
    }

    private static void transfer(FaultPlan.Rates faults, String... words) throws IOException {
        try (Lab lab = Lab.twoHosts(1, 2, faults, words)) {
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    ByteBuffer to = ByteBuffer.allocate(10_000);
                    while (s.read(to.clear()) >= 0) {
                        // Discarded.
                    }
                }
            });
            lab.start("client", () -> {
                try (SoftSocket s = lab.host("a").network.connect(lab.host("b").at(80))) {
                    byte[] bytes = new byte[16_000];
                    for (int i = 0; i < 1000; i++) {
                        s.writeFully(ByteBuffer.wrap(bytes));
                    }
                }
            });
            lab.joinAll();
        }
    }

    private static void datagrams() throws IOException {
        try (Lab lab = Lab.twoHosts(1, 2);
                SoftDatagramSocket a = lab.host("a").network.datagramSocket();
                SoftDatagramSocket b = lab.host("b").network.datagramSocket()) {
            b.bind(Lab.endpoint("0.0.0.0", 7));
            InetSocketAddress to = lab.host("b").at(7);
            ByteBuffer bytes = ByteBuffer.allocate(2000);
            for (int i = 0; i < 20_000; i++) {
                a.send(bytes.clear().limit(100), to);
                b.receive(bytes.clear());
            }
        }
    }
}
