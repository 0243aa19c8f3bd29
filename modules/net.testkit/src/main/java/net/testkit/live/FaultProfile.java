package net.testkit.live;

import java.util.Locale;
import java.util.SplittableRandom;
import net.testkit.FaultPlan;

/**
 * What one transfer has to cope with, drawn from its seed: loss of 0.1 to 10 %, in half of the profiles each reordering,
 * duplication and corruption, a delay each way of 2 to 200 ms and in half of them jitter of up to 200 ms. Rates and
 * delays are spread evenly over their magnitudes, so that mild and harsh ones are equally frequent.
 *
 * @param seed of this profile and of the faults
 * @param rates each way
 * @param bytes to move: about what this path carries in a few seconds, so that no profile decides how long all take
 */
public record FaultProfile(long seed, FaultPlan.Rates rates, int bytes) {
    private static final double MSS_BYTES = 1448;
    private static final double SECONDS = 2.5;
    private static final int LEAST_BYTES = 96 * 1024;
    private static final int MOST_BYTES = 8 * 1024 * 1024;
    private static final double MS = 1e6;

    /** The profile of a seed. */
    public static FaultProfile of(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double loss = magnitude(random, 0.001, 0.1);
        double reorder = half(random, 0.001, 0.05);
        double duplicate = half(random, 0.001, 0.03);
        double corrupt = half(random, 0.001, 0.02);
        double delay = magnitude(random, 2 * MS, 200 * MS);
        double jitter = half(random, 0.5 * MS, 200 * MS);
        FaultPlan.Rates rates = new FaultPlan.Rates(loss, reorder, duplicate, corrupt, (long) delay, (long) jitter);
        return new FaultProfile(seed, rates, bytes(loss + corrupt, 2 * delay + jitter));
    }

    private static double half(SplittableRandom random, double least, double most) {
        double value = magnitude(random, least, most);
        return random.nextBoolean() ? value : 0;
    }

    private static double magnitude(SplittableRandom random, double least, double most) {
        return least * Math.pow(most / least, random.nextDouble());
    }

    /** After the square root law: segments a round trip by the rate of loss. */
    private static int bytes(double loss, double rttNs) {
        double perSecond = MSS_BYTES * 1.2 / Math.sqrt(loss) / (rttNs / 1e9);
        return Math.clamp((long) (perSecond * SECONDS), LEAST_BYTES, MOST_BYTES);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "loss %.2f%% reorder %.2f%% dup %.2f%% corrupt %.2f%% delay %.1f ms jitter %.1f ms, %d KiB",
                100 * rates.loss(),
                100 * rates.reorder(),
                100 * rates.duplicate(),
                100 * rates.corrupt(),
                rates.delayNs() / MS,
                rates.jitterNs() / MS,
                bytes / 1024);
    }
}
