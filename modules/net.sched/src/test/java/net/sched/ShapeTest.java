package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.core.UserError;
import net.core.tc.TcPrint;
import net.sched.QdiscLab.Flow;
import org.junit.jupiter.api.Test;

/** The token bucket. */
class ShapeTest {
    private static final long MBIT = 1_000_000 / 8;

    /** The rate to 1 %, whatever the packets' sizes, over ten seconds. */
    @Test
    void shouldHoldTheRate() {
        try (QdiscLab lab = new QdiscLab("tbf rate 10mbit burst 16kb latency 50ms", 1000 * MBIT)) {
            for (int i = 0; i < 3; i++) {
                lab.flow(i).size = new int[] {1514, 700, 90}[i];
                lab.cbr(i, 10_000_000, i * 10_000L);
            }
            lab.run(10 * SEC);
            long bytes = lab.flow(0).deliveredBytes + lab.flow(1).deliveredBytes + lab.flow(2).deliveredBytes;
            assertThat((bytes - 16384) * 8 / 10e6).as(lab.stats()).isCloseTo(10, within(0.1));
            assertThat(lab.q.overlimits).isPositive();
            // The queue is 50 ms long, and the bucket.
            assertThat(lab.flow(0).meanDelayMs()).isBetween(40.0, 66.0);
        }
    }

    /** A full bucket goes at the link's speed, and no faster than the peak rate if there is one. */
    @Test
    void shouldLetABurstThroughAtThePeakRate() {
        try (QdiscLab lab = new QdiscLab("tbf rate 1mbit burst 64kb limit 1mb", 1000 * MBIT)) {
            Flow f = lab.flow(1);
            for (int i = 0; i < 100; i++) {
                lab.send(f);
            }
            lab.run(5 * MS);
            // 65536 / 1514 packets at once.
            assertThat(f.delivered).isEqualTo(43);
        }
        try (QdiscLab lab =
                new QdiscLab("tbf rate 1mbit burst 64kb limit 1mb peakrate 10mbit minburst 1540", 1000 * MBIT)) {
            Flow f = lab.flow(1);
            for (int i = 0; i < 100; i++) {
                lab.send(f);
            }
            lab.run(30 * MS);
            // The first at once, then each 1.21 ms.
            assertThat(f.delivered).isBetween(24L, 26L);
        }
    }

    @Test
    void shouldCountTheFraming() {
        try (QdiscLab lab = new QdiscLab("tbf rate 10mbit burst 16kb latency 50ms overhead 100 mpu 300", 1000 * MBIT)) {
            lab.flow(1).size = 1400;
            lab.cbr(1, 20_000_000, 0);
            lab.run(5 * SEC);
            assertThat(lab.flow(1).deliveredBytes * 8 / 5e6).isCloseTo(10 * 1400 / 1500.0, within(0.1));
        }
        try (QdiscLab lab =
                new QdiscLab("tbf rate 10mbit burst 16kb latency 50ms linklayer atm overhead 8", 1000 * MBIT)) {
            lab.flow(1).size = 1400;
            lab.cbr(1, 20_000_000, 0);
            lab.run(5 * SEC);
            // 1408 bytes travel in 30 cells of 53.
            assertThat(lab.flow(1).deliveredBytes * 8 / 5e6).isCloseTo(10 * 1400 / 1590.0, within(0.1));
        }
    }

    @Test
    void shouldDropWhatNeverFitsTheBucket() {
        try (QdiscLab lab = new QdiscLab("tbf rate 1mbit burst 1000 limit 10kb", 0)) {
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).drops).isOne();
            assertThat(lab.q.drops).isOne();
        }
    }

    @Test
    void shouldPrintTbfAsIproute2() {
        try (QdiscLab lab = new QdiscLab("tbf rate 1mbit burst 32kb latency 400ms", MBIT)) {
            assertThat(lab.stats()).isEqualTo("""
                    qdisc tbf 1: root refcnt 2 rate 1Mbit burst 32Kb lat 400ms\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                    """);
            TcPrint p = new TcPrint(true);
            lab.q.print(p, false, false);
            assertThat(p.toString()).contains("\"options\":{\"rate\":125000,\"burst\":32768,\"lat\":400000}");
        }
        try (QdiscLab lab = new QdiscLab("tbf rate 1mbit burst 32kb limit 64kb peakrate 2mbit mtu 2kb", MBIT)) {
            assertThat(lab.q.describe(false))
                    .isEqualTo("qdisc tbf 1: root refcnt 2 rate 1Mbit burst 32Kb peakrate 2Mbit minburst 2Kb lat 262ms"
                            + " \n");
        }
        assertThatThrownBy(() -> new QdiscLab("tbf rate 1mbit", 0))
                .isInstanceOf(UserError.class)
                .hasMessage("Both \"rate\" and \"burst\" are required.");
    }
}
