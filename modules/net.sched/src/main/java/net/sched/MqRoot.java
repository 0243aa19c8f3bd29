package net.sched;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscStats;
import net.core.dev.SchGeneric;
import net.core.tc.TcHandle;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A root that groups the qdiscs of a device's transmit queues, each with a lock of its own, as classes 1 and up. No packet
 * passes through it; its counters are the sums.
 *
 * <p>Context: rtnl.
 */
abstract class MqRoot extends Qdisc implements QdiscClassOps {
    private Qdisc[] children = {};

    MqRoot(QdiscOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, TCQ_F_MQROOT);
    }

    /** Makes a qdisc of the default kind for each queue. */
    final void makeChildren() {
        NetDevice dev = devQueue.dev;
        children = new Qdisc[dev.tx.length];
        for (int i = 0; i < children.length; i++) {
            Qdisc q = SchGeneric.createOfQueue(dev, dev.tx[i]);
            q.parent = TcHandle.make(handle, i + 1);
            q.flags |= TCQ_F_ONETXQUEUE | TCQ_F_NOPARENT;
            children[i] = q;
        }
    }

    @Override
    public void attach(NetDevice dev) {
        for (int i = 0; i < children.length; i++) {
            dev.tx[i].qdiscSleeping = children[i];
        }
    }

    @Override
    public final int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        throw new IllegalStateException(id() + " has no queue of its own");
    }

    @Override
    public final @Nullable SkBuff dequeue(Cpu cpu) {
        return null;
    }

    @Override
    public final void reset(Cpu cpu) {}

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
    public final int currentQlen() {
        return (int) sum(Qdisc::currentQlen);
    }

    @Override
    public final long currentBacklog() {
        return sum(Qdisc::currentBacklog);
    }

    @Override
    public final long currentDrops() {
        return sum(Qdisc::currentDrops);
    }

    @Override
    public final long currentPackets() {
        return sum(Qdisc::currentPackets);
    }

    @Override
    public final long currentBytes() {
        return sum(Qdisc::currentBytes);
    }

    @Override
    public final long currentRequeues() {
        return sum(Qdisc::currentRequeues);
    }

    // ---- classes: the queues, by their index

    @Override
    public final QdiscClassOps classOps() {
        return this;
    }

    @Override
    public @Nullable Object find(int classid) {
        int i = TcHandle.minor(classid) - 1;
        return i >= 0 && i < devQueue.dev.tx.length ? i : null;
    }

    @Override
    public @Nullable Qdisc leaf(Object cl) {
        return devQueue.dev.tx[(Integer) cl].qdiscSleeping;
    }

    @Override
    public void walk(Visitor visitor) {
        for (int i = 0; i < devQueue.dev.tx.length; i++) {
            if (!visitor.visit(i)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return TcHandle.make(handle, (Integer) cl + 1);
    }

    @Override
    public void stats(Object cl, QdiscStats to) {
        to.of(devQueue.dev.tx[(Integer) cl].qdiscSleeping);
    }
}
