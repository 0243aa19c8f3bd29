package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import net.core.api.SoftOption;
import net.core.api.SoftSocket;
import net.tcp.TcpCcInfo;
import net.tcp.TcpInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The phases of bbr and bbr3, their gains and times, and what bbr3 makes of losses and marks, on a link of 50 Mbit/s in
 * virtual time. Seed 1 throughout.
 */
class BbrBehaviourTest {
    private static final long SEED = 1;
    private static final int MSS = 1448;

    private static BottleneckRig rig(double bufferBdp, String... words) {
        return new BottleneckRig(SEED, bufferBdp, words);
    }

    private static Object option(SoftSocket s, SoftOption<?> option) {
        try {
            return s.option(option);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static TcpInfo info(SoftSocket s) {
        return (TcpInfo) option(s, SoftOption.TCP_INFO);
    }

    private static TcpCcInfo.Bbr bbr(SoftSocket s) {
        return option(s, SoftOption.TCP_CC_INFO) instanceof TcpCcInfo.Bbr b ? b : bbr3(s).bw();
    }

    private static TcpCcInfo.Bbr3 bbr3(SoftSocket s) {
        return (TcpCcInfo.Bbr3) option(s, SoftOption.TCP_CC_INFO);
    }

    // ---- both

    /** STARTUP doubles the bandwidth each round trip; the rate is 0.99 x gain x bandwidth. */
    @ParameterizedTest
    @CsvSource({"bbr, 2.885", "bbr3, 2.77"})
    void shouldDoubleEachRoundTripInStartup(String name, double gain) {
        List<Double> bw = new ArrayList<>();
        rig(10).back("netem delay 100ms limit 100000")
                .watch(s -> {
                    TcpCcInfo.Bbr b = bbr(s);
                    bw.add(b.bw() * 8 / 1e6);
                    if (bw.size() > 250) { // the first rate is a guess, and it never falls here
                        assertThat(b.pacingGain() / 256.0).isCloseTo(gain, within(0.01));
                        assertThat((double) info(s).pacingRate / b.bw()).isCloseTo(0.99 * gain, within(0.01));
                    }
                })
                .run(0, 0.72, name);
        for (int ms = 350; ms + 200 < bw.size(); ms += 25) { // four times in two round trips, till the link is full
            double times = bw.get(ms + 200) / bw.get(ms);
            assertThat(times).as("from %d ms: %s", ms, bw.get(ms)).isBetween(2.7, 5.5);
        }
    }

    /** ACM Queue 14(5): gains of 5/4, 3/4 and six times 1, each for a round trip; twice the product in flight. */
    @Test
    void shouldCycleThroughEightPhasesAsBbr() {
        List<int[]> phases = new ArrayList<>(); // gain, ms
        rig(10).watch(s -> {
                    TcpCcInfo.Bbr b = bbr(s);
                    if (phases.isEmpty() || phases.getLast()[0] != b.pacingGain()) {
                        phases.add(new int[] {b.pacingGain(), 0});
                    }
                    phases.getLast()[1]++;
                    double product = (double) b.bw() * b.minRttUs() / 1e6 / MSS;
                    assertThat(b.cwndGain()).isEqualTo(512);
                    assertThat((double) info(s).sndCwnd).isBetween(product * 1.9, product * 2 + 60);
                    double rate = 0.99 * b.pacingGain() / 256 * b.bw();
                    assertThat((double) info(s).pacingRate).isCloseTo(rate, within(rate * 0.001));
                })
                .run(2, 8, "bbr");
        int cycles = 0;
        for (int i = 1; i < phases.size() - 1; i++) { // the first and the last are cut
            int gain = phases.get(i)[0];
            int next = phases.get(i + 1)[0];
            int ms = phases.get(i)[1];
            assertThat(next).as("after %d", gain).isEqualTo(gain == 320 ? 192 : gain == 192 ? 256 : 320);
            assertThat(ms).as("length of %d", gain).isBetween(gain == 256 ? 6 * 20 : 10, gain == 256 ? 6 * 26 : 60);
            cycles += gain == 320 ? 1 : 0;
        }
        assertThat(cycles).isBetween(20, 40);
    }

    /** Four segments in flight for 200 ms, ten seconds after the last smaller round trip. */
    @Test
    void shouldProbeTheRoundTripEachTenSecondsAsBbr() {
        List<Integer> starts = new ArrayList<>();
        int[] ms = new int[2];
        boolean[] in = {false};
        rig(1).watch(s -> {
                    boolean probe = bbr(s).cwndGain() == 256;
                    ms[0]++;
                    ms[1] += probe ? 1 : 0;
                    if (probe) {
                        assertThat(info(s).sndCwnd).isLessThanOrEqualTo(4);
                    }
                    if (probe && !in[0]) {
                        starts.add(ms[0]);
                    }
                    in[0] = probe;
                })
                .run(1, 25, "bbr");
        assertThat(starts).as("begins at ms %s", starts).hasSize(2);
        assertThat(starts.get(1) - starts.get(0)).isBetween(10_000, 10_500);
        assertThat(ms[1] / 2.0).as("length").isBetween(200.0, 280.0);
    }

    // ---- bbr3

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
