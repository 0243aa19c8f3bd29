package net.testkit.packetdrill;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import net.core.UserError;
import net.testkit.packetdrill.lang.Script;
import org.jspecify.annotations.Nullable;

/**
 * What Linux had counted and knew of its sockets at the end of each script, kept beside the scripts: a second judge, of
 * what no packet shows. A line has the script's path relative to the table and words {@code NAME=VALUE} in the order of
 * names; what is not named was 0. {@code NAME=?}: Linux gave several answers in several runs; {@code NAME=OURS!LINUX}: the
 * two differ. Neither is compared.
 *
 * <p>{@code softnet packetdrill --differential --end-states FILE} writes it, of scripts that pass on both hosts.
 */
public final class EndStates {
    private static final String HEADER = "script\tat its end on Linux";

    private final Path file;
    private final Map<String, String> rows = new TreeMap<>();

    private EndStates(Path file) {
        this.file = file;
    }

    /** The table as it is; empty if there is none yet. */
    public static EndStates read(Path file) {
        EndStates table = new EndStates(file);
        try {
            for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
                int tab = line.indexOf('\t');
                if (tab > 0 && !line.equals(HEADER)) {
                    table.rows.put(line.substring(0, tab), line.substring(tab + 1));
                }
            }
        } catch (IOException e) {
            throw new UserError(file + ": cannot be read: " + e.getMessage());
        }
        return table;
    }

    private String name(Path script) {
        Path dir = file.toAbsolutePath().getParent();
        return String.valueOf(dir == null ? script : dir.relativize(script.toAbsolutePath()));
    }

    /** Replaces a script's line; an empty one takes it away. */
    public void put(Path script, String row) {
        if (row.isEmpty()) {
            rows.remove(name(script));
        } else {
            rows.put(name(script), row);
        }
    }

    /** Writes the table back. */
    public void write() {
        List<String> lines = new ArrayList<>();
        lines.add(HEADER);
        rows.forEach((script, row) -> lines.add(script + "\t" + row));
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UserError(file + ": cannot be written: " + e.getMessage());
        }
    }

    /** Runs a script on Softnet; its end must be as the table says, if it says anything. */
    public Verdict run(Path path, Script script, RunOptions options) {
        String row = rows.get(name(path));
        Differential.Run run = Packetdrill.softnet(script, options, row != null);
        String wrong = row == null || run.verdict().result() != Verdict.Result.PASS ? null : mismatch(row, run.end());
        return wrong == null ? run.verdict() : Verdict.fail(run.verdict().seconds(), wrong, 0);
    }

    private static @Nullable String mismatch(String row, EndState actual) {
        Map<String, String> expected = new TreeMap<>();
        for (String word : row.split(" ")) {
            int eq = word.indexOf('=');
            expected.put(word.substring(0, eq), word.substring(eq + 1));
        }
        TreeSet<String> names = new TreeSet<>(expected.keySet());
        names.addAll(actual.values().keySet());
        StringBuilder wrong = new StringBuilder();
        for (String name : names) {
            String linux = expected.getOrDefault(name, "0");
            long ours = actual.get(name);
            if (!linux.equals(String.valueOf(ours)) && !linux.equals("?") && !linux.contains("!")) {
                wrong.append("\n  ")
                        .append(name)
                        .append(": ")
                        .append(linux)
                        .append(" on Linux, ")
                        .append(ours);
            }
        }
        return wrong.isEmpty() ? null : "all packets are right, but at the end:" + wrong;
    }

    /** The words of a row. @param linux several runs */
    static String row(EndState ours, List<EndState> linux) {
        TreeSet<String> names = new TreeSet<>(ours.values().keySet());
        linux.forEach(end -> names.addAll(end.values().keySet()));
        StringBuilder row = new StringBuilder();
        for (String name : names) {
            long theirs = linux.getFirst().get(name);
            boolean stable = linux.stream().allMatch(end -> end.get(name) == theirs);
            row.append(row.isEmpty() ? "" : " ").append(name).append('=');
            if (!stable) {
                row.append('?');
            } else if (theirs != ours.get(name)) {
                row.append(ours.get(name)).append('!').append(theirs);
            } else {
                row.append(theirs);
            }
        }
        return row.toString();
    }
}
