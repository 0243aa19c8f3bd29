package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.UserError;
import net.core.dev.DevGlobals;
import net.core.dev.NetdevFeatures;
import net.core.neigh.DstEntry;
import net.ipv4.Ipv4Admin;
import net.ipv4.route.FibConfig;
import net.tcp.TcpNet;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.CodeException;
import net.testkit.packetdrill.lang.Command;
import net.testkit.packetdrill.lang.ShellCommand;
import net.testkit.packetdrill.lang.ShellCommand.Grep;
import net.testkit.packetdrill.lang.ShellCommand.Step;
import net.testkit.packetdrill.lang.ShellParser;

/**
 * The shell commands that scripts use, done to the emulated host: settings, routes, queueing disciplines, offloads,
 * counters. A command whose last step fails fails the script.
 */
final class ShellEvents {
    private static final int ECN_FEATURE = 1;

    private final ScriptWorld world;
    private final Map<String, String> remembered = new TreeMap<>();
    private Map<String, Long> counters = new TreeMap<>();
    /** Why the last setting that could not be was refused. */
    private String refused = "";

    ShellEvents(ScriptWorld world) {
        this.world = world;
    }

    /** Runs a command line; throws if it fails. */
    void run(Command command) {
        List<Step> steps;
        try {
            steps = ShellParser.parse(command);
        } catch (CodeException e) {
            throw new ScriptFailure(e.getMessage());
        }
        boolean ok = true;
        refused = "";
        for (Step step : steps) {
            boolean wanted = switch (step.join()) {
                case ALWAYS -> true;
                case AND -> ok;
                case OR -> !ok;
            };
            if (wanted) {
                ok = run(step);
            }
        }
        if (!ok) {
            throw new ScriptFailure(
                    "command failed: " + (refused.isEmpty() ? command.text().strip() : refused));
        }
    }

    private boolean run(Step step) {
        List<String> lines = new ArrayList<>();
        boolean ok = run(step.command(), lines);
        for (Grep grep : step.filters()) {
            lines.removeIf(line -> !grep.passes(line));
            ok = !lines.isEmpty();
        }
        return ok;
    }

    private boolean run(ShellCommand command, List<String> out) {
        switch (command) {
            case ShellCommand.SetSysctls s -> {
                return set(s);
            }
            case ShellCommand.ShowSysctl s ->
                out.add((s.valueOnly() ? "" : s.name() + " = ")
                        + world.net.sysctl().get(s.name()));
            case ShellCommand.RestoreSysctls r -> {
                remembered.forEach((name, value) -> world.net.sysctl().set(name, value));
                remembered.clear();
            }
            case ShellCommand.FlushMetrics f -> TcpNet.of(world.net).metrics.flush();
            case ShellCommand.Qdisc q -> qdisc(q);
            case ShellCommand.Offloads o -> {
                return offloads(o);
            }
            case ShellCommand.Route r -> route(r);
            case ShellCommand.LinkMtu l -> {
                return world.tun.dev.setMtu(l.mtu()) == 0;
            }
            case ShellCommand.Nstat n -> nstat(n, out);
            case ShellCommand.ModuleParameter p -> parameter(p);
            case ShellCommand.ShowFiles f -> {
                return show(f, out);
            }
            case ShellCommand.MakeFile f -> world.files.put(f.path(), (int) f.bytes());
            case ShellCommand.RemoveFile f -> world.files.remove(f.path());
            case ShellCommand.Sleep s -> world.sleepUntil(world.nowUsecs() + s.usecs());
            case ShellCommand.Say s -> {
                out.add(s.text());
                return s.success();
            }
        }
        return true;
    }

    // ---- settings

    private boolean set(ShellCommand.SetSysctls s) {
        boolean ok = true;
        for (ShellCommand.Assignment a : s.assignments()) {
            try {
                if (s.remember()) {
                    remembered.putIfAbsent(a.name(), world.net.sysctl().get(a.name()));
                }
                world.net.sysctl().set(a.name(), value(a.value()));
            } catch (UserError e) {
                if (!s.ignoreUnknown()) {
                    refused = String.valueOf(e.getMessage());
                    ok = false;
                }
            }
        }
        return ok;
    }

    /** The kernel takes numbers in C's notations, and an unsigned one for no limit. */
    private static String value(String text) {
        if (text.startsWith("0x") || text.startsWith("0X")) {
            return Long.toString(Long.parseLong(text.substring(2), 16));
        }
        return text.equals("4294967295") ? "-1" : text;
    }

    private static void parameter(ShellCommand.ModuleParameter p) {
        // Both of HyStart's detectors are always on here, which is what scripts ask for.
        boolean known = p.module().equals("tcp_cubic")
                && p.name().equals("hystart_detect")
                && p.value().equals("3");
        if (!known) {
            throw new ScriptFailure(
                    "module parameter that is not emulated: " + p.module() + "." + p.name() + "=" + p.value());
        }
    }

    // ---- devices and routes

    private void qdisc(ShellCommand.Qdisc q) {
        List<String> words = new ArrayList<>();
        words.add(q.kind() == null || q.verb().equals("delete") ? "pfifo_fast" : q.kind());
        words.addAll(q.args());
        world.net
                .kernel()
                .rtnl()
                .run(() -> DevGlobals.of(world.net.kernel()).qdiscs.attachRoot(world.tun.dev, String.join(" ", words)));
    }

    private boolean offloads(ShellCommand.Offloads o) {
        boolean ok = true;
        for (Map.Entry<String, Boolean> feature : o.features().entrySet()) {
            long bits = NetdevFeatures.byName(feature.getKey());
            if (bits == 0) {
                throw new ScriptFailure("ethtool: unknown feature " + feature.getKey());
            }
            ok &= world.tun.dev.setFeatures(bits, feature.getValue()) == 0;
        }
        return ok;
    }

    private void route(ShellCommand.Route r) {
        if (r.ipv6()) {
            return;
        }
        String[] prefix = r.destination().split("/");
        FibConfig c = new FibConfig(Lab.address(prefix[0]), prefix.length > 1 ? Integer.parseInt(prefix[1]) : 32);
        int gateway = 0;
        for (Map.Entry<String, String> a : r.attributes().entrySet()) {
            String value = a.getValue();
            switch (a.getKey()) {
                case "via" -> gateway = Lab.address(value);
                case "dev" -> {}
                case "features" -> c.metrics[DstEntry.RTAX_FEATURES] |= value.equals("ecn") ? ECN_FEATURE : 0;
                case "congctl" -> c.ccName = value;
                default -> {
                    int rtax = metric(a.getKey());
                    c.metricLocks |= r.locked().contains(a.getKey()) ? 1 << rtax : 0;
                    c.metrics[rtax] = metricValue(value);
                }
            }
        }
        c.via(world.tun.dev, gateway);
        if (r.verb().equals("del")) {
            Ipv4Admin.delRoute(world.net, c);
        } else {
            Ipv4Admin.replaceRoute(world.net, c);
        }
    }

    /** Times are milliseconds unless they say seconds. */
    private static int metricValue(String text) {
        boolean seconds = text.endsWith("s") && !text.endsWith("ms");
        return Integer.parseInt(text.replaceFirst("m?s$", "")) * (seconds ? 1000 : 1);
    }

    private static int metric(String name) {
        return switch (name) {
            case "mtu" -> DstEntry.RTAX_MTU;
            case "window" -> DstEntry.RTAX_WINDOW;
            case "rtt" -> DstEntry.RTAX_RTT;
            case "rttvar" -> DstEntry.RTAX_RTTVAR;
            case "ssthresh" -> DstEntry.RTAX_SSTHRESH;
            case "cwnd" -> DstEntry.RTAX_CWND;
            case "advmss" -> DstEntry.RTAX_ADVMSS;
            case "reordering" -> DstEntry.RTAX_REORDERING;
            case "hoplimit" -> DstEntry.RTAX_HOPLIMIT;
            case "initcwnd" -> DstEntry.RTAX_INITCWND;
            case "rto_min" -> DstEntry.RTAX_RTO_MIN;
            case "initrwnd" -> DstEntry.RTAX_INITRWND;
            case "quickack" -> DstEntry.RTAX_QUICKACK;
            default -> throw new ScriptFailure("ip route: unknown attribute " + name);
        };
    }

    // ---- looking

    /** What moved since the last time. */
    private void nstat(ShellCommand.Nstat n, List<String> out) {
        Map<String, Long> now = world.net.mib().snapshot();
        if (!n.reset()) {
            now.forEach((name, value) -> {
                long moved = value - counters.getOrDefault(name, 0L);
                boolean asked = n.names().isEmpty() || n.names().contains(name);
                if (asked && (moved != 0 || n.zeros())) {
                    out.add(name + " " + moved);
                }
            });
        }
        counters = now;
    }

    private boolean show(ShellCommand.ShowFiles files, List<String> out) {
        for (String path : files.paths()) {
            switch (path) {
                case "/proc/net/tcp" -> out.addAll(ProcTcp.lines(world.net));
                case "/proc/net/tcp6" -> {}
                default -> throw new ScriptFailure("file that is not emulated: " + path);
            }
        }
        return true;
    }
}
