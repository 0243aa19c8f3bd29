package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Scripts that must fail, one for each thing the judge compares. A script passes as it is; a line {@code //! other ##
 * because} says that with {@code other} in place of the line before it fails, and what the failure says.
 */
class MustFailTest {
    private static final Path SCRIPTS = Path.of("src", "test", "packetdrill-must-fail");
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final List<Option> DEFINES = List.of(Option.define("TFO_COOKIE=3021b9d889017eeb"));

    /** What a script says is judged; a script that cannot be read fails as well. */
    private static String errorOf(Path path, List<String> lines) {
        try {
            String text = String.join("\n", lines) + "\n";
            return Packetdrill.run(ScriptParser.parse(path.toString(), text, DEFINES), RunOptions.DEFAULT)
                    .error();
        } catch (ScriptException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static DynamicTest test(String name, Runnable body) {
        return DynamicTest.dynamicTest(name, () -> Assertions.assertTimeoutPreemptively(LIMIT, body::run));
    }

    @TestFactory
    Stream<DynamicTest> shouldFail() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> all = Files.list(SCRIPTS)) {
            for (Path path : all.sorted().toList()) {
                addTests(tests, path);
            }
        }
        assertThat(tests).hasSizeGreaterThan(150);
        return tests.stream();
    }

    private static void addTests(List<DynamicTest> tests, Path path) throws IOException {
        List<String> lines = Files.readAllLines(path);
        String file = path.getFileName().toString();
        tests.add(
                test(file + " as it is", () -> assertThat(errorOf(path, lines)).isEmpty()));
        int changed = -1;
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).startsWith("//!")) {
                changed = i;
                continue;
            }
            String[] parts = lines.get(i).substring(3).split(" ## ", 2);
            List<String> wrong = new ArrayList<>(lines);
            wrong.set(changed, parts[0]);
            tests.add(test(
                    file + ":" + (i + 1) + parts[0],
                    () -> assertThat(errorOf(path, wrong)).isNotEmpty().contains(parts[1].strip())));
        }
    }
}
