package net.core.dev;

import java.util.List;
import net.core.UserError;
import org.jspecify.annotations.Nullable;

/**
 * A kind of queueing discipline: its name, its option parser and its factory. Found through ServiceLoader.
 *
 * <p>{@code Deviation:} the kernel's table of functions with private data behind it is here a factory and a subclass
 * of {@link Qdisc}.
 *
 * <p>Linux: struct Qdisc_ops
 */
public interface QdiscOps {
    /** Name as in {@code tc qdisc add ... NAME}, unique. */
    String id();

    /**
     * Reads options in tc's grammar (the words after the name).
     *
     * @return what {@link Qdisc#init} and {@link Qdisc#change} take; null for none
     * @throws UserError with one line that says what is wrong
     */
    default @Nullable Object parse(List<String> args) {
        if (!args.isEmpty()) {
            throw new UserError("qdisc " + id() + " takes no option, got \"" + args.getFirst() + "\"");
        }
        return null;
    }

    /** Makes an instance for one queue of a device, or for the whole device if {@link Qdisc#TCQ_F_MQROOT}. */
    Qdisc create(NetdevQueue devQueue);
}
