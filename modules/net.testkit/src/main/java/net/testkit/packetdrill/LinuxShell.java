package net.testkit.packetdrill;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.UserError;
import net.testkit.packetdrill.lang.ShellCommand;

/**
 * What commands do to the namespace of the calling thread: settings through {@code /proc/sys}, the rest through
 * {@code ip}, {@code tc} and {@code ethtool}, whose processes inherit the namespace.
 *
 * <p>Context: a thread of the namespace.
 */
final class LinuxShell implements HostShell {
    private final String dev;

    LinuxShell(String dev) {
        this.dev = dev;
    }

    // ---- settings

    private static Path path(String name) {
        return Path.of("/proc/sys", name.replace('.', '/'));
    }

    @Override
    public String sysctl(String name) {
        try {
            return Files.readString(path(name)).strip();
        } catch (IOException e) {
            throw new UserError("sysctl " + name + ": " + e.getMessage());
        }
    }

    @Override
    public void sysctl(String name, String value) {
        String text = value.equals("-1") && name.endsWith("notsent_lowat") ? "4294967295" : value;
        try {
            Files.writeString(path(name), text);
        } catch (IOException e) {
            throw new UserError("sysctl " + name + "=" + text + ": " + e.getMessage());
        }
    }

    @Override
    public void moduleParameter(ShellCommand.ModuleParameter p) {
        Path file = Path.of("/sys/module", p.module(), "parameters", p.name());
        try {
            if (Files.readString(file).strip().equals(p.value())) {
                return;
            }
        } catch (IOException e) {
            throw new ScriptFailure(file + ": cannot be read: " + e.getMessage());
        }
        throw new ScriptFailure(file + " is the whole machine's and is not " + p.value() + ": not changed");
    }

    // ---- devices and routes

    /** Runs a program. @return its status */
    static int run(List<String> words, String input) {
        try {
            Process p = new ProcessBuilder(words)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (var in = p.getOutputStream()) {
                in.write(input.getBytes(StandardCharsets.UTF_8));
            }
            return p.waitFor();
        } catch (IOException e) {
            throw new UserError(words.getFirst() + ": cannot be run: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScriptFailure("interrupted");
        }
    }

    private static void must(List<String> words) {
        if (run(words, "") != 0) {
            throw new ScriptFailure("command failed on this host: " + String.join(" ", words));
        }
    }

    @Override
    public void flushMetrics() {
        run(List.of("ip", "tcp_metrics", "flush", "all"), "");
    }

    @Override
    public void qdisc(ShellCommand.Qdisc q) {
        List<String> words = new ArrayList<>(List.of("tc", "qdisc", q.verb(), "dev", dev, "root"));
        String kind = q.kind();
        if (kind != null) {
            words.add(kind);
        }
        words.addAll(q.args());
        must(words);
    }

    @Override
    public boolean offloads(Map<String, Boolean> features) {
        List<String> words = new ArrayList<>(List.of("ethtool", "-K", dev));
        features.forEach((name, on) -> {
            words.add(name);
            words.add(on ? "on" : "off");
        });
        return run(words, "") == 0;
    }

    @Override
    public void route(ShellCommand.Route r) {
        if (r.ipv6()) {
            return;
        }
        // The scripted network's route may have another prefix here than where the script was written.
        String verb = r.verb().equals("del") ? "del" : "replace";
        List<String> words = new ArrayList<>(List.of("ip", "route", verb, r.destination()));
        if (!r.attributes().containsKey("dev")) {
            words.add("dev");
            words.add(dev);
        }
        r.attributes().forEach((name, value) -> {
            words.add(name);
            if (r.locked().contains(name)) {
                words.add("lock");
            }
            words.add(name.equals("dev") ? dev : value);
        });
        must(words);
    }

    @Override
    public boolean mtu(int mtu) {
        return run(List.of("ip", "link", "set", "dev", dev, "mtu", String.valueOf(mtu)), "") == 0;
    }

    // ---- looking

    @Override
    public Map<String, Long> counters() {
        Map<String, Long> counters = new TreeMap<>();
        for (String name : List.of("netstat", "snmp")) {
            List<String> lines = file("/proc/net/" + name);
            for (int i = 0; i + 1 < lines.size(); i += 2) {
                String[] names = lines.get(i).split(" ");
                String[] values = lines.get(i + 1).split(" ");
                String prefix = names[0].replace(":", "");
                for (int k = 1; k < Math.min(names.length, values.length); k++) {
                    counters.put(prefix + names[k], Long.parseLong(values[k]));
                }
            }
        }
        return counters;
    }

    /** {@code /proc/net} is that of the process's first thread, which is in another namespace. */
    @Override
    public List<String> file(String path) {
        try {
            return Files.readAllLines(Path.of(path.replaceFirst("^/proc/net/", "/proc/thread-self/net/")));
        } catch (IOException e) {
            throw new ScriptFailure(path + ": cannot be read: " + e.getMessage());
        }
    }
}
