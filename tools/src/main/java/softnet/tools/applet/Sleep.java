package softnet.tools.applet;

import net.core.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Does nothing for a while: a host that only answers ARP and ICMP. */
@Command(name = "sleep", mixinStandardHelpOptions = true, description = "Leaves the host to itself for a while.")
public final class Sleep implements Applet {
    @Parameters(paramLabel = "SECONDS", description = "How long.")
    private double seconds;

    private volatile boolean stopped;

    @Override
    public int run(Host host) {
        if (!(seconds >= 0)) {
            throw new UserError("sleep " + seconds + ": want no negative number of seconds");
        }
        long end = host.nanoTime() + (long) (seconds * 1e9);
        for (long left = end - host.nanoTime(); left > 0 && !stopped; left = end - host.nanoTime()) {
            host.kernel().scheduler().sleep(left);
        }
        return 0;
    }

    @Override
    public void stop() {
        stopped = true;
    }
}
