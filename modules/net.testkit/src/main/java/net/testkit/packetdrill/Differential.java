package net.testkit.packetdrill;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import net.core.UserError;
import net.skbuff.Errno;
import net.testkit.packetdrill.lang.Script;

/**
 * Runs a script on Softnet and on the machine's Linux and says where they part. A script that cannot be checked so says
 * why in a comment line {@code // differential: REASON}.
 *
 * <p>What one host sends and the script does not look at is compared as well. Times are the script's business: the two
 * hosts' clocks tick differently.
 *
 * <p>Context: any thread of a process with CAP_SYS_ADMIN, CAP_NET_ADMIN and {@code /dev/net/tun}; several at once.
 */
public final class Differential {
    /** How far times on the machine may be off unless the person says otherwise: two of its jiffies and the scheduler. */
    public static final long TOLERANCE_USECS = 12_000;

    private static final String REASON = "// differential:";
    /** A machine that does something else at the wrong moment gets another chance. */
    private static final int ATTEMPTS = 3;

    private static final long PATIENCE_USECS = 50_000;

    private Differential() {}

    /** Throws {@link UserError} in one line if this process cannot make a namespace and a TUN. */
    public static void checkHost() {
        if (!Files.isWritable(Path.of("/dev/net/tun"))) {
            throw new UserError(
                    "--differential: /dev/net/tun is missing or not writable: run as root with the tun module");
        }
        long rc = onThread(() -> LibC.UNSHARE.call(LibC.CLONE_NEWNET));
        if (rc < 0) {
            throw new UserError("--differential: a network namespace: " + Errno.text((int) -rc) + ": run as root");
        }
    }

    /** The kernel's version without what its builder added, such as 6.18.1. */
    public static String kernel() {
        return System.getProperty("os.version", "").replaceFirst("^([0-9.]+).*", "$1");
    }

    /**
     * Runs both.
     *
     * @param script for Softnet
     * @param live the same, with the tolerance for the machine
     * @return pass: both agree with the script and with each other; skip: the script says why it cannot be checked
     */
    public static Verdict run(Script script, Script live, RunOptions options) {
        return run(script, live, options, false, 0).verdict();
    }

    /**
     * A verdict, and what both hosts had counted and knew at the script's end.
     *
     * @param endState as {@link EndStates} keeps it; empty if a run failed or none was asked for
     */
    public record Outcome(Verdict verdict, String endState) {}

    /**
     * Runs both.
     *
     * @param counters whether what nstat shows must have moved alike as well, see {@link CounterDiff}
     * @param more how often more on Linux, to compare how the script ended
     */
    public static Outcome run(Script script, Script live, RunOptions options, boolean counters, int more) {
        for (int i = 1; i <= script.lines().size(); i++) {
            if (script.line(i).startsWith(REASON)) {
                return new Outcome(
                        Verdict.skip(
                                0, script.line(i).substring(REASON.length()).strip(), i),
                        "");
            }
        }
        Run ours = Packetdrill.softnet(script, options, true);
        if (ours.verdict().result() == Verdict.Result.SKIP) {
            return new Outcome(ours.verdict(), "");
        }
        double seconds = ours.verdict().seconds();
        Verdict outcome = ours.verdict();
        List<EndState> ends = new ArrayList<>();
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Run theirs = onThread(() -> linux(live));
            outcome = compare(ours, theirs, counters);
            seconds += theirs.verdict().seconds();
            ends.add(theirs.end());
            if (outcome.result() == Verdict.Result.PASS
                    || theirs.verdict().error().isEmpty()) {
                break;
            }
        }
        Verdict verdict = new Verdict(outcome.result(), seconds, outcome.error(), outcome.line());
        if (more == 0 || outcome.result() != Verdict.Result.PASS) {
            return new Outcome(verdict, "");
        }
        ends.subList(0, ends.size() - 1).clear(); // of the run that passed
        for (int i = 0; i < more; i++) {
            Run again = onThread(() -> linux(live));
            if (again.verdict().error().isEmpty()) {
                ends.add(again.end());
            }
        }
        return new Outcome(verdict, EndStates.row(ours.end(), ends));
    }

    /** A verdict, what it was about, and how it ended. */
    record Run(Verdict verdict, Transcript transcript, EndState end) {}

    private static Run linux(Script live) {
        long began = System.nanoTime();
        ScriptRun run = new ScriptRun(live);
        try (ScriptWorld world = new ScriptWorld(live.settings(), null, tap -> new LinuxHost(live.settings(), tap))) {
            world.keepAll();
            return Packetdrill.run(run, world, began);
        }
    }

    private static Verdict compare(Run ours, Run theirs, boolean counters) {
        String parting = Transcript.parting(ours.transcript(), theirs.transcript(), PATIENCE_USECS);
        if (ours.verdict().error().isEmpty() && theirs.verdict().error().isEmpty() && parting == null) {
            List<String> moved = counters
                    ? CounterDiff.between(
                            ours.transcript().moved(), theirs.transcript().moved())
                    : List.of();
            return moved.isEmpty()
                    ? Verdict.pass(0)
                    : Verdict.fail(0, "counters moved differently:\n  " + String.join("\n  ", moved), 0);
        }
        Verdict first = theirs.verdict().error().isEmpty() ? ours.verdict() : theirs.verdict();
        return Verdict.fail(
                0,
                (parting == null ? "Softnet and Linux sent the same" : parting)
                        + said("Softnet", ours)
                        + said("Linux", theirs),
                first.line());
    }

    private static String said(String host, Run run) {
        String error = run.verdict().error();
        return "\n" + host + (error.isEmpty() ? " agrees with the script" : ": " + error);
    }

    /** A namespace belongs to a thread: each run has a new one. */
    static <T> T onThread(java.util.function.Supplier<T> body) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().name("script on Linux").start(() -> {
            try {
                result.complete(body.get());
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
        try {
            T value = result.join();
            thread.join();
            return value;
        } catch (CompletionException e) {
            if (e.getCause() instanceof UserError u) {
                throw u;
            }
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("interrupted");
        }
    }
}
