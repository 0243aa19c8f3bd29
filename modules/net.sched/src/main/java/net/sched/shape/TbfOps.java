package net.sched.shape;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import org.jspecify.annotations.Nullable;

/**
 * {@code tbf rate RATE burst BYTES {limit BYTES | latency TIME} [peakrate RATE mtu BYTES] [mpu BYTES] [overhead BYTES]
 * [linklayer TYPE]}.
 *
 * <p>The bare name, which tc refuses, is {@code rate 1gbit burst 128kb latency 50ms}.
 *
 * <p>Linux: net/sched/sch_tbf.c; tc/q_tbf.c
 */
public final class TbfOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("tbf")
            .size("limit")
            .time("latency")
            .size("burst")
            .alias("buffer", "burst")
            .alias("maxburst", "burst")
            .size("mtu")
            .alias("minburst", "mtu")
            .number("mpu", 0, 65535)
            .rate("rate")
            .rate("peakrate")
            .number("overhead", 0, 65535)
            .choice("linklayer", "ethernet", "atm", "adsl");

    /** Creates the kind. */
    public TbfOps() {}

    @Override
    public String id() {
        return "tbf";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        if (args.isEmpty()) {
            return GRAMMAR.read(List.of("rate", "1gbit", "burst", "128kb", "latency", "50ms"));
        }
        TcAttrs a = GRAMMAR.read(args);
        if (a.get("rate", 0L) == 0 || a.get("burst", 0L) == 0) {
            throw new UserError("Both \"rate\" and \"burst\" are required.");
        }
        if (a.has("limit") == a.has("latency")) {
            throw new UserError(
                    a.has("limit") ? "Double \"limit/latency\" spec" : "Either \"limit\" or \"latency\" is required.");
        }
        if (a.has("peakrate") && a.get("mtu", 0L) == 0) {
            throw new UserError("\"mtu\" is required, if \"peakrate\" is requested.");
        }
        return a;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Tbf(this, devQueue);
    }
}
