package softnet.tools;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code softnet tc}: qdiscs, classes, filters and actions of a running host, in iproute2's words. The host does all of it. */
@Command(
        name = "tc",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Shows and changes qdiscs, classes, filters and actions of a running 'softnet run', in tc's grammar.",
        footer = {
            "",
            "tc's own options -s, -d and -j come before the object. For example:",
            "  softnet tc qdisc replace dev eth0 root handle 1: htb default 10",
            "  softnet tc class add dev eth0 parent 1: classid 1:10 htb rate 10mbit",
            "  softnet tc -s qdisc show dev eth0"
        })
final class TcCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--control", paramLabel = "PATH", description = "The host's control socket; the only one found.")
    private @Nullable Path control;

    @Parameters(
            arity = "0..*",
            paramLabel = "WORD",
            description = "[-s] [-d] [-p] [-j] qdisc|class|filter|chain|actions COMMAND ...")
    private List<String> words = List.of();

    @Override
    public Integer call() throws IOException {
        Path path = control != null ? control : ControlClient.find(ControlClient.folder(System.getenv()));
        List<String> request = new ArrayList<>(words);
        request.addFirst("tc");
        ControlAnswer answer = ControlClient.ask(path, request);
        PrintWriter to = answer.status() == 0
                ? spec.commandLine().getOut()
                : spec.commandLine().getErr();
        to.print(answer.text());
        to.flush();
        return answer.status();
    }
}
