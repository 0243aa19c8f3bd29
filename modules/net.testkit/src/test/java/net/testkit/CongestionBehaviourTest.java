package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

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

    /** With a buffer larger than the product slow start overshoots by all of it; both HyStarts see the queue come. */
    @Test
    void shouldLoseLessInSlowStartByHystart() {
        long none = overshoot("tcp_cubic.hystart=0");
        long hystart = overshoot("tcp_cubic.hystart=1");
        long plus = overshoot("tcp_cubic.hystart_plus=1");
        assertThat(none).isGreaterThan(500);
        assertThat(hystart).isLessThan(none / 10);
        assertThat(plus).as("more careful in leaving").isLessThan(none / 3);
    }

    private static long overshoot(String word) {
        return rig(5, word)
                .back("netem delay 60ms limit 100000")
                .run(0, 4, "cubic")
                .retransmitted();
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
}
