package net.testkit.live;

import drivers.tapnic.TapNic;
import drivers.tapnic.Wire;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import net.core.Kernel;
import net.core.api.SoftNetwork;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.ipv4.Ipv4Admin;
import net.testkit.FaultPlan;
import net.testkit.FaultWire;
import org.jspecify.annotations.Nullable;

/** Two hosts on a scripted cable: the peer is Linux, the host under test Softnet or Linux. New for every scenario. */
final class Stage implements AutoCloseable {
    private static final String PEER = "10.70.0.1";
    private static final String DUT = "10.70.0.2";
    /** Long enough for an answer to come after the call that asked, on either host. */
    private static final String LENGTH = "delay=5ms";

    private static final int MOST_SECONDS = 30;

    /** What a host does. */
    @FunctionalInterface
    interface Part {
        void play(Endpoint self) throws Exception;
    }

    final Endpoint dut;
    final Endpoint peer;
    final CableScript cable;
    private final LinuxNs peerNs = new LinuxNs("peer");
    private final LinuxNs dutNs = new LinuxNs("dut");
    private final @Nullable Kernel kernel;
    private final @Nullable Relay relay;
    private Map<String, Long> before = Map.of();

    Stage(boolean softnet) {
        Wire tap = peerNs.tap("p0", PEER + "/24").queue(0);
        cable = new CableScript(new FaultWire(tap, 1, FaultPlan.Rates.parse(LENGTH)));
        peerNs.sysctl("net.ipv4.tcp_early_retrans", "0"); // its probes would race with a delayed ACK
        peer = new Endpoint.Linux(peerNs, PEER);
        if (softnet) {
            Kernel k = Kernel.boot("clock=live", "cpus=1", "net.ipv4.tcp_congestion_control=cubic");
            TapNic.Settings plain = TapNic.Settings.DEFAULT.withOffload(false);
            NetDevice dev = TapNic.create(k.initNet(), "eth0", TapNic.macFrom(1), List.of(cable), plain, false);
            dev.features &= ~NetdevFeatures.NETIF_F_GRO; // Linux has none on a TAP
            Ipv4Admin.setUp(dev);
            Ipv4Admin.addAddress(dev, DUT + "/24");
            dut = new Endpoint.Softnet(SoftNetwork.of(k), DUT);
            kernel = k;
            relay = null;
        } else {
            relay = new Relay(dutNs.tap("u0", DUT + "/24"), cable);
            dut = new Endpoint.Linux(dutNs, DUT);
            kernel = null;
        }
    }

    /** Lets both play at once, and waits for both. */
    void play(Part ofDut, Part ofPeer) throws Exception {
        CompletableFuture<Void> far = peerNs.start("peer", () -> ofPeer.play(peer));
        CompletableFuture<Void> near = dutNs.start("host under test", () -> ofDut.play(dut));
        for (CompletableFuture<Void> end : List.of(near, far)) {
            try {
                end.get(MOST_SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception x ? x : e;
            }
        }
    }

    /** Counters of the host under test are compared from here on. */
    void mark() {
        before = dut.counters();
    }

    /** What they gained since. */
    Map<String, Long> moved() {
        Map<String, Long> moved = new TreeMap<>();
        dut.counters().forEach((name, value) -> {
            long by = value - before.getOrDefault(name, 0L);
            if (by != 0) {
                moved.put(name, by);
            }
        });
        return moved;
    }

    static void pause(int millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    @Override
    public void close() {
        if (kernel != null) {
            kernel.close();
        }
        if (relay != null) {
            relay.close();
        }
        peerNs.close();
        dutNs.close();
    }
}
