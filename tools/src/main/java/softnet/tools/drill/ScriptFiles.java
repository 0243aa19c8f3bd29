package softnet.tools.drill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import net.core.UserError;

/** Finds scripts: the files named, and every {@code .pkt} below the directories named, in order of their paths. */
public final class ScriptFiles {
    private ScriptFiles() {}

    /** @throws UserError if one does not exist or a directory holds none */
    public static List<Path> find(List<Path> named) {
        List<Path> found = new ArrayList<>();
        for (Path path : named) {
            if (Files.isDirectory(path)) {
                found.addAll(below(path));
            } else if (Files.exists(path)) {
                found.add(path);
            } else {
                throw new UserError(path + ": no such file or directory");
            }
        }
        return found;
    }

    private static List<Path> below(Path dir) {
        try (Stream<Path> all = Files.walk(dir)) {
            List<Path> scripts = all.filter(p -> p.toString().endsWith(".pkt") && Files.isRegularFile(p))
                    .sorted()
                    .toList();
            if (scripts.isEmpty()) {
                throw new UserError(dir + ": no .pkt file in this directory");
            }
            return scripts;
        } catch (IOException | UncheckedIOException e) {
            throw new UserError(dir + ": cannot be read: " + e.getMessage());
        }
    }
}
