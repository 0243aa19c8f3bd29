package net.sched;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.SchGeneric;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
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
    static final class Mq extends Qdisc {
        private Qdisc[] children = {};

        Mq(QdiscOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, TCQ_F_MQROOT);
        }

        @Override
        public int init(@Nullable Object opt) {
            NetDevice dev = devQueue.dev;
            children = new Qdisc[dev.tx.length];
            for (int i = 0; i < children.length; i++) {
                Qdisc q = SchGeneric.createDefault(dev, dev.tx[i]);
                q.parent = handle & 0xffff0000 | i + 1;
                q.flags |= TCQ_F_ONETXQUEUE | TCQ_F_NOPARENT;
                children[i] = q;
            }
            return 0;
        }

        @Override
        public void attach(NetDevice dev) {
            for (int i = 0; i < children.length; i++) {
                dev.tx[i].qdiscSleeping = children[i];
            }
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            throw new IllegalStateException("mq has no queue of its own");
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }

        @Override
        public void reset(Cpu cpu) {}

        private interface Counter {
            long of(Qdisc q);
        }

        /** The queues' present qdiscs, which may not be ours any more. */
        private long sum(Counter c) {
            long n = 0;
            for (NetdevQueue txq : devQueue.dev.tx) {
                n += c.of(txq.qdiscSleeping);
            }
            return n;
        }

        @Override
        public int currentQlen() {
            return (int) sum(Qdisc::currentQlen);
        }

        @Override
        public long currentBacklog() {
            return sum(Qdisc::currentBacklog);
        }

        @Override
        public long currentDrops() {
            return sum(Qdisc::currentDrops);
        }

        @Override
        public long currentPackets() {
            return sum(Qdisc::currentPackets);
        }

        @Override
        public long currentBytes() {
            return sum(Qdisc::currentBytes);
        }

        @Override
        public long currentRequeues() {
            return sum(Qdisc::currentRequeues);
        }
    }
}
