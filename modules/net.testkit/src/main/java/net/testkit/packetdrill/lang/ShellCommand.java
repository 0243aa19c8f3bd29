package net.testkit.packetdrill.lang;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A shell command of a script as data: what it would have changed or shown. {@link ShellParser} reads it. */
public sealed interface ShellCommand {
    /**
     * One command, when it runs, and what filters its output.
     *
     * @param join relation to the command before it
     * @param command what to do
     * @param filters greps its output goes through; if the last lets nothing pass, the step fails
     */
    record Step(Join join, ShellCommand command, List<Grep> filters) {
        public Step {
            filters = List.copyOf(filters);
        }
    }

    enum Join {
        /** After a semicolon or on a new line. */
        ALWAYS,
        /** After {@code &&}: only if the step before succeeded. */
        AND,
        /** After {@code ||}: only if it failed. */
        OR
    }

    /** {@code grep PATTERN}. @param pattern a regular expression @param invert {@code -v} */
    record Grep(String pattern, boolean invert) {
        /** Whether a line passes. */
        public boolean passes(String line) {
            return Pattern.compile(pattern).matcher(line).find() != invert;
        }
    }

    /** @param name with dots: {@code net.ipv4.tcp_ecn} @param value as written, fields apart by single blanks */
    record Assignment(String name, String value) {}

    /**
     * {@code sysctl -w}, {@code set_sysctls.py} or a write to {@code /proc/sys}.
     *
     * @param ignoreUnknown {@code -e}: a name that does not exist is no failure
     * @param remember keep the old values for {@link RestoreSysctls}
     */
    record SetSysctls(List<Assignment> assignments, boolean ignoreUnknown, boolean remember) implements ShellCommand {
        public SetSysctls {
            assignments = List.copyOf(assignments);
        }
    }

    /** {@code sysctl [-n] NAME}. @param valueOnly {@code -n} */
    record ShowSysctl(String name, boolean valueOnly) implements ShellCommand {}

    /** {@code sysctl_restore_*.sh}: what {@code set_sysctls.py} changed goes back. */
    record RestoreSysctls() implements ShellCommand {}

    /** {@code ip tcp_metrics flush}. */
    record FlushMetrics() implements ShellCommand {}

    /**
     * {@code tc qdisc VERB dev DEV root KIND ...}.
     *
     * @param verb add, replace, change or delete
     * @param kind null with delete
     * @param args what follows the kind, such as {@code limit 0}
     */
    record Qdisc(String verb, String dev, @Nullable String kind, List<String> args) implements ShellCommand {
        public Qdisc {
            args = List.copyOf(args);
        }
    }

    /** {@code ethtool -K DEV tso off ...}. @param features name to on */
    record Offloads(String dev, Map<String, Boolean> features) implements ShellCommand {
        public Offloads {
            features = Map.copyOf(features);
        }
    }

    /**
     * {@code ip [-6] route VERB DESTINATION ...}.
     *
     * @param verb add, change, replace or del
     * @param attributes via, dev, src, metric; advmss, mtu, initcwnd, initrwnd, rto_min, congctl, quickack, features ...
     * @param locked those written with {@code lock}
     */
    record Route(boolean ipv6, String verb, String destination, Map<String, String> attributes, List<String> locked)
            implements ShellCommand {
        public Route {
            attributes = Map.copyOf(attributes);
            locked = List.copyOf(locked);
        }
    }

    /** {@code ip link set dev DEV mtu N}. */
    record LinkMtu(String dev, int mtu) implements ShellCommand {}

    /** {@code nstat}: counters since the last time. @param reset {@code -n}: show nothing @param names those asked for */
    record Nstat(boolean reset, boolean zeros, List<String> names) implements ShellCommand {
        public Nstat {
            names = List.copyOf(names);
        }
    }

    /** A write to {@code /sys/module/MODULE/parameters/NAME}. */
    record ModuleParameter(String module, String name, String value) implements ShellCommand {}

    /** {@code cat} or {@code grep} of files such as {@code /proc/net/tcp}; a grep is the first filter. */
    record ShowFiles(List<String> paths) implements ShellCommand {
        public ShowFiles {
            paths = List.copyOf(paths);
        }
    }

    /** {@code dd of=PATH}: a file of so many zeros for {@code sendfile}. */
    record MakeFile(String path, long bytes) implements ShellCommand {}

    /** {@code rm PATH}. */
    record RemoveFile(String path) implements ShellCommand {}

    /** {@code sleep N}. */
    record Sleep(long usecs) implements ShellCommand {}

    /** {@code true}, {@code false}, {@code echo}. */
    record Say(boolean success, String text) implements ShellCommand {}
}
