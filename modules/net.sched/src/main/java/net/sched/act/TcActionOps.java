package net.sched.act;

import net.core.Net;

/**
 * A kind of action: its name, its grammar and its factory. Found through ServiceLoader.
 *
 * <p>Linux: struct tc_action_ops; struct action_util, iproute2
 */
public interface TcActionOps {
    /** Name as in {@code action NAME ...}, unique. */
    String id();

    /**
     * Reads the words after the kind, up to the first that is not its own; what all kinds share ({@code cookie}, ...) is
     * read by the caller.
     *
     * @throws net.core.UserError if a word is wrong
     */
    TcActionParms parse(TcActionWords in);

    /** An instance that {@link TcAction#change} is going to set up. */
    TcAction create(Net net, int index);
}
