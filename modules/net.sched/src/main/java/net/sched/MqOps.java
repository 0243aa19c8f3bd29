package net.sched;

import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import org.jspecify.annotations.Nullable;

/**
 * The root of a device with several transmit queues: a qdisc of the default kind in front of each, with its own lock.
 *
 * <p>Linux: net/sched/sch_mq.c
 */
public final class MqOps implements QdiscOps {
    /** Creates the kind. */
    public MqOps() {}

    @Override
    public String id() {
        return "mq";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Mq(this, devQueue);
    }

    /** The root; no packet passes through it. */
    static final class Mq extends MqRoot {
        Mq(QdiscOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            makeChildren();
            return 0;
        }
    }
}
