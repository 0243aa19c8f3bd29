package net.metrics;

import io.micrometer.core.instrument.Tags;
import java.util.Set;
import net.core.MibCounter;
import net.core.MibSet;
import net.core.Net;

/** Meters of the SNMP counters. Linux: net/ipv4/proc.c */
final class MibMeters {
    /** What nstat lists among the counters but is a level or a setting. */
    private static final Set<String> GAUGES = Set.of(
            "TcpCurrEstab", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn", "IpForwarding", "IpDefaultTTL");

    private MibMeters() {}

    static void bind(Meters meters, Net net, MibSet<?> mib) {
        String group = mib.group();
        String prefix = "softnet." + family(group) + ".";
        Tags tags = SoftnetMetrics.tags(net);
        for (MibCounter counter : mib.counters()) {
            String nstat = group + counter.mibName();
            int ordinal = counter.ordinal();
            String linux = "nstat " + nstat + ": " + file(group) + ", include/uapi/linux/snmp.h";
            if (GAUGES.contains(nstat)) {
                meters.gauge(prefix + nstat, "", linux, tags, mib, m -> m.read(ordinal));
            } else {
                meters.counter(prefix + nstat, "", linux, tags, mib, m -> m.read(ordinal));
            }
        }
    }

    /** TcpExt counts with Tcp, IpExt with Ip, and so on. */
    private static String family(String group) {
        for (String known : new String[] {"MPTcp", "Tcp", "Icmp", "UdpLite", "Udp", "Ip"}) {
            if (group.startsWith(known)) {
                return known.toLowerCase(java.util.Locale.ROOT);
            }
        }
        return group.toLowerCase(java.util.Locale.ROOT);
    }

    private static String file(String group) {
        return group.endsWith("Ext") ? "/proc/net/netstat" : "/proc/net/snmp";
    }
}
