package softnet.tools.applet;

import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The applets by name, and their arguments. */
public final class Applets {
    /** The word before the first applet's arguments stands for no program of its own. */
    @Command(
            name = "softnet run --",
            description = "The applets, each with --help.",
            subcommands = {Httpd.class, Wget.class, Netcat.class, Inetd.class, Ping.class, Iperf3.class, Sleep.class})
    private static final class Root {}

    private Applets() {}

    /**
     * The applet that {@code words} ask for, with its options set; null if they only ask for help, which is printed then.
     *
     * @throws ParameterException for words that cannot be understood
     */
    public static @Nullable Applet parse(List<String> words, PrintWriter out) {
        CommandLine line = new CommandLine(new Root());
        if (List.of("--help", "-h").contains(words.getFirst())) {
            line.usage(out);
            return null;
        }
        if (!line.getSubcommands().containsKey(words.getFirst())) {
            throw new ParameterException(line, "no applet '" + words.getFirst() + "': want one of " + names());
        }
        ParseResult parsed = line.parseArgs(words.toArray(String[]::new));
        ParseResult sub = parsed.subcommand();
        if (sub.isUsageHelpRequested()) {
            sub.commandSpec().commandLine().usage(out);
            return null;
        }
        if (sub.isVersionHelpRequested()) {
            throw new ParameterException(
                    sub.commandSpec().commandLine(), "no version of its own: see softnet --version");
        }
        return (Applet) sub.commandSpec().userObject();
    }

    /** All names, for messages and help. */
    public static String names() {
        return String.join(", ", new CommandLine(new Root()).getSubcommands().keySet());
    }
}
