package net.testkit.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.testkit.packetdrill.SenderTrace;
import net.testkit.packetdrill.SenderTrace.Path;
import net.testkit.packetdrill.SenderTrace.Trace;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Our sender and the machine's Linux on the same path with the same drops: the windows over the stream agree within 10 %,
 * bbr's rate within 3 %. The path is arithmetic and answers both alike; Linux runs in real time, so that a machine that
 * does something else for a while disturbs it: the best of a few runs counts. {@code bench/agreement} prints the figures.
 */
@Tag("tap")
class SenderAgreementTest {
    private static final int ATTEMPTS = 5;
    private static final int BINS = 25;
    private static final long ENDLESS = 1L << 30;

    /** Single losses, losses in a row, a loss of a retransmission's neighbours: three epochs of each. */
    @ParameterizedTest
    @CsvSource({
        "reno, 400 1500 3000",
        "reno, 300 301 302 1200 1201 2500 2510 2520",
        "cubic, 100 1500 4000",
        "cubic, 300 301 302 1200 1201 2500 2510 2520",
    })
    void shouldMoveTheWindowAsLinux(String congestion, String drops) {
        long[] numbers = java.util.Arrays.stream(drops.split(" ", -1))
                .mapToLong(Long::parseLong)
                .toArray();
        Path path = new Path(40, 40_000_000, 2000, numbers);
        Trace ours = SenderTrace.softnet(congestion, path, ENDLESS, 4, 1);
        double best = Double.MAX_VALUE;
        for (int i = 0; i < ATTEMPTS && best > 0.05; i++) {
            best = Math.min(best, ours.largestDifference(SenderTrace.linux(congestion, path, ENDLESS, 4), BINS));
        }
        assertThat(best).as("largest difference of the mean windows").isLessThan(0.1);
    }

    @Test
    void shouldSendAtLinuxsRateAsBbr() {
        Path path = new Path(40, 20_000_000, 100);
        Trace ours = SenderTrace.softnet("bbr", path, ENDLESS, 6, 1);
        double rate = ours.bitsPerSec(1.5, 5.5);
        assertThat(rate).isCloseTo(20_000_000 * 1460.0 / 1514, within(0.03 * rate));
        double linux = 0;
        for (int i = 0; i < ATTEMPTS && Math.abs(linux / rate - 1) > 0.03; i++) {
            linux = SenderTrace.linux("bbr", path, ENDLESS, 6).bitsPerSec(1.5, 5.5);
        }
        assertThat(rate).isCloseTo(linux, within(0.03 * linux));
    }
}
