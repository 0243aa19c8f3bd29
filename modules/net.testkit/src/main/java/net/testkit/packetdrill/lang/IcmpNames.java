package net.testkit.packetdrill.lang;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Numbers of ICMP types and codes by the names scripts use; {@code type_N} and {@code code_N} name any. */
public final class IcmpNames {
    private static final Map<String, Integer> TYPES = Map.ofEntries(
            Map.entry("echo_reply", 0),
            Map.entry("unreachable", 3),
            Map.entry("source_quench", 4),
            Map.entry("redirect", 5),
            Map.entry("echo_request", 8),
            Map.entry("time_exceeded", 11),
            Map.entry("parameter_problem", 12),
            Map.entry("timestamp_request", 13),
            Map.entry("timestamp_reply", 14),
            Map.entry("information_request", 15),
            Map.entry("information_reply", 16),
            Map.entry("address_mask_request", 17),
            Map.entry("address_mask_reply", 18));

    private static final Map<String, Integer> UNREACHABLE = Map.ofEntries(
            Map.entry("net_unreachable", 0),
            Map.entry("host_unreachable", 1),
            Map.entry("protocol_unreachable", 2),
            Map.entry("port_unreachable", 3),
            Map.entry("frag_needed", 4),
            Map.entry("source_route_failed", 5),
            Map.entry("net_unknown", 6),
            Map.entry("host_unknown", 7),
            Map.entry("source_host_isolated", 8),
            Map.entry("net_prohibited", 9),
            Map.entry("host_prohibited", 10),
            Map.entry("net_unreachable_for_tos", 11),
            Map.entry("host_unreachable_for_tos", 12),
            Map.entry("packet_filtered", 13),
            Map.entry("precedence_violation", 14),
            Map.entry("precedence_cutoff", 15));

    private static final Map<String, Integer> TYPES6 = Map.of(
            "unreachable", 1,
            "packet_too_big", 2,
            "time_exceeded", 3,
            "parameter_problem", 4,
            "echo_request", 128,
            "echo_reply", 129);

    private static final Map<String, Integer> CODES6 = Map.of(
            "no_route", 0,
            "net_unreachable", 0,
            "admin_prohibited", 1,
            "not_neighbour", 2,
            "address_unreachable", 3,
            "port_unreachable", 4,
            "exceeded_hop_limit", 0,
            "exceeded_frag_time", 1);

    private IcmpNames() {}

    /** Number of a type, or -1. */
    public static int type(String name, boolean ipv6) {
        return (ipv6 ? TYPES6 : TYPES).getOrDefault(name, numbered(name, "type_"));
    }

    /** Number of a code, or -1; without one, 0. */
    public static int code(@Nullable String name, boolean ipv6) {
        return name == null ? 0 : (ipv6 ? CODES6 : UNREACHABLE).getOrDefault(name, numbered(name, "code_"));
    }

    private static int numbered(String name, String prefix) {
        Long n = name.startsWith(prefix) ? Numbers.parseC(name.substring(prefix.length())) : null;
        return n != null && n >= 0 && n <= 255 ? n.intValue() : -1;
    }
}
