package net.tcp.cong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.tcp.CongBench;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The windows of the algorithms that go by round trips, against the functions of their papers, computed here in floating
 * point. The path holds {@link #PIPE} segments in {@link #BASE}; more wait in its queue.
 */
class DelayBasedGrowthTest {
    private static final int BASE = 100_000;
    private static final int PIPE = 200;

    /** The round trip with {@code inFlight} segments on the path. */
    private static int rtt(int inFlight) {
        return Math.max(BASE, (int) ((long) BASE * inFlight / PIPE));
    }

    private static void path(CongBench b, int rounds) {
        for (int i = 0; i < rounds; i++) {
            b.round(rtt(b.cwnd()));
        }
    }

    /** Brakmo, Peterson 1995: between alpha and beta segments wait in the queue, one more or less per round trip. */
    @ParameterizedTest
    @CsvSource({"2, 4", "10, 14"})
    void shouldKeepVegasQueueBetweenAlphaAndBeta(int alpha, int beta) {
        String[] words = {"tcp_vegas.alpha=" + alpha, "tcp_vegas.beta=" + beta};
        try (CongBench b = new CongBench("vegas", BASE, words)) {
            b.avoidance(150);
            b.round(BASE); // the base round trip
            for (int i = 1; i <= 20; i++) {
                int before = b.cwnd();
                path(b, 1);
                assertThat(b.cwnd()).as("upwards, round %d", i).isEqualTo(before + 1);
            }
            path(b, 60);
            assertThat(b.cwnd() - PIPE).as("queue from below").isBetween(alpha - 1, beta + 1);
            b.window(260);
            int before = b.cwnd();
            path(b, 10);
            assertThat(b.cwnd()).as("downwards").isBetween(before - 10, before - 8);
            path(b, 60);
            assertThat(b.cwnd() - PIPE).as("queue from above").isBetween(alpha - 1, beta + 1);
        }
    }

    /** Slow start ends when more than gamma segments wait, at what the path holds. */
    @Test
    void shouldEndVegasSlowStartAtGamma() {
        try (CongBench b = new CongBench("vegas", BASE)) {
            path(b, 12);
            assertThat(b.tp.inInitialSlowStart()).isFalse();
            path(b, 250); // one less per round trip
            assertThat(b.cwnd()).isBetween(PIPE, PIPE + 5);
        }
    }

    /** Fu, Liew 2003: fewer than three segments queued: a fifth less and full growth; else half, and every second round. */
    @Test
    void shouldTellVenosRandomLossesFromCongestion() {
        try (CongBench b = new CongBench("veno", BASE)) {
            b.avoidance(100);
            path(b, 5);
            assertThat(b.cwnd()).as("one per round").isBetween(104, 106);
            int before = b.cwnd();
            b.loss();
            assertThat(b.cwnd()).as("random loss").isEqualTo(before * 4 / 5);
            b.avoidance(230);
            path(b, 1);
            before = b.cwnd();
            path(b, 20);
            assertThat(b.cwnd() - before).as("half the pace with a queue of 30").isBetween(9, 11);
            before = b.cwnd();
            b.loss();
            assertThat(b.cwnd()).as("congestion").isEqualTo(before / 2);
        }
    }

    /** Baiocchi et al. 2007: Scalable without a queue; 80 segments in it are taken away; a loss costs the queue, an eighth at least. */
    @Test
    void shouldTakeYeahsQueueAway() {
        try (CongBench b = new CongBench("yeah", BASE)) {
            b.avoidance(150);
            double w = 150;
            for (int i = 0; i < 10; i++) {
                path(b, 1);
                w *= 1.01;
                assertThat((double) b.cwnd()).as("round %d", i).isCloseTo(w, within(2.0));
            }
            int before = b.cwnd();
            b.loss();
            assertThat(b.cwnd()).as("an eighth").isEqualTo(before - before / 8);
            b.avoidance(300);
            b.round(rtt(300));
            b.round(rtt(300));
            assertThat(b.cwnd()).as("100 of 300 waited").isBetween(200, 206);
            assertThat(b.tp.sndSsthresh).isBetween(199, 206);
        }
        try (CongBench b = new CongBench("yeah", BASE)) {
            b.avoidance(250);
            b.round(BASE);
            before(b, 250);
            b.loss();
            assertThat(b.cwnd()).as("the queue of 50, more than an eighth").isBetween(196, 206);
        }
    }

    private static void before(CongBench b, int window) {
        for (int i = 0; i < 3; i++) {
            b.window(window);
            b.round(rtt(window));
        }
        b.window(window);
    }

    /** Liu, Basar, Srikant 2008: the step falls as a hyperbola with the queue, the decrease rises linearly. */
    @Test
    void shouldGrowIllinoisByTheQueue() {
        try (CongBench b = new CongBench("illinois", BASE)) {
            b.avoidance(180);
            path(b, 3);
            int before = b.cwnd();
            path(b, 1);
            assertThat(b.cwnd() - before).as("ten a round without a queue").isBetween(9, 10);
        }
        for (int queued : new int[] {20, 50, 80, 100}) {
            try (CongBench b = new CongBench("illinois", BASE)) {
                b.avoidance(300);
                b.round(BASE);
                b.window(300);
                b.round(150_000); // the largest delay: 50 ms
                int rtt = BASE + 50_000 * queued / 100;
                for (int i = 0; i < 3; i++) {
                    b.window(300);
                    b.round(rtt);
                }
                double d1 = 0.01;
                double d = queued / 100.0;
                double k1 = (1 - d1) * 0.3 * 10 / (10 - 0.3);
                double k2 = (1 - d1) * 0.3 / (10 - 0.3) - d1;
                int from = 300;
                b.window(from);
                int rounds = 30;
                for (int i = 0; i < rounds; i++) {
                    b.round(rtt);
                }
                assertThat((double) (b.cwnd() - from) / rounds)
                        .as("step at %d %% of the delay", queued)
                        .isCloseTo(k1 / (k2 + d), within(0.15));
                double decrease = Math.clamp(0.125 + 0.375 * (d - 0.1) / 0.7, 0.125, 0.5);
                int before = b.cwnd();
                b.loss();
                assertThat(1 - (double) b.cwnd() / before)
                        .as("decrease at %d %%", queued)
                        .isCloseTo(decrease, within(0.02));
            }
        }
    }

    /** Kuzmanovic, Knightly 2003: half at 15 % of the delay's range, one segment if that is not enough; no growth for three round trips. */
    @Test
    void shouldYieldAsLp() {
        try (CongBench b = new CongBench("lp", BASE)) {
            b.avoidance(200);
            for (int i = 0; i < 10; i++) {
                lpRound(b, 0);
            }
            assertThat(b.cwnd()).as("one per round as Reno").isBetween(209, 211);
            lpRound(b, 100); // the range: 100 ms
            for (int i = 0; i < 10; i++) {
                lpRound(b, 0);
            }
            b.avoidance(200);
            int before = b.cwnd();
            for (int i = 0; i < 4; i++) {
                lpRound(b, 10); // 10 %
            }
            assertThat(b.cwnd()).as("below the threshold").isBetween(before + 2, before + 4);
            before = b.cwnd();
            lpRound(b, 40);
            assertThat(b.cwnd()).as("above it").isBetween(before / 2, before / 2 + 1);
            lpRound(b, 40);
            lpRound(b, 40);
            assertThat(b.cwnd()).as("still above it").isEqualTo(1);
        }
    }

    /** A round with a delay in one direction, which the peer's time stamps show. */
    private static void lpRound(CongBench b, int queueMs) {
        int n = b.cwnd();
        int rtt = BASE + queueMs * 1000;
        for (int i = 0; i < n; i++) {
            b.pass(rtt / n);
            b.tp.rxOpt.rcvTsval = b.tp.timeStampTs() + 123_456_789 - BASE / 2000;
            b.ack(1, rtt);
        }
    }

    /** Hayes, Armitage 2011: backs off with probability 1 - exp(-g/G) at a gradient of g, to 0.7. */
    @ParameterizedTest
    @CsvSource({"500", "2000", "10000"})
    void shouldBackOffAsCdgByChance(int gradientUs) {
        int backoffs = 0;
        int chances = 0;
        int runs = 60;
        for (int seed = 1; seed <= runs; seed++) {
            try (CongBench b = new CongBench(
                    "cdg",
                    BASE,
                    "seed=" + seed,
                    "tcp_cdg.use_ineff=0",
                    "tcp_cdg.hystart_detect=0",
                    "tcp_cdg.window=1")) {
                b.avoidance(20);
                int rtt = BASE;
                for (int i = 0; i < 12; i++) {
                    b.window(20);
                    b.round(rtt);
                    rtt += gradientUs;
                    if (b.tp.icskCaState == TcpConst.TCP_CA_CWR) {
                        assertThat(b.tp.sndSsthresh).isBetween(13, 15);
                        backoffs++;
                        b.ops.cwndEvent(b.cpu(), b.tp, TcpConst.CA_EVENT_COMPLETE_CWR);
                        b.tp.icskCaState = TcpConst.TCP_CA_OPEN;
                    }
                    chances++;
                }
            }
        }
        // The first round has no gradient, nor has the one after a backoff.
        double g = 42e-6 * gradientUs;
        double p = 1 - Math.exp(-g);
        double seen = (double) backoffs / (chances - runs * 2);
        assertThat(seen).as("%d backoffs", backoffs).isCloseTo(p, within(0.25 * p + 0.02));
    }

    /** Brakmo 2015: 30 % of what exceeds rate x smallest round trip + 10 goes; a loss leaves 0.8. */
    @Test
    void shouldReduceAsNvTowardsTheProduct() {
        try (CongBench b = new CongBench("nv", BASE)) {
            b.avoidance(300);
            for (int i = 0; i < 3; i++) {
                b.window(150);
                b.round(BASE);
            }
            int before = 0;
            for (int i = 0; i < 12; i++) {
                b.window(300);
                b.round(rtt(300));
                if (b.cwnd() < 300) {
                    before = b.cwnd();
                    break;
                }
            }
            int most = PIPE + 10;
            assertThat(before).as("first reduction").isBetween(300 - 90 * 30 / 100 - 2, 300 - 50 * 30 / 100);
            assertThat(b.tp.sndSsthresh)
                    .as("the rate is a little high while the round trip's average follows")
                    .isBetween(most, most + 40);
            path(b, 60);
            assertThat(b.cwnd()).as("standing queue").isBetween(PIPE - 2, most + 2);
            b.window(100);
            b.loss();
            assertThat(b.cwnd()).isBetween(79, 80);
        }
    }

    /** RFC 8257: alpha follows the share of marks, a reduction takes alpha / 2. */
    @ParameterizedTest
    @CsvSource({"0.1", "0.5", "1.0"})
    void shouldReduceAsDctcpByTheShareOfMarks(double share) {
        try (CongBench b = new CongBench("dctcp", BASE, true)) {
            b.avoidance(1000);
            double owed = 0;
            for (int round = 0; round < 100; round++) {
                b.window(1000);
                for (int i = 0; i < 1000; i++) {
                    owed += share;
                    if (owed >= 1) {
                        owed--;
                        b.tp.deliveredCe++;
                    }
                    b.ack(1, BASE);
                }
                b.pass(BASE);
            }
            TcpCcInfo.Dctcp info = (TcpCcInfo.Dctcp) b.ops.ccInfo(b.tp);
            assertThat(info.alpha() / 1024.0).isCloseTo(share, within(0.02));
            b.window(1000);
            assertThat(b.ops.ssthresh(b.cpu(), b.tp) / 1000.0).isCloseTo(1 - share / 2, within(0.01));
        }
    }
}
