package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The disciplines that keep a queue short, against their RFCs and papers. */
class AqmTest {
    private static final long MBIT = 1_000_000 / 8;
    private static final int ECT0 = InetEcn.ECT_0;

    /** Ten windows of Reno over 10 Mbit/s and 50 ms; delays from the second half. Returns the link's use. */
    static double reno(QdiscLab lab, int flows, int dsfield, long seconds) {
        for (int i = 0; i < flows; i++) {
            lab.new Aimd(i, 50 * MS, dsfield, false);
        }
        lab.run(seconds * SEC);
        long bytes = 0;
        for (int i = 0; i < flows; i++) {
            bytes += lab.flow(i).deliveredBytes;
        }
        return bytes * 8.0 / seconds / 10e6;
    }

    private static long marks(QdiscLab lab) {
        return lab.flows.values().stream().mapToLong(f -> f.marks).sum();
    }

    private static long drops(QdiscLab lab) {
        return lab.flows.values().stream().mapToLong(f -> f.drops).sum();
    }

    static double delayMs(QdiscLab lab) {
        return lab.flows.values().stream()
                .mapToDouble(f -> f.meanDelayMs())
                .average()
                .orElse(0);
    }

    /** RFC 8289: the standing queue of responsive flows comes down towards 5 ms, where a plain queue would hold them all. */
    @Test
    void shouldKeepCodelsDelayNearItsTarget() {
        try (QdiscLab lab = new QdiscLab("codel", 10 * MBIT)) {
            assertThat(reno(lab, 4, 0, 30)).isGreaterThan(0.95);
            assertThat(delayMs(lab)).as(lab.stats()).isBetween(2.0, 15.0);
            assertThat(drops(lab)).isPositive();
        }
        try (QdiscLab lab = new QdiscLab("pfifo limit 1000", 10 * MBIT)) {
            reno(lab, 4, 0, 30);
            assertThat(delayMs(lab)).isGreaterThan(40);
        }
    }

    @Test
    void shouldMarkInsteadOfDroppingWithEcn() {
        try (QdiscLab lab = new QdiscLab("codel ecn", 10 * MBIT)) {
            assertThat(reno(lab, 4, ECT0, 20)).isGreaterThan(0.95);
            assertThat(drops(lab)).as(lab.stats()).isZero();
            assertThat(marks(lab)).isPositive();
            assertThat(lab.stats()).contains("ecn_mark " + marks(lab));
            assertThat(delayMs(lab)).isBetween(2.0, 15.0);
        }
    }

    /** RFC 8289 5.3: the drops of an unresponsive overload come at interval / sqrt(count). */
    @Test
    void shouldSpaceCodelsDropsByTheSquareRoot() {
        try (QdiscLab lab = new QdiscLab("codel limit 100000", 10 * MBIT)) {
            java.util.List<Long> at = new java.util.ArrayList<>();
            lab.flow(1).onDropped = n -> at.add(lab.now());
            lab.cbr(1, 20_000_000, 0);
            lab.run(3 * SEC);
            for (int i = 1; i < 20; i++) {
                double gap = (at.get(i) - at.get(i - 1)) / 1e6;
                assertThat(gap).as("gap %d", i).isCloseTo(100 / Math.sqrt(i), within(1.5));
            }
        }
    }

    @Test
    void shouldMarkAboveTheThreshold() {
        try (QdiscLab lab = new QdiscLab("codel limit 100000 ce_threshold 1ms target 1s interval 10s", 10 * MBIT)) {
            lab.flow(1).dsfield = InetEcn.ECT_1;
            lab.cbr(1, 9_000_000, 0);
            lab.run(SEC);
            assertThat(marks(lab)).isZero();
            lab.cbr(1, 9_000_000, 0);
            lab.run(SEC);
            assertThat(marks(lab)).isGreaterThan(500);
            assertThat(drops(lab)).isZero();
        }
    }

    /** RFC 8033: the delay settles near 15 ms, with drops and with marks. */
    @Test
    void shouldKeepPiesDelayAtItsTarget() {
        for (String words : java.util.List.of("", " ecn", " dq_rate_estimator")) {
            try (QdiscLab lab = new QdiscLab("pie" + words, 10 * MBIT)) {
                assertThat(reno(lab, 5, ECT0, 40)).as(words).isGreaterThan(0.95);
                assertThat(delayMs(lab)).as(words + lab.stats()).isBetween(7.0, 22.0);
                // RFC 8033 5.1: above a probability of 0.1 it drops what it could mark.
                boolean ecn = words.equals(" ecn");
                assertThat(ecn ? marks(lab) : drops(lab)).isGreaterThan(10 * (ecn ? drops(lab) : marks(lab)));
            }
        }
        try (QdiscLab lab = new QdiscLab("pie target 40ms", 10 * MBIT)) {
            reno(lab, 10, 0, 40);
            assertThat(delayMs(lab)).as(lab.stats()).isBetween(28.0, 52.0);
        }
    }

    /** RFC 8033 5.4: drops are spread; and a short burst after idle is let through whole. */
    @Test
    void shouldLetABurstThroughPie() {
        try (QdiscLab lab = new QdiscLab("pie", 10 * MBIT)) {
            for (int i = 0; i < 100; i++) {
                lab.send(lab.flow(1));
            }
            lab.run(SEC);
            assertThat(lab.flow(1).drops).isZero();
        }
    }

    /** Floyd, Jacobson: between the thresholds drops come by probability; the average stays there for responsive flows. */
    @Test
    void shouldKeepRedsAverageBetweenItsThresholds() {
        String words = "red limit 400000 min 30000 max 90000 avpkt 1000 burst 50 probability 0.1";
        try (QdiscLab lab = new QdiscLab(words, 10 * MBIT)) {
            assertThat(reno(lab, 10, 0, 40)).isGreaterThan(0.95);
            // 30000 to 90000 bytes are 24 to 72 ms.
            assertThat(delayMs(lab)).as(lab.stats()).isBetween(24.0, 72.0);
            assertThat(lab.stats()).contains("marked 0 early ").contains("pdrop 0 ");
        }
        try (QdiscLab lab = new QdiscLab(words + " ecn", 10 * MBIT)) {
            reno(lab, 10, ECT0, 40);
            assertThat(drops(lab)).as(lab.stats()).isZero();
            assertThat(marks(lab)).isPositive();
        }
    }

    /** The share of drops at a constant average: count * pb against a uniform number gives 2 pb / (1 + pb) of packets. */
    @Test
    void shouldDropByRedsProbability() {
        net.sched.aqm.Red red = new net.sched.aqm.Red();
        red.qthMin = 100;
        red.qthMax = 200;
        red.maxP = 0.1;
        java.util.SplittableRandom r = new java.util.SplittableRandom(1);
        for (double avg : new double[] {120, 150, 190}) {
            double pb = 0.1 * (avg - 100) / 100;
            int marks = 0;
            for (int i = 0; i < 200_000; i++) {
                marks += red.action(avg, r.nextInt()) == net.sched.aqm.Red.PROB_MARK ? 1 : 0;
            }
            assertThat(marks / 200_000.0).isCloseTo(2 * pb / (1 + pb), within(pb * 0.12));
        }
        assertThat(red.action(99, 0)).isEqualTo(net.sched.aqm.Red.DONT_MARK);
        assertThat(red.action(200, 0)).isEqualTo(net.sched.aqm.Red.HARD_MARK);
    }

    /** Adaptive RED finds the probability that keeps the average near the middle, whatever the load. */
    @Test
    void shouldAdaptRed() {
        for (int flows : new int[] {4, 30}) {
            try (QdiscLab lab =
                    new QdiscLab("red limit 400000 min 30000 max 90000 avpkt 1000 burst 50 adaptive", 10 * MBIT)) {
                reno(lab, flows, 0, 60);
                // The middle of the range is 48 ms.
                assertThat(delayMs(lab)).as(flows + lab.stats()).isBetween(32.0, 64.0);
            }
        }
    }

    /** CHOKe: a flood gets little more than responsive flows, though there is one queue and no state. */
    @Test
    void shouldPunishAFloodByChoke() {
        double[] share = new double[2];
        String[] specs = {"choke limit 300 min 20 max 80 burst 30", "pfifo limit 100"};
        for (int i = 0; i < 2; i++) {
            try (QdiscLab lab = new QdiscLab(specs[i], 10 * MBIT)) {
                lab.cbr(99, 12_000_000, 0);
                reno(lab, 8, 0, 30);
                long all = lab.flows.values().stream()
                        .mapToLong(f -> f.deliveredBytes)
                        .sum();
                share[i] = lab.flow(99).deliveredBytes / (double) all;
            }
        }
        assertThat(share[1]).isGreaterThan(0.85);
        assertThat(share[0]).isLessThan(0.6);
    }

    /** SFB: a flood's bins saturate, it is held to the penalty rate, and the others do not suffer. */
    @Test
    void shouldHoldAFloodToThePenaltyRateBySfb() {
        try (QdiscLab lab = new QdiscLab("sfb increment 0.005 decrement 0.0005", 10 * MBIT)) {
            lab.cbr(99, 20_000_000, 0);
            double use = reno(lab, 4, ECT0, 40);
            long before = lab.flow(99).delivered;
            lab.run(10 * SEC);
            double pps = (lab.flow(99).delivered - before) / 10.0;
            assertThat(pps).as(lab.stats()).isLessThan(420); // a quarter of the 1650 offered
            assertThat(use).isGreaterThan(0.5);
            assertThat(lab.stats()).doesNotContain("penaltydrop 0 ");
        }
    }

    /** Each virtual queue by its own thresholds. */
    @Test
    void shouldKeepGredsQueuesApart() {
        try (QdiscLab lab = new QdiscLab("gred setup DPs 3 default 2 limit 1mb", 10 * MBIT)) {
            for (String dp : java.util.List.of(
                    "DP 1 limit 300kb min 10kb max 30kb avpkt 1000 burst 20 prio 2",
                    "DP 2 limit 300kb min 60kb max 180kb avpkt 1000 burst 90 prio 3")) {
                Object opt = lab.q.ops.parse(java.util.List.of(dp.split(" ")));
                lab.inCpu(cpu -> assertThat(lab.q.change(opt)).isZero());
            }
            QdiscLab.Flow a = lab.flow(1);
            QdiscLab.Flow b = lab.flow(2);
            for (int i = 0; i < 8000; i++) {
                lab.after(i * 500_000L, () -> {
                    lab.send(a, s -> s.tcIndex = 1);
                    lab.send(b, s -> s.tcIndex = 7); // none such: the default
                });
            }
            lab.run(4 * SEC);
            assertThat(a.deliveredBytes).as(lab.stats()).isLessThan(b.deliveredBytes / 2);
            assertThat(lab.stats()).contains("vq 1").contains("vq 2");
        }
    }

    /** RFC 9332: classic and scalable flows get like rates; scalable packets wait about a millisecond, classic ones 15. */
    @Test
    void shouldCoupleTheQueuesOfDualPi2() {
        try (QdiscLab lab = new QdiscLab("dualpi2", 40 * MBIT)) {
            for (int i = 0; i < 4; i++) {
                lab.new Aimd(i, 20 * MS, ECT0, false);
                lab.new Aimd(10 + i, 20 * MS, InetEcn.ECT_1, true);
            }
            lab.run(40 * SEC);
            double classic = 0;
            double scalable = 0;
            double waitC = 0;
            double waitL = 0;
            for (int i = 0; i < 4; i++) {
                classic += lab.flow(i).deliveredBytes;
                scalable += lab.flow(10 + i).deliveredBytes;
                waitC += lab.flow(i).meanDelayMs() / 4;
                waitL += lab.flow(10 + i).meanDelayMs() / 4;
            }
            assertThat((classic + scalable) * 8 / 40).as(lab.stats()).isGreaterThan(0.93 * 40e6);
            assertThat(scalable / classic).as(lab.stats()).isBetween(0.5, 2.5);
            assertThat(waitL).isLessThan(1.5);
            assertThat(waitC).isBetween(8.0, 22.0);
            assertThat(drops(lab)).isZero();
        }
    }

    /** The classic queue keeps a tenth of the link under a flood of L4S packets. */
    @Test
    void shouldProtectTheClassicQueueOfDualPi2() {
        try (QdiscLab lab = new QdiscLab("dualpi2 overflow", 10 * MBIT)) {
            lab.flow(1).dsfield = InetEcn.ECT_1;
            lab.cbr(1, 30_000_000, 0);
            lab.cbr(2, 1_000_000, 0);
            lab.run(5 * SEC);
            assertThat(lab.flow(2).deliveredBytes * 8 / 5e6).as(lab.stats()).isGreaterThan(0.7);
        }
    }

    @Test
    void shouldDropAllInABlackholeAndHoldAllBehindAPlug() {
        try (QdiscLab lab = new QdiscLab("blackhole", MBIT)) {
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).drops).isOne();
        }
        try (QdiscLab lab = new QdiscLab("plug limit 1mb block", 0)) {
            QdiscLab.Flow f = lab.flow(1);
            lab.send(f);
            lab.send(f);
            lab.run(SEC);
            assertThat(f.delivered).isZero();
            say(lab, "block"); // shuts the epoch of two, begins another
            lab.send(f);
            say(lab, "release");
            lab.run(SEC);
            assertThat(f.delivered).isEqualTo(2);
            say(lab, "release_indefinite");
            lab.send(f);
            lab.run(SEC);
            assertThat(f.delivered).isEqualTo(4);
            assertThat(f.order).isSorted();
        }
    }

    private static void say(QdiscLab lab, String words) {
        Object opt = lab.q.ops.parse(java.util.List.of(words));
        lab.inCpu(cpu -> lab.q.change(opt));
    }
}
