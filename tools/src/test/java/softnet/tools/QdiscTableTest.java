package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.core.Kernel;
import net.core.dev.DevGlobals;
import org.junit.jupiter.api.Test;

/** The table of docs/modules.md has a row for every qdisc there is, and each row a test that says what the name means. */
class QdiscTableTest {
    private static final Path ROOT = Path.of(System.getProperty("softnet.root"));
    private static final Pattern NAME = Pattern.compile("`([^`]+)`");

    private static List<String> names(String cell) {
        return NAME.matcher(cell).results().map(m -> m.group(1)).toList();
    }

    private static Set<String> tests() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve("modules"))) {
            return files.map(f -> f.getFileName().toString())
                    .filter(f -> f.endsWith("Test.java"))
                    .map(f -> f.substring(0, f.length() - ".java".length()))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void shouldNameATestForEveryQdisc() throws IOException {
        String text = Files.readString(ROOT.resolve("docs/modules.md"));
        String table =
                text.substring(text.indexOf("### Those that are there"), text.indexOf("### What of Linux is left out"));
        Matcher rows = Pattern.compile("(?m)^\\| (`[^|]*)\\|[^|]*\\|[^|]*\\|([^|]*)\\|$")
                .matcher(table);
        Set<String> kinds = new TreeSet<>();
        Set<String> existing = tests();
        while (rows.find()) {
            kinds.addAll(names(rows.group(1)));
            assertThat(existing).as(rows.group()).containsAll(names(rows.group(2)));
            assertThat(names(rows.group(2))).as(rows.group()).isNotEmpty();
        }
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            assertThat(kinds)
                    .containsExactlyInAnyOrderElementsOf(
                            DevGlobals.of(kernel).qdiscs.names());
        }
    }
}
