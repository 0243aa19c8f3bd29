package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares what counters of Softnet gained with what Linux's did in the same case. Those that may differ are listed here
 * with the reason; everything else is a difference.
 */
public final class CounterDiff {
    /** Counters, and why they need not agree. */
    private static final Map<String, String> TOLERATED = Map.of(
            "TcpExtTCPRcvCoalesce",
            "two packets become one if their memory allows it, and a TUN's linear packets do not on Linux");

    /** Of groups that Softnet does not keep. */
    private static final String BY_TYPE = "IcmpMsg";

    private CounterDiff() {}

    /** Why a counter may differ, or null. */
    public static @Nullable String tolerated(String name) {
        return name.startsWith(BY_TYPE) ? "the group Icmp has them by name" : TOLERATED.get(name);
    }

    /** One line for each counter that gained differently. */
    public static List<String> between(Map<String, Long> softnet, Map<String, Long> linux) {
        TreeSet<String> names = new TreeSet<>(softnet.keySet());
        names.addAll(linux.keySet());
        List<String> lines = new ArrayList<>();
        for (String name : names) {
            long ours = softnet.getOrDefault(name, 0L);
            long theirs = linux.getOrDefault(name, 0L);
            if (ours != theirs && tolerated(name) == null) {
                lines.add(name + ": softnet " + ours + ", linux " + theirs);
            }
        }
        return lines;
    }
}
