package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.core.api.SoftOption;
import net.core.api.SoftSocket;
import net.tcp.TcpCcInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each congestion control on a link of 50 Mbit/s and 20 ms with a buffer of one product: how much of the link one
 * connection uses, what queue stands, and how two share it. Virtual time; seed 1 throughout.
 */
class CongestionBehaviourTest {
    private static final long SEED = 1;

    private static BottleneckRig rig(double bufferBdp, String... words) {
        return new BottleneckRig(SEED, bufferBdp, words);
    }

    /** Those that go by losses fill the buffer; those that go by delay keep it nearly empty. */
    @ParameterizedTest
    @CsvSource({
        // name, least utilisation, most standing queue in ms
        "reno,      0.99, 20",
        "cubic,     0.99, 20",
        "bic,       0.99, 20",
        "highspeed, 0.99, 20",
        "htcp,      0.99, 20",
        "hybla,     0.99, 20",
        "illinois,  0.99, 20",
        "scalable,  0.99, 20",
        "veno,      0.99, 20",
        "westwood,  0.99, 20",
        "yeah,      0.99, 20",
        "bbr,       0.97, 4",
        "bbr3,      0.95, 3",
        "cdg,       0.95, 4",
        "lp,        0.88, 4",
        "nv,        0.99, 5",
        "vegas,     0.99, 2",
    })
    void shouldUseTheLinkAlone(String name, double utilisation, double queueMs) {
        BottleneckRig.Result r = rig(1).run(3, 10, name);
        assertThat(r.utilisation()).as("%s", r).isBetween(utilisation, 1.001);
        assertThat(r.queueMs()).as("%s", r).isLessThan(queueMs);
    }

    /** Two alike, the second a second later. */
    @ParameterizedTest
    @CsvSource({
        // name, least of Jain's index over 20 s, least utilisation
        "reno,      0.99, 0.99",
        "cubic,     0.98, 0.99",
        "bic,       0.98, 0.99",
        "highspeed, 0.98, 0.99",
        "htcp,      0.99, 0.99",
        "hybla,     0.98, 0.99",
        "illinois,  0.97, 0.99",
        "scalable,  0.98, 0.99",
        "veno,      0.96, 0.99",
        "westwood,  0.99, 0.99",
        "yeah,      0.99, 0.99",
        "bbr,       0.97, 0.97",
        "bbr3,      0.97, 0.96",
        "cdg,       0.97, 0.97",
        "lp,        0.90, 0.90",
        "nv,        0.95, 0.97",
    })
    void shouldShareTheLinkWithItsLike(String name, double jain, double utilisation) {
        BottleneckRig.Result r = rig(1).run(10, 30, name, name);
        assertThat(r.fairness()).as("%s", r).isGreaterThanOrEqualTo(jain);
        assertThat(r.utilisation()).as("%s", r).isBetween(utilisation, 1.001);
    }

    /**
     * Vegas believes the smallest round trip it has seen: two that begin together share within its alpha to beta (2 to 4
     * segments each), one that begins in the queue of another takes more. Mo, La, Anantharam, Walrand 1999.
     */
    @Test
    void shouldShareAsVegasWithinItsBounds() {
        BottleneckRig.Result r = rig(1).stagger(0).run(10, 30, "vegas", "vegas");
        assertThat(r.share(0)).as("%s", r).isBetween(0.25, 0.75);
        assertThat(r.queueMs()).as("%s", r).isLessThan(5);
    }

    /** Low priority: it fills what is left, and that is little beside Reno and Cubic. */
    @ParameterizedTest
    @CsvSource({"reno", "cubic"})
    void shouldYieldAsLp(String other) {
        BottleneckRig.Result r = rig(1).run(10, 30, "lp", other);
        assertThat(r.share(0)).as("%s", r).isLessThan(0.08);
        assertThat(r.utilisation()).isGreaterThan(0.99);
    }

    /** RFC 8257: a step of marks at 1 ms keeps the queue there, without a loss. The receiver has to speak it too. */
    @Test
    void shouldKeepDctcpsQueueAtTheMarks() {
        BottleneckRig rig = rig(1).inner("codel", "target", "100ms", "interval", "200ms", "ce_threshold", "1ms", "ecn")
                .sysctl("net.ipv4.tcp_congestion_control", "dctcp");
        BottleneckRig.Result one = rig.run(3, 10, "dctcp");
        assertThat(one.utilisation()).as("%s", one).isGreaterThan(0.97);
        assertThat(one.queueMs()).as("%s", one).isLessThan(2);
        assertThat(one.retransmitted()).isZero();
        BottleneckRig.Result two = rig.run(10, 30, "dctcp", "dctcp");
        assertThat(two.fairness()).as("%s", two).isGreaterThan(0.98);
        assertThat(two.queueMs()).as("%s", two).isLessThan(3);
    }

    /** A satellite's connection beside a short one: Hybla gets a larger share than Reno would. */
    @Test
    void shouldGiveLongPathsMoreByHybla() {
        String far = "netem delay 100ms limit 100000";
        BottleneckRig.Result reno = rig(0.2).back(far).run(3, 15, "reno");
        BottleneckRig.Result hybla = rig(0.2).back(far).run(3, 15, "hybla");
        assertThat(hybla.utilisation()).as("%s against %s", hybla, reno).isGreaterThan(reno.utilisation() * 1.3);
    }

    /** What the algorithms for radio links and for long fat paths are for: random losses of a thousandth. */
    @ParameterizedTest
    @CsvSource({"westwood, 1.15", "veno, 1.1", "scalable, 1.3", "bbr, 1.5", "bbr3, 1.5"})
    void shouldBearRandomLossesBetterThanReno(String name, double times) {
        String lossy = "netem rate 50mbit loss 0.2% limit 83";
        BottleneckRig.Result reno = rig(1).bottleneck(lossy).run(2, 12, "reno");
        BottleneckRig.Result r = rig(1).bottleneck(lossy).run(2, 12, name);
        assertThat(r.utilisation()).as("%s against %s", r, reno).isGreaterThan(reno.utilisation() * times);
    }

    // ---- bbr3

    private static TcpCcInfo.Bbr3 bbr3(SoftSocket s) {
        try {
            return (TcpCcInfo.Bbr3) s.option(SoftOption.TCP_CC_INFO);
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    /** draft-ietf-ccwg-bbr 5.3.4.3: PROBE_RTT each five seconds, for 200 ms and a round trip, at half the product. */
    @Test
    void shouldProbeTheRoundTripEachFiveSecondsAsBbr3() {
        List<Integer> starts = new ArrayList<>();
        int[] ms = new int[2];
        int[] last = {-1};
        rig(1).watch(s -> {
                    int mode = bbr3(s).mode();
                    ms[0]++;
                    if (mode == 3) {
                        ms[1]++;
                        if (last[0] != 3) {
                            starts.add(ms[0]);
                        }
                    }
                    last[0] = mode;
                })
                .run(0.5, 21, "bbr3");
        assertThat(starts).as("begins at ms %s", starts).hasSizeBetween(3, 4);
        for (int i = 1; i < starts.size(); i++) {
            assertThat(starts.get(i) - starts.get(i - 1))
                    .as("cadence: %s", starts)
                    .isBetween(5000, 5500);
        }
        assertThat((double) ms[1] / starts.size()).as("length").isBetween(200.0, 300.0);
    }

    /** The phases of a cycle come in their order, and a cycle takes two to three seconds or as long as Reno's would. */
    @Test
    void shouldCycleThroughThePhasesAsBbr3() {
        List<Integer> phases = new ArrayList<>();
        List<Integer> ups = new ArrayList<>();
        int[] ms = {0};
        rig(1).watch(s -> {
                    int phase = bbr3(s).phase();
                    ms[0]++;
                    if (phases.isEmpty() || phases.getLast() != phase) {
                        phases.add(phase);
                        if (phase == 4) {
                            ups.add(ms[0]);
                        }
                    }
                })
                .run(1, 21, "bbr3");
        String text = phases.toString();
        assertThat(text)
                .doesNotContain("5, 4")
                .doesNotContain("6, 4")
                .doesNotContain("4, 6")
                .doesNotContain("4, 7");
        assertThat(ups.size()).as("probes: %s", ups).isBetween(5, 20);
        for (int i = 1; i < ups.size(); i++) { // 83 packets in flight: Reno's cycle is 63 rounds at most, 1.3 s
            assertThat(ups.get(i) - ups.get(i - 1)).as("%s", ups).isBetween(1000, 3800);
        }
    }

    /** Losses of more than 2 % tell it what the path holds: in a short buffer it loses a fraction of what bbr loses. */
    @Test
    void shouldLearnFromLossesAsBbr3() {
        TcpCcInfo.Bbr3[] info = new TcpCcInfo.Bbr3[1];
        BottleneckRig.Result v1 = rig(0.1).run(3, 13, "bbr");
        BottleneckRig.Result v3 = rig(0.1).watch(s -> info[0] = bbr3(s)).run(3, 13, "bbr3");
        assertThat(v3.retransmitted()).as("%s against %s", v3, v1).isLessThan(v1.retransmitted() / 3);
        assertThat(v3.utilisation()).as("%s", v3).isGreaterThan(0.85);
        assertThat(info[0].inflightHi()).as("%s", info[0]).isBetween(70, 160);
    }

    /** Less than that it takes for noise. */
    @Test
    void shouldNotMindOnePercentOfLossAsBbr3() {
        BottleneckRig.Result r =
                rig(1).bottleneck("netem rate 50mbit loss 1% limit 83").run(3, 13, "bbr3");
        BottleneckRig.Result cubic =
                rig(1).bottleneck("netem rate 50mbit loss 1% limit 83").run(3, 13, "cubic");
        assertThat(r.utilisation()).as("%s against %s", r, cubic).isGreaterThan(0.65);
        assertThat(cubic.utilisation()).as("%s", cubic).isLessThan(r.utilisation() / 2.5);
    }

    /** Beside Cubic it takes its part and leaves it one; bbr leaves less. */
    @Test
    void shouldLeaveRoomToCubicAsBbr3() {
        BottleneckRig.Result v3 = rig(1).run(10, 40, "bbr3", "cubic");
        BottleneckRig.Result v1 = rig(1).run(10, 40, "bbr", "cubic");
        assertThat(v3.share(1)).as("%s against %s", v3, v1).isGreaterThan(0.25).isGreaterThan(v1.share(1) + 0.1);
    }

    /** With its parameter {@code ecn} a step of marks keeps its probes short, and nothing is lost. */
    @Test
    void shouldHeedMarksAsBbr3IfAsked() {
        String near = "netem delay 4ms limit 100000";
        BottleneckRig.Result deaf = marked(near).run(2, 12, "bbr3", "bbr3");
        BottleneckRig.Result heeds = marked(near, "tcp_bbr3.ecn=1").run(2, 12, "bbr3", "bbr3");
        assertThat(heeds.queueMs()).as("%s against %s", heeds, deaf).isLessThan(deaf.queueMs() * 0.8);
        assertThat(heeds.utilisation()).as("%s", heeds).isGreaterThan(0.9);
    }

    private static BottleneckRig marked(String back, String... words) {
        return rig(1, words)
                .back(back)
                .inner("codel", "target", "100ms", "interval", "200ms", "ce_threshold", "1ms", "ecn")
                .sysctl("net.ipv4.tcp_ecn", "1");
    }
}
