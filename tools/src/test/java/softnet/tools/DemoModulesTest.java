package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import net.core.Kernel;
import net.core.dev.DevGlobals;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code softnet demo} with every qdisc and every congestion control, by name: four megabytes each way, live. */
class DemoModulesTest {
    /** Those that let nothing of TCP through: one on purpose, one because it wants a transmit time in each packet. */
    private static final Set<String> NOTHING = Set.of("blackhole", "etf");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int demo(String... words) {
        String[] all = Stream.concat(Stream.of("demo", "--bytes", "4M"), Stream.of(words))
                .toArray(String[]::new);
        return Softnet.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(all);
    }

    static List<String> qdiscs() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            return DevGlobals.of(kernel).qdiscs.names().stream()
                    .filter(k -> !NOTHING.contains(k))
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("qdiscs")
    void shouldRunWithTheQdisc(String kind) {
        assertThat(demo("--qdisc", kind)).as("%s%s", out, err).isZero();
        assertThat(out.toString()).contains("equal at both ends").doesNotContain("DIFFERS");
        if (!Set.of("ingress", "clsact", "noqueue").contains(kind)) {
            assertThat(out.toString()).contains("qdisc " + kind + " ");
        }
    }

    static String[] congestionControls() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            return kernel.initNet()
                    .sysctl()
                    .get("net.ipv4.tcp_available_congestion_control")
                    .split(" ");
        }
    }

    @ParameterizedTest
    @MethodSource("congestionControls")
    void shouldRunWithTheCongestionControl(String name) {
        assertThat(demo("--sysctl", "net.ipv4.tcp_congestion_control=" + name))
                .as("%s%s", out, err)
                .isZero();
        assertThat(out.toString()).contains("equal at both ends").doesNotContain("DIFFERS");
    }

    /** A person who cuts the wire hears so within seconds: what was dropped, by whom, one line and status 1. */
    @ParameterizedTest
    @ValueSource(strings = {"blackhole", "etf"})
    void shouldSayWhoLetNothingThrough(String kind) {
        assertThat(demo("--qdisc", kind, "--sysctl", "net.ipv4.tcp_syn_retries=1"))
                .as("%s%s", out, err)
                .isEqualTo(1);
        assertThat(out.toString())
                .containsPattern("The qdisc " + kind + " of veth0 dropped [1-9]\\d* packets and let 0 through");
        assertThat(err.toString().lines()).singleElement().asString().containsIgnoringCase("timed out");
    }

    @Test
    void shouldKnowEveryQdiscOfLinuxThatThereIs() {
        assertThat(qdiscs())
                .contains(
                        "noqueue",
                        "pfifo",
                        "bfifo",
                        "pfifo_head_drop",
                        "pfifo_fast",
                        "prio",
                        "multiq",
                        "mq",
                        "mqprio",
                        "tbf",
                        "htb",
                        "hfsc",
                        "drr",
                        "qfq",
                        "fq",
                        "codel",
                        "fq_codel",
                        "pie",
                        "fq_pie",
                        "cake",
                        "red",
                        "gred",
                        "choke",
                        "sfb",
                        "sfq",
                        "hhf",
                        "ets",
                        "skbprio",
                        "cbs",
                        "taprio",
                        "plug",
                        "dualpi2",
                        "netem",
                        "ingress",
                        "clsact");
    }
}
