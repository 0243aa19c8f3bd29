package net.testkit.packetdrill.lang;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One parsed script.
 *
 * @param path for messages, as the person gave it
 * @param lines the source, line 1 first
 * @param settings defaults, overridden by the script's options, overridden by the command line
 * @param initCommand run before the first event
 * @param events in order; the first is at time 0
 * @param cleanupCommand run after the last event, also of a script that failed
 */
public record Script(
        String path,
        List<String> lines,
        Settings settings,
        @Nullable Command initCommand,
        List<Event> events,
        @Nullable Command cleanupCommand) {
    public Script {
        lines = List.copyOf(lines);
        events = List.copyOf(events);
    }

    /** A line of the source without surrounding blanks, or "". @param line from 1 */
    public String line(int line) {
        return line >= 1 && line <= lines.size() ? lines.get(line - 1).strip() : "";
    }
}
