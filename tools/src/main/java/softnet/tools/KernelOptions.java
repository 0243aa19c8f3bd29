package softnet.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import net.core.BootParams;
import net.core.UserError;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options with which every command boots its kernel. */
final class KernelOptions {
    @Option(names = "--cpus", paramLabel = "N", description = "CPUs (default: the machine's).")
    private @Nullable Integer cpus;

    @Option(names = "--sysctl", paramLabel = "NAME=VALUE", description = "A setting from the start; may be repeated.")
    private List<String> sysctls = List.of();

    @Option(names = "--qdisc", paramLabel = "SPEC", description = "Root qdisc of the device, in tc's grammar.")
    private @Nullable String qdisc;

    @Option(names = "--modules", paramLabel = "DIR", description = "Load third-party modules; may be repeated.")
    private List<Path> modules = List.of();

    @Option(names = "--debug", description = "Assertions; leaks name where they were allocated.")
    private boolean debug;

    /** The root qdisc as asked for, or null. */
    @Nullable
    String qdisc() {
        return qdisc;
    }

    /** Tells whether a setting was given. */
    boolean sets(String sysctl) {
        return sysctls.stream().anyMatch(s -> s.startsWith(sysctl + "="));
    }

    /** Boot parameters, with {@code more} words after the options' own. */
    BootParams params(List<String> more) {
        List<String> words = new ArrayList<>();
        if (cpus != null) {
            words.add("cpus=" + cpus);
        }
        if (debug) {
            words.add("debug");
        }
        for (String sysctl : sysctls) {
            if (sysctl.indexOf('=') <= 0 || sysctl.indexOf('.') < 0) {
                throw new UserError("--sysctl " + sysctl + ": want NAME=VALUE, such as net.ipv4.tcp_sack=0");
            }
            words.add(sysctl);
        }
        words.addAll(more);
        return BootParams.parse(words.toArray(String[]::new)).modules(LaunchModules.load(modules));
    }
}
