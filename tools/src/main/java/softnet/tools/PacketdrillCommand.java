package softnet.tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import net.core.UserError;
import net.testkit.packetdrill.Differential;
import net.testkit.packetdrill.EndStates;
import net.testkit.packetdrill.Verdict.Result;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import softnet.tools.drill.CommandOptions;
import softnet.tools.drill.DifferentialTable;
import softnet.tools.drill.ScriptFiles;
import softnet.tools.drill.SuiteReport;
import softnet.tools.drill.SuiteRun;

/** {@code softnet packetdrill}: runs packetdrill scripts in virtual time. Status 1 if any failed. */
@Command(
        name = "packetdrill",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs packetdrill scripts, each against a fresh kernel in virtual time.",
            "A script that fails shows its line, what was expected and what came, and the last packets."
        })
final class PacketdrillCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "FILE|DIR", description = "Scripts, or directories searched for *.pkt.")
    private List<Path> paths = new ArrayList<>();

    @Option(names = "--json", description = "One object a line and script: script, result, seconds, error, line.")
    private boolean json;

    @Option(
            names = "--ip-version",
            paramLabel = "VERSION",
            description = "ipv4, ipv4-mapped-ipv6 or ipv6; other versions' scripts are skipped.")
    private @Nullable String ipVersion;

    @Option(names = "-D", paramLabel = "SYM=VAL", description = "Replaces a symbol in the scripts.")
    private List<String> defines = new ArrayList<>();

    @Option(
            names = "--set",
            paramLabel = "NAME=VALUE",
            description = "Overrides a script option, such as tolerance_usecs=10000.")
    private List<String> settings = new ArrayList<>();

    @Option(names = "--pcap", paramLabel = "DIR", description = "Keeps what each script saw.")
    private @Nullable Path pcap;

    @Option(names = "--seed", paramLabel = "N", description = "Of the kernels' secrets and order (${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(names = "--shuffle", paramLabel = "SEED", description = "Runs the scripts in another order.")
    private @Nullable Long shuffle;

    @Option(names = "--repeat", paramLabel = "N", description = "Runs all N times, each with the next seed.")
    private int repeat = 1;

    @Option(names = "--jobs", paramLabel = "N", description = "Scripts at once (${DEFAULT-VALUE}).")
    private int jobs = 2;

    @Option(
            names = "--differential",
            description = {
                "Runs each script on this machine's Linux as well, in a network namespace, and says where the two part.",
                "Needs root. Passed: both do as the script says and send the same."
            })
    private boolean differential;

    @Option(names = "--counters", description = "With --differential: what nstat shows must have moved alike, too.")
    private boolean counters;

    @Option(
            names = "--record",
            paramLabel = "FILE",
            description = "With --differential: keeps the results in a table of script, result and kernel.")
    private @Nullable Path record;

    @Option(
            names = "--end-states",
            paramLabel = "FILE",
            description = {
                "With --differential: keeps what both had counted and knew of their sockets at the end of each script;",
                "where they differ, both values."
            })
    private @Nullable Path endStates;

    @Override
    public Integer call() throws Exception {
        if (repeat < 1 || jobs < 1) {
            throw new UserError((repeat < 1 ? "--repeat " + repeat : "--jobs " + jobs) + ": want 1 or more");
        }
        if ((record != null || counters) && !differential) {
            throw new UserError((counters ? "--counters" : "--record") + ": only with --differential");
        }
        if (endStates != null && !differential) {
            throw new UserError("--end-states: only with --differential");
        }
        if (differential) {
            Differential.checkHost();
        }
        DifferentialTable table = record == null ? null : DifferentialTable.read(record);
        EndStates ends = endStates == null ? null : EndStates.read(endStates);
        var options = CommandOptions.of(ipVersion, settings, defines);
        List<Path> scripts = ScriptFiles.find(paths);
        if (pcap != null) {
            Files.createDirectories(pcap);
        }
        SuiteReport report = new SuiteReport(spec.commandLine().getOut(), json);
        long began = System.nanoTime();
        SuiteRun run = new SuiteRun(options, seed, shuffle, repeat, jobs, pcap, differential, counters, ends != null);
        run.run(scripts, outcome -> {
            report.add(outcome);
            if (ends != null) {
                ends.put(outcome.script(), outcome.endState());
            }
            if (table != null) {
                table.add(outcome);
            }
        });
        if (table != null) {
            table.write();
        }
        if (ends != null) {
            ends.write();
        }
        report.summary((System.nanoTime() - began) / 1e9);
        return report.count(Result.FAIL) == 0 ? 0 : Softnet.EXIT_FAILED;
    }
}
