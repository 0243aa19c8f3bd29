package net.testkit.packetdrill;

import java.util.List;
import java.util.Map;
import net.testkit.packetdrill.lang.ShellCommand;

/** What shell commands of a script change and look at, on whichever host it runs. */
interface HostShell {
    /** @throws net.core.UserError if there is no such setting */
    String sysctl(String name);

    /** @throws net.core.UserError if there is no such setting or it takes no such value */
    void sysctl(String name, String value);

    void flushMetrics();

    void qdisc(ShellCommand.Qdisc q);

    /** @return whether the device took them */
    boolean offloads(Map<String, Boolean> features);

    void route(ShellCommand.Route r);

    /** @return whether the device took it */
    boolean mtu(int mtu);

    void moduleParameter(ShellCommand.ModuleParameter p);

    /** Counters by nstat's names, since the host's start. */
    Map<String, Long> counters();

    /** The lines of a file such as {@code /proc/net/tcp}. */
    List<String> file(String path);
}
