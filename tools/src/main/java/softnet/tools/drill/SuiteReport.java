package softnet.tools.drill;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import net.testkit.packetdrill.Verdict.Result;

/**
 * Says what came of scripts: a line for each and what went wrong below it, then a line for all; or, as JSON, one object a
 * line and script.
 */
public final class SuiteReport {
    private static final JsonFactory JSON = new JsonFactory();

    private final PrintWriter out;
    private final boolean json;
    private final Map<Path, Set<Result>> results = new LinkedHashMap<>();
    private final Map<Result, Integer> counts = new LinkedHashMap<>();

    public SuiteReport(PrintWriter out, boolean json) {
        this.out = out;
        this.json = json;
    }

    /** Adds and prints one outcome. */
    public void add(SuiteRun.Outcome outcome) {
        Result result = outcome.verdict().result();
        counts.merge(result, 1, Integer::sum);
        results.computeIfAbsent(outcome.script(), p -> EnumSet.noneOf(Result.class))
                .add(result);
        if (json) {
            out.println(object(outcome));
        } else {
            text(outcome);
        }
        out.flush();
    }

    private void text(SuiteRun.Outcome outcome) {
        var verdict = outcome.verdict();
        switch (verdict.result()) {
            case PASS -> out.printf(Locale.ROOT, "pass %s (%.3f s)%n", outcome.script(), verdict.seconds());
            case SKIP -> out.printf(Locale.ROOT, "skip %s: %s%n", outcome.script(), verdict.error());
            case FAIL -> {
                String at = verdict.line() > 0 ? ":" + verdict.line() : "";
                out.printf(Locale.ROOT, "FAIL %s%s%n", outcome.script(), at);
                verdict.error().lines().forEach(l -> out.println("  " + l));
            }
        }
    }

    private static String object(SuiteRun.Outcome outcome) {
        StringWriter text = new StringWriter();
        try (JsonGenerator g = JSON.createGenerator(text)) {
            g.writeStartObject();
            g.writeStringField("script", outcome.script().toString());
            g.writeStringField("result", outcome.verdict().result().name().toLowerCase(Locale.ROOT));
            g.writeNumberField("seconds", Math.round(outcome.verdict().seconds() * 1e6) / 1e6);
            g.writeStringField("error", outcome.verdict().error());
            if (outcome.verdict().line() > 0) {
                g.writeNumberField("line", outcome.verdict().line());
            }
            g.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /** Prints the last lines, unless JSON was asked for: sums, and scripts that came out differently in different rounds. */
    public void summary(double seconds) {
        if (json) {
            return;
        }
        results.forEach((script, seen) -> {
            if (seen.size() > 1) {
                out.println("differs from round to round: " + script);
            }
        });
        out.printf(
                Locale.ROOT,
                "%d passed, %d failed, %d skipped in %.2f s%n",
                count(Result.PASS),
                count(Result.FAIL),
                count(Result.SKIP),
                seconds);
        out.flush();
    }

    public int count(Result result) {
        return counts.getOrDefault(result, 0);
    }
}
