package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.testkit.packetdrill.lang.ShellCommand.Assignment;
import net.testkit.packetdrill.lang.ShellCommand.Grep;
import net.testkit.packetdrill.lang.ShellCommand.Join;
import net.testkit.packetdrill.lang.ShellCommand.SetSysctls;
import net.testkit.packetdrill.lang.ShellCommand.Step;
import net.testkit.packetdrill.lang.ShellWords.Simple;

/** Reads the shell commands scripts use. A command it does not know is an error that names it. */
public final class ShellParser {
    private final int line;

    private ShellParser(int line) {
        this.line = line;
    }

    /** The steps of a command; {@code defaults.sh} is written out. */
    public static List<Step> parse(Command command) throws CodeException {
        ShellParser p = new ShellParser(command.line());
        List<Step> steps = new ArrayList<>();
        for (Simple simple : ShellWords.commands(command.text())) {
            if (simple.before().equals("|") && !steps.isEmpty()) {
                Step last = steps.removeLast();
                List<Grep> filters = new ArrayList<>(last.filters());
                filters.add(p.grep(simple.words(), new ArrayList<>()));
                steps.add(new Step(last.join(), last.command(), filters));
            } else {
                steps.addAll(p.steps(simple));
            }
        }
        return steps;
    }

    private List<Step> steps(Simple simple) throws CodeException {
        Join join = switch (simple.before()) {
            case "&&" -> Join.AND;
            case "||" -> Join.OR;
            default -> Join.ALWAYS;
        };
        List<String> words = simple.words();
        String program = words.get(0).substring(words.get(0).lastIndexOf('/') + 1);
        List<String> args = words.subList(1, words.size());
        if (program.equals("defaults.sh")) {
            return ShellDefaults.steps(words.get(0), join);
        }
        if (program.equals("grep")) {
            List<String> files = new ArrayList<>();
            Grep grep = grep(words, files);
            return List.of(new Step(join, new ShellCommand.ShowFiles(files), List.of(grep)));
        }
        ShellCommand command = switch (program) {
            case "sysctl" -> sysctl(args);
            case "set_sysctls.py" -> new SetSysctls(assignments(args), false, true);
            case "sysctl_restore_all.py" -> new ShellCommand.RestoreSysctls();
            case "ip" -> ip(args);
            case "tc" -> tc(args);
            case "ethtool" -> ethtool(args);
            case "nstat" -> nstat(args);
            case "echo" -> echo(String.join(" ", args), simple.target());
            case "cat" -> new ShellCommand.ShowFiles(args);
            case "dd" -> dd(args);
            case "rm" -> new ShellCommand.RemoveFile(args.getLast());
            case "sleep" -> new ShellCommand.Sleep(Numbers.usecs(args.get(0)));
            case "true", ":" -> new ShellCommand.Say(true, "");
            case "false" -> new ShellCommand.Say(false, "");
            default -> {
                if (program.startsWith("sysctl_restore_")) {
                    yield new ShellCommand.RestoreSysctls();
                }
                throw unknown(words);
            }
        };
        return List.of(new Step(join, command, List.of()));
    }

    private ShellCommand sysctl(List<String> args) throws CodeException {
        List<Assignment> assignments = new ArrayList<>();
        boolean ignoreUnknown = false;
        boolean valueOnly = false;
        String shown = "";
        for (String a : args) {
            if (a.startsWith("-")) {
                ignoreUnknown |= a.contains("e");
                valueOnly |= a.contains("n");
            } else if (a.contains("=")) {
                assignments.add(assignment(a));
            } else {
                shown = dotted(a);
            }
        }
        if (!assignments.isEmpty()) {
            return new SetSysctls(assignments, ignoreUnknown, false);
        }
        if (shown.isEmpty()) {
            throw unknown(args);
        }
        return new ShellCommand.ShowSysctl(shown, valueOnly);
    }

    private List<Assignment> assignments(List<String> args) throws CodeException {
        List<Assignment> assignments = new ArrayList<>();
        for (String a : args) {
            assignments.add(assignment(a));
        }
        return assignments;
    }

    private Assignment assignment(String text) throws CodeException {
        int eq = text.indexOf('=');
        if (eq <= 0) {
            throw new CodeException(line, "expected NAME=VALUE, found '" + text + "'");
        }
        return new Assignment(
                dotted(text.substring(0, eq)), text.substring(eq + 1).strip().replaceAll("\\s+", " "));
    }

    /** {@code /proc/sys/net/ipv4/x} and {@code net/ipv4/x} are {@code net.ipv4.x}. */
    private static String dotted(String name) {
        String n = name.startsWith("/proc/sys/") ? name.substring("/proc/sys/".length()) : name;
        return n.replace('/', '.');
    }

    private ShellCommand ip(List<String> args) throws CodeException {
        boolean ipv6 = args.contains("-6");
        List<String> a = args.stream().filter(s -> !s.startsWith("-")).toList();
        if (a.size() >= 2 && a.get(0).equals("tcp_metrics") && a.get(1).equals("flush")) {
            return new ShellCommand.FlushMetrics();
        }
        if (a.size() >= 3 && a.get(0).startsWith("ro")) {
            return route(ipv6, a);
        }
        if (a.size() >= 2 && a.get(0).equals("link") && a.get(1).equals("set") && a.contains("mtu")) {
            int mtu = a.indexOf("mtu");
            String dev = a.contains("dev") ? a.get(a.indexOf("dev") + 1) : a.get(2);
            return new ShellCommand.LinkMtu(dev, integer(a, mtu + 1));
        }
        throw unknown(args);
    }

    private ShellCommand route(boolean ipv6, List<String> a) throws CodeException {
        Map<String, String> attributes = new LinkedHashMap<>();
        List<String> locked = new ArrayList<>();
        int i = 3;
        while (i < a.size()) {
            String name = a.get(i++);
            if (i < a.size() && a.get(i).equals("lock")) {
                locked.add(name);
                i++;
            }
            if (i == a.size()) {
                throw new CodeException(line, "ip route: '" + name + "' wants a value");
            }
            attributes.put(name, a.get(i++));
        }
        return new ShellCommand.Route(ipv6, a.get(1), a.get(2), attributes, locked);
    }

    private ShellCommand tc(List<String> a) throws CodeException {
        int dev = a.indexOf("dev");
        int root = a.indexOf("root");
        if (a.size() < 4 || !a.get(0).equals("qdisc") || dev < 0 || root < 0) {
            throw unknown(a);
        }
        String kind = root + 1 < a.size() ? a.get(root + 1) : null;
        List<String> rest = kind == null ? List.of() : a.subList(root + 2, a.size());
        String verb = a.get(1).equals("del") ? "delete" : a.get(1);
        if (!List.of("add", "replace", "change", "delete").contains(verb)) {
            throw unknown(a);
        }
        return new ShellCommand.Qdisc(verb, a.get(dev + 1), kind, rest);
    }

    private ShellCommand ethtool(List<String> a) throws CodeException {
        if (a.size() < 4 || !a.get(0).equals("-K") || a.size() % 2 != 0) {
            throw unknown(a);
        }
        Map<String, Boolean> features = new LinkedHashMap<>();
        for (int i = 2; i < a.size(); i += 2) {
            features.put(a.get(i), a.get(i + 1).equals("on"));
        }
        return new ShellCommand.Offloads(a.get(1), features);
    }

    private ShellCommand nstat(List<String> args) {
        String flags =
                String.join("", args.stream().filter(a -> a.startsWith("-")).toList());
        return new ShellCommand.Nstat(
                flags.contains("n"),
                flags.contains("z"),
                args.stream().filter(a -> !a.startsWith("-")).toList());
    }

    private ShellCommand echo(String text, String target) throws CodeException {
        if (target.startsWith("/proc/sys/")) {
            return new SetSysctls(List.of(new Assignment(dotted(target), text.strip())), false, false);
        }
        if (target.startsWith("/sys/module/")) {
            String[] parts = target.split("/");
            if (parts.length == 6 && parts[4].equals("parameters")) {
                return new ShellCommand.ModuleParameter(parts[3], parts[5], text.strip());
            }
        }
        if (!target.isEmpty() && !target.equals("/dev/null")) {
            throw new CodeException(line, "cannot write to " + target + " here");
        }
        return new ShellCommand.Say(true, text);
    }

    private ShellCommand dd(List<String> args) throws CodeException {
        Map<String, String> named = new LinkedHashMap<>(Map.of("bs", "512", "count", "1"));
        for (String a : args) {
            int eq = a.indexOf('=');
            named.put(eq < 0 ? a : a.substring(0, eq), a.substring(eq + 1));
        }
        String path = named.get("of");
        if (path == null) {
            throw unknown(args);
        }
        List<String> sizes = List.of(named.getOrDefault("bs", ""), named.getOrDefault("count", ""));
        return new ShellCommand.MakeFile(path, (long) integer(sizes, 0) * integer(sizes, 1));
    }

    private Grep grep(List<String> words, List<String> files) throws CodeException {
        if (!words.get(0).equals("grep") && !words.get(0).endsWith("/grep")) {
            throw unknown(words);
        }
        boolean invert = false;
        String pattern = null;
        for (String w : words.subList(1, words.size())) {
            if (w.startsWith("-")) {
                invert |= w.contains("v");
            } else if (pattern == null) {
                pattern = w;
            } else {
                files.add(w);
            }
        }
        if (pattern == null) {
            throw unknown(words);
        }
        return new Grep(pattern, invert);
    }

    private int integer(List<String> words, int at) throws CodeException {
        Long n = at < words.size() ? Numbers.parseC(words.get(at)) : null;
        if (n == null || n < 0 || n > Integer.MAX_VALUE) {
            throw new CodeException(line, "expected a number" + (at < words.size() ? ", found " + words.get(at) : ""));
        }
        return n.intValue();
    }

    private CodeException unknown(List<String> words) {
        return new CodeException(line, "no such shell command here: " + String.join(" ", words));
    }
}
