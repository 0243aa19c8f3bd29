package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;
import net.core.UserError;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.task.ThrowingRunnable;
import net.ipv4.Ipv4Admin;
import net.ipv4.route.FibConfig;
import net.tcp.TcpCcInfo;
import net.tcp.TcpInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who chooses the congestion control of a connection, who may, and what the connection tells of it. */
class CongestionChoiceTest {
    private static final String ALLOWED = "net.ipv4.tcp_allowed_congestion_control";
    private static final String DEFAULT = "net.ipv4.tcp_congestion_control";

    /** Runs a body with a connection from a to b. */
    private interface Body {
        void run(Lab lab, SoftSocket s) throws Exception;
    }

    private static void connected(Body body, String... words) {
        connected(lab -> {}, body, words);
    }

    private static void connected(java.util.function.Consumer<Lab> first, Body body, String... words) {
        Lab lab = Lab.twoHosts(3, 1, words);
        boolean done = false;
        try {
            first.accept(lab);
            delay(lab, lab.host("b").devices.getFirst(), "netem limit 100000 delay 10ms");
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            start(lab, "server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    ByteBuffer to = ByteBuffer.allocate(65_536);
                    while (s.read(to.clear()) >= 0) {}
                }
            });
            start(lab, "client", () -> {
                try (SoftSocket s = lab.host("a").network.connect(lab.host("b").at(80))) {
                    body.run(lab, s);
                }
            });
            lab.joinAll();
            lab.close();
            done = true;
        } catch (IOException e) {
            throw new AssertionError(e);
        } finally {
            if (!done) {
                lab.abandon();
            }
        }
    }

    private static void delay(Lab lab, NetDevice dev, String spec) {
        lab.kernel.rtnl().run(() -> DevGlobals.of(lab.kernel).qdiscs.attachRoot(dev, spec));
    }

    private static void start(Lab lab, String name, ThrowingRunnable body) {
        lab.start(name, body);
    }

    private static void write(SoftSocket s, int bytes) throws IOException {
        ByteBuffer from = ByteBuffer.allocate(bytes);
        while (from.hasRemaining()) {
            s.write(from);
        }
    }

    // ---- who may

    /** Linux: -ENOENT for no such algorithm, -EPERM for one that is not among the allowed, without CAP_NET_ADMIN. */
    @Test
    void shouldKeepRestrictedAlgorithmsFromProgramsWithoutTheCapability() {
        connected((lab, s) -> {
            var sysctl = lab.host("a").net.sysctl();
            assertThat(sysctl.get(ALLOWED).split(" ")).containsExactlyInAnyOrder("reno", "cubic", "bbr", "bbr3");
            s.setOption(SoftOption.TCP_CONGESTION, "vegas"); // as root
            s.setOption(SoftOption.TCP_CONGESTION, "cubic");
            sysctl.set("net.core.cap_net_admin", "0");
            assertThatThrownBy(() -> s.setOption(SoftOption.TCP_CONGESTION, "vegas"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("EPERM");
            assertThatThrownBy(() -> s.setOption(SoftOption.TCP_CONGESTION, "none"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("ENOENT");
            assertThat(s.option(SoftOption.TCP_CONGESTION)).as("untouched").isEqualTo("cubic");
            s.setOption(SoftOption.TCP_CONGESTION, "bbr");
            sysctl.set(ALLOWED, "reno vegas");
            s.setOption(SoftOption.TCP_CONGESTION, "vegas");
            assertThatThrownBy(() -> s.setOption(SoftOption.TCP_CONGESTION, "bbr"))
                    .hasMessageContaining("EPERM");
            s.setOption(SoftOption.TCP_CONGESTION, "vegas"); // the one in force: nobody minds
        });
    }

    /** What the system chose, programs may choose as well. Linux: tcp_set_default_congestion_control(). */
    @Test
    void shouldAllowTheDefault() {
        connected((lab, s) -> {
            var sysctl = lab.host("a").net.sysctl();
            sysctl.set("net.core.cap_net_admin", "0");
            assertThatThrownBy(() -> s.setOption(SoftOption.TCP_CONGESTION, "htcp"))
                    .hasMessageContaining("EPERM");
            sysctl.set(DEFAULT, "htcp");
            assertThat(sysctl.get(ALLOWED).split(" ")).contains("htcp");
            s.setOption(SoftOption.TCP_CONGESTION, "htcp");
            assertThatThrownBy(() -> sysctl.set(ALLOWED, "reno none")).isInstanceOf(UserError.class);
        });
    }

    // ---- who chooses

    @Test
    void shouldChooseBySystemProgramAndRoute() {
        connected(
                lab -> {
                    lab.host("a").net.sysctl().set(DEFAULT, "westwood");
                    route(lab.host("b"), "10.0.0.1", "yeah", false);
                },
                (lab, s) -> {
                    assertThat(s.option(SoftOption.TCP_CONGESTION)).isEqualTo("westwood");
                    s.setOption(SoftOption.TCP_CONGESTION, "illinois");
                    assertThat(s.option(SoftOption.TCP_CONGESTION)).isEqualTo("illinois");
                    route(lab.host("a"), "10.0.0.2", "scalable", false);
                    SoftServerSocket listener = Lab.listen(lab.host("b"), 81);
                    try (SoftSocket byRoute =
                                    lab.host("a").network.connect(lab.host("b").at(81));
                            SoftSocket child = listener.accept();
                            listener) {
                        assertThat(byRoute.option(SoftOption.TCP_CONGESTION)).isEqualTo("scalable");
                        assertThat(child.option(SoftOption.TCP_CONGESTION))
                                .as("of the route back")
                                .isEqualTo("yeah");
                        byRoute.setOption(SoftOption.TCP_CONGESTION, "reno");
                        assertThat(byRoute.option(SoftOption.TCP_CONGESTION)).isEqualTo("reno");
                    }
                });
    }

    /** {@code ip route ... congctl lock NAME}: the program has no say. */
    @Test
    void shouldKeepALockedRoutesChoice() {
        connected(lab -> route(lab.host("a"), "10.0.0.2", "highspeed", true), (lab, s) -> {
            assertThat(s.option(SoftOption.TCP_CONGESTION)).isEqualTo("highspeed");
            assertThatThrownBy(() -> s.setOption(SoftOption.TCP_CONGESTION, "reno"))
                    .hasMessageContaining("EPERM");
        });
    }

    private static void route(Lab.Host host, String to, String congctl, boolean lock) {
        FibConfig c = new FibConfig(Lab.address(to), 32);
        c.ccName = congctl;
        c.metricLocks = lock ? 1 << DstEntry.RTAX_CC_ALGO : 0;
        c.via(host.devices.getFirst(), 0);
        Ipv4Admin.replaceRoute(host.net, c);
    }

    // ---- what it tells

    /** INET_DIAG_VEGASINFO's structure of those that measure round trips. */
    @ParameterizedTest
    @CsvSource({"vegas", "yeah", "westwood", "illinois", "nv"})
    void shouldTellRoundTripsAsVegas(String name) {
        connected((lab, s) -> {
            s.setOption(SoftOption.TCP_CONGESTION, name);
            write(s, 500_000);
            lab.sleep(100_000_000);
            TcpCcInfo.Vegas v = (TcpCcInfo.Vegas) s.option(SoftOption.TCP_CC_INFO);
            TcpInfo info = (TcpInfo) s.option(SoftOption.TCP_INFO);
            assertThat(v.enabled()).isEqualTo(1);
            // The smallest of all, but of the round, which may have just begun, with vegas and yeah: then rtt is that.
            boolean ofRound = name.equals("vegas") || name.equals("yeah");
            assertThat(ofRound ? v.rttUs() : v.minRttUs()).as("%s", v).isBetween(10_000, 11_000 + info.rttvar);
            ByteBuffer b = ByteBuffer.wrap(v.bytes()).order(ByteOrder.nativeOrder());
            assertThat(b.remaining()).isEqualTo(16);
            assertThat(new int[] {b.getInt(), b.getInt(), b.getInt(), b.getInt()})
                    .containsExactly(v.enabled(), v.rttcnt(), v.rttUs(), v.minRttUs());
        });
    }

    @Test
    void shouldTellBandwidthAsBbr() {
        connected((lab, s) -> {
            for (String name : new String[] {"bbr", "bbr3"}) {
                s.setOption(SoftOption.TCP_CONGESTION, name);
                write(s, 5_000_000);
                Object told = s.option(SoftOption.TCP_CC_INFO);
                TcpCcInfo.Bbr v = told instanceof TcpCcInfo.Bbr3 b3 ? b3.bw() : (TcpCcInfo.Bbr) told;
                TcpInfo info = (TcpInfo) s.option(SoftOption.TCP_INFO);
                assertThat(v.bw()).isPositive();
                assertThat(v.minRttUs()).isEqualTo(info.minRtt);
                assertThat(v.pacingGain()).isBetween(128, 740);
                assertThat(v.cwndGain()).isBetween(256, 740);
                assertThat(((TcpCcInfo) told).text()).startsWith("bbr:(bw:" + v.bw() * 8 + "bps,mrtt:");
                ByteBuffer b = ByteBuffer.wrap(((TcpCcInfo) told).bytes()).order(ByteOrder.nativeOrder());
                assertThat(b.remaining()).isEqualTo(name.equals("bbr") ? 20 : 52);
                assertThat(Integer.toUnsignedLong(b.getInt()) | (long) b.getInt() << 32)
                        .isEqualTo(v.bw());
                assertThat(b.getInt()).isEqualTo(v.minRttUs());
                if (told instanceof TcpCcInfo.Bbr3 b3) {
                    assertThat(b3.bwHi()).isGreaterThanOrEqualTo(v.bw());
                    assertThat(b3.phase()).isBetween(1, 7);
                }
            }
        });
    }

    @Test
    void shouldTellMarksAsDctcp() {
        connected((lab, s) -> {
            s.setOption(SoftOption.TCP_CONGESTION, "dctcp");
            assertThat(((TcpCcInfo.Dctcp) s.option(SoftOption.TCP_CC_INFO)).enabled())
                    .as("no ECN was agreed")
                    .isZero();
        });
        connected(lab -> lab.hosts().forEach(h -> h.net.sysctl().set(DEFAULT, "dctcp")), (lab, s) -> {
            write(s, 100_000);
            TcpCcInfo.Dctcp v = (TcpCcInfo.Dctcp) s.option(SoftOption.TCP_CC_INFO);
            assertThat(v.enabled()).isEqualTo(1);
            assertThat(v.alpha())
                    .as("before a round without marks is over it is 1")
                    .isBetween(0, 1024);
            assertThat(v.abEcn()).isZero();
            assertThat(v.bytes()).hasSize(16);
            assertThat(v.text()).startsWith("dctcp:(ce_state:0,alpha:");
        });
    }

    @ParameterizedTest
    @CsvSource({"reno", "cubic", "bic", "htcp", "veno", "scalable", "hybla", "highspeed", "lp", "cdg"})
    void shouldTellNothingWhereLinuxDoesNot(String name) {
        connected((lab, s) -> {
            s.setOption(SoftOption.TCP_CONGESTION, name);
            write(s, 50_000);
            assertThat(s.option(SoftOption.TCP_CC_INFO)).isEqualTo(new byte[0]);
            TcpInfo info = (TcpInfo) s.option(SoftOption.TCP_INFO);
            assertThat(info.sndCwnd).isPositive();
            assertThat(info.caState).isZero();
        });
    }

    // ---- changing it

    /** Ten times a second through all of them, at 1 Gbit/s: not a segment is lost or sent twice for it. */
    @Test
    void shouldRetransmitNothingWhileItChangesTenTimesASecond() throws Exception {
        long bytes = 320_000_000;
        try (Lab lab = Lab.twoHosts(5, 1)) {
            NetDevice dev = lab.host("a").devices.getFirst();
            delay(lab, dev, "netem limit 100000 rate 1gbit");
            delay(lab, lab.host("b").devices.getFirst(), "netem limit 100000 delay 10ms");
            String[] names = lab.host("a")
                    .net
                    .sysctl()
                    .get("net.ipv4.tcp_available_congestion_control")
                    .split(" ");
            assertThat(names).hasSize(18);
            AtomicLong received = new AtomicLong();
            AtomicLong changes = new AtomicLong();
            long[] times = new long[2];
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    ByteBuffer to = ByteBuffer.allocate(200_000);
                    for (int n = s.read(to.clear()); n >= 0; n = s.read(to.clear())) {
                        received.addAndGet(n);
                    }
                }
            });
            SoftSocket s = lab.host("a").network.socket();
            boolean[] over = {false};
            lab.start("client", () -> {
                s.connect(lab.host("b").at(80));
                times[0] = lab.nowNs();
                ByteBuffer from = ByteBuffer.allocate(200_000);
                for (long left = bytes; left > 0; ) {
                    left -= s.write(from.clear().limit((int) Math.min(left, 200_000)));
                }
                over[0] = true;
                times[1] = lab.nowNs();
                s.close();
            });
            lab.start("changer", () -> {
                lab.sleep(50_000_000);
                while (!over[0]) {
                    String name = names[(int) (changes.getAndIncrement() % names.length)];
                    s.setOption(SoftOption.TCP_CONGESTION, name);
                    lab.sleep(100_000_000);
                }
            });
            lab.joinAll();
            assertThat(received.get()).isEqualTo(bytes);
            assertThat(changes.get()).as("changes").isGreaterThanOrEqualTo(20);
            assertThat(lab.counter("TcpRetransSegs")).isZero();
            assertThat(dev.getStats().txDropped).isZero();
            double rate = bytes * 8e9 / (times[1] - times[0]);
            assertThat(rate).as("bit/s").isGreaterThan(0.6e9);
        }
    }
}
