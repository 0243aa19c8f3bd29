package net.sched.fair;

import java.util.List;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcGrammar;
import org.jspecify.annotations.Nullable;

/**
 * {@code fq_codel [limit 10240] [flows 1024] [quantum MTU] [target 5ms] [interval 100ms] [memory_limit 32Mb] [ecn|noecn]
 * [drop_batch 64] [ce_threshold TIME] [ce_threshold_selector VALUE/MASK]}.
 *
 * <p>Linux: net/sched/sch_fq_codel.c. RFC 8290
 */
public final class FqCodelOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("fq_codel")
            .number("limit", 1, Integer.MAX_VALUE)
            .number("flows", 1, 65536)
            .number("quantum", 1, 1 << 20)
            .time("target")
            .time("interval")
            .time("ce_threshold")
            .masked("ce_threshold_selector")
            .size("memory_limit")
            .number("drop_batch", 1, Integer.MAX_VALUE)
            .flag("ecn", "ecn", 1)
            .flag("noecn", "ecn", 0);

    /** Creates the kind. */
    public FqCodelOps() {}

    @Override
    public String id() {
        return "fq_codel";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new FqCodel(this, devQueue);
    }
}
