package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.sched.act.TcAction;
import net.sched.act.TcActionTable;
import net.sched.cls.FilterId;
import net.sched.cls.TcfApi;
import net.sched.cls.TcfFilters;
import net.sched.ifb.Ifb;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TCP through actions: what they do to real packets, large ones included, in virtual time. */
@Timeout(120)
class TcActionTransferTest {
    private static final int PORT = 80;
    /** Of a frame of 1514 bytes TCP carries so many with time stamps. */
    private static final double PAYLOAD = 1448.0 / 1514;

    private static NetDevice dev(Lab lab, String host) {
        return lab.host(host).devices.getFirst();
    }

    private static void filter(NetDevice dev, int hook, String actions) {
        dev.kernel().rtnl().run(() -> {
            if (dev.ingressQdisc == null) {
                SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "clsact", List.of());
            }
            TcfApi.modify(
                    dev,
                    SchApi.Verb.ADD,
                    hook,
                    new FilterId(0, 1, 0x0800, "matchall", null),
                    List.of(("action " + actions).split(" ")));
        });
    }

    /** Sends from a to {@code to}, received by b at {@code port}; returns the rate of what arrived, bits per second. */
    private static double transfer(Lab lab, InetSocketAddress to, int port, long bytes) throws Exception {
        AtomicLong received = new AtomicLong();
        long[] times = new long[2];
        SoftServerSocket listener = Lab.listen(lab.host("b"), port);
        lab.start("server", () -> {
            try (listener;
                    SoftSocket s = listener.accept()) {
                ByteBuffer in = ByteBuffer.allocate(100_000);
                for (int n = s.read(in.clear()); n >= 0; n = s.read(in.clear())) {
                    if (received.getAndAdd(n) == 0) {
                        times[0] = lab.nowNs();
                    }
                    times[1] = lab.nowNs();
                }
            }
        });
        lab.start("client", () -> {
            try (SoftSocket s = lab.host("a").network.socket()) {
                s.connect(to);
                ByteBuffer from = ByteBuffer.allocate(100_000);
                for (long left = bytes; left > 0; ) {
                    left -= s.write(from.clear().limit((int) Math.min(left, 100_000)));
                }
            }
        });
        lab.joinAll();
        assertThat(received.get()).isEqualTo(bytes);
        return bytes * 8e9 / (times[1] - times[0]);
    }

    /** The main use of an ifb: a shaper on it is the bottleneck of what a host receives, and TCP fills it. */
    @Test
    void shouldShapeWhatAHostReceives() throws Exception {
        try (Lab lab = Lab.twoHosts(3, 1)) {
            NetDevice b = dev(lab, "b");
            NetDevice ifb = Ifb.create(b.net, "ifb0", 1);
            ifb.open();
            lab.kernel.rtnl().run(() -> {
                DevGlobals.of(lab.kernel).qdiscs.attachRoot(ifb, "tbf rate 50mbit burst 64kb latency 100ms");
            });
            filter(b, TcfApi.INGRESS, "mirred egress redirect dev ifb0");
            double bps = transfer(lab, lab.host("b").at(PORT), PORT, 20_000_000);
            assertThat(bps).isCloseTo(50e6 * PAYLOAD, Percentage.withPercentage(2));
            assertThat(ifb.getStats().txPackets)
                    .isEqualTo(ifb.getStats().rxPackets)
                    .isPositive();
        }
    }

    /** TCP below a policer never gets more than its rate. */
    @Test
    void shouldPoliceATransfer() throws Exception {
        try (Lab lab = Lab.twoHosts(4, 1)) {
            filter(dev(lab, "b"), TcfApi.INGRESS, "police rate 20mbit burst 128kb mtu 64kb conform-exceed drop/ok");
            double bps = transfer(lab, lab.host("b").at(PORT), PORT, 10_000_000);
            assertThat(bps).isBetween(20e6 * 0.1, 20e6 * 1.05);
            TcAction police =
                    TcActionTable.of(dev(lab, "b").net).all("police").iterator().next();
            assertThat(police.drops()).isPositive();
        }
    }

    /**
     * Addresses and ports of both ways are rewritten, so that a service is reached by another name, with and without offloads: a
     * checksum that was wrong, or missing in a segment, would be dropped and seen as a retransmission.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldRewriteAConnection(boolean offload) throws Exception {
        try (Lab lab = Lab.twoHosts(5, 1)) {
            NetDevice a = dev(lab, "a");
            if (!offload) {
                for (NetDevice d : List.of(a, dev(lab, "b"))) {
                    assertThat(d.setFeatures(d.hwFeatures & ~NetdevFeatures.NETIF_F_HIGHDMA, false))
                            .isZero();
                }
            }
            String b = lab.host("b").at(PORT).getAddress().getHostAddress();
            lab.route(lab.host("a"), "172.16.9.9/32", b);
            filter(
                    a,
                    TcfApi.EGRESS,
                    "pedit ex munge ip dst set " + b + " munge tcp dport set 8080 pipe action csum ip4h and tcp");
            filter(
                    a,
                    TcfApi.INGRESS,
                    "pedit ex munge ip src set 172.16.9.9 munge tcp sport set 80 pipe action csum ip4h and tcp");
            transfer(lab, Lab.endpoint("172.16.9.9", PORT), 8080, 3_000_000);
            assertThat(lab.counter("TcpRetransSegs")).isZero();
            assertThat(lab.counter("TcpInCsumErrors")).isZero();
        }
    }

    /** One way is tagged, large packets as their segments; the other host takes the tag off. */
    @Test
    void shouldCarryATransferInAVlan() throws Exception {
        try (Lab lab = Lab.twoHosts(6, 1)) {
            filter(dev(lab, "a"), TcfApi.EGRESS, "vlan push id 5 priority 2");
            NetDevice b = dev(lab, "b");
            lab.kernel.rtnl().run(() -> {
                SchApi.modify(b, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "clsact", List.of());
                TcfApi.modify(
                        b,
                        SchApi.Verb.ADD,
                        TcfApi.INGRESS,
                        new FilterId(0, 1, TcfFilters.ETH_P_ALL, "matchall", null),
                        List.of("action", "vlan", "pop"));
            });
            transfer(lab, lab.host("b").at(PORT), PORT, 3_000_000);
            assertThat(lab.counter("TcpRetransSegs")).isZero();
            assertThat(Objects.requireNonNull(b.ingressQdisc).currentPackets()).isGreaterThan(2000);
        }
    }
}
