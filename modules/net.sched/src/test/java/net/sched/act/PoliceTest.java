package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.core.UserError;
import net.core.dev.TcfBlock;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code police} in virtual time. */
@Timeout(60)
class PoliceTest {
    private static final long SEC = 1_000_000_000;

    /** Sends at a constant rate and returns the bytes that conform. */
    private static long offer(ActionLab lab, TcfExts exts, int len, long bps, long forNs) {
        long gap = len * 8L * SEC / bps;
        long passed = 0;
        for (long t = 0; t < forNs; t += gap) {
            passed += lab.exec(exts, len) == TcfBlock.TC_ACT_OK ? len : 0;
            lab.sleep(gap);
        }
        return passed;
    }

    /** A rate, whatever is offered: the same within 1 %, after the burst. */
    @ParameterizedTest
    @ValueSource(longs = {11_000_000, 20_000_000, 100_000_000})
    void shouldLetItsRateBy(long offeredBps) {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police rate 10mbit burst 20k conform-exceed drop/ok");
            long start = lab.kernel.clock().nanoTime();
            long passed = offer(lab, exts, 1000, offeredBps, 2 * SEC);
            double took = (lab.kernel.clock().nanoTime() - start) / 1e9;
            assertThat((passed - 20 * 1024) * 8 / took).isCloseTo(10e6, Percentage.withPercentage(1));
            TcAction a = exts.get(0);
            assertThat(a.drops()).isEqualTo(a.overlimits()).isEqualTo(a.packets() - passed / 1000);
        }
    }

    /** Below the rate nothing exceeds; a burst of exactly the bucket passes at once and not a packet more. */
    @Test
    void shouldPassTheBurstAndNoMore() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police rate 8mbit burst 10000 conform-exceed drop/ok");
            assertThat(offer(lab, exts, 1000, 7_900_000, SEC / 10)).isGreaterThanOrEqualTo(98_000);
            assertThat(exts.get(0).drops()).isZero();
            lab.sleep(SEC);
            int passed = 0;
            for (int i = 0; i < 20; i++) {
                passed += lab.exec(exts, 1000) == TcfBlock.TC_ACT_OK ? 1 : 0;
            }
            assertThat(passed).isEqualTo(10);
        }
    }

    @Test
    void shouldLimitPacketsPerSecond() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police pkts_rate 1000 pkts_burst 10 conform-exceed drop/ok");
            long start = lab.kernel.clock().nanoTime();
            long passed = offer(lab, exts, 100, 4_000_000, 2 * SEC) / 100;
            double took = (lab.kernel.clock().nanoTime() - start) / 1e9;
            assertThat((passed - 10) / took).isCloseTo(1000, Percentage.withPercentage(1));
        }
    }

    /** A burst leaves at the peak rate: after the first packet the second has to wait for its tokens. */
    @Test
    void shouldHoldThePeakRate() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police rate 8mbit burst 100k peakrate 16mbit mtu 1500 conform-exceed drop/ok");
            long start = lab.kernel.clock().nanoTime();
            long passed = offer(lab, exts, 1000, 100_000_000, SEC / 20);
            double took = (lab.kernel.clock().nanoTime() - start) / 1e9;
            assertThat((passed - 1500) * 8 / took).isCloseTo(16e6, Percentage.withPercentage(2));
        }
    }

    /** Over the average the action is the exceeding one until the average has come down. */
    @Test
    void shouldLookAtTheAverage() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police avrate 1mbit mtu 1500 conform-exceed drop/ok");
            assertThat(offer(lab, exts, 1000, 500_000, 3 * SEC)).isGreaterThan(180_000);
            assertThat(exts.get(0).overlimits()).isZero();
            offer(lab, exts, 1000, 4_000_000, 2 * SEC);
            assertThat(exts.get(0).overlimits()).isPositive();
            assertThat(lab.exec(exts, 1000)).isEqualTo(TcfBlock.TC_ACT_SHOT);
            lab.sleep(10 * SEC);
            assertThat(lab.exec(exts, 1000)).isEqualTo(TcfBlock.TC_ACT_OK);
        }
    }

    @Test
    void shouldJudgeLengthAlone() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police mtu 600 drop");
            assertThat(lab.exec(exts, 600)).isEqualTo(TcfBlock.TC_ACT_OK);
            assertThat(lab.exec(exts, 601)).isEqualTo(TcfBlock.TC_ACT_SHOT);
        }
    }

    /** Two filters with one policer share its bucket. */
    @Test
    void shouldShareOneBucketByIndex() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts a = lab.exts("police rate 8mbit burst 10000 conform-exceed drop/pipe index 3");
            TcfExts b = lab.exts("police index 3 action pass");
            int passed = 0;
            for (int i = 0; i < 20; i++) {
                passed += lab.exec(i % 2 == 0 ? a : b, 1000) == TcfBlock.TC_ACT_OK ? 1 : 0;
            }
            assertThat(passed).isEqualTo(10);
            assertThat(a.get(0).packets()).isEqualTo(20);
            assertThat(a.get(0).overlimits()).as("seen by both").isCloseTo(10L, within(0L));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "police rate 1mbit, '''burst'' requires ''rate''.'",
        "police burst 10k, '''rate'' or ''avrate'' or ''mtu'' or ''pkts_rate'' MUST be specified.'",
        "police rate 1mbit burst 1k pkts_rate 5 pkts_burst 1, '''rate'' and ''pkts_rate'' are not allowed in same action.'",
        "police rate 1mbit burst 1k peakrate 2mbit, '''mtu'' is required, if ''peakrate'' is requested.'",
        "police rate fast burst 1k, 'Error: argument \"fast\" is wrong: rate'",
        "police rate 1mbit rate 2mbit burst 1k, 'Error: duplicate \"rate\": it was given before.'",
        "police rate 1mbit burst 1k conform-exceed sometimes, Bad action type sometimes",
    })
    void shouldRefuseInOneLine(String words, String message) {
        try (ActionLab lab = new ActionLab()) {
            assertThatThrownBy(() -> lab.exts(words))
                    .isInstanceOf(UserError.class)
                    .hasMessage(message);
        }
    }

    /** As print_police() of iproute2 does. */
    @Test
    void shouldPrintAsTc() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("police rate 1mbit burst 10k conform-exceed drop/pipe "
                    + "action police pkts_rate 100 pkts_burst 5 mtu 1500 drop");
            assertThat(ActionLab.text(exts, false)).isEqualTo("""

                            \taction order 1:  police 0x1 rate 1Mbit burst 10Kb mtu 2Kb action drop/pipe overhead 0b\s
                            \tref 1 bind 1\s

                            \taction order 2:  police 0x2 rate 0bit burst 0b mtu 1500b pkts_rate 100 pkts_burst 5 action drop overhead 0b\s
                            \tref 1 bind 1\s
                            """);
        }
    }
}
