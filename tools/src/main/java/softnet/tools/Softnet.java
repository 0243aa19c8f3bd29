package softnet.tools;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.util.Objects;
import java.util.Properties;
import net.core.UserError;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command {@code softnet}: finds the subcommand that the arguments name and turns its outcome into an exit status.
 *
 * <p>Status 0 is success, 1 a failure of the thing asked for, 2 a mistake in the asking: one line on standard error
 * says what, where and what would be right.
 */
@Command(
        name = "softnet",
        mixinStandardHelpOptions = true,
        versionProvider = Softnet.Version.class,
        subcommands = {DemoCommand.class, PacketdrillCommand.class, RunCommand.class, TcCommand.class},
        description = "The Linux network stack's design, in one JVM.")
public final class Softnet implements Runnable {
    static final int EXIT_FAILED = 1;
    static final int EXIT_USAGE = 2;

    @Spec
    private CommandSpec spec;

    Softnet() {}

    /** Runs one command and leaves the JVM with its exit status. */
    public static void main(String[] args) {
        System.exit(Training.asked() ? Training.run() : commandLine().execute(args));
    }

    /** The command line with its error handling set, as {@link #main} and tests run it. */
    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Softnet())
                .setParameterExceptionHandler(Softnet::onMistake)
                .setExecutionExceptionHandler(Softnet::onFailure);
        // The host reads tc's words, options too.
        Objects.requireNonNull(line.getSubcommands().get("tc")).setUnmatchedOptionsArePositionalParams(true);
        return line;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }

    private static int onMistake(ParameterException mistake, String[] args) {
        CommandLine at = mistake.getCommandLine();
        at.getErr()
                .println(at.getCommandName() + ": " + oneLine(mistake) + " (try '"
                        + at.getCommandSpec().qualifiedName() + " --help')");
        return EXIT_USAGE;
    }

    private static int onFailure(Exception failure, CommandLine at, CommandLine.ParseResult parsed) {
        at.getErr().println(at.getCommandName() + ": " + oneLine(failure));
        if (Boolean.getBoolean("softnet.trace")) {
            failure.printStackTrace(at.getErr());
        }
        return failure instanceof UserError ? EXIT_USAGE : EXIT_FAILED;
    }

    static String oneLine(Exception e) {
        String message = e instanceof FileSystemException f ? f.getFile() + ": " + UserError.why(f) : e.getMessage();
        return message == null
                ? e.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    /** Reads the version that the build wrote beside this class. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            Properties built = new Properties();
            try (InputStream in = Softnet.class.getResourceAsStream("version.properties")) {
                if (in != null) {
                    built.load(in);
                }
            }
            return new String[] {"softnet " + built.getProperty("version", "development")};
        }
    }
}
