package softnet.tools.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.core.Softirq;
import net.core.trace.Landmark;
import net.core.trace.PathTrace.Context;
import net.core.trace.PathTrace.Step;
import org.junit.jupiter.api.Test;

class PathPictureTest {
    private static Step step(Landmark landmark, Context context, int cpu, long ns, int len) {
        return new Step(
                landmark,
                context,
                context == Context.SOFTIRQ ? Softirq.NET_RX : null,
                cpu,
                "client",
                "",
                1_000 + ns,
                len);
    }

    private static final List<Step> STEPS = List.of(
            step(Landmark.SOCK_SENDMSG, Context.PROCESS, -1, 0, -1),
            step(Landmark.TCP_TRANSMIT_SKB, Context.PROCESS, 0, 1_500, 1000),
            step(Landmark.NET_RX_ACTION, Context.SOFTIRQ, 0, 9_000, -1),
            step(Landmark.IP_RCV, Context.SOFTIRQ, 0, 9_500, 40),
            step(Landmark.TCP_RECVMSG, Context.PROCESS, -1, 20_000, 1000),
            step(Landmark.SOCK_SENDMSG, Context.PROCESS, -1, 30_000, -1));

    @Test
    void shouldDrawOneBoxForEachContext() {
        List<String> lines = new PathPicture(false).draw(STEPS.subList(0, 5));
        assertThat(lines.stream().filter(l -> l.contains("┌"))).hasSize(3);
        assertThat(String.join("\n", lines))
                .contains("softirq NET_RX, cpu 0, thread client")
                .contains("1.5 us")
                .contains("tcpTransmitSkb")
                .contains("tcp_transmit_skb()")
                .doesNotContain("\u001b");
        assertThat(new PathPicture(true).draw(STEPS).get(0)).contains("\u001b[1m");
        assertThat(new PathPicture(false).draw(List.of())).hasSize(1);
    }

    @Test
    void shouldPickOnePacketsSteps() {
        assertThat(PathPicture.pick(STEPS, Landmark.SOCK_SENDMSG, Landmark.TCP_RECVMSG, 1000))
                .extracting(Step::landmark)
                .containsExactly(
                        Landmark.SOCK_SENDMSG, Landmark.TCP_TRANSMIT_SKB, Landmark.NET_RX_ACTION, Landmark.TCP_RECVMSG);
    }

    @Test
    void shouldScaleTimes() {
        assertThat(PathPicture.time(1_500)).isEqualTo("1.5 us");
        assertThat(PathPicture.time(15_000_000)).isEqualTo("15.0 ms");
        assertThat(PathPicture.time(60_000_000_000L)).isEqualTo("60.00 s");
    }
}
