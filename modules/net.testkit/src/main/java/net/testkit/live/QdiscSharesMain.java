package net.testkit.live;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import net.core.UserError;
import net.testkit.live.QdiscShares.Case;
import net.testkit.live.QdiscShares.Dut;
import net.testkit.live.QdiscShares.Flow;

/** Runs {@link QdiscShares} over its cases and prints how far Softnet's rates and shares are from Linux's. */
public final class QdiscSharesMain {
    private static final double APART = 0.03;

    private static final List<Case> CASES = List.of(
            new Case("tbf 5mbit", List.of("qdisc add dev DEV root tbf rate 5mbit burst 10kb latency 100ms"), bulk(1)),
            new Case("tbf 20mbit", List.of("qdisc add dev DEV root tbf rate 20mbit burst 16kb latency 50ms"), bulk(1)),
            new Case(
                    "tbf 100mbit", List.of("qdisc add dev DEV root tbf rate 100mbit burst 64kb latency 20ms"), bulk(1)),
            new Case("htb 30mbit", List.of(htb(), top("30mbit"), leaf(10, "30mbit", "30mbit", "")), classes(10)),
            new Case(
                    "htb shares 5:15:30",
                    List.of(
                            htb(),
                            top("50mbit"),
                            leaf(10, "5mbit", "50mbit", " quantum 1514"),
                            leaf(20, "15mbit", "50mbit", " quantum 4542"),
                            leaf(30, "30mbit", "50mbit", " quantum 9084")),
                    classes(10, 20, 30)),
            new Case(
                    "htb borrows by prio",
                    List.of(
                            htb(),
                            top("50mbit"),
                            leaf(10, "10mbit", "50mbit", " prio 0"),
                            leaf(20, "10mbit", "50mbit", " prio 1")),
                    classes(10, 20)),
            new Case(
                    "pfifo_fast in tbf 20mbit",
                    List.of(
                            "qdisc add dev DEV root handle 1: tbf rate 20mbit burst 16kb limit 60kb",
                            "qdisc add dev DEV parent 1:1 handle 2: pfifo_fast"),
                    List.of(new Flow(0, 0x10, 8_000_000), new Flow(0, 0x08, 0))));

    private int rounds = 3;
    private int seconds = 5;
    private String only = "";

    private QdiscSharesMain() {}

    private static String htb() {
        return "qdisc add dev DEV root handle 1: htb default 1";
    }

    private static String top(String rate) {
        return "class add dev DEV parent 1: classid 1:1 htb rate " + rate + " burst 64kb cburst 64kb";
    }

    private static String leaf(int minor, String rate, String ceil, String more) {
        return "class add dev DEV parent 1:1 classid 1:" + minor + " htb rate " + rate + " ceil " + ceil
                + " burst 64kb cburst 64kb" + more;
    }

    private static List<Flow> bulk(int n) {
        return Collections.nCopies(n, new Flow(0, 0, 0));
    }

    private static List<Flow> classes(int... minors) {
        return Arrays.stream(minors)
                .mapToObj(m -> new Flow(1 << 16 | Integer.parseInt("" + m, 16), 0, 0))
                .toList();
    }

    /** See {@code bench/qdisc-shares/run}. Status 1: a rate or a share is more than 3 % from Linux's. */
    public static void main(String[] args) {
        try {
            QdiscSharesMain main = new QdiscSharesMain();
            for (int i = 0; i < args.length; i += 2) {
                String value = i + 1 < args.length ? args[i + 1] : "";
                switch (args[i]) {
                    case "--rounds" -> main.rounds = number(args[i], value);
                    case "--seconds" -> main.seconds = number(args[i], value);
                    case "--only" -> main.only = value;
                    default -> throw new UserError("'" + args[i] + "': want [--rounds N] [--seconds S] [--only WORD]");
                }
            }
            System.exit(main.run() ? 0 : 1);
        } catch (UserError e) {
            System.err.println("qdisc-shares: " + e.getMessage());
            System.exit(2);
        }
    }

    private static int number(String option, String value) {
        if (value.matches("[1-9][0-9]{0,3}")) {
            return Integer.parseInt(value);
        }
        throw new UserError(option + " '" + value + "': want a number from 1 to 9999");
    }

    private boolean run() {
        boolean good = true;
        System.out.println(
                "payload, Mbit/s, medians of " + rounds + " rounds of " + seconds + " s; share of the case's total");
        System.out.printf("%-26s %9s %9s %7s   %s%n", "", "Softnet", "Linux", "ratio", "share Softnet / Linux");
        try (QdiscShares hosts = new QdiscShares()) {
            for (Case c : CASES) {
                if (!c.name().contains(only)) {
                    continue;
                }
                Map<Dut, double[][]> all = new EnumMap<>(Dut.class);
                for (Dut dut : Dut.values()) {
                    all.put(dut, new double[rounds][]);
                }
                for (int r = 0; r < rounds; r++) {
                    for (Dut dut : Dut.values()) {
                        at(all, dut)[r] = hosts.run(dut, c, seconds);
                    }
                }
                good &= report(c, at(all, Dut.SOFTNET), at(all, Dut.LINUX));
            }
        }
        System.out.println(
                good ? "every rate and share is within 3 % of Linux's" : "some are more than 3 % from Linux's");
        return good;
    }

    private static double[][] at(Map<Dut, double[][]> all, Dut dut) {
        return all.getOrDefault(dut, new double[0][]);
    }

    private static boolean report(Case c, double[][] ours, double[][] linux) {
        int flows = c.flows().size();
        double[] a = new double[flows + 1];
        double[] b = new double[flows + 1];
        for (int i = 0; i < flows; i++) {
            a[i] = median(ours, i);
            b[i] = median(linux, i);
            a[flows] += a[i];
            b[flows] += b[i];
        }
        boolean good = line(c.name(), a[flows], b[flows], 1, 1);
        for (int i = 0; i < flows && flows > 1; i++) {
            good &= line("  flow " + (i + 1), a[i], b[i], a[i] / a[flows], b[i] / b[flows]);
        }
        return good;
    }

    private static boolean line(String name, double ours, double linux, double shareOurs, double shareLinux) {
        boolean good = Math.abs(ours / linux - 1) <= APART && Math.abs(shareOurs - shareLinux) <= APART;
        System.out.printf(
                Locale.ROOT,
                "%-26s %9.3f %9.3f %7.3f   %.3f / %.3f%s%n",
                name,
                ours / 1e6,
                linux / 1e6,
                ours / linux,
                shareOurs,
                shareLinux,
                good ? "" : "  APART");
        return good;
    }

    private static double median(double[][] rounds, int flow) {
        double[] all = Arrays.stream(rounds).mapToDouble(r -> r[flow]).sorted().toArray();
        return (all[all.length / 2] + all[(all.length - 1) / 2]) / 2;
    }
}
