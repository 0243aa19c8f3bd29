package net.sched;

import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscOps;
import net.core.tc.TcHandle;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A discipline that decides over packets before one other that queues them, its class 1.
 *
 * <p>Context: the tree's lock.
 */
public abstract class ChildQdisc extends SchedQdisc implements QdiscClassOps {
    /** The one that queues; null until {@link #init}. */
    protected @Nullable Qdisc child;

    /** Creates an instance without its child. */
    protected ChildQdisc(QdiscOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
    }

    /** Makes the child, of {@code kind}. */
    protected final void makeChild(String kind) {
        child = child(TcHandle.make(handle, 1), kind);
    }

    /** Sets the limit of a child that nobody has replaced. */
    protected final void limitChild(String kind, int limit) {
        Qdisc c = child;
        if (c != null && c.id().equals(kind) && (c.flags & TCQ_F_INVISIBLE) != 0) {
            c.change(limit);
        }
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        Qdisc c = child;
        if (c != null) {
            c.handOver(cpu, to);
        }
    }

    @Override
    public void destroy(Cpu cpu) {
        Qdisc c = child;
        if (c != null) {
            c.dropFilters();
            c.destroy(cpu);
        }
    }

    @Override
    public final QdiscClassOps classOps() {
        return this;
    }

    @Override
    public final @Nullable Object find(int classid) {
        return TcHandle.minor(classid) == 1 ? this : null;
    }

    @Override
    public final @Nullable Qdisc leaf(Object cl) {
        return child;
    }

    @Override
    public final @Nullable Qdisc graft(Object cl, Qdisc newChild) {
        Qdisc old = child;
        child = newChild;
        return old;
    }

    @Override
    public final void walk(Visitor visitor) {
        visitor.visit(this);
    }

    @Override
    public final int classid(Object cl) {
        return TcHandle.make(handle, 1);
    }
}
