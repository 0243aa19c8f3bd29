package net.sched.band;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import org.jspecify.annotations.Nullable;

/**
 * {@code drr}: classes in turn, each up to its quantum. {@code tc class add ... drr [quantum BYTES]}.
 *
 * <p>{@code Deviation:} while there is no class at all packets go through one queue, so that the bare name can be used;
 * Linux drops them. From the first class on a packet of no class is dropped, as there.
 *
 * <p>Linux: net/sched/sch_drr.c; tc/q_drr.c
 */
public final class DrrOps implements QdiscOps {
    /** Creates the kind. */
    public DrrOps() {}

    @Override
    public String id() {
        return "drr";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        if (!args.isEmpty()) {
            throw new UserError("What is \"" + args.getFirst() + "\"? Usage: ... drr");
        }
        return null;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Drr(this, devQueue);
    }
}
