package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import net.core.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jars of others: what loads, and the one line for what does not. */
class LaunchModulesTest {
    @TempDir
    Path temp;

    /** Compiles a module of one class and makes a jar of it. */
    private Path jar(Path folder, String file, String module, String directives) throws IOException {
        Path source = Files.createDirectories(temp.resolve("src-" + file));
        Path classes = temp.resolve("classes-" + file);
        Path info = Files.writeString(source.resolve("module-info.java"), "module " + module + " {" + directives + "}");
        Path code = Files.createDirectories(source.resolve("pkg" + file)).resolve("A.java");
        Files.writeString(code, "package pkg" + file + "; public class A {}");
        tool("javac", "-d", classes.toString(), info.toString(), code.toString());
        Path jar = Files.createDirectories(folder).resolve(file + ".jar");
        tool("jar", "--create", "--file", jar.toString(), "-C", classes.toString(), ".");
        return jar;
    }

    private static void tool(String name, String... args) {
        int status = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, args);
        assertThat(status).isZero();
    }

    @Test
    void shouldLoadJarsIntoALayerOfTheirOwn() throws IOException {
        Path folder = temp.resolve("modules");
        jar(folder, "a", "third.party", " ");
        ModuleLayer layer = LaunchModules.load(List.of(folder));
        assertThat(layer.findModule("third.party")).isPresent();
        assertThat(layer.parents()).containsExactly(ModuleLayer.boot());
    }

    @Test
    void shouldTakeAnEmptyFolderForNone() throws IOException {
        assertThat(LaunchModules.load(List.of(Files.createDirectory(temp.resolve("empty")))))
                .isNull();
        assertThat(LaunchModules.load(List.of())).isNull();
    }

    @Test
    void shouldNameABrokenJar() throws IOException {
        Path folder = Files.createDirectory(temp.resolve("modules"));
        Files.writeString(folder.resolve("broken.jar"), "no zip");
        assertOneLine(folder, "broken.jar");
    }

    @Test
    void shouldNameAMissingRequirement() throws IOException {
        Path folder = temp.resolve("modules");
        jar(temp.resolve("elsewhere"), "b", "not.there", " exports pkgb; ");
        Path info = temp.resolve("src-c");
        Files.createDirectories(info.resolve("pkgc"));
        Files.writeString(info.resolve("module-info.java"), "module needs.more { requires not.there; }");
        Files.writeString(info.resolve("pkgc/A.java"), "package pkgc; class A {}");
        tool(
                "javac",
                "-p",
                temp.resolve("elsewhere").toString(),
                "-d",
                temp.resolve("classes-c").toString(),
                info.resolve("module-info.java").toString(),
                info.resolve("pkgc/A.java").toString());
        Files.createDirectories(folder);
        tool(
                "jar",
                "--create",
                "--file",
                folder.resolve("c.jar").toString(),
                "-C",
                temp.resolve("classes-c").toString(),
                ".");
        assertOneLine(folder, "requires not.there");
    }

    @Test
    void shouldNameADuplicate() throws IOException {
        Path folder = temp.resolve("modules");
        jar(folder, "d", "same.name", " ");
        jar(folder, "e", "same.name", " ");
        assertOneLine(folder, "same.name");
    }

    @Test
    void shouldKeepSoftnetsOwnNames() throws IOException {
        Path folder = temp.resolve("modules");
        jar(folder, "f", "java.base.copy", " ");
        String own = ModuleLayer.boot().modules().stream()
                .map(Module::getName)
                .filter(n -> n.equals("net.core") || n.equals("java.logging"))
                .findFirst()
                .orElse("java.base");
        Path second = temp.resolve("second");
        if (!own.equals("java.base")) {
            jar(second, "g", own, " ");
            assertOneLine(second, own);
        }
        assertThat(LaunchModules.load(List.of(folder))).isNotNull();
    }

    @Test
    void shouldNameAFolderThatIsNotThere() {
        assertOneLine(temp.resolve("nowhere"), "not a directory");
    }

    private static void assertOneLine(Path folder, String says) {
        assertThatThrownBy(() -> LaunchModules.load(List.of(folder)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(says)
                .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
    }
}
