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
 */
public record SuiteRun(
        List<Option> options,
        long seed,
        @Nullable Long shuffle,
        int rounds,
        int jobs,
        @Nullable Path pcap,
        boolean differential,
        boolean counters) {
    public SuiteRun {
        options = List.copyOf(options);
    }

    /** What came of one script in one round. */
    public record Outcome(Path script, int round, Verdict verdict) {}

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
                    outcomes.add(pool.submit(() -> new Outcome(script, r, one(script, r))));
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

    private Verdict one(Path file, int round) {
        long began = System.nanoTime();
        Script script;
        try {
            script = ScriptParser.parse(file, options);
        } catch (ScriptException e) {
            return Verdict.fail((System.nanoTime() - began) / 1e9, e.getMessage(), e.line());
        }
        try {
            if (differential) {
                return Differential.run(script, live(file), new RunOptions(seed + round, pcap), counters);
            }
            return Packetdrill.run(script, new RunOptions(seed + round, pcap));
        } catch (ScriptException e) {
            return Verdict.fail((System.nanoTime() - began) / 1e9, e.getMessage(), e.line());
        } catch (RuntimeException | Error bug) {
            return Verdict.fail((System.nanoTime() - began) / 1e9, "the run broke: " + trace(bug), 0);
        }
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
