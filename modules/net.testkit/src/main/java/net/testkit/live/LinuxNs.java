package net.testkit.live;

import drivers.tapnic.TapDevice;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import net.core.UserError;
import net.core.sys.Sys;
import net.core.task.ThrowingRunnable;
import net.skbuff.Errno;

/**
 * A network namespace of the machine's Linux: that of one platform thread, inherited by the threads and processes which
 * it starts, and gone with the last of them. It has its loopback device up, no IPv6 and cubic unless told otherwise.
 *
 * <p>Context: any thread; what it is given runs on its own, one thing at a time, except {@link #start}.
 */
public final class LinuxNs implements AutoCloseable {
    private final String name;
    private final ExecutorService thread;

    /** @throws UserError if this process may not make one */
    public LinuxNs(String name) {
        this.name = name;
        thread = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("namespace " + name).factory());
        call(() -> {
            int rc = Sys.unshare(Sys.CLONE_NEWNET);
            if (rc < 0) {
                throw new UserError("a network namespace: " + Errno.text(-rc) + ": run as root");
            }
            return rc;
        });
        sysctl("net.ipv6.conf.all.disable_ipv6", "1");
        sysctl("net.ipv6.conf.default.disable_ipv6", "1");
        sysctl("net.ipv4.tcp_congestion_control", "cubic");
        ip("link", "set", "dev", "lo", "up");
    }

    public String name() {
        return name;
    }

    /** Runs on the namespace's thread and waits for the result. */
    public <T> T call(Callable<T> body) {
        try {
            return CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return body.call();
                                } catch (RuntimeException e) {
                                    throw e;
                                } catch (Exception e) {
                                    throw new CompletionException(e);
                                }
                            },
                            thread)
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException r) {
                throw r;
            }
            throw e;
        }
    }

    /** A program: a thread of the namespace whose end the result tells. */
    public CompletableFuture<Void> start(String what, ThrowingRunnable body) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        call(() -> Thread.ofPlatform().daemon().name(what).start(() -> {
            try {
                body.run();
                end.complete(null);
            } catch (Exception | Error e) {
                end.completeExceptionally(e);
            }
        }));
        return end;
    }

    /** Sets a setting of the namespace. */
    public void sysctl(String setting, String value) {
        call(() -> Files.writeString(Path.of("/proc/sys", setting.replace('.', '/')), value));
    }

    /** Reads one. In one piece: the kernel answers only the first read. */
    public String sysctl(String setting) {
        return call(() -> {
            byte[] text = new byte[4096];
            try (FileInputStream file = new FileInputStream("/proc/sys/" + setting.replace('.', '/'))) {
                int n = file.read(text);
                return new String(text, 0, Math.max(0, n), StandardCharsets.UTF_8).strip();
            }
        });
    }

    /** Runs {@code ip} with these words. */
    public void ip(String... words) {
        String[] command = new String[words.length + 1];
        command[0] = "ip";
        System.arraycopy(words, 0, command, 1, words.length);
        String said = output(command);
        if (!said.isEmpty()) {
            throw new UserError("ip " + String.join(" ", words) + ": " + said.strip());
        }
    }

    /** Runs a program in the namespace to its end. @return what it printed */
    public String output(String... command) {
        return call(() -> {
            Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
            p.getOutputStream().close();
            String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            p.waitFor();
            return said;
        });
    }

    /** A TAP without offloads in this namespace, up, with an address and its prefix length. */
    public TapDevice tap(String device, String addrSlashLen) {
        TapDevice tap = call(() -> TapDevice.open(device, 1, false));
        ip("addr", "add", addrSlashLen, "dev", device);
        ip("link", "set", "dev", device, "up");
        return tap;
    }

    /** A TAP without offloads on a bridge of this namespace, up. */
    public TapDevice tapOnBridge(String device, String bridge) {
        TapDevice tap = call(() -> TapDevice.open(device, 1, false));
        ip("link", "set", "dev", device, "master", bridge);
        ip("link", "set", "dev", device, "up");
        return tap;
    }

    /** All counters, named as nstat does: TcpRetransSegs, TcpExtTCPLostRetransmit. */
    public Map<String, Long> counters() {
        return call(() -> {
            Map<String, Long> counters = new TreeMap<>();
            for (String file : List.of("netstat", "snmp")) {
                List<String> lines = read("/proc/thread-self/net/" + file);
                for (int i = 0; i + 1 < lines.size(); i += 2) {
                    String[] names = lines.get(i).split(" ");
                    String[] values = lines.get(i + 1).split(" ");
                    for (int k = 1; k < Math.min(names.length, values.length); k++) {
                        counters.put(names[0].replace(":", "") + names[k], Long.parseLong(values[k]));
                    }
                }
            }
            return counters;
        });
    }

    private static List<String> read(String file) throws IOException {
        return Files.readAllLines(Path.of(file));
    }

    /** Takes no more work. The namespace ends when its last thread and descriptor are gone. */
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
