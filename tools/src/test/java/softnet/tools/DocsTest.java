package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import net.core.BootParams;
import net.core.Kernel;
import net.testkit.ActionContract;
import net.testkit.FilterContract;
import net.testkit.QdiscContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the documents say of the sources: names exist, each flow and each row is told, the example module works.
 * {@link TourTest} follows the links.
 */
class DocsTest {
    private static final Path ROOT = Path.of(System.getProperty("softnet.root"));
    private static final Pattern FENCE = Pattern.compile("(?ms)^ *```.*?^ *```$");
    /** In code font: a class, or a class and a member of it. */
    private static final Pattern SYMBOL =
            Pattern.compile("`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\\.([a-z][A-Za-z0-9]*))?`");

    private static final Pattern JAVA_FILE = Pattern.compile("(?ms)^```java\\R// (\\S+)\\R(.*?)^```$");

    private static final Pattern CLASSIFIER =
            Pattern.compile("(?ms)^```java\\R(package org\\.example\\.longer;.*?)^```$");
    private static final Pattern ACTION = Pattern.compile("(?ms)^```java\\R(package org\\.example\\.minlen;.*?)^```$");

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(p -> p.toString().endsWith(ending)).sorted().toList();
        }
    }

    private static String prose(Path document) throws IOException {
        return FENCE.matcher(Files.readString(document)).replaceAll("");
    }

    /** Sources by the name of their class. */
    private static Map<String, String> sources() throws IOException {
        Map<String, String> byName = new HashMap<>();
        for (String folder : new String[] {"modules", "tools"}) {
            for (Path file : files(ROOT.resolve(folder), ".java")) {
                if (file.toString().contains("/src/") && !file.toString().contains("/target/")) {
                    String name = file.getFileName().toString().replace(".java", "");
                    byName.merge(name, Files.readString(file), (a, b) -> a + b);
                }
            }
        }
        return byName;
    }

    @Test
    void shouldNameWhatExists() throws IOException {
        Map<String, String> sources = sources();
        List<String> unknown = new ArrayList<>();
        for (String document : new String[] {"docs/tour.md", "docs/porting-map.md"}) {
            Matcher symbol = SYMBOL.matcher(prose(ROOT.resolve(document)));
            while (symbol.find()) {
                if (!declares(sources, symbol.group(1), symbol.group(2))) {
                    unknown.add(document + ": " + symbol.group());
                }
            }
        }
        assertThat(unknown).isEmpty();
    }

    private static boolean declares(Map<String, String> sources, String type, String member) {
        String text = sources.get(type);
        if (text == null) {
            Pattern nested = Pattern.compile("\\b(class|interface|enum|record) " + type + "\\b");
            return member == null
                    && sources.values().stream().anyMatch(s -> nested.matcher(s).find());
        }
        // A method's declaration: a type in front, not a keyword, and no dot.
        return member == null
                || Pattern.compile("(?m)^ {4,8}(?!return|else|throw|new)[\\w@<][^=;(.]* " + member + "\\(")
                        .matcher(text)
                        .find();
    }

    @Test
    void shouldShowEachControlFlow() throws IOException {
        String tour = Files.readString(ROOT.resolve("docs/tour.md"));
        for (int flow = 1; flow <= 7; flow++) {
            assertThat(tour).contains("tools/softnet demo --flow " + flow);
        }
    }

    @Test
    void shouldTellTheStateOfEachRow() throws IOException {
        String map = Files.readString(ROOT.resolve("docs/porting-map.md"));
        for (int row = 1; row <= 40; row++) {
            assertThat(map).contains("\n| " + row + " |");
        }
    }

    /** The module that docs/modules.md shows, word for word. */
    @Test
    void shouldBuildAndLoadTheExampleModule(@TempDir Path temp) throws IOException {
        Matcher file = JAVA_FILE.matcher(Files.readString(ROOT.resolve("docs/modules.md")));
        List<String> arguments = new ArrayList<>(List.of(
                "-p",
                System.getProperty("jdk.module.path", ""),
                "-d",
                temp.resolve("classes").toString()));
        long lines = 0;
        while (file.find()) {
            Path source = temp.resolve(file.group(1));
            Files.createDirectories(source.getParent());
            Files.writeString(source, file.group(2));
            lines += file.group(2).lines().count();
            arguments.add(source.toString());
        }
        assertThat(lines).isBetween(50L, 99L);
        tool("javac", arguments.toArray(String[]::new));
        Path folder = Files.createDirectory(temp.resolve("plugins"));
        tool(
                "jar",
                "--create",
                "--file",
                folder.resolve("lanes.jar").toString(),
                "-C",
                temp.resolve("classes").toString(),
                ".");
        BootParams params = BootParams.parse(
                        "clock=virtual", "net.ipv4.tcp_congestion_control=gentle", "net.core.default_qdisc=lanes")
                .modules(LaunchModules.load(List.of(folder)));
        try (Kernel kernel = Kernel.boot(params)) {
            assertThat(kernel.initNet().sysctl().get("net.ipv4.tcp_congestion_control"))
                    .isEqualTo("gentle");
            assertThat(kernel.initNet().sysctl().get("net.core.default_qdisc")).isEqualTo("lanes");
            QdiscContract.verify(kernel, "lanes", 1, QdiscContract.Leave.REORDER);
        }
    }

    /** The action that docs/modules.md shows, word for word. */
    @Test
    void shouldBuildAndLoadTheExampleAction(@TempDir Path temp) throws IOException {
        BootParams params = example(temp, ACTION, "minlen", "MinLen", "net.sched.act.TcActionOps");
        try (Kernel kernel = Kernel.boot(params)) {
            ActionContract.verify(kernel, "minlen 64", 1);
        }
    }

    /** And the classifier. */
    @Test
    void shouldBuildAndLoadTheExampleClassifier(@TempDir Path temp) throws IOException {
        BootParams params = example(temp, CLASSIFIER, "longer", "Longer", "net.sched.cls.TcfProtoOps");
        try (Kernel kernel = Kernel.boot(params)) {
            FilterContract.verify(kernel, 1, "pref 1 longer 40 classid 1:1", "pref 1 longer 60 classid 1:2");
        }
    }

    /** A kernel with the class that a page shows as its only plug-in. */
    private static BootParams example(Path temp, Pattern shown, String name, String type, String service)
            throws IOException {
        Matcher block = shown.matcher(Files.readString(ROOT.resolve("docs/modules.md")));
        assertThat(block.find()).isTrue();
        Path source =
                Files.createDirectories(temp.resolve("org/example/" + name)).resolve(type + ".java");
        Files.writeString(source, block.group(1));
        Path descriptor = temp.resolve("module-info.java");
        Files.writeString(descriptor, """
                module org.example.%1$s {
                    requires net.sched;
                    provides %3$s with org.example.%1$s.%2$s;
                }
                """.formatted(name, type, service));
        Path classes = temp.resolve("classes");
        tool(
                "javac",
                "-p",
                System.getProperty("jdk.module.path", ""),
                "-d",
                classes.toString(),
                source.toString(),
                descriptor.toString());
        Path folder = Files.createDirectory(temp.resolve("plugins"));
        tool("jar", "--create", "--file", folder.resolve(name + ".jar").toString(), "-C", classes.toString(), ".");
        return BootParams.parse("clock=virtual").modules(LaunchModules.load(List.of(folder)));
    }

    private static void tool(String name, String... args) {
        int status = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, args);
        assertThat(status).isZero();
    }
}
