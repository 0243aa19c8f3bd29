package softnet.tools.drill;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.UserError;
import net.testkit.packetdrill.Differential;
import net.testkit.packetdrill.Verdict;

/**
 * What came of checking scripts against Linux, kept beside them: a line for each script with its path relative to the
 * table, {@code agrees}, {@code differs} or {@code unchecked} with the script's reason, and the kernel's release. Lines of
 * scripts that were not run stay.
 */
public final class DifferentialTable {
    private static final String HEADER = "script\tresult\tkernel";

    private final Path file;
    private final Map<String, String> rows = new TreeMap<>();

    private DifferentialTable(Path file) {
        this.file = file;
    }

    /** The table as it is; empty if there is none yet. */
    public static DifferentialTable read(Path file) {
        DifferentialTable table = new DifferentialTable(file);
        try {
            for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
                int tab = line.indexOf('\t');
                if (tab > 0 && !line.equals(HEADER)) {
                    table.rows.put(line.substring(0, tab), line);
                }
            }
        } catch (IOException e) {
            throw new UserError(file + ": cannot be read: " + e.getMessage());
        }
        return table;
    }

    public void add(SuiteRun.Outcome outcome) {
        Path dir = file.toAbsolutePath().getParent();
        String script = String.valueOf(
                dir == null ? outcome.script() : dir.relativize(outcome.script().toAbsolutePath()));
        Verdict verdict = outcome.verdict();
        String result = switch (verdict.result()) {
            case PASS -> "agrees";
            case FAIL -> "differs";
            case SKIP -> "unchecked: " + verdict.error();
        };
        rows.put(script, script + "\t" + result + "\t" + Differential.kernel());
    }

    public void write() {
        List<String> lines = new ArrayList<>();
        lines.add(HEADER);
        lines.addAll(rows.values());
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UserError(file + ": cannot be written: " + e.getMessage());
        }
    }
}
