package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.core.trace.Landmark;
import org.junit.jupiter.api.Test;

/** The documentation's links lead somewhere, and the methods it names are there. */
class TourTest {
    private static final Path ROOT = Path.of(Objects.requireNonNull(System.getProperty("softnet.root")));
    private static final Pattern LINK = Pattern.compile("\\[([^\\]]+)\\]\\(([^)\\s]+)\\)");
    private static final Pattern SYMBOL = Pattern.compile("`([A-Za-z][A-Za-z0-9_.]*)(?:\\(.*\\))?`");

    private static List<Path> documents() throws IOException {
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            List<Path> all = new ArrayList<>(
                    docs.filter(p -> p.toString().endsWith(".md")).toList());
            all.add(ROOT.resolve("README.md"));
            all.add(ROOT.resolve("CONTRIBUTING.md"));
            return all;
        }
    }

    @Test
    void shouldLinkToFilesThatExist() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path document : documents()) {
            Matcher link = LINK.matcher(Files.readString(document));
            while (link.find()) {
                String target = link.group(2).replaceFirst("#.*", "");
                boolean elsewhere = target.isEmpty() || target.contains("://");
                if (!elsewhere && !Files.exists(document.resolveSibling(target))) {
                    broken.add(ROOT.relativize(document) + " -> " + target);
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void shouldNameMethodsThatExist() throws IOException {
        List<String> missing = new ArrayList<>();
        int named = 0;
        for (Path document : documents()) {
            Matcher link = LINK.matcher(Files.readString(document));
            while (link.find()) {
                Matcher symbol = SYMBOL.matcher(link.group(1));
                Path source = document.resolveSibling(link.group(2).replaceFirst("#.*", ""));
                if (!symbol.matches() || !source.toString().endsWith(".java") || !Files.exists(source)) {
                    continue;
                }
                named++;
                String name = symbol.group(1).substring(symbol.group(1).lastIndexOf('.') + 1);
                Pattern declared =
                        Pattern.compile("(class|interface|enum|record) " + name + "\\b|[\\w>\\]] " + name + "\\(");
                if (!declared.matcher(Files.readString(source)).find()) {
                    missing.add(ROOT.relativize(document) + ": " + name + " in " + source.getFileName());
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(named).isGreaterThan(50);
    }

    @Test
    void shouldReportEachLandmarkFromSomewhere() throws IOException {
        StringBuilder sources = new StringBuilder();
        try (Stream<Path> all = Files.walk(ROOT.resolve("modules"))) {
            for (Path java : all.filter(
                            p -> p.toString().endsWith(".java") && p.toString().contains("/main/"))
                    .toList()) {
                sources.append(Files.readString(java));
            }
        }
        List<Landmark> silent = new ArrayList<>();
        for (Landmark landmark : Landmark.values()) {
            if (sources.indexOf("Landmark." + landmark.name() + ")") < 0) {
                silent.add(landmark);
            }
        }
        assertThat(silent).isEmpty();
    }
}
