package net.core.dev;

import java.util.List;
import net.core.UserError;
import net.core.tc.TcPrint;
import org.jspecify.annotations.Nullable;

/**
 * What a classful discipline answers about its classes. A class is an object of the discipline's own; callers only hand
 * it back.
 *
 * <p>Context: rtnl; what changes the tree ({@link #graft}, {@link #change}, {@link #delete}, {@link #qlenNotify}) with
 * the tree's lock held too.
 *
 * <p>Linux: struct Qdisc_class_ops, include/net/sch_generic.h
 */
public interface QdiscClassOps {
    /** The class called {@code classid}, or null. Linux: find(). */
    @Nullable
    Object find(int classid);

    /** The discipline under a class; null if the class has children or keeps its packets itself. */
    @Nullable
    Qdisc leaf(Object cl);

    /**
     * Puts {@code child}, which is set up as {@link Qdisc#setParent} says, under a class and returns what was there.
     * Moving the backlog is the caller's: {@link Qdisc#replaceChild} calls this.
     *
     * @throws UserError if this class takes no discipline
     */
    default @Nullable Qdisc graft(Object cl, Qdisc child) {
        throw new UserError("Error: Class doesn't support grafting");
    }

    /** A child has become empty behind its parent's back: its class is not active any more. May come twice. */
    default void qlenNotify(Object cl) {}

    /**
     * Adds a class, if {@code cl} is null, or changes one.
     *
     * @param parent class it goes under: the discipline's handle for its root
     * @param args words of {@code tc class add ... KIND}
     * @throws UserError if there can be no such class
     */
    default void change(net.core.Cpu cpu, int classid, int parent, List<String> args, @Nullable Object cl) {
        throw new UserError("Error: Qdisc doesn't support changing classes");
    }

    /** Removes a class; what its leaf holds is dropped. @throws UserError if it cannot go */
    default void delete(net.core.Cpu cpu, Object cl) {
        throw new UserError("Error: Qdisc doesn't support deleting classes");
    }

    /** The filters that hang on a class and choose one below it; null if none. Linux: tcf_block() */
    default @Nullable TcfBlock filters(Object cl) {
        return null;
    }

    /**
     * Hangs filters on a class, or takes them off.
     *
     * @throws UserError if this class takes none
     */
    default void setFilters(Object cl, @Nullable TcfBlock filters) {
        throw new UserError("Error: Class doesn't support blocks.");
    }

    /** Looks at one class; returns false to end the walk. */
    interface Visitor {
        boolean visit(Object cl);
    }

    /** Shows all classes. */
    void walk(Visitor visitor);

    /** The number of a class. */
    int classid(Object cl);

    /** The number of the class that {@code cl} is under, or {@link net.core.tc.TcHandle#ROOT}. */
    default int parentOf(Object cl) {
        return net.core.tc.TcHandle.ROOT;
    }

    /** Options of a class, as after {@code leaf 10: }. */
    default void dump(Object cl, TcPrint p) {}

    /** Counters that each class has: into {@code to}. */
    default void stats(Object cl, QdiscStats to) {}

    /** Counters of this kind of class, as {@code tc -s class} shows them, each line ended. */
    default void dumpStats(Object cl, TcPrint p) {}
}
