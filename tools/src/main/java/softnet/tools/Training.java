package softnet.tools;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Runs the commands of {@code training.txt} in one JVM, so that the launcher's ahead-of-time cache holds the classes
 * that real commands use. Only the launcher asks for it, while it builds an image.
 *
 * <p>A line is the arguments of one command; an empty line or one that starts with {@code #} is skipped. Commands listed
 * there must end by themselves within a second and need neither root nor a device.
 */
final class Training {
    private static final String PROPERTY = "softnet.training";

    private Training() {}

    /** Whether this JVM was started to be trained. */
    static boolean asked() {
        return Boolean.getBoolean(PROPERTY);
    }

    /** Runs every line and returns 0 whatever they return: a command that fails still loaded its classes. */
    static int run() {
        try (InputStream in = Training.class.getResourceAsStream("training.txt")) {
            if (in == null) {
                return 0;
            }
            BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            lines.lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .forEach(line -> Softnet.commandLine().execute(line.split("\\s+")));
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
