package net.testkit.packetdrill;

import java.util.List;
import java.util.Map;
import java.util.Set;
import net.core.sock.Cmsg;
import net.tcp.TcpNla;
import net.testkit.packetdrill.lang.Expr;

/**
 * The statistics that come with a transmit time stamp (SCM_TIMESTAMPING_OPT_STATS): a list of {@code NAME=value}, each
 * compared by name; times may be off by the tolerance unless they are 0.
 */
final class StatsCheck {
    private static final Set<String> TIMES = Set.of("BUSY", "RWND_LIMITED", "SNDBUF_LIMITED");

    private StatsCheck() {}

    static void check(int i, List<Expr> want, Cmsg actual, long toleranceUsecs) {
        if (!(actual.object instanceof byte[] attributes)) {
            throw new ScriptFailure("no statistics in cmsg " + i);
        }
        Map<String, Long> stats = TcpNla.decode(attributes);
        for (Expr e : want) {
            if (!(e instanceof Expr.Assign a)) {
                throw new ScriptFailure("wants NAME=value as a statistic");
            }
            String name = a.name().replaceFirst("^_?TCP_NLA_", "");
            long expected = Args.value(a.value(), name);
            if (!(stats.get(name) instanceof Number n)) {
                throw new ScriptFailure("no statistic " + name + " in cmsg " + i);
            }
            long off = Math.abs(expected - n.longValue());
            boolean close = TIMES.contains(name) && expected != 0 && off <= toleranceUsecs;
            if (expected != -1 && off != 0 && !close) {
                throw new ScriptFailure("Bad " + name + ": expected " + expected + " actual " + n);
            }
        }
    }
}
