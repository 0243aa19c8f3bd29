package net.sched.fair;

import java.util.List;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcGrammar;
import org.jspecify.annotations.Nullable;

/**
 * {@code fq [limit 10000] [flow_limit 100] [quantum 2*MTU] [initial_quantum 10*MTU] [maxrate RATE] [buckets 1024]
 * [orphan_mask 1023] [pacing|nopacing] [refill_delay 40ms] [low_rate_threshold 550kbit] [ce_threshold TIME]
 * [timer_slack 10us] [horizon 10s] [horizon_drop|horizon_cap] [bands 3 priomap ...] [weights 589824 196608 65536]}.
 *
 * <p>Linux: net/sched/sch_fq.c
 */
public final class FqOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("fq")
            .number("limit", 0, TcGrammar.U32)
            .number("flow_limit", 0, TcGrammar.U32)
            .size("quantum")
            .size("initial_quantum")
            .rate("maxrate")
            .number("buckets", 2, 256 * 1024)
            .number("orphan_mask", 0, TcGrammar.U32)
            .flag("pacing", "pacing", 1)
            .flag("nopacing", "pacing", 0)
            .time("refill_delay")
            .rate("low_rate_threshold")
            .time("ce_threshold")
            .time64("timer_slack")
            .time("horizon")
            .flag("horizon_drop", "horizon_drop", 1)
            .flag("horizon_cap", "horizon_drop", 0)
            .number("bands", 3, 3)
            .numbers("priomap", 16, 0, 2)
            .numbers("weights", 3, Fq.MIN_WEIGHT, Integer.MAX_VALUE);

    /** Creates the kind. */
    public FqOps() {}

    @Override
    public String id() {
        return "fq";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Fq(this, devQueue);
    }
}
