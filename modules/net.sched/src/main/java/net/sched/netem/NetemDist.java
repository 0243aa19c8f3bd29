package net.sched.netem;

import java.util.Arrays;
import net.core.UserError;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a delay: 4096 quantiles of a distribution with mean 0 and deviation 1, in units of 1/8192.
 *
 * <p>{@code Deviation:} computed here; iproute2 reads them from files of its own. Its "experimental", measured once, is
 * left out. The random number's high bits choose, so that correlated numbers give correlated delays; Linux takes a
 * remainder, in which the correlation is lost.
 *
 * <p>Linux: tabledist(), struct disttable; iproute2, netem/
 */
final class NetemDist {
    private static final int SIZE = 4096;
    private static final int SCALE = 8192;

    final String name;
    private final short[] table;

    private NetemDist(String name, double[] quantiles) {
        this.name = name;
        table = new short[SIZE];
        for (int i = 0; i < SIZE; i++) {
            table[i] = (short) Math.clamp(Math.round(quantiles[i] * SCALE), Short.MIN_VALUE, Short.MAX_VALUE);
        }
    }

    /** normal, pareto, paretonormal; null for uniform. */
    static @Nullable NetemDist of(String name) {
        double[] q = new double[SIZE];
        switch (name) {
            case "uniform" -> {
                return null;
            }
            case "normal" -> Arrays.setAll(q, i -> normal((i + 0.5) / SIZE));
            case "pareto" -> Arrays.setAll(q, i -> pareto((i + 0.5) / SIZE));
            case "paretonormal" ->
                // A quarter of one and three of the other, over a grid of both.
                Arrays.setAll(q, i -> 0.25 * normal((i % 64 + 0.5) / 64) + 0.75 * pareto((i / 64 + 0.5) / 64));
            default ->
                throw new UserError("qdisc netem: unknown distribution \"" + name
                        + "\": known are uniform, normal, pareto, paretonormal");
        }
        return new NetemDist(name, q);
    }

    /** Shape 3: mean 1.5, variance 0.75. */
    private static double pareto(double u) {
        return (Math.pow(1 - u, -1 / 3.0) - 1.5) / Math.sqrt(0.75);
    }

    /** The quantile of the normal distribution, by bisection of its integral. */
    private static double normal(double u) {
        double lo = -6;
        double hi = 6;
        for (int i = 0; i < 40; i++) {
            double mid = (lo + hi) / 2;
            if (phi(mid) < u) {
                lo = mid;
            } else {
                hi = mid;
            }
        }
        return lo;
    }

    /** Abramowitz and Stegun 26.2.17; error below 7.5e-8. */
    private static double phi(double x) {
        if (x < 0) {
            return 1 - phi(-x);
        }
        double t = 1 / (1 + 0.2316419 * x);
        double poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return 1 - Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) * poly;
    }

    /** A delay around {@code mu} with deviation {@code sigma}; uniform without a table. May be negative. */
    @HotPath
    static long draw(long mu, long sigma, long rnd, @Nullable NetemDist dist) {
        if (sigma == 0) {
            return mu;
        }
        if (dist == null) {
            return Math.unsignedMultiplyHigh(rnd << 32, 2 * sigma) + mu - sigma;
        }
        int t = dist.table[(int) (rnd >>> 20)];
        long x = sigma % SCALE * t;
        x += x >= 0 ? SCALE / 2 : -SCALE / 2;
        return x / SCALE + sigma / SCALE * t + mu;
    }
}
