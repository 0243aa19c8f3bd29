package softnet.tools;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import net.core.Kernel;
import net.core.UserError;
import net.core.api.SoftNetwork;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import softnet.tools.applet.Applet;
import softnet.tools.applet.Applets;
import softnet.tools.applet.Host;

/** {@code softnet run}: boots a host and runs one applet on it until that ends or a signal comes. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Boots a host, on a TAP device if one is named, and runs an applet on it.",
        footer = {
            "",
            "Applets: httpd, wget, nc, inetd, ping, iperf3, sleep (each with --help).",
            "For example: softnet run --tap sn0 --addr 10.9.0.2/24 --host-addr 10.9.0.1/24 -- httpd --root /srv"
        })
final class RunCommand implements Callable<Integer> {
    /** How long closed connections may take for their last bytes: after a signal, and otherwise. */
    private static final long HURRY_NS = 1_000_000_000L;

    private static final long PATIENCE_NS = 60_000_000_000L;

    private static final long CONTROL_PATIENCE_MS = 5000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private RunOptions options = new RunOptions();

    @Parameters(arity = "1..*", paramLabel = "APPLET", description = "What to run, and its arguments, after --.")
    private List<String> words = List.of();

    @Override
    public Integer call() throws IOException {
        Applet applet = Applets.parse(words, spec.commandLine().getOut());
        if (applet == null) {
            return 0;
        }
        PrintStream out = System.out;
        PrintStream err = System.err;
        try (StopSignal signal = StopSignal.watch(applet);
                HostBoot booted = HostBoot.boot(options);
                @Nullable ControlSocket control = control(booted.kernel(), err)) {
            if (options.verbose && control != null) {
                err.println("control socket " + control.path());
            }
            @Nullable MetricsServer metrics = MetricsServer.start(booted.kernel(), options.metricsPort);
            SoftNetwork network = SoftNetwork.of(booted.kernel());
            RunReport report = new RunReport(booted, err);
            try {
                if (options.verbose) {
                    report.inForce();
                }
                return signal.isRaised() ? 0 : applet.run(new Host(network, System.in, out, err));
            } catch (IOException e) {
                if (signal.isRaised()) {
                    return 0;
                }
                err.println(words.getFirst() + ": " + Softnet.oneLine(e));
                return Softnet.EXIT_FAILED;
            } finally {
                signal.applied();
                network.close();
                Quiesce.sockets(booted.kernel(), signal.isRaised() ? HURRY_NS : PATIENCE_NS);
                if (options.verbose) {
                    report.moved();
                }
                out.flush();
                if (metrics != null) {
                    metrics.close();
                }
            }
        }
    }

    /** The socket that was asked for, else the one at the usual place: a host also runs without that. */
    private @Nullable ControlSocket control(Kernel kernel, PrintStream err) {
        Path path = options.control;
        ControlSocket.Handler tc = words -> TcRequest.answer(kernel, words);
        if (path != null) {
            return ControlSocket.listen(path, tc, CONTROL_PATIENCE_MS);
        }
        try {
            return ControlSocket.listen(
                    ControlClient.own(ControlClient.folder(System.getenv())), tc, CONTROL_PATIENCE_MS);
        } catch (UserError e) {
            err.println("softnet: " + e.getMessage() + "; going on without");
            return null;
        }
    }
}
