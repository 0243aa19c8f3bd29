package net.sched.ifb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.core.Kernel;
import net.core.dev.NetDevice;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.sched.act.ActionLab;
import net.sched.act.ActionLab.Wire;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shaping what comes in. */
@Timeout(60)
class IfbTest {
    private static final long SEC = 1_000_000_000;

    private static NetDevice ifb(ActionLab lab) {
        NetDevice ifb = Ifb.create(lab.net, "ifb0", 1);
        ifb.open();
        return ifb;
    }

    /** What eth0 receives passes a tbf on ifb0 and reaches the protocols at its rate, and so does what it sends. */
    @ParameterizedTest
    @ValueSource(ints = {ActionLab.IN, ActionLab.OUT})
    void shouldShapeWhatIsRedirectedToIt(int hook) {
        try (ActionLab lab = new ActionLab()) {
            Wire eth = lab.wire("eth0");
            NetDevice ifb = ifb(lab);
            SchApi.modify(
                    ifb,
                    SchApi.Verb.ADD,
                    TcHandle.ROOT,
                    0x10000,
                    "tbf",
                    List.of("rate", "8mbit", "burst", "5kb", "limit", "20kb"));
            lab.filter(eth.dev, hook, "action mirred egress redirect dev ifb0");
            long start = lab.kernel.clock().nanoTime();
            int sent = 0;
            for (long t = 0; t < 2 * SEC; t += 400_000) { // 20 Mbit/s
                if (hook == ActionLab.IN) {
                    lab.receive(eth.dev, 1000);
                } else {
                    lab.send(eth.dev, 1000);
                }
                sent++;
                lab.sleep(400_000);
            }
            double took = (lab.kernel.clock().nanoTime() - start) / 1e9;
            List<Integer> through = hook == ActionLab.IN ? eth.in : eth.out;
            double bps = (through.size() * 1000 - 5 * 1024) * 8 / took; // bytes on the wire; the burst came for nothing
            assertThat(bps).isCloseTo(8e6, Percentage.withPercentage(1));
            assertThat(through).containsOnly(hook == ActionLab.IN ? 986 : 1000);
            lab.sleep(SEC);
            assertThat(through.size() + (int) ifb.qdisc.currentDrops()).isEqualTo(sent);
            assertThat(ifb.getStats().txPackets).isEqualTo(through.size());
            assertThat(hook == ActionLab.IN ? eth.out : eth.in).isEmpty();
        }
    }

    /** What was not redirected has no place to go on. */
    @Test
    void shouldDropWhatIsSentToIt() {
        try (ActionLab lab = new ActionLab()) {
            NetDevice ifb = ifb(lab);
            lab.send(ifb, 100);
            assertThat(ifb.getStats().rxDropped).isOne();
        }
    }

    /** Its own way out, redirected to itself, ends as well. */
    @Test
    void shouldNotLoopThroughItself() {
        try (ActionLab lab = new ActionLab()) {
            Wire eth = lab.wire("eth0");
            NetDevice ifb = ifb(lab);
            lab.filter(eth.dev, ActionLab.IN, "action mirred egress redirect dev ifb0");
            lab.filter(ifb, ActionLab.OUT, "action mirred egress redirect dev ifb0");
            lab.receive(eth.dev, 100);
            lab.sleep(SEC);
            assertThat(eth.in).isEmpty();
        }
    }

    /** Packets still in it when it goes down, or its device goes, do not leak. */
    @Test
    void shouldLetGoWhenItGoesDown() {
        try (ActionLab lab = new ActionLab()) {
            Wire eth = lab.wire("eth0");
            NetDevice ifb = ifb(lab);
            SchApi.modify(
                    ifb,
                    SchApi.Verb.ADD,
                    TcHandle.ROOT,
                    0x10000,
                    "tbf",
                    List.of("rate", "80kbit", "burst", "2kb", "limit", "200kb"));
            lab.filter(eth.dev, ActionLab.IN, "action mirred egress redirect dev ifb0");
            for (int i = 0; i < 50; i++) {
                lab.receive(eth.dev, 1000);
            }
            eth.dev.unregister();
            lab.sleep(SEC);
            assertThat(ifb.getStats().txDropped).isPositive();
            ifb.close();
            ifb.unregister();
        }
    }

    @Test
    void shouldBootWithAsManyAsAsked() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "ifb.numifbs=2")) {
            assertThat(kernel.initNet().devices.byName("ifb1")).isNotNull();
            assertThat(kernel.newNet("other").devices.byName("ifb0")).isNull();
            kernel.sysctl().set("ifb.numifbs", "3");
            assertThat(kernel.initNet().devices.byName("ifb2")).isNotNull();
        }
    }
}
