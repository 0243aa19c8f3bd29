package softnet.tools.drill;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.SettingsReader;
import org.jspecify.annotations.Nullable;

/** The command line's options in the form scripts write theirs, checked before the first script is read. */
public final class CommandOptions {
    private CommandOptions() {}

    /**
     * @param settings {@code NAME=VALUE} or {@code NAME}
     * @param defines {@code SYM=VAL}
     * @throws UserError for one that makes no sense
     */
    public static List<Option> of(@Nullable String ipVersion, List<String> settings, List<String> defines) {
        List<Option> options = new ArrayList<>();
        if (ipVersion != null) {
            options.add(new Option("ip_version", ipVersion, 0));
        }
        for (String setting : settings) {
            int eq = setting.indexOf('=');
            String name = eq < 0 ? setting : setting.substring(0, eq);
            options.add(new Option(name, eq < 0 ? "" : setting.substring(eq + 1), 0));
        }
        for (String define : defines) {
            options.add(Option.define(define));
        }
        try {
            SettingsReader.read("", List.of(), options);
        } catch (ScriptException e) {
            throw new UserError(e.getMessage().replaceFirst("^command line: ", ""));
        }
        return options;
    }
}
