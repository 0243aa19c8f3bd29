package net.testkit.packetdrill;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a host has counted since a script's time 0, and what it knows of each socket that is open, at the script's end:
 * TCP's counters by nstat's names, and TCP_INFO as {@code DESCRIPTOR.field}. All numbers that tell how long something took
 * on the machine are left out. What is 0 is not kept.
 */
record EndState(SortedMap<String, Long> values) {
    static final EndState NONE = new EndState(Collections.emptySortedMap());

    /** Fields that measure time, or are made of such. */
    private static final Set<String> TIMES = Set.of(
            "rto",
            "ato",
            "rtt",
            "rttvar",
            "min_rtt",
            "rcv_rtt",
            "last_data_sent",
            "last_ack_sent",
            "last_data_recv",
            "last_ack_recv",
            "pacing_rate",
            "delivery_rate",
            "busy_time",
            "rwnd_limited",
            "sndbuf_limited",
            "total_rto_time");

    /** The counters of TCP alone. */
    static Map<String, Long> counters(ScriptWorld world) {
        Map<String, Long> all = new TreeMap<>(world.host.shell().counters());
        all.keySet().removeIf(name -> !name.startsWith("Tcp"));
        return all;
    }

    /** @param before counters at the script's time 0 */
    static EndState of(ScriptWorld world, Map<String, Long> before) {
        SortedMap<String, Long> values = new TreeMap<>();
        counters(world).forEach((name, value) -> put(values, name, value - before.getOrDefault(name, 0L)));
        for (ScriptWorld.Fd fd : world.fds) {
            Map<String, Long> info = fd.closed || fd.live < 0 ? null : CodeEvents.info(world.sys, fd.live);
            if (info != null) {
                info.forEach((field, value) -> {
                    if (!TIMES.contains(field)) {
                        put(values, fd.script + "." + field, value);
                    }
                });
            }
        }
        return new EndState(values);
    }

    private static void put(Map<String, Long> values, String name, @Nullable Long value) {
        if (value != null && value != 0) {
            values.put(name, value);
        }
    }

    long get(String name) {
        return values.getOrDefault(name, 0L);
    }
}
