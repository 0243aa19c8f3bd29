package softnet.tools;

import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import net.core.Net;
import net.core.UserError;
import net.core.dev.NetDevice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import softnet.tools.demo.BulkDemo;
import softnet.tools.demo.Flow;
import softnet.tools.demo.Flows;
import softnet.tools.demo.PathPicture;
import softnet.tools.demo.SegmentWalk;
import softnet.tools.demo.TwoHosts;

/** {@code softnet demo}: two hosts in one kernel, without root. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Moves data both ways between two hosts in one kernel, then shows one segment's way out and in.",
            "With --flow it shows one of the seven ways in which control flows through the stack."
        })
final class DemoCommand implements Callable<Integer> {
    private static final long MIB = 1 << 20;
    /** A terabyte each way: at 10 Gbit/s a quarter of an hour. */
    private static final long MOST_BYTES = 1024 * 1024 * MIB;

    private static final String SYN_RETRIES = "net.ipv4.tcp_syn_retries";
    private static final int DEMO_SYN_RETRIES = 5;

    @Spec
    private CommandSpec spec;

    @Mixin
    private KernelOptions options = new KernelOptions();

    @Option(names = "--bytes", paramLabel = "SIZE", defaultValue = "256M", description = "Each way (${DEFAULT-VALUE}).")
    private String bytes = "256M";

    @Option(names = "--flow", paramLabel = "1..7", description = "Show this control flow, in virtual time.")
    private int flow;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        if (spec.commandLine().getParseResult().hasMatchedOption("--flow")) {
            showFlow(out);
            return 0;
        }
        long size = size(bytes);
        // Two minutes, as long as a host should try, are too long to look at a wire that is cut.
        List<String> patience = options.sets(SYN_RETRIES) ? List.of() : List.of(SYN_RETRIES + "=" + DEMO_SYN_RETRIES);
        try (TwoHosts hosts = TwoHosts.boot(options.params(patience))) {
            String qdisc = options.qdisc();
            if (qdisc != null) {
                for (NetDevice device : hosts.devices()) {
                    HostBoot.attachRoot(device, qdisc);
                }
            }
            Map<String, Long> before = counters(hosts);
            out.println("Two hosts, 10.0.0.1 and 10.0.0.2, joined by a veth pair; "
                    + hosts.kernel().cpus() + " CPUs.");
            out.println();
            boolean equal;
            try {
                equal = BulkDemo.run(hosts, size, out, isTerminal());
            } catch (IOException e) {
                sayWhatStopped(hosts, before, out);
                throw e;
            }
            out.println();
            showSegment(hosts, out);
            out.println();
            showCounters(hosts, before, out);
            out.flush();
            return equal ? 0 : Softnet.EXIT_FAILED;
        }
    }

    /** Nothing came through: the counters, and who dropped it. */
    private static void sayWhatStopped(TwoHosts hosts, Map<String, Long> before, PrintWriter out) {
        showCounters(hosts, before, out);
        for (NetDevice device : hosts.devices()) {
            long drops = device.qdisc.currentDrops();
            if (drops > 0) {
                out.println();
                out.println("The qdisc " + device.qdisc.id() + " of " + device.name() + " dropped " + drops
                        + " packets and let " + device.qdisc.currentPackets() + " through.");
            }
        }
        out.flush();
    }

    private static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    private static boolean hasColour() {
        return isTerminal() && System.getenv("NO_COLOR") == null;
    }

    private static void showSegment(TwoHosts hosts, PrintWriter out) throws IOException {
        out.println("One segment of " + SegmentWalk.BYTES + " bytes, from the client's write to the server's read:");
        out.println();
        out.println(PathPicture.heading());
        new PathPicture(hasColour()).draw(SegmentWalk.record(hosts)).forEach(out::println);
    }

    private void showFlow(PrintWriter out) throws IOException {
        Flow shown = Flows.byNumber(flow);
        out.println("Flow " + flow + ": " + shown.title());
        out.println();
        shown.story().lines().forEach(out::println);
        out.println();
        out.println(PathPicture.heading());
        new PathPicture(hasColour())
                .draw(shown.record(options.params(List.of("clock=virtual"))))
                .forEach(out::println);
        out.println();
        out.println("Why this flow exists: docs/tour.md");
        out.flush();
    }

    private static Map<String, Long> counters(TwoHosts hosts) {
        Map<String, Long> all = new HashMap<>();
        for (Net net : hosts.nets()) {
            net.mib().snapshot().forEach((name, value) -> all.put(net.name() + " " + name, value));
        }
        return all;
    }

    private static void showCounters(TwoHosts hosts, Map<String, Long> before, PrintWriter out) {
        Map<String, Long> now = counters(hosts);
        Map<String, long[]> moved = new TreeMap<>();
        for (String key : new TreeSet<>(now.keySet())) {
            long delta = now.getOrDefault(key, 0L) - before.getOrDefault(key, 0L);
            int space = key.indexOf(' ');
            if (delta != 0) {
                moved.computeIfAbsent(key.substring(space + 1), k -> new long[2])[key.startsWith("client") ? 0 : 1] =
                        delta;
            }
        }
        out.printf("%-32s %14s %14s%n", "counters that moved", "client", "server");
        moved.forEach((name, values) -> out.printf("%-32s %14d %14d%n", name, values[0], values[1]));
        for (NetDevice device : hosts.devices()) {
            out.println(device.net.name() + " " + device.name() + ": "
                    + device.qdisc.describe(true).strip().replace("\n", "\n    "));
        }
    }

    /** A size with k, M or G. */
    static long size(String text) {
        if (text.matches("\\d{1,12}[kKMG]?")) {
            char unit = text.charAt(text.length() - 1);
            String digits = Character.isDigit(unit) ? text : text.substring(0, text.length() - 1);
            long scale = switch (unit) {
                case 'k', 'K' -> 1024;
                case 'M' -> MIB;
                case 'G' -> 1024 * MIB;
                default -> 1;
            };
            long n = Long.parseLong(digits);
            if (n <= MOST_BYTES / scale) {
                return n * scale;
            }
        }
        throw new UserError("--bytes " + text + ": want a number with k, M or G, such as 256M, of at most 1024G");
    }
}
