package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Runs every script of the project, each with two seeds: order within an instant must not decide a verdict. */
class OwnScriptsTest {
    static final Path SCRIPTS = Path.of("src", "test", "packetdrill");
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** What the public suites define on their command lines; our scripts may use the names too. */
    private static final List<Option> DEFINES = Stream.of(
                    "TFO_COOKIE=3021b9d889017eeb",
                    "TFO_COOKIE_ZERO=b7c12350a90dc8f5",
                    "CODE=host_unreachable",
                    "CMSG_LEVEL_IP=SOL_IP",
                    "CMSG_TYPE_RECVERR=IP_RECVERR")
            .map(Option::define)
            .toList();

    static List<Path> scripts() throws IOException {
        try (Stream<Path> all = Files.walk(SCRIPTS)) {
            return all.filter(p -> p.toString().endsWith(".pkt")).sorted().toList();
        }
    }

    @TestFactory
    Stream<DynamicTest> shouldPassAndEndAsOnLinux() throws IOException {
        EndStates ends = EndStates.read(SCRIPTS.resolve("end-states.tsv"));
        return scripts().stream()
                .map(path -> DynamicTest.dynamicTest(
                        SCRIPTS.relativize(path).toString(),
                        () -> Assertions.assertTimeoutPreemptively(LIMIT, () -> run(path, ends))));
    }

    private static void run(Path path, EndStates ends) throws ScriptException {
        Script script = ScriptParser.parse(path, DEFINES);
        for (long seed : new long[] {1, path.toString().hashCode()}) {
            Verdict v = ends.run(path, script, new RunOptions(seed, null));
            assertThat(v.error()).as("seed %d", seed).isEmpty();
            assertThat(v.result()).as("seed %d", seed).isEqualTo(Verdict.Result.PASS);
        }
    }

    @Test
    void shouldNameWhatEachScriptPins() throws IOException {
        for (Path path : scripts()) {
            assertThat(Files.readAllLines(path).getFirst())
                    .as("first line of %s", path)
                    .startsWith("// ")
                    .containsPattern("RFC|Linux");
        }
    }

    /** {@code softnet packetdrill --differential --record} writes the table. */
    @Test
    void shouldAgreeWithLinuxWhereTheyWereRunOnIt() throws IOException {
        Path table = SCRIPTS.resolve("differential.tsv");
        List<String> rows = Files.readAllLines(table);
        assertThat(rows).hasSizeGreaterThan(150);
        for (String row : rows.subList(1, rows.size())) {
            String[] fields = row.split("\t", -1);
            assertThat(fields).as(row).hasSize(3);
            assertThat(SCRIPTS.resolve(fields[0])).exists();
            assertThat(fields[1]).as(row).matches("agrees|unchecked: .+");
        }
    }
}
