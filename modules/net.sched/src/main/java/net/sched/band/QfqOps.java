package net.sched.band;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import org.jspecify.annotations.Nullable;

/**
 * {@code qfq}: classes share by weight, each within about two packets of its due. {@code tc class add ... qfq [weight 1]
 * [maxpkt MTU]}.
 *
 * <p>{@code Deviation:} while there is no class at all packets go through one queue, so that the bare name can be used;
 * Linux drops them. From the first class on a packet of no class is dropped, as there.
 *
 * <p>Linux: net/sched/sch_qfq.c; tc/q_qfq.c
 */
public final class QfqOps implements QdiscOps {
    /** Creates the kind. */
    public QfqOps() {}

    @Override
    public String id() {
        return "qfq";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        if (!args.isEmpty()) {
            throw new UserError("What is \"" + args.getFirst() + "\"? Usage: ... qfq");
        }
        return null;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Qfq(this, devQueue);
    }
}
