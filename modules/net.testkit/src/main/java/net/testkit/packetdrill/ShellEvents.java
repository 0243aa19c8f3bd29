package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import net.core.UserError;
import net.testkit.packetdrill.lang.CodeException;
import net.testkit.packetdrill.lang.Command;
import net.testkit.packetdrill.lang.ShellCommand;
import net.testkit.packetdrill.lang.ShellCommand.Grep;
import net.testkit.packetdrill.lang.ShellCommand.Step;
import net.testkit.packetdrill.lang.ShellParser;

/**
 * The shell commands that scripts use, done to the host: settings, routes, queueing disciplines, offloads,
 * counters. A command whose last step fails fails the script.
 */
final class ShellEvents {
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
                        + world.host.shell().sysctl(s.name()));
            case ShellCommand.RestoreSysctls r -> {
                remembered.forEach((name, value) -> world.host.shell().sysctl(name, value));
                remembered.clear();
            }
            case ShellCommand.FlushMetrics f -> world.host.shell().flushMetrics();
            case ShellCommand.Qdisc q -> world.host.shell().qdisc(q);
            case ShellCommand.Offloads o -> {
                return world.host.shell().offloads(o.features());
            }
            case ShellCommand.Route r -> world.host.shell().route(r);
            case ShellCommand.LinkMtu l -> {
                return world.host.shell().mtu(l.mtu());
            }
            case ShellCommand.Nstat n -> nstat(n, out);
            case ShellCommand.ModuleParameter p -> world.host.shell().moduleParameter(p);
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
                    remembered.putIfAbsent(a.name(), world.host.shell().sysctl(a.name()));
                }
                world.host.shell().sysctl(a.name(), value(a.value()));
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

    // ---- looking

    /** What moved since the last time. */
    private void nstat(ShellCommand.Nstat n, List<String> out) {
        Map<String, Long> now = world.host.shell().counters();
        if (!n.reset()) {
            now.forEach((name, value) -> {
                long moved = value - counters.getOrDefault(name, 0L);
                boolean asked = n.names().isEmpty() || n.names().contains(name);
                if (asked && (moved != 0 || n.zeros())) {
                    out.add(String.format(Locale.ROOT, "%-32s%-18d 0.0", name, moved));
                }
            });
        }
        counters = now;
    }

    private boolean show(ShellCommand.ShowFiles files, List<String> out) {
        for (String path : files.paths()) {
            out.addAll(world.host.shell().file(path));
        }
        return true;
    }
}
