package softnet.tools;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import net.core.Net;
import net.core.api.SoftNetwork;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.core.sock.SockAddrIn;
import softnet.tools.applet.Addr;

/** What {@code run --verbose} prints: settings as a live connection and the devices have them, and counters that moved. */
final class RunReport {
    private final HostBoot host;
    private final PrintStream to;
    private final Map<String, Long> before = new TreeMap<>();

    RunReport(HostBoot host, PrintStream to) {
        this.host = host;
        this.to = to;
    }

    /** Before the applet runs. */
    void inForce() throws IOException {
        Net net = host.kernel().initNet();
        to.println("sysctl net.ipv4.tcp_congestion_control = " + net.sysctl().get("net.ipv4.tcp_congestion_control"));
        to.println("sysctl net.core.default_qdisc = " + net.sysctl().get("net.core.default_qdisc"));
        to.println("congestion control of a live connection: " + congestionInUse());
        qdisc();
        NetDevice card = host.card();
        if (card != null) {
            to.println(card.name() + " nic " + host.cardText());
        }
        before.putAll(net.mib().snapshot());
    }

    /** Asks a connection over loopback. */
    private String congestionInUse() throws IOException {
        try (SoftNetwork network = SoftNetwork.of(host.kernel());
                SoftServerSocket listener = network.listen(Addr.of(SockAddrIn.INADDR_LOOPBACK, 0), 1)) {
            var local = listener.localAddress();
            if (local == null) {
                return "?";
            }
            try (SoftSocket client = network.connect(local);
                    SoftSocket server = listener.accept()) {
                return server.option(SoftOption.TCP_CONGESTION) + " (client " + client.option(SoftOption.TCP_CONGESTION)
                        + ")";
            }
        }
    }

    private void qdisc() {
        NetDevice card = host.card();
        if (card != null) {
            to.println(
                    card.name() + " root " + card.qdisc.describe(true).strip().replace("\n", "\n    "));
        }
    }

    /** After it. */
    void moved() {
        qdisc();
        host.kernel().initNet().mib().snapshot().forEach((name, value) -> {
            long delta = value - before.getOrDefault(name, 0L);
            if (delta != 0) {
                to.printf("%-32s %d%n", name, delta);
            }
        });
        NetDevice card = host.card();
        if (card != null) {
            String[] names = card.ops.ethtoolStatNames(card);
            long[] values = card.ops.ethtoolStats(card);
            for (int i = 0; i < names.length; i++) {
                if (values[i] != 0) {
                    to.printf("%-32s %d%n", card.name() + " " + names[i], values[i]);
                }
            }
        }
        host.faultLines().forEach(to::println);
    }
}
