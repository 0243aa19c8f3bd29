package softnet.tools.drill;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import net.testkit.packetdrill.Differential;
import net.testkit.packetdrill.Packetdrill;
import net.testkit.packetdrill.RunOptions;
import net.testkit.packetdrill.Verdict;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.jspecify.annotations.Nullable;

/**
 * Runs scripts on a few threads, each script in a kernel of its own, and reports them in the order given.
 *
 * @param options of the command line, stronger than the scripts' own
 * @param seed of the first round; each further round has the next
 * @param shuffle seed of the order, or null for the order given
 * @param rounds how often all are run
 * @param jobs threads
 * @param pcap directory for what each script saw, or null
 * @param differential run each on this machine's Linux as well
 * @param counters with that: compare what counters gained
 * @param endStates ... and some times more, to compare how it ended
 */
public record SuiteRun(
        List<Option> options,
        long seed,
        @Nullable Long shuffle,
        int rounds,
        int jobs,
        @Nullable Path pcap,
        boolean differential,
        boolean counters,
        boolean endStates) {
    public SuiteRun {
        options = List.copyOf(options);
    }

    /** How often more, to tell what is the same each time. */
    private static final int MORE_RUNS = 2;

    /** What came of one script in one round, and how it ended ({@link Differential.Outcome}). */
    public record Outcome(Path script, int round, Verdict verdict, String endState) {}

    /** Runs all. @param report takes each outcome, in order, as soon as it and all before it are known */
    public void run(List<Path> scripts, Consumer<Outcome> report) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(jobs);
        try {
            List<Future<Outcome>> outcomes = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                List<Path> order = new ArrayList<>(scripts);
                if (shuffle != null) {
                    Collections.shuffle(order, new Random(shuffle + round));
                }
                int r = round;
                for (Path script : order) {
                    outcomes.add(pool.submit(() -> {
                        Differential.Outcome o = one(script, r);
                        return new Outcome(script, r, o.verdict(), o.endState());
                    }));
                }
            }
            for (Future<Outcome> outcome : outcomes) {
                report.accept(outcome.get());
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } finally {
            pool.shutdownNow();
        }
    }

    private Differential.Outcome one(Path file, int round) {
        long began = System.nanoTime();
        Verdict verdict;
        try {
            Script script = ScriptParser.parse(file, options);
            RunOptions run = new RunOptions(seed + round, pcap);
            if (differential) {
                return Differential.run(script, live(file), run, counters, endStates ? MORE_RUNS : 0);
            }
            verdict = Packetdrill.run(script, run);
        } catch (ScriptException e) {
            verdict = Verdict.fail((System.nanoTime() - began) / 1e9, e.getMessage(), e.line());
        } catch (RuntimeException | Error bug) {
            verdict = Verdict.fail((System.nanoTime() - began) / 1e9, "the run broke: " + trace(bug), 0);
        }
        return new Differential.Outcome(verdict, "");
    }

    /** The script for a machine whose times are less exact, unless the person said how exact they must be. */
    private Script live(Path file) throws ScriptException {
        List<Option> all = new ArrayList<>(options);
        all.addFirst(new Option("tolerance_usecs", String.valueOf(Differential.TOLERANCE_USECS), 0));
        return ScriptParser.parse(file, all);
    }

    /** The exception with the innermost frames: a bug's address. */
    private static String trace(Throwable bug) {
        StringBuilder s = new StringBuilder(String.valueOf(bug));
        for (Throwable t = bug; t != null; t = t.getCause()) {
            s.append(t == bug ? "" : "\n  caused by " + t);
            StackTraceElement[] frames = t.getStackTrace();
            for (int i = 0; i < Math.min(12, frames.length); i++) {
                s.append("\n    at ").append(frames[i]);
            }
        }
        return s.toString();
    }
}
