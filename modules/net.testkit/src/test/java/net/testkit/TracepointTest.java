package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every tracepoint, recorded by the flight recorder during one transfer over a lossy wire and one refused connection. */
@Timeout(120)
class TracepointTest {
    private static final List<String> NAMES = List.of(
            "skb.kfree_skb",
            "net.net_dev_xmit",
            "net.net_dev_queue",
            "net.netif_receive_skb",
            "napi.napi_poll",
            "irq.softirq_entry",
            "irq.softirq_exit",
            "sock.inet_sock_set_state",
            "tcp.tcp_probe",
            "tcp.tcp_retransmit_skb",
            "tcp.tcp_send_reset",
            "tcp.tcp_receive_reset",
            "tcp.tcp_cong_state_set",
            "tcp.tcp_rcv_space_adjust",
            "qdisc.qdisc_enqueue",
            "qdisc.qdisc_dequeue",
            "neigh.neigh_update",
            "fib.fib_table_lookup");
    private static final int PORT = 5001;
    private static final int CLOSED_PORT = 5002;
    private static final int BYTES = 400_000;

    private static Map<String, List<RecordedEvent>> events = Map.of();
    private static long retransmissions;
    private static long framesOut;

    @BeforeAll
    static void record() throws IOException {
        Path file = Files.createTempFile("softnet", ".jfr");
        try (Lab lab = Lab.twoHosts(3, 1, FaultPlan.Rates.of(0.03, 0, 0, 0));
                Recording recording = new Recording()) {
            NAMES.forEach(recording::enable);
            recording.start();
            NetDevice dev = lab.host("a").devices.getFirst();
            lab.kernel.rtnl().run(() -> {
                // On the side that only acknowledges: a limit below one full frame is what keeps packets from passing
                // it by.
                NetDevice other = lab.host("b").devices.getFirst();
                DevGlobals.of(lab.kernel).qdiscs.attachRoot(other, "bfifo limit 1400b");
                dev.wantedFeatures |= NetdevFeatures.NETIF_F_GRO;
                dev.updateFeatures();
            });
            transfer(lab);
            retransmissions = lab.counter("TcpRetransSegs");
            framesOut = dev.getStats().txPackets;
            recording.stop();
            recording.dump(file);
        }
        // Threads have buffers of their own: the kernel's clock has the order.
        events = RecordingFile.readAllEvents(file).stream()
                .filter(e -> NAMES.contains(e.getEventType().getName()))
                .sorted(Comparator.comparingLong((RecordedEvent e) -> e.getLong("kernelTime"))
                        .thenComparing(RecordedEvent::getStartTime))
                .collect(Collectors.groupingBy(e -> e.getEventType().getName(), TreeMap::new, Collectors.toList()));
        Files.delete(file);
        events.forEach((name, all) -> System.out.println(name + ": " + all.size()));
    }

    private static void transfer(Lab lab) throws IOException {
        Lab.Host a = lab.host("a");
        Lab.Host b = lab.host("b");
        SoftServerSocket listener = Lab.listen(b, PORT);
        lab.start("server", () -> {
            try (listener;
                    SoftSocket s = listener.accept()) {
                byte[] chunk = new byte[10_000];
                int got = 0;
                for (int n = s.read(chunk, 0, chunk.length); n >= 0; n = s.read(chunk, 0, chunk.length)) {
                    got += n;
                }
                assertThat(got).isEqualTo(BYTES);
            }
        });
        lab.start("client", () -> {
            try (SoftSocket s = a.network.connect(b.at(PORT))) {
                byte[] chunk = new byte[BYTES];
                for (int at = 0; at < BYTES; ) {
                    at += s.write(chunk, at, BYTES - at);
                }
            }
            assertThatThrownBy(() -> a.network.connect(b.at(CLOSED_PORT))).isInstanceOf(IOException.class);
        });
        lab.joinAll();
    }

    private static List<RecordedEvent> of(String name) {
        return events.getOrDefault(name, List.of());
    }

    @Test
    void shouldFireEachAndSayWhenAndWhere() {
        assertThat(events.keySet()).containsExactlyInAnyOrderElementsOf(NAMES);
        events.values()
                .forEach(all -> assertThat(all).allSatisfy(e -> {
                    assertThat(e.getLong("kernelTime")).isPositive();
                    int cpu = e.getInt("cpu");
                    assertThat(cpu).isEqualTo(e.getEventType().getName().equals("fib.fib_table_lookup") ? -1 : 0);
                }));
    }

    @Test
    void shouldSayWhyAPacketWasDroppedAndFromWhere() {
        assertThat(of("skb.kfree_skb")).allSatisfy(e -> {
            assertThat(e.getString("reason")).isNotEqualTo("CONSUMED");
            assertThat(e.getStackTrace().getFrames())
                    .anyMatch(f -> f.getMethod().getName().equals("kfree")
                            || f.getMethod().getName().equals("freeAtHome"));
        });
        assertThat(of("skb.kfree_skb"))
                .anyMatch(e -> e.getString("reason").equals("NO_SOCKET")
                        && e.getInt("protocol") == 0x800
                        && e.getInt("len") >= 20);
    }

    @Test
    void shouldFollowPacketsThroughTheDevice() {
        assertThat(of("net.net_dev_xmit").stream()
                        .filter(e -> e.getString("device").equals("eth0") && e.getInt("rc") == 0)
                        .count())
                .isGreaterThanOrEqualTo(framesOut);
        assertThat(of("net.net_dev_queue")).allMatch(e -> e.getInt("len") >= 42);
        assertThat(of("net.netif_receive_skb")).allMatch(e -> e.getInt("len") >= 20 && e.getInt("skb") != 0);
        assertThat(of("napi.napi_poll")).allMatch(e -> e.getInt("work") <= e.getInt("budget"));
        assertThat(of("napi.napi_poll")).anyMatch(e -> e.getInt("work") > 0);
        assertThat(of("qdisc.qdisc_enqueue"))
                .allMatch(e -> e.getString("qdisc").equals("bfifo") && e.getInt("rc") == 0);
        assertThat(of("qdisc.qdisc_dequeue").stream()
                        .mapToInt(e -> e.getInt("packets"))
                        .sum())
                .isEqualTo(of("qdisc.qdisc_enqueue").size());
    }

    @Test
    void shouldBracketSoftirqs() {
        assertThat(of("irq.softirq_entry")).hasSameSizeAs(of("irq.softirq_exit"));
        assertThat(of("irq.softirq_entry"))
                .anyMatch(e -> e.getString("action").equals("NET_RX") && e.getInt("vec") == 3);
    }

    @Test
    void shouldFollowAConnection() {
        List<String> states = of("sock.inet_sock_set_state").stream()
                .filter(e -> e.getInt("dport") == PORT && e.getString("saddr").equals("10.0.0.1"))
                .map(e -> e.getString("oldState") + ">" + e.getString("newState"))
                .toList();
        assertThat(states).startsWith("CLOSE>SYN_SENT", "SYN_SENT>ESTABLISHED", "ESTABLISHED>FIN_WAIT1");
        assertThat(of("tcp.tcp_probe")).anySatisfy(e -> {
            assertThat(e.getString("saddr")).isEqualTo("10.0.0.2");
            assertThat(e.getInt("sport")).isEqualTo(PORT);
            assertThat(e.getInt("dataLen")).isEqualTo(1448);
            assertThat(e.getInt("rcvWnd")).isPositive();
        });
        assertThat(of("tcp.tcp_probe")).anySatisfy(e -> {
            assertThat(e.getString("saddr")).isEqualTo("10.0.0.1");
            assertThat(e.getLong("sndNxt")).isNotEqualTo(e.getLong("sndUna"));
            assertThat(e.getInt("sndCwnd")).isPositive();
            assertThat(e.getInt("srttUs")).isPositive();
        });
        assertThat(of("tcp.tcp_retransmit_skb").size()).isPositive().isLessThanOrEqualTo((int) retransmissions);
        assertThat(of("tcp.tcp_cong_state_set")).anyMatch(e -> e.getInt("congState") == 3);
        assertThat(of("tcp.tcp_rcv_space_adjust")).allMatch(e -> e.getInt("rcvbuf") > 0 && e.getInt("sport") == PORT);
    }

    @Test
    void shouldTellOfResets() {
        assertThat(of("tcp.tcp_send_reset")).hasSize(1).allSatisfy(e -> {
            assertThat(e.getString("saddr")).isEqualTo("10.0.0.2");
            assertThat(e.getInt("sport")).isEqualTo(CLOSED_PORT);
            assertThat(e.getBoolean("active")).isFalse();
        });
        assertThat(of("tcp.tcp_receive_reset")).hasSize(1).allMatch(e -> e.getInt("dport") == CLOSED_PORT);
    }

    @Test
    void shouldTellOfNeighboursAndRoutes() {
        assertThat(of("neigh.neigh_update")).anySatisfy(e -> {
            assertThat(e.getString("address")).isEqualTo("10.0.0.2");
            assertThat(e.getString("device")).isEqualTo("eth0");
            assertThat(e.getString("newLladdr")).hasSize(17);
        });
        assertThat(of("fib.fib_table_lookup")).anySatisfy(e -> {
            assertThat(e.getString("dst")).isEqualTo("10.0.0.2");
            assertThat(e.getInt("tbId")).isEqualTo(254);
            assertThat(e.getInt("err")).isZero();
            assertThat(e.getString("device")).isEqualTo("eth0");
        });
    }

    @Test
    void shouldBeOffOutsideARecording() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            assertThat(lab.kernel.tracing()).isFalse();
            assertThat(lab.kernel.cpu(0).tracing).isFalse();
            try (Recording recording = new Recording()) {
                recording.start();
                assertThat(lab.kernel.cpu(0).tracing).isTrue();
                try (Lab later = Lab.twoHosts(2, 1)) {
                    assertThat(later.kernel.cpu(0).tracing).isTrue();
                }
            }
            assertThat(lab.kernel.cpu(0).tracing).isFalse();
        }
    }
}
