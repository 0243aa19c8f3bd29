package net.testkit.live;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;
import net.core.UserError;
import net.testkit.FaultPlan;
import net.testkit.live.FaultTransfers.Dut;
import net.testkit.live.FaultTransfers.Outcome;
import net.testkit.live.FaultTransfers.Way;

/** Runs {@link FaultTransfers} over many seeds and prints how Softnet's goodput compares with Linux's. */
public final class FaultTransferMain {
    private static final String USAGE =
            "want [--transfers N] [--seed S] [--width W] [--congestion cubic|reno] [--verbose]";

    private static final int WARM_UP_BYTES = 2 << 20;

    private int transfers = 200;
    private long seed = 1;
    private int width = 20;
    private String congestion = "cubic";
    private boolean verbose;

    private FaultTransferMain() {}

    /** See {@code bench/fault-transfer/run}. Status 1: a connection was lost or bytes differed. */
    public static void main(String[] args) throws InterruptedException {
        try {
            FaultTransferMain main = new FaultTransferMain();
            main.parse(args);
            System.exit(main.run(System.out) ? 0 : 1);
        } catch (UserError e) {
            System.err.println("fault-transfer: " + e.getMessage());
            System.exit(2);
        }
    }

    private void parse(String[] args) {
        for (int i = 0; i < args.length; i++) {
            String value = i + 1 < args.length ? args[i + 1] : "";
            switch (args[i]) {
                case "--transfers" -> transfers = (int) number(args[i], value, 10_000);
                case "--seed" -> seed = number(args[i], value, Long.MAX_VALUE);
                case "--width" -> width = (int) number(args[i], value, 200);
                case "--congestion" -> congestion = value;
                case "--verbose" -> {
                    verbose = true;
                    continue;
                }
                default -> throw new UserError("'" + args[i] + "': " + USAGE);
            }
            i++;
        }
    }

    private static long number(String option, String value, long most) {
        if (value.matches("[1-9][0-9]{0,17}") && Long.parseLong(value) <= most) {
            return Long.parseLong(value);
        }
        throw new UserError(option + " '" + value + "': want a number from 1 to " + most);
    }

    private boolean run(PrintStream out) throws InterruptedException {
        List<FaultProfile> profiles = LongStream.range(seed, seed + transfers)
                .mapToObj(FaultProfile::of)
                .toList();
        Map<Long, Map<Way, Map<Dut, Outcome>>> all = new TreeMap<>();
        List<Outcome> failed = new ArrayList<>();
        long began = System.nanoTime();
        try (FaultTransfers hosts = new FaultTransfers(width, congestion)) {
            hosts.run(warmUp(), o -> {}); // the JVM's first transfers run in its interpreter, on every lane at once
            hosts.run(profiles, o -> {
                if (verbose) {
                    out.printf(
                            Locale.ROOT,
                            "%d %-7s %-3s %7.2f s %8.1f KB/s  %s %s%n",
                            o.profile().seed(),
                            o.dut(),
                            o.way(),
                            o.seconds(),
                            o.goodput() / 1e3,
                            o.profile(),
                            o.error());
                }
                if (!o.error().isEmpty()) {
                    failed.add(o);
                }
                all.computeIfAbsent(o.profile().seed(), s -> new EnumMap<>(Way.class))
                        .computeIfAbsent(o.way(), w -> new EnumMap<>(Dut.class))
                        .put(o.dut(), o);
            });
        }
        out.printf(
                Locale.ROOT,
                "%d transfers each way and host, %s, seeds %d to %d, %.0f s%n",
                transfers,
                congestion,
                seed,
                seed + transfers - 1,
                (System.nanoTime() - began) / 1e9);
        for (Way way : Way.values()) {
            List<Map<Dut, Outcome>> pairs = all.values().stream()
                    .map(m -> m.getOrDefault(way, Map.of()))
                    .filter(m -> m.size() == 2
                            && m.values().stream().allMatch(o -> o.error().isEmpty()))
                    .toList();
            out.println();
            out.println(
                    way == Way.OUT
                            ? "from the host under test to Linux: goodput in KB/s (median), Softnet / Linux (quartiles)"
                            : "from Linux to the host under test: goodput in KB/s (median), Softnet / Linux (quartiles)");
            row(out, "all", pairs);
            band(out, pairs, "loss", p -> 100 * p.rates().loss(), "%", 0, 0.5, 2, 5, 11);
            band(out, pairs, "delay", p -> p.rates().delayNs() / 1e6, "ms", 0, 10, 50, 201);
            band(out, pairs, "jitter", p -> p.rates().jitterNs() / 1e6, "ms", 0, 1e-9, 10, 201);
            band(out, pairs, "reorder", p -> 100 * p.rates().reorder(), "%", 0, 1e-9, 1, 6);
        }
        out.println();
        failed.forEach(o -> out.println(
                "FAILED " + o.dut() + " " + o.way() + " seed " + o.profile().seed() + ": " + o.error()));
        out.println(failed.isEmpty() ? "no connection lost, all bytes equal" : failed.size() + " transfers failed");
        return failed.isEmpty();
    }

    private List<FaultProfile> warmUp() {
        return LongStream.rangeClosed(1, width)
                .mapToObj(i -> new FaultProfile(-i, FaultPlan.Rates.parse("loss=0.5%,delay=10ms"), WARM_UP_BYTES))
                .toList();
    }

    private static void band(
            PrintStream out,
            List<Map<Dut, Outcome>> pairs,
            String what,
            ToDoubleFunction<FaultProfile> value,
            String unit,
            double... edges) {
        for (int i = 0; i + 1 < edges.length; i++) {
            double from = edges[i];
            double to = edges[i + 1];
            List<Map<Dut, Outcome>> some = pairs.stream()
                    .filter(m -> {
                        double v =
                                value.applyAsDouble(m.values().iterator().next().profile());
                        return v >= from && v < to;
                    })
                    .toList();
            String name = to <= 1e-9
                    ? what + " none"
                    : String.format(Locale.ROOT, "%s %.3g to %.3g %s", what, from, to, unit);
            row(out, name, some);
        }
    }

    private static void row(PrintStream out, String name, List<Map<Dut, Outcome>> pairs) {
        if (pairs.isEmpty()) {
            return;
        }
        double[] ratios = pairs.stream()
                .mapToDouble(m -> goodput(m, Dut.SOFTNET) / goodput(m, Dut.LINUX))
                .sorted()
                .toArray();
        out.printf(
                Locale.ROOT,
                "  %-24s %4d  Softnet %8.1f  Linux %8.1f  ratio %.3f (%.3f to %.3f)%n",
                name,
                pairs.size(),
                median(pairs.stream()
                                .mapToDouble(m -> goodput(m, Dut.SOFTNET))
                                .sorted()
                                .toArray())
                        / 1e3,
                median(pairs.stream()
                                .mapToDouble(m -> goodput(m, Dut.LINUX))
                                .sorted()
                                .toArray())
                        / 1e3,
                median(ratios),
                ratios[ratios.length / 4],
                ratios[Math.min(ratios.length - 1, 3 * ratios.length / 4)]);
    }

    private static double goodput(Map<Dut, Outcome> pair, Dut dut) {
        Outcome o = pair.get(dut);
        return o == null ? 0 : o.goodput();
    }

    private static double median(double[] sorted) {
        int n = sorted.length;
        return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    }
}
