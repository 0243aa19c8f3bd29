package net.sched;

import static net.sched.HtbTest.add;
import static net.sched.HtbTest.delete;
import static net.sched.HtbTest.load;
import static net.sched.HtbTest.mbit;
import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** The hierarchical fair service curve, against Stoica, Zhang and Ng 1997 and tc-hfsc(7). */
class HfscTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Shares by the curves' slopes, level by level, to 2 %; an idle class's share goes to its sibling first. */
    @Test
    void shouldShareByTheHierarchy() {
        try (QdiscLab lab = new QdiscLab("hfsc", 10 * MBIT)) {
            add(lab, "root", "1:1", "ls rate 6mbit");
            add(lab, "root", "1:2", "ls rate 4mbit");
            add(lab, "1:1", "1:11", "ls rate 2mbit");
            add(lab, "1:1", "1:12", "ls rate 1mbit");
            add(lab, "1:2", "1:21", "ls rate 1mbit");
            lab.flow(1).size = 300;
            load(lab, 1, "1:11", 10_000_000);
            load(lab, 2, "1:12", 10_000_000);
            load(lab, 3, "1:21", 10_000_000);
            lab.run(10 * SEC);
            assertThat(mbit(lab, 1, 10)).as(lab.stats()).isCloseTo(4, within(0.08));
            assertThat(mbit(lab, 2, 10)).isCloseTo(2, within(0.04));
            assertThat(mbit(lab, 3, 10)).isCloseTo(4, within(0.08));
        }
        try (QdiscLab lab = new QdiscLab("hfsc", 10 * MBIT)) {
            add(lab, "root", "1:1", "ls rate 6mbit");
            add(lab, "root", "1:2", "ls rate 4mbit");
            add(lab, "1:1", "1:11", "ls rate 2mbit");
            add(lab, "1:1", "1:12", "ls rate 1mbit");
            load(lab, 1, "1:11", 10_000_000);
            load(lab, 2, "1:2", 10_000_000);
            lab.run(10 * SEC);
            assertThat(mbit(lab, 1, 10)).isCloseTo(6, within(0.12));
            assertThat(mbit(lab, 2, 10)).isCloseTo(4, within(0.08));
        }
    }

    /** Who used what others left idle does not pay for it afterwards: fairness of link-sharing, section 2 of the paper. */
    @Test
    void shouldNotPunishForUsingTheExcess() {
        try (QdiscLab lab = new QdiscLab("hfsc", 10 * MBIT)) {
            add(lab, "root", "1:1", "ls rate 5mbit");
            add(lab, "root", "1:2", "ls rate 5mbit");
            load(lab, 1, "1:1", 20_000_000);
            lab.flow(2).prio = 0x10002;
            lab.cbr(2, 20_000_000, 3 * SEC);
            lab.run(3 * SEC);
            assertThat(mbit(lab, 1, 3)).isCloseTo(10, within(0.1));
            long before = lab.flow(1).deliveredBytes;
            lab.run(SEC / 5);
            assertThat((lab.flow(1).deliveredBytes - before) * 8 / 0.2e6).isCloseTo(5, within(0.15));
        }
    }

    /** The upper limit holds to 1 %, of a leaf and of an inner class, however idle the link is. */
    @Test
    void shouldKeepTheUpperLimit() {
        try (QdiscLab lab = new QdiscLab("hfsc", 100 * MBIT)) {
            add(lab, "root", "1:1", "ls rate 50mbit ul rate 10mbit");
            add(lab, "1:1", "1:11", "ls rate 1mbit ul rate 3mbit");
            add(lab, "1:1", "1:12", "ls rate 1mbit");
            add(lab, "root", "1:2", "sc rate 5mbit ul rate 2mbit");
            load(lab, 1, "1:11", 30_000_000);
            load(lab, 2, "1:12", 30_000_000);
            load(lab, 3, "1:2", 30_000_000);
            lab.run(10 * SEC);
            assertThat(mbit(lab, 1, 10)).as(lab.stats()).isCloseTo(3, within(0.03));
            assertThat(mbit(lab, 2, 10)).isCloseTo(7, within(0.07));
            // A guarantee goes past the limit, as tc-hfsc(7) says: the real-time criterion asks nobody.
            assertThat(mbit(lab, 3, 10)).isCloseTo(5, within(0.06));
            assertThat(lab.q.overlimits).isPositive();
        }
        try (QdiscLab lab = new QdiscLab("hfsc", 100 * MBIT)) {
            add(lab, "root", "1:2", "ls rate 5mbit ul m1 20mbit d 500ms m2 2mbit");
            load(lab, 3, "1:2", 30_000_000);
            lab.run(SEC / 2);
            assertThat(mbit(lab, 3, 0.5)).isCloseTo(20, within(0.2));
            lab.run(SEC * 9 / 2);
            assertThat(lab.flow(3).deliveredBytes * 8 / 1e6).isCloseTo(10 + 9, within(0.19));
        }
    }

    /** Bytes that a curve of two segments gives after so many ns. */
    private static double due(double m1, double dNs, double m2, long ns) {
        return (Math.min(ns, dNs) * m1 + Math.max(0, ns - dNs) * m2) / 8 / 1e9;
    }

    /**
     * Theorem 2 of the paper: whoever is backlogged gets at any time what its curve says, but for the largest packet's time
     * on the link; and nothing more, if it has no share in the rest.
     */
    @Test
    void shouldGiveTheServiceCurveToABackloggedClass() {
        double[][] curves = {{4e6, 50e6, 1e6}, {0, 50e6, 3e6}, {2e6, 0, 2e6}};
        try (QdiscLab lab = new QdiscLab("hfsc", 10 * MBIT)) {
            add(lab, "root", "1:1", "rt m1 4mbit d 50ms m2 1mbit");
            add(lab, "root", "1:2", "rt m1 0 d 50ms m2 3mbit");
            add(lab, "root", "1:3", "rt rate 2mbit");
            add(lab, "root", "1:4", "ls rate 1mbit");
            int[] sizes = {500, 1514, 1000, 1514};
            for (int i = 0; i < 4; i++) {
                lab.flow(i).size = sizes[i];
                load(lab, i, "1:" + (i + 1), 20_000_000);
            }
            long start = lab.now();
            lab.run(5 * SEC);
            // A packet is on the link for its own time and, at the worst, after one that had just begun.
            long slack = 2 * 1514 * SEC / (10 * MBIT);
            for (int i = 0; i < 3; i++) {
                double[] c = curves[i];
                List<Long> times = lab.flow(i).times;
                for (int k = 0; k < times.size(); k++) {
                    // When it starts, all before it are through.
                    double promised = due(c[0], c[1], c[2], times.get(k) - start - slack);
                    assertThat((k + 1.0) * sizes[i])
                            .as("class %d after %d ns", i + 1, times.get(k) - start)
                            .isGreaterThanOrEqualTo(promised - 1);
                }
            }
            assertThat(mbit(lab, 0, 5)).isCloseTo(due(4e6, 50e6, 1e6, 5 * SEC) * 8 / 5e6, within(0.02));
            assertThat(mbit(lab, 1, 5)).isCloseTo(3, within(0.03));
            assertThat(mbit(lab, 2, 5)).isCloseTo(2, within(0.02));
            assertThat(mbit(lab, 3, 5)).isCloseTo(10 - 6 - 0.03, within(0.1));
        }
    }

    /** Delay apart from rate: 64 kbit/s with packets of 500 bytes have 62 ms each by rate alone, 5 ms by umax and dmax. */
    @Test
    void shouldBoundTheDelayApartFromTheRate() {
        double[] worst = new double[2];
        String[] voice = {"rt umax 500b dmax 5ms rate 64kbit", "rt rate 64kbit"};
        for (int i = 0; i < 2; i++) {
            try (QdiscLab lab = new QdiscLab("hfsc", 10 * MBIT)) {
                add(lab, "root", "1:1", voice[i]);
                // The others' guarantees and this one's fill the link.
                add(lab, "root", "1:2", "sc rate 9900kbit");
                lab.flow(1).size = 500;
                load(lab, 1, "1:1", 64_000);
                load(lab, 2, "1:2", 20_000_000);
                lab.run(10 * SEC);
                assertThat(lab.flow(1).drops).isZero();
                assertThat(lab.flow(1).delivered).isBetween(155L, 161L);
                worst[i] = lab.flow(1).delaysNs.stream()
                                .mapToLong(Long::longValue)
                                .max()
                                .orElse(0)
                        / 1e6;
            }
        }
        // dmax and a packet of the others' that has begun, 1.2 ms.
        assertThat(worst[0]).isLessThan(5 + 1.3);
        assertThat(worst[1]).isGreaterThan(20).isLessThan(62.5 + 1.3);
    }

    /** A guarantee without a share is a limit as well; a class that comes back begins anew. */
    @Test
    void shouldGiveABurstAgainAfterIdleness() {
        try (QdiscLab lab = new QdiscLab("hfsc", 100 * MBIT)) {
            add(lab, "root", "1:1", "rt m1 8mbit d 100ms m2 1mbit");
            load(lab, 1, "1:1", 20_000_000);
            lab.run(SEC);
            assertThat(mbit(lab, 1, 1)).isCloseTo(0.8 + 0.9, within(0.03));
        }
        try (QdiscLab lab = new QdiscLab("hfsc", 100 * MBIT)) {
            add(lab, "root", "1:1", "rt m1 8mbit d 100ms m2 1mbit");
            lab.flow(1).prio = 0x10001;
            lab.flow(1).size = 1000;
            for (int round = 0; round < 3; round++) {
                long start = lab.now();
                int from = lab.flow(1).times.size();
                for (int i = 0; i < 100; i++) {
                    lab.send(lab.flow(1));
                }
                lab.run(50 * MS);
                assertThat(lab.flow(1).times.size() - from)
                        .as("packets in the first 50 ms of round %d", round)
                        .isBetween(49, 52);
                assertThat(lab.flow(1).times.get(from) - start).isLessThan(50_000L);
                lab.run(SEC * 3);
                assertThat(lab.q.qlen).isZero();
            }
        }
    }

    /** Changed under load: from a share to another, a guarantee taken on, a class taken away. */
    @Test
    void shouldFollowChangesUnderLoad() {
        try (QdiscLab lab = new QdiscLab("hfsc default 3", 10 * MBIT)) {
            add(lab, "root", "1:1", "ls rate 5mbit");
            add(lab, "root", "1:2", "ls rate 5mbit");
            add(lab, "root", "1:3", "ls rate 1kbit");
            load(lab, 1, "1:1", 20_000_000);
            load(lab, 2, "1:2", 20_000_000);
            lab.run(SEC);
            add(lab, "root", "1:1", "ls rate 15mbit");
            long before = lab.flow(1).deliveredBytes;
            lab.run(2 * SEC);
            assertThat((lab.flow(1).deliveredBytes - before) * 8 / 2e6).isCloseTo(7.5, within(0.15));
            add(lab, "root", "1:2", "rt rate 6mbit");
            before = lab.flow(1).deliveredBytes;
            lab.run(2 * SEC);
            assertThat((lab.flow(1).deliveredBytes - before) * 8 / 2e6).isCloseTo(4, within(0.2));
            delete(lab, "1:2");
            before = lab.flow(1).deliveredBytes;
            lab.run(SEC);
            // What has no class any more goes into the default one, whose share is next to nothing.
            assertThat((lab.flow(1).deliveredBytes - before) * 8 / 1e6).isCloseTo(10, within(0.1));
            long lost = lab.flow(1).drops + lab.flow(2).drops;
            assertThat(lab.offered).isEqualTo(lab.sent + lab.q.qlen + lost);
            assertThatThrownBy(() -> add(lab, "1:1", "1:3", "ls rate 1mbit")).isInstanceOf(UserError.class);
        }
    }

    @Test
    void shouldReadAndPrintAsIproute2() {
        try (QdiscLab lab = new QdiscLab("hfsc default 20", 0)) {
            assertThat(lab.q.describe(false)).isEqualTo("qdisc hfsc 1: root refcnt 2  default 0x20 \n");
            add(lab, "root", "1:1", "sc rate 10mbit ul rate 10mbit");
            add(lab, "1:1", "1:10", "rt m1 2mbit d 10ms m2 1mbit ls m2 5mbit");
            add(lab, "1:1", "1:20", "sc umax 1500b dmax 30ms rate 1mbit");
            TcPrint p = new TcPrint(false);
            SchApi.showClasses(lab.q, p, false);
            assertThat(p.toString()).isEqualTo("""
                    class hfsc 1: root\s
                    class hfsc 1:1 parent 1: sc m1 0bit d 0us m2 10Mbit ul m1 0bit d 0us m2 10Mbit\s
                    class hfsc 1:10 parent 1:1 rt m1 2Mbit d 10ms m2 1Mbit ls m1 0bit d 0us m2 5Mbit\s
                    class hfsc 1:20 parent 1:1 sc m1 0bit d 18ms m2 1Mbit\s
                    """);
            lab.flow(1).prio = 0x10020;
            lab.send(lab.flow(1));
            TcPrint s = new TcPrint(false);
            SchApi.showClasses(lab.q, s, true);
            assertThat(s.toString()).contains("""
                    class hfsc 1:20 parent 1:1 sc m1 0bit d 18ms m2 1Mbit\s
                     Sent 1514 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                     period 1 work 1514 bytes rtwork 1514 bytes  level 0\s

                    """);
            TcPrint j = new TcPrint(true);
            j.openArray("", "");
            SchApi.showClasses(lab.q, j, false);
            assertThat(j.toString())
                    .contains(
                            "\"class\":\"hfsc\",\"handle\":\"1:10\",\"parent\":\"1:1\","
                                    + "\"rt\":{\"m1\":250000,\"d\":10000,\"m2\":125000},\"ls\":{\"m1\":0,\"d\":0,\"m2\":625000}");
            for (String bad : List.of(
                    "",
                    "ul rate 1mbit",
                    "rt rate 1mbit ul rate 1mbit",
                    "rt m1 1mbit d 10ms",
                    "ls rate 0",
                    "rt umax 1500 rate 1mbit",
                    "rate 1mbit")) {
                assertThatThrownBy(() -> add(lab, "1:1", "1:30", bad)).as(bad).isInstanceOf(UserError.class);
            }
        }
    }
}
