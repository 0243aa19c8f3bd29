package net.ipv4;

import net.core.IntSysctl;
import net.core.Sysctl;
import net.core.dev.NetDevice;
import net.core.neigh.NeighParms;

/**
 * The settings {@code net.ipv4.neigh.NAME.*} of a device, with the kernel's units: seconds, milliseconds where the name
 * says so.
 *
 * <p>Linux: neigh_sysctl_template, net/core/neighbour.c
 */
final class NeighSysctl {
    private static final int HZ = 1000;

    private NeighSysctl() {}

    static String prefix(NetDevice dev) {
        return "net.ipv4.neigh." + dev.name() + ".";
    }

    static void register(Sysctl s, NetDevice dev, NeighParms p) {
        String name = prefix(dev);
        IntSysctl base = reg(s, name + "base_reachable_time_ms", p.baseReachableTime, v -> {
            p.baseReachableTime = v;
            p.reachableTime = v;
        });
        if (base.value != p.baseReachableTime) {
            p.baseReachableTime = base.value;
            p.reachableTime = base.value;
        }
        p.retransTime = reg(s, name + "retrans_time_ms", p.retransTime, v -> p.retransTime = v).value;
        p.gcStaletime = seconds(reg(s, name + "gc_stale_time", p.gcStaletime / HZ, v -> p.gcStaletime = v * HZ));
        p.delayProbeTime =
                seconds(reg(s, name + "delay_first_probe_time", p.delayProbeTime / HZ, v -> p.delayProbeTime = v * HZ));
        p.queueLenBytes = reg(s, name + "unres_qlen_bytes", p.queueLenBytes, v -> p.queueLenBytes = v).value;
        p.ucastProbes = reg(s, name + "ucast_solicit", p.ucastProbes, v -> p.ucastProbes = v).value;
        p.mcastProbes = reg(s, name + "mcast_solicit", p.mcastProbes, v -> p.mcastProbes = v).value;
        p.mcastReprobes = reg(s, name + "mcast_resolicit", p.mcastReprobes, v -> p.mcastReprobes = v).value;
        p.locktime = reg(s, name + "locktime", p.locktime / 10, v -> p.locktime = v * 10).value * 10;
    }

    private static int seconds(IntSysctl s) {
        return s.value * HZ;
    }

    private static IntSysctl reg(Sysctl s, String name, int value, java.util.function.IntConsumer change) {
        return s.register(name, value, 0, Integer.MAX_VALUE / HZ, e -> change.accept(((IntSysctl) e).value));
    }
}
