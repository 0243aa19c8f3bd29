package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TcpRttEstimatorTest {
    @Test
    void shouldStartWithTheFirstSample() {
        try (TcpBench b = new TcpBench()) {
            TcpRttEstimator.tcpRttEstimator(b.tp, 100_000);
            TcpRttEstimator.tcpSetRto(b.tp);
            assertThat(b.tp.srttUs).isEqualTo(800_000);
            assertThat(b.tp.mdevUs).isEqualTo(200_000);
            assertThat(b.tp.rttvarUs).isEqualTo(200_000); // the floor, tcp_rto_min
            assertThat(b.tp.icskRto).isEqualTo(300);
        }
    }

    /** A steady round trip of 50 ms: the variance falls to its floor of 200 ms. */
    @Test
    void shouldSettleAtRoundTripPlusFloor() {
        try (TcpBench b = new TcpBench()) {
            for (int i = 0; i < 200; i++) {
                b.tp.sndUna += 1000;
                b.tp.sndNxt = b.tp.sndUna + 500;
                TcpRttEstimator.tcpRttEstimator(b.tp, 50_000);
            }
            TcpRttEstimator.tcpSetRto(b.tp);
            assertThat(b.tp.srttUs >> 3).isCloseTo(50_000, within(10));
            assertThat(b.tp.icskRto).isEqualTo(250);
        }
    }

    /** Reference: the exponential averages of RFC 6298 in floating point, for rising samples (no Eifel damping). */
    @Test
    void shouldAverageAsTheRfcDoes() {
        try (TcpBench b = new TcpBench()) {
            Random random = new Random(3);
            double srtt = 0;
            for (int i = 0; i < 1000; i++) {
                int rtt = 20_000 + random.nextInt(60_000);
                srtt = i == 0 ? rtt : srtt + (rtt - srtt) / 8;
                TcpRttEstimator.tcpRttEstimator(b.tp, rtt);
                assertThat(b.tp.srttUs / 8.0).isCloseTo(srtt, within(8.0));
            }
        }
    }

    private static void sample(TcpSock tp, int rttUs, int srtt8, int mdev, int rttvar) {
        TcpRttEstimator.tcpRttEstimator(tp, rttUs);
        assertThat(new int[] {tp.srttUs, tp.mdevUs, tp.rttvarUs}).containsExactly(srtt8, mdev, rttvar);
    }

    /** By hand: gains of 1/8 and 1/4, a drop's deviation damped by 8, the variance up at once and down once a round trip. */
    @Test
    void shouldFollowJacobsonsSteps() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            sample(tp, 100_000, 800_000, 200_000, 200_000);
            sample(tp, 60_000, 760_000, 190_000, 200_000); // within the deviation: it shrinks
            sample(tp, 160_000, 825_000, 207_500, 207_500);
            sample(
                    tp, 10_000, 731_875, 212_656,
                    212_656); // a drop of 93,125: 41,250 above the deviation, an eighth of it
            tp.sndUna += 1000;
            tp.sndNxt = tp.sndUna + 500;
            sample(tp, 91_484, 731_875, 159_492, 212_656); // a round trip ends: its largest deviation was the variance
            tp.sndUna += 1000;
            sample(tp, 91_484, 731_875, 119_619, 209_492); // and the next: a quarter of the way to the floor
        }
    }

    @Test
    void shouldKeepTheMinimumOfAWindow() {
        MinMax min = new MinMax();
        min.reset(0, 100);
        assertThat(min.runningMin(1000, 10, 80)).isEqualTo(80);
        assertThat(min.runningMin(1000, 400, 90)).isEqualTo(80);
        assertThat(min.runningMin(1000, 700, 95)).isEqualTo(80);
        assertThat(min.runningMin(1000, 1020, 99)).isEqualTo(90);
        assertThat(min.runningMin(1000, 5000, 120)).isEqualTo(120);
    }
}
