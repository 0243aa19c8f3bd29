package softnet.tools.applet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** {@code tools/softnet run} as a process of its own, on a TAP between 10.9.0.1 (Linux) and 10.9.0.2 (the stack). */
final class LiveStack implements AutoCloseable {
    static final String LINUX = "10.9.0.1";
    static final String STACK = "10.9.0.2";
    /** Exit status after SIGTERM. */
    static final int TERMINATED = 143;

    private static final long START_SECONDS = 40;

    final Process process;
    final List<String> errors = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private LiveStack(Process process) {
        this.process = process;
        reader = new Thread(this::readErrors, "stack's standard error");
        reader.start();
    }

    /** Starts an applet; {@code options} stand before the {@code --}. */
    static LiveStack start(List<String> options, String... applet) throws IOException {
        List<String> command = new ArrayList<>(List.of(softnet(), "run", "--tap", "sn0"));
        command.addAll(List.of("--addr", STACK + "/24", "--host-addr", LINUX + "/24"));
        command.addAll(options);
        command.add("--");
        command.addAll(Arrays.asList(applet));
        return new LiveStack(new ProcessBuilder(command).start());
    }

    static String softnet() {
        return Path.of(Objects.requireNonNull(System.getProperty("softnet.root")), "tools", "softnet")
                .toString();
    }

    private void readErrors() {
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(errors::add);
        } catch (IOException | UncheckedIOException e) {
            errors.add(e.toString());
        }
    }

    /** Waits until standard error has a line with {@code text}. */
    LiveStack awaitError(String text) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (errors.stream().noneMatch(l -> l.contains(text))) {
            assertThat(process.isAlive() && System.nanoTime() < end)
                    .as("'%s' in %s", text, errors)
                    .isTrue();
            Thread.sleep(20);
        }
        return this;
    }

    /** Waits until the stack answers a ping. */
    LiveStack awaitPing() throws Exception {
        for (int i = 0; i < 100; i++) {
            if (run("ping", "-c", "1", "-W", "1", STACK).status() == 0) {
                return this;
            }
            assertThat(process.isAlive()).as("%s", errors).isTrue();
            Thread.sleep(100);
        }
        throw new AssertionError("no answer to ping: " + errors);
    }

    /** Waits for the applet's own end. */
    int awaitEnd() throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended").isTrue();
        reader.join();
        return process.exitValue();
    }

    /** Sends SIGTERM and checks that everything was closed in order. */
    @Override
    public void close() {
        try {
            end();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private void end() throws InterruptedException {
        boolean ran = process.isAlive();
        process.destroy();
        boolean ended = process.waitFor(20, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        assertThat(ended).as("SIGTERM ends it: %s", errors).isTrue();
        reader.join();
        if (ran) {
            assertThat(process.exitValue()).isEqualTo(TERMINATED);
        }
        assertThat(errors).as("clean end").noneMatch(l -> l.contains("leak") || l.contains("Exception"));
    }

    /** What a command printed, and its status. */
    record Result(int status, String out, String err) {}

    /** Runs a command of Linux to its end. */
    static Result run(String... command) throws IOException, InterruptedException {
        return run(new byte[0], command);
    }

    static Result run(byte[] input, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Thread errReader = new Thread(() -> copy(process.getErrorStream(), err));
        errReader.start();
        Thread writer = new Thread(() -> {
            try (var in = process.getOutputStream()) {
                in.write(input);
            } catch (IOException e) {
                // The command did not want all of it.
            }
        });
        writer.start();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        copy(process.getInputStream(), out);
        int status = process.waitFor();
        errReader.join();
        writer.join();
        return new Result(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static void copy(InputStream from, ByteArrayOutputStream to) {
        try (from) {
            from.transferTo(to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The process's standard output, read to its end. */
    String out() throws IOException {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            return String.join("\n", lines.lines().toList());
        }
    }
}
