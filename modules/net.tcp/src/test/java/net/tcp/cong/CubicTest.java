package net.tcp.cong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CubicTest {
    private static final double C = 0.4;
    private static final double BETA = 0.7;
    private final Cubic cubic = new Cubic();

    @Test
    void shouldTakeExactCubeRoots() {
        Random random = new Random(7);
        for (int i = 0; i < 100_000; i++) {
            long r = random.nextInt(1 << 20);
            assertThat(Cubic.cubicRoot(r * r * r)).isEqualTo((int) r);
            if (r > 0) {
                assertThat(Cubic.cubicRoot(r * r * r - 1)).isEqualTo((int) r - 1);
            }
        }
    }

    /** RFC 9438 4.2: W(t) = C (t - K)^3 + Wmax, followed ACK by ACK at a round trip of 100 ms. */
    @Test
    void shouldFollowTheFunctionOfTheRfc() {
        int wmax = 1000;
        int cwnd = (int) (wmax * BETA);
        double k = Math.cbrt(wmax * (1 - BETA) / C);
        int rttMs = 100;
        Cubic.State ca = new Cubic.State(null);
        ca.lastMaxCwnd = wmax;
        ca.delayMin = rttMs * 1000;
        int start = 1_000_000;
        int cnt = 0;
        double window = cwnd;
        for (int ms = 0; ms < 14_000; ms++) {
            int acks = (int) (window * (ms + 1) / rttMs) - (int) (window * ms / rttMs);
            for (int i = 0; i < acks; i++) {
                cubic.update(ca, cwnd, 1, start + ms);
                if (++cnt >= ca.cnt) {
                    cnt = 0;
                    cwnd++;
                }
            }
            window = cwnd;
            if (ms % 1000 == 999) {
                double t = (ms + 1) / 1000.0;
                double expected = C * Math.pow(t - k, 3) + wmax;
                assertThat((double) cwnd).as("at %.0f s", t).isCloseTo(expected, within(expected * 0.03));
            }
        }
        assertThat(cwnd).isGreaterThan(wmax);
    }

    /** RFC 9438 4.3: on a short path the window grows at least as Reno's with the same beta does. */
    @Test
    void shouldNotBeSlowerThanReno() {
        int cwnd = 20;
        int rttMs = 10;
        Cubic.State ca = new Cubic.State(null);
        ca.lastMaxCwnd = 28;
        ca.delayMin = rttMs * 1000;
        int cnt = 0;
        int ms = 5000;
        double reno = cwnd;
        for (int round = 0; round < 100; round++) {
            int flight = cwnd;
            for (int i = 0; i < flight; i++) {
                cubic.update(ca, cwnd, 1, ms + i * rttMs / flight);
                if (++cnt >= ca.cnt) {
                    cnt = 0;
                    cwnd++;
                }
            }
            ms += rttMs;
            reno += 3 * (1 - BETA) / (1 + BETA);
        }
        assertThat((double) cwnd).isGreaterThan(reno * 0.9);
    }
}
