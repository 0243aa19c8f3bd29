package net.tcp.cong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.tcp.CongBench;
import org.junit.jupiter.api.Test;

/**
 * The windows of the algorithms that go by losses, ACK by ACK and loss by loss, against the functions of their papers and
 * RFCs, computed here in floating point.
 */
class LossBasedGrowthTest {
    private static final int RTT = 100_000;

    private static void near(int got, double wanted, double share, String what, Object... args) {
        assertThat((double) got).as(what, args).isCloseTo(wanted, within(Math.max(wanted * share, 1)));
    }

    /** RFC 5681: doubles per round trip, then one segment per round trip, half at a loss. */
    @Test
    void shouldGrowRenoAsRfc5681() {
        try (CongBench b = new CongBench("reno", RTT)) {
            assertThat(b.cwnd()).isEqualTo(10);
            for (int n = 20; n <= 640; n *= 2) {
                b.round(RTT);
                assertThat(b.cwnd()).isEqualTo(n);
            }
            b.loss();
            assertThat(b.cwnd()).isEqualTo(320);
            for (int i = 1; i <= 50; i++) {
                b.round(RTT);
                near(b.cwnd(), 320 + i, 0, "round %d", i);
            }
            b.loss();
            near(b.cwnd(), 185, 0.01, "half of 370");
            b.timeout();
            assertThat(b.cwnd()).isEqualTo(1);
            assertThat(b.tp.sndSsthresh).isEqualTo(b.tp.priorCwnd / 2);
        }
    }

    private static double cubic(double t, double wmax, double from, double c) {
        return c * Math.pow(t - Math.cbrt((wmax - from) / c), 3) + wmax;
    }

    /** RFC 9438 4.2 and 4.6: the curve, through three losses, the second before the plateau (fast convergence). */
    @Test
    void shouldGrowCubicAsRfc9438() {
        try (CongBench b = new CongBench("cubic", RTT)) {
            b.avoidance(1000);
            b.loss();
            near(b.cwnd(), 700, 0.001, "beta");
            for (int s = 1; s <= 4; s++) {
                b.rounds(1_000_000, RTT);
                near(b.cwnd(), cubic(s, 1000, 700, 0.4), 0.02, "second %d", s);
            }
            int before = b.cwnd();
            assertThat(before).isLessThan(1000);
            b.loss();
            double wmax = before * (1 + 0.7) / 2;
            double from = before * 0.7;
            near(b.cwnd(), from, 0.005, "beta again");
            for (int s = 1; s <= 12; s++) {
                b.rounds(1_000_000, RTT);
                near(b.cwnd(), cubic(s, wmax, from, 0.4), 0.02, "second %d after the second loss", s);
            }
            int third = b.cwnd();
            b.loss();
            b.rounds(8_000_000, RTT);
            near(b.cwnd(), cubic(8, third, third * 0.7, 0.4), 0.02, "after the third loss");
        }
    }

    @Test
    void shouldHeedCubicsParameters() {
        try (CongBench b = new CongBench(
                "cubic", RTT, "tcp_cubic.beta=512", "tcp_cubic.bic_scale=82", "tcp_cubic.fast_convergence=0")) {
            b.avoidance(1000);
            b.loss();
            near(b.cwnd(), 500, 0.001, "beta 1/2");
            b.rounds(4_000_000, RTT);
            near(b.cwnd(), cubic(4, 1000, 500, 0.8), 0.02, "C 0.8");
            int before = b.cwnd();
            b.loss();
            b.rounds(5_000_000, RTT);
            near(b.cwnd(), cubic(5, before, before * 0.5, 0.8), 0.02, "the maximum is not lowered");
        }
    }

    /** RFC 9438 4.3: on a short path Reno's pace with the same average, 3 (1 - beta) / (1 + beta) per round trip. */
    @Test
    void shouldKeepCubicUpWithReno() {
        int rtt = 10_000;
        try (CongBench friendly = new CongBench("cubic", rtt);
                CongBench alone = new CongBench("cubic", rtt, "tcp_cubic.tcp_friendliness=0")) {
            for (CongBench b : new CongBench[] {friendly, alone}) {
                b.avoidance(60);
                b.loss();
                b.rounds(600_000, rtt);
            }
            near(friendly.cwnd(), 42 + 60 * 3 * 0.3 / 1.7, 0.05, "as Reno");
            near(alone.cwnd(), cubic(0.6, 60, 42, 0.4), 0.05, "the curve alone");
        }
    }

    @Test
    void shouldStartCubicAtTheThresholdOfItsParameter() {
        try (CongBench b = new CongBench("cubic", RTT, "tcp_cubic.hystart=0", "tcp_cubic.initial_ssthresh=40")) {
            assertThat(b.tp.sndSsthresh).isEqualTo(40);
            for (int i = 0; i < 3; i++) {
                b.round(RTT);
            }
            assertThat(b.cwnd()).isBetween(40, 45);
        }
    }

    /** Ha, Rhee 2008: slow start ends when the round trip has risen by an eighth; with the bits of hystart_detect off, not. */
    @Test
    void shouldEndSlowStartByHystart() {
        try (CongBench b = new CongBench("cubic", RTT, "tcp_cubic.hystart_detect=2");
                CongBench off = new CongBench("cubic", RTT, "tcp_cubic.hystart_detect=0");
                CongBench late =
                        new CongBench("cubic", RTT, "tcp_cubic.hystart_detect=2", "tcp_cubic.hystart_low_window=200")) {
            for (CongBench c : new CongBench[] {b, off, late}) {
                for (int i = 0; i < 3; i++) {
                    c.round(RTT);
                }
                assertThat(c.cwnd()).isEqualTo(80);
                c.round(RTT + 12_000); // less than an eighth
                assertThat(c.cwnd()).isEqualTo(160);
                c.round(RTT + 14_000);
            }
            assertThat(b.cwnd()).as("after eight samples").isBetween(168, 180);
            assertThat(off.cwnd()).isEqualTo(320);
            assertThat(late.cwnd()).as("window of 200 first").isBetween(200, 220);
        }
    }

    /** An unpaced train of ACKs of half a round trip: the pipe is full. */
    @Test
    void shouldEndSlowStartByTheAckTrain() {
        try (CongBench b = new CongBench("cubic", RTT, "tcp_cubic.hystart_detect=1");
                CongBench strict = new CongBench(
                        "cubic", RTT, "tcp_cubic.hystart_detect=1", "tcp_cubic.hystart_ack_delta_us=500")) {
            for (CongBench c : new CongBench[] {b, strict}) {
                for (int i = 0; i < 5; i++) {
                    c.round(RTT); // from 80 ACKs a round trip on they are less than 2 ms apart
                }
            }
            assertThat(b.cwnd()).as("half through the round of 80").isBetween(80 + 38, 80 + 52);
            assertThat(strict.cwnd()).isEqualTo(320);
        }
    }

    /** RFC 9406: a rise of an eighth slows growth to a quarter; five such rounds end slow start, a fall resumes it. */
    @Test
    void shouldSlowDownByHystartPlus() {
        try (CongBench b = new CongBench("cubic", RTT, "tcp_cubic.hystart_plus=1");
                CongBench noise = new CongBench("cubic", RTT, "tcp_cubic.hystart_plus=1")) {
            for (CongBench c : new CongBench[] {b, noise}) {
                for (int i = 0; i < 3; i++) {
                    c.round(RTT);
                }
                assertThat(c.cwnd()).isEqualTo(80);
                c.round(RTT + 13_000); // eight samples at the old pace, then a quarter of it
            }
            double window = 80 + 8 + 72 / 4.0;
            near(b.cwnd(), window, 0.02, "the round in which it rose");
            for (int i = 1; i < HystartPlus.CSS_ROUNDS; i++) {
                b.round(RTT + 13_000);
                window *= 1.25;
                near(b.cwnd(), window, 0.02, "conservative round %d", i + 1);
            }
            assertThat(b.tp.inInitialSlowStart()).isTrue();
            b.round(RTT + 13_000);
            assertThat(b.tp.inInitialSlowStart()).as("after five rounds").isFalse();
            int before = noise.cwnd();
            noise.round(RTT);
            assertThat(noise.cwnd()).as("resumed after eight samples").isGreaterThan(before + (before - 10) * 9 / 10);
            assertThat(noise.tp.inInitialSlowStart()).isTrue();
        }
    }

    /**
     * Xu, Harfoush, Rhee 2004: a quarter of the distance to the last maximum, 16 at most, 1/5 of a segment close to it. Linux
     * counts segments and divides by its estimate of segments per ACK as well, 31/16 of one: so much quicker it is.
     */
    @Test
    void shouldSearchAsBic() {
        try (CongBench b = new CongBench("bic", RTT)) {
            b.round(RTT);
            b.rounds(4 * RTT, RTT); // it expects delayed ACKs until it sees others
            b.avoidance(1000);
            b.loss();
            double w = 1000 * 819 / 1024.0;
            near(b.cwnd(), w, 0.002, "beta");
            for (int i = 0; i < 40; i++) {
                b.round(RTT);
                double distance = (1000 - w) / 4;
                w += (distance > 16 ? 16 : distance <= 1 ? 4 / 20.0 : distance) * 31 / 16;
                near(b.cwnd(), w, 0.01, "round %d", i);
            }
            b.loss();
            near(b.tp.sndSsthresh, w * 0.8, 0.01, "again");
        }
    }

    /** Kelly 2003: a hundredth more per round trip, an eighth less at a loss. */
    @Test
    void shouldGrowScalableByAHundredth() {
        try (CongBench b = new CongBench("scalable", RTT)) {
            b.avoidance(800);
            b.loss();
            assertThat(b.cwnd()).isEqualTo(700);
            double w = 700;
            for (int i = 0; i < 30; i++) {
                b.round(RTT);
                w *= 1.01;
                near(b.cwnd(), w, 0.004, "round %d", i);
            }
            b.avoidance(50);
            b.round(RTT);
            near(b.cwnd(), 51, 0, "small windows as Reno");
        }
    }

    /** RFC 3649: a(w) more per round trip, b(w) less at a loss. */
    @Test
    void shouldGrowHighSpeedByTheResponseFunction() {
        try (CongBench b = new CongBench("highspeed", RTT)) {
            for (int start : new int[] {20, 1000, 5000, 20_000}) {
                b.avoidance(start);
                double w = start;
                for (int i = 0; i < 10; i++) {
                    b.round(RTT);
                    w += step(w);
                    near(b.cwnd(), w, 0.012, "from %d, round %d", start, i);
                }
                int before = b.cwnd();
                b.loss();
                near(b.cwnd(), before * (1 - decrease(before)), 0.02, "loss at %d", before);
            }
        }
    }

    private static double decrease(double w) {
        return w <= 38 ? 0.5 : 0.5 - 0.4 * Math.log(w / 38) / Math.log(83_000 / 38.0);
    }

    private static double step(double w) {
        double b = decrease(w);
        return w <= 38 ? 1 : w * w * (0.078 / Math.pow(w, 1.2)) * 2 * b / (2 - b);
    }

    /** Shorten, Leith 2004: 2 (1 - beta) (1 + 10 d + (d/2)^2) per round trip, d seconds past the first without a loss. */
    @Test
    void shouldGrowHtcpWithTheTimeSinceTheLoss() {
        try (CongBench b = new CongBench("htcp", RTT, "tcp_htcp.use_rtt_scaling=0")) {
            b.avoidance(400);
            b.loss();
            assertThat(b.cwnd()).as("half at the first loss").isEqualTo(200);
            double w = 200;
            for (int i = 0; i < 50; i++) {
                double d = Math.max(i * RTT / 1e6 - 1, 0);
                b.round(RTT);
                w += 2 * (1 - 0.5) * Math.floor(1 + 10 * d + d / 2 * (d / 2)); // Linux computes it in whole segments
                near(b.cwnd(), w, 0.07, "round %d", i);
            }
            assertThat(b.cwnd()).isGreaterThan(900);
        }
    }

    /** Its decrease leaves minRtt / maxRtt, between 0.5 and 0.8, once the bandwidth is steady. */
    @Test
    void shouldAdaptHtcpsDecreaseToTheQueue() {
        try (CongBench b = new CongBench("htcp", RTT, "tcp_htcp.use_bandwidth_switch=0")) {
            b.avoidance(400);
            b.round(RTT);
            for (int rtt = RTT; rtt <= 150_000; rtt += 10_000) {
                b.round(rtt);
            }
            b.loss();
            int before = b.cwnd();
            b.round(RTT);
            b.round(150_000);
            before = b.cwnd();
            b.loss();
            near(b.cwnd(), before * 100 / 150.0, 0.03, "minRtt / maxRtt");
        }
    }

    /** Caini, Firrincieli 2004: rho = rtt / 25 ms; 2^rho - 1 per ACK in slow start, rho^2 per round trip afterwards. */
    @Test
    void shouldGrowHyblaAsIfThePathWereShort() {
        try (CongBench b = new CongBench("hybla", RTT)) {
            assertThat(b.cwnd()).as("rho").isEqualTo(4);
            b.round(RTT);
            near(b.cwnd(), 4 * 16, 0.01, "2^4 per ACK");
            b.avoidance(100);
            double w = 100;
            for (int i = 1; i <= 10; i++) {
                b.round(RTT);
                w = Math.sqrt(w * w + 2 * 16 * w); // dw/dn = rho^2/w over w segments
                near(b.cwnd(), w, 0.03, "round %d", i);
            }
            int before = b.cwnd();
            b.loss();
            near(b.cwnd(), before / 2.0, 0.01, "half");
        }
        try (CongBench b = new CongBench("hybla", RTT, "tcp_hybla.rtt0=50")) {
            b.avoidance(100);
            double w = 100;
            for (int i = 1; i <= 10; i++) {
                b.round(RTT);
                w = Math.sqrt(w * w + 2 * 4 * w);
            }
            near(b.cwnd(), w, 0.04, "rho 2");
        }
    }

    /** Casetti et al. 2001: after a loss the window is bandwidth times smallest round trip, whatever it was. */
    @Test
    void shouldContinueWestwoodAtTheProduct() {
        try (CongBench b = new CongBench("westwood", RTT)) {
            b.avoidance(300);
            for (int i = 0;
                    i < 60;
                    i++) { // a full pipe of 200 segments: the round trip is 150 ms, 2 segments per ms arrive
                b.window(300);
                b.round(150_000);
            }
            int smallest = 100_000;
            b.ack(1, smallest);
            b.window(300);
            b.round(150_000);
            b.loss();
            near(b.cwnd(), 300 / 150.0 * 100, 0.05, "2 segments a millisecond for 100 ms");
            assertThat(b.tp.sndSsthresh).isEqualTo(b.cwnd());
            int before = b.cwnd();
            b.round(RTT);
            near(b.cwnd(), before + 1, 0, "as Reno");
        }
    }
}
