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
}
