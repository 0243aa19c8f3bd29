package net.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import net.core.Cpu;
import net.core.Kernel;
import net.core.MibCounter;
import net.core.MibSet;
import net.core.Net;
import net.core.UserError;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SoftnetMetricsTest {
    /** Some counters of TCP's, as its module would register them. */
    private enum Counter implements MibCounter {
        TCPHPHits,
        TCPTimeouts;

        @Override
        public String mibName() {
            return name();
        }
    }

    private enum Level implements MibCounter {
        CurrEstab,
        ActiveOpens;

        @Override
        public String mibName() {
            return name();
        }
    }

    private static Kernel boot() {
        return Kernel.boot("clock=virtual", "cpus=2");
    }

    /** A net without the groups that this test registers itself. */
    private static Net host(Kernel kernel, String name) {
        return kernel.newNet(name);
    }

    private static <E extends Enum<E> & MibCounter> MibSet<E> register(Net net, String group, Class<E> type) {
        return net.mib().register(group, type);
    }

    @Test
    void shouldNameCountersAsNstatDoes() {
        try (Kernel kernel = boot();
                SoftnetMetrics metrics = new SoftnetMetrics(kernel)) {
            Net net = host(kernel, "h1");
            MibSet<Counter> ext = register(net, "TcpExtTest", Counter.class);
            MibSet<Level> tcp = register(net, "TcpTest", Level.class);
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            metrics.bindTo(registry);
            Cpu cpu = kernel.localBhDisable(1);
            ext.add(cpu, Counter.TCPHPHits, 3);
            cpu.localBhEnable();
            ext.inc(Counter.TCPHPHits);
            tcp.inc(Level.ActiveOpens);
            assertThat(registry.get("softnet.tcp.TcpExtTestTCPHPHits")
                            .tag("net", "h1")
                            .functionCounter()
                            .count())
                    .isEqualTo(4);
            assertThat(registry.get("softnet.tcp.TcpTestActiveOpens")
                            .functionCounter()
                            .count())
                    .isEqualTo(1);
        }
    }

    @Test
    void shouldMeasureCpusPacketsMemoryAndDevices() {
        try (Kernel kernel = boot();
                SoftnetMetrics metrics = new SoftnetMetrics(kernel)) {
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            metrics.bindTo(registry);
            Cpu cpu = kernel.localBhDisable(0);
            SkBuff first = java.util.Objects.requireNonNull(cpu.allocSkb(100));
            SkBuff second = java.util.Objects.requireNonNull(cpu.allocSkb(100));
            cpu.localBhEnable();
            assertThat(registry.get("softnet.skb.outstanding").gauge().value()).isEqualTo(2);
            cpu = kernel.localBhDisable(1);
            first.kfree(cpu, SkbDropReason.TCP_CSUM);
            second.consume(cpu);
            cpu.sd.processed += 7;
            cpu.localBhEnable();
            assertThat(registry.get("softnet.skb.drops")
                            .tag("reason", "TCP_CSUM")
                            .functionCounter()
                            .count())
                    .isEqualTo(1);
            assertThat(registry.get("softnet.skb.consumed").functionCounter().count())
                    .isEqualTo(1);
            assertThat(registry.get("softnet.skb.outstanding").gauge().value()).isZero();
            assertThat(registry.get("softnet.softirq.processed")
                            .tag("cpu", Integer.toString(cpu.id))
                            .functionCounter()
                            .count())
                    .isEqualTo(7);
            assertThat(registry.get("softnet.device.rx.packets")
                            .tags("net", "init", "device", "lo")
                            .functionCounter()
                            .count())
                    .isZero();
            assertThat(registry.get("softnet.memory.slab").gauge().value()).isPositive();
        }
    }

    @Test
    void shouldSayForEachMeterWhereLinuxShowsIt() {
        try (Kernel kernel = boot();
                SoftnetMetrics metrics = new SoftnetMetrics(kernel)) {
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            metrics.bindTo(registry);
            assertThat(registry.getMeters()).hasSizeGreaterThan(100);
            for (Meter meter : registry.getMeters()) {
                assertThat(meter.getId().getName()).startsWith("softnet.");
                assertThat(meter.getId().getDescription())
                        .as(meter.getId().getName())
                        .matches("(?s).*(/|ksoftirqd|skb:|tc -s|ethtool|ip -s).*");
            }
        }
    }

    @Test
    void shouldFollowNamespacesThatComeAndGo() {
        try (Kernel kernel = boot()) {
            SoftnetMetrics metrics = new SoftnetMetrics(kernel);
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            metrics.bindTo(registry);
            int before = registry.getMeters().size();
            Net net = host(kernel, "guest");
            assertThat(registry.find("softnet.device.rx.packets")
                            .tag("net", "guest")
                            .functionCounter())
                    .isNull();
            metrics.refresh();
            assertThat(registry.find("softnet.device.rx.packets")
                            .tag("net", "guest")
                            .functionCounter())
                    .isNotNull();
            net.close();
            metrics.refresh();
            assertThat(registry.getMeters()).hasSize(before);
            metrics.close();
            assertThat(registry.getMeters()).isEmpty();
        }
    }

    private static String get(String url, int status) throws Exception {
        HttpURLConnection http = (HttpURLConnection) URI.create(url).toURL().openConnection();
        assertThat(http.getResponseCode()).isEqualTo(status);
        try (InputStream in = status < 400 ? http.getInputStream() : http.getErrorStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void shouldServePrometheusText() throws Exception {
        try (Kernel kernel = boot();
                PrometheusServer server = PrometheusServer.start(kernel, 0)) {
            Net net = host(kernel, "h2");
            register(net, "TcpExtTest", Counter.class).inc(Counter.TCPTimeouts);
            String base = "http://127.0.0.1:" + server.port();
            String text = get(base + "/metrics", 200);
            assertThat(text)
                    .contains("softnet_tcp_TcpExtTestTCPTimeouts_total{net=\"h2\"} 1.0")
                    .contains("# TYPE softnet_device_rx_packets_total counter")
                    .contains("softnet_softirq_runs_total{cpu=\"1\",vector=\"NET_RX\"}")
                    .contains("# HELP softnet_softirq_time_squeeze_total /proc/net/softnet_stat");
            assertThat(get(base + "/", 404)).isEqualTo("see /metrics\n");
            assertThatThrownBy(() -> PrometheusServer.start(kernel, server.port()))
                    .isInstanceOf(UserError.class)
                    .hasMessage("metrics port " + server.port() + ": Address already in use");
        }
    }
}
