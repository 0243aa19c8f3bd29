package net.testkit.packetdrill;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;

/** Runs a script where this class was loaded: the way into the copy of the stack that {@link BuggyStack} makes. */
public final class ScriptVerdict implements Function<Path, String> {
    /** For {@link BuggyStack}. */
    public ScriptVerdict() {}

    @Override
    public String apply(Path path) {
        try {
            Script script = ScriptParser.parse(path, List.of());
            Verdict v = Packetdrill.run(script, RunOptions.DEFAULT);
            return v.result() == Verdict.Result.PASS ? "" : v.result() + " " + v.error();
        } catch (ScriptException e) {
            return e.toString();
        }
    }
}
