package net.core.dev;

/** The kind {@code noqueue}: packets go to the driver at once. Linux: noqueue_qdisc_ops, net/sched/sch_generic.c */
public final class NoqueueOps implements QdiscOps {
    /** Creates the kind. */
    public NoqueueOps() {}

    @Override
    public String id() {
        return "noqueue";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new SchGeneric.NoqueueQdisc(this, devQueue);
    }
}
