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
