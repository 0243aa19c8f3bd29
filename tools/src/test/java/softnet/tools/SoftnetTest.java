package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
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
}
