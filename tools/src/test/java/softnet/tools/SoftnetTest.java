package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What every call of {@code softnet} promises: its exit status and one line for a mistake. */
class SoftnetTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command =
            Softnet.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

    @Test
    void shouldPrintItsVersion() {
        assertThat(command.execute("--version")).isZero();
        assertThat(out.toString()).matches("softnet \\d+\\.\\d+\\.\\S+\n");
    }

    @Test
    void shouldPrintHelp() {
        assertThat(command.execute("--help")).isZero();
        assertThat(out.toString()).contains("Usage: softnet");
    }

    @Test
    void shouldAnswerAMistakeWithOneLineAndStatusTwo() {
        assertThat(command.execute("--no-such-option")).isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("--no-such-option");
    }

    @Test
    void shouldAnswerAMissingCommandWithStatusTwo() {
        assertThat(command.execute()).isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("no command");
    }

    @ParameterizedTest
    @ValueSource(strings = {"99999999999G", "1025G", "x", "-1", ""})
    void shouldRefuseASizeThatCannotBe(String size) {
        assertThat(command.execute("demo", "--bytes", size)).isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("--bytes " + size + ": want");
    }

    @Test
    void shouldListTheAppletsWhereItSaysSo() {
        assertThat(command.execute("run", "--", "--help")).isZero();
        assertThat(out.toString())
                .contains("Usage: softnet run --")
                .contains("httpd")
                .contains("iperf3");
    }

    @Test
    void shouldSayWhatIsWrongWithAFile() {
        assertThat(Softnet.oneLine(new NoSuchFileException("/no/file"))).isEqualTo("/no/file: no such file or folder");
        assertThat(Softnet.oneLine(new AccessDeniedException("/etc"))).isEqualTo("/etc: permission denied");
        assertThat(Softnet.oneLine(new FileSystemException("/f", null, "No space left on device")))
                .isEqualTo("/f: No space left on device");
    }

    /** As under a service manager: what the launcher says then is one line, and not bash's. */
    @Test
    void shouldLookForAJdkWithoutAHome() throws Exception {
        ProcessBuilder bash = new ProcessBuilder(
                "/bin/bash",
                "-euc",
                ". \"$0\"; echo found",
                System.getProperty("softnet.root") + "/tools/lib/find-jdk.sh");
        bash.environment().clear();
        bash.environment().put("PATH", "/usr/bin:/bin");
        Process process = bash.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(said.lines()).singleElement().asString().doesNotContain("unbound");
        assertThat(process.waitFor()).isIn(0, 2);
    }
}
