package net.tcp.cong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The functions that the papers and RFCs publish, each computed again from its formula. */
class CongFunctionsTest {
    /** RFC 8257 3.3 step 6: alpha = (1 - g) alpha + g M, g = 1/16. */
    @Test
    void shouldAverageDctcpsMarksAsTheRfcSays() {
        int alpha = Dctcp.MAX_ALPHA;
        double wanted = 1;
        for (int round = 0; round < 100; round++) {
            int ce = round % 4 == 0 ? 25 : 0;
            alpha = Dctcp.nextAlpha(alpha, ce, 100, 4);
            wanted = wanted * 15 / 16 + ce / 100.0 / 16;
            assertThat(alpha / 1024.0).as("round %d", round).isCloseTo(wanted, within(0.02));
        }
    }

    @Test
    void shouldForgetDctcpsMarksEntirely() {
        int alpha = 1024;
        for (int i = 0; i < 200; i++) {
            alpha = Dctcp.nextAlpha(alpha, 0, 10, 4);
        }
        assertThat(alpha).isZero();
    }

    /** RFC 3649 5: b(w) between 0.5 at 38 and 0.1 at 83000 on a logarithmic scale; a(w) = w^2 p(w) 2 b / (2 - b). */
    @Test
    void shouldHaveHighSpeedsTableFromTheResponseFunction() {
        assertThat(HighSpeed.WINDOW).hasSameSizeAs(HighSpeed.DECREASE);
        for (int i = 1; i < HighSpeed.WINDOW.length; i++) {
            double w = HighSpeed.WINDOW[i];
            double b = 0.5 - 0.4 * Math.log(w / 38) / Math.log(83_000 / 38.0);
            double a = w * w * (0.078 / Math.pow(w, 1.2)) * 2 * b / (2 - b);
            assertThat(HighSpeed.DECREASE[i] / 256.0).as("b(%.0f)", w).isCloseTo(b, within(0.01));
            assertThat(i + 1.0).as("a(%.0f)", w).isCloseTo(a, within(1.1));
        }
        assertThat(HighSpeed.row(0, 38)).isZero();
        assertThat(HighSpeed.row(0, 39)).isEqualTo(1);
        assertThat(HighSpeed.row(71, 38)).isZero();
        assertThat(HighSpeed.row(0, 1_000_000)).isEqualTo(71);
    }

    /** H-TCP: 1 in the first second, then 1 + 10 d + (d/2)^2, times 2 (1 - beta). */
    @Test
    void shouldRaiseHtcpsStepWithTheTimeSinceTheLoss() {
        for (int ms = 0; ms < 20_000; ms += 100) {
            double d = Math.max(ms / 1000.0 - 1, 0);
            double wanted = 1 + 10 * d + d / 2 * (d / 2);
            int alpha = Htcp.alpha(ms, 0, 64, false);
            assertThat(alpha / 128.0).as("at %d ms", ms).isCloseTo(wanted, within(wanted * 0.01 + 1));
        }
        assertThat(Htcp.alpha(500, 0, 64, false)).isEqualTo(128);
    }

    /** Illinois: 10 with no queue, 0.3 with a full one, a hyperbola between; the decrease 1/8 to 1/2. */
    @Test
    void shouldFollowIllinoisCurves() {
        long dm = 100_000;
        assertThat(Illinois.alphaOf(dm / 100, dm)).isEqualTo(Illinois.ALPHA_MAX);
        assertThat((double) Illinois.alphaOf(dm, dm)).isCloseTo(Illinois.ALPHA_MIN, within(1.0));
        double max = 10;
        double min = Illinois.ALPHA_MIN / (double) Illinois.ALPHA_SCALE;
        double d1 = dm / 100.0;
        double k1 = (dm - d1) * min * max / (max - min);
        double k2 = (dm - d1) * min / (max - min) - d1;
        for (long da = 2000; da <= dm; da += 1000) {
            assertThat(Illinois.alphaOf(da, dm) / 128.0).as("alpha(%d)", da).isCloseTo(k1 / (k2 + da), within(0.02));
        }
        assertThat(Illinois.betaOf(dm / 10, dm)).isEqualTo(Illinois.BETA_MIN);
        assertThat(Illinois.betaOf(8 * dm / 10, dm)).isEqualTo(Illinois.BETA_MAX);
        double middle = (0.125 + 0.5) / 2;
        assertThat(Illinois.betaOf(45 * dm / 100, dm) / (double) Illinois.BETA_SCALE)
                .isCloseTo(middle, within(0.02));
    }

    /** BIC: far from the last maximum 16 segments per round trip, near it a quarter of the distance, past it mirrored. */
    @Test
    void shouldSearchBicsMaximumAsThePaperSays() {
        Bic bic = new Bic();
        assertThat(bic.segmentsPerStep(10, 1000)).as("small windows as Reno").isEqualTo(10);
        assertThat(800 / bic.segmentsPerStep(800, 1000)).as("at most 16").isEqualTo(16);
        assertThat(960 / bic.segmentsPerStep(960, 1000)).as("a quarter of 40").isEqualTo(10);
        assertThat(bic.segmentsPerStep(998, 1000)).as("smooth part").isEqualTo(998 * 20 / 4);
        assertThat(1020 / bic.segmentsPerStep(1020, 1000)).as("20 past it").isEqualTo(6);
        assertThat(1100 / bic.segmentsPerStep(1100, 1000)).isEqualTo(16);
    }

    /** CDG: the chance to go on is e^-x. */
    @Test
    void shouldTakeCdgsChanceFromTheExponential() {
        for (long x = 0; x < 5_000_000; x += 50_000) {
            assertThat(Cdg.nexp(x) / (double) 0xffffffffL).isCloseTo(Math.exp(-x / 1e6), within(1e-3));
        }
    }

    /** BBR: 2/ln 2 up, its inverse down, the bandwidth-delay product rounded up. */
    @Test
    void shouldComputeBbrsGainsAndProduct() {
        assertThat(Bbr.HIGH_GAIN / 256.0).isCloseTo(2 / Math.log(2), within(0.005));
        assertThat(Bbr.DRAIN_GAIN / 256.0).isCloseTo(Math.log(2) / 2, within(0.005));
        int bw = BbrMath.bandwidth(1000, 100_000); // 10 segments a millisecond
        assertThat(BbrMath.bdp(bw, 50_000, BbrMath.UNIT)).isBetween(500, 501);
        assertThat(BbrMath.bdp(bw, 50_000, 2 * BbrMath.UNIT)).isBetween(1000, 1001);
    }
}
