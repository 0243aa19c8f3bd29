package net.sched.shape;

import java.util.List;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcGrammar;
import org.jspecify.annotations.Nullable;

/**
 * {@code htb [default MINOR] [r2q 10] [direct_qlen PACKETS]}. Without classes all packets go by the direct queue.
 *
 * <p>Linux: net/sched/sch_htb.c; tc/q_htb.c
 */
public final class HtbOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("htb")
            .hexNumber("default")
            .number("r2q", 1, TcGrammar.U32)
            .number("direct_qlen", 0, Integer.MAX_VALUE);

    /** Of {@code tc class add ... htb}. */
    static final TcGrammar CLASS_GRAMMAR = TcGrammar.of("htb")
            .rate("rate")
            .rate("ceil")
            .size("burst")
            .alias("buffer", "burst")
            .alias("maxburst", "burst")
            .size("cburst")
            .alias("cbuffer", "cburst")
            .alias("cmaxburst", "cburst")
            .size("quantum")
            .number("prio", 0, TcGrammar.U32)
            .number("mtu", 0, Integer.MAX_VALUE)
            .number("mpu", 0, 65535)
            .number("overhead", 0, 65535)
            .choice("linklayer", "ethernet", "atm", "adsl");

    /** Creates the kind. */
    public HtbOps() {}

    @Override
    public String id() {
        return "htb";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Htb(this, devQueue);
    }
}
