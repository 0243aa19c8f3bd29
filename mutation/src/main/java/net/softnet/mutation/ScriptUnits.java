package net.softnet.mutation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import net.testkit.packetdrill.EndStates;
import net.testkit.packetdrill.RunOptions;
import net.testkit.packetdrill.Verdict;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.pitest.testapi.AbstractTestUnit;
import org.pitest.testapi.Description;
import org.pitest.testapi.ResultCollector;
import org.pitest.testapi.TestUnit;
import org.pitest.testapi.TestUnitExecutionListener;
import org.pitest.testapi.TestUnitFinder;

/**
 * A test of each script, so that PIT runs those first that reach the mutated line soonest and stops at the first that
 * fails. JUnit's factory for the same scripts has to run them all to learn which there are, in every JVM that PIT starts.
 */
final class ScriptUnits implements TestUnitFinder {
    @Override
    public List<TestUnit> findTestUnits(Class<?> testClass, TestUnitExecutionListener listener) {
        if (testClass != Scripts.class) {
            return List.of();
        }
        Path root = Path.of(System.getProperty("softnet.scripts"));
        EndStates ends = EndStates.read(root.resolve("end-states.tsv"));
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(p -> p.toString().endsWith(".pkt"))
                    .sorted()
                    .<TestUnit>map(p -> new ScriptUnit(root, p, ends))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class ScriptUnit extends AbstractTestUnit {
        private final Path path;
        private final EndStates ends;

        ScriptUnit(Path root, Path path, EndStates ends) {
            super(new Description(root.relativize(path).toString(), Scripts.class));
            this.path = path;
            this.ends = ends;
        }

        @Override
        public void execute(ResultCollector results) {
            Description me = getDescription();
            results.notifyStart(me);
            Watchdog.start();
            try {
                Script script = ScriptParser.parse(path, List.of());
                Verdict verdict = ends.run(path, script, RunOptions.DEFAULT);
                if (verdict.result() == Verdict.Result.PASS) {
                    results.notifyEnd(me);
                } else {
                    results.notifyEnd(me, new AssertionError(verdict.error()));
                }
            } catch (ScriptException | RuntimeException | Error e) {
                results.notifyEnd(me, e);
            } finally {
                Watchdog.stop();
            }
        }
    }
}
