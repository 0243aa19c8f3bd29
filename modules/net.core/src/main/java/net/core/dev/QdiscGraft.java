package net.core.dev;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.tc.TcHandle;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Replaces qdiscs. On a device that is up nothing is lost and no flow is reordered: arrivals are collected in front of a
 * gate while the old qdisc's packets move into the new one, then follow them.
 *
 * <p>{@code Deviation:} Linux deactivates the device, which drops what the old qdisc holds and what arrives meanwhile.
 *
 * <p>Context: process, rtnl, without a word.
 *
 * <p>Linux: qdisc_graft(), net/sched/sch_api.c; dev_graft_qdisc(), net/sched/sch_generic.c
 */
public final class QdiscGraft {
    /** Rounds of sending directly what came meanwhile, until the order is given up for the sake of an end. */
    private static final int MAX_ROUNDS = 1000;

    private QdiscGraft() {}

    /** Collects what arrives during a change. Never runs: who changes the qdisc holds its run state. */
    private static final class Gate extends Qdisc {
        Gate(NetdevQueue txq) {
            super(null, txq, 0);
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            return enqueueTail(skb);
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }
    }

    /** Puts {@code q} at the root of a device: before all its queues, or as the parent of one qdisc for each. */
    public static void root(NetDevice dev, Qdisc q) {
        q.parent = TcHandle.ROOT;
        if (dev.tx.length == 1) {
            q.flags |= Qdisc.TCQ_F_ONETXQUEUE;
        }
        Qdisc old = dev.qdisc;
        swap(dev.tx, dev, () -> {
            if ((q.flags & Qdisc.TCQ_F_MQROOT) == 0) {
                for (NetdevQueue txq : dev.tx) {
                    txq.qdiscSleeping = q;
                }
            }
            q.attach(dev);
            dev.qdisc = q;
        });
        if (old != q && (old.flags & Qdisc.TCQ_F_MQROOT) != 0) {
            // It had no queue, so that it was not among those that were emptied.
            Cpu cpu = dev.kernel().localBhDisable(-1);
            old.destroy(cpu);
            cpu.localBhEnable();
        }
    }

    /** Puts {@code q} before one queue, under a root that groups the queues. */
    public static void queue(NetdevQueue txq, Qdisc q) {
        q.flags |= Qdisc.TCQ_F_ONETXQUEUE | Qdisc.TCQ_F_NOPARENT;
        swap(new NetdevQueue[] {txq}, txq.dev, () -> txq.qdiscSleeping = q);
    }

    /** Makes the default qdisc of a device's root again. Linux: tc qdisc del ... root */
    public static void defaults(NetDevice dev) {
        QdiscOps mq = dev.globals().qdiscs.find("mq");
        if (dev.tx.length > 1 && mq != null && (dev.privFlags & NetDevice.IFF_NO_QUEUE) == 0) {
            Qdisc root = mq.create(dev.tx[0]);
            root.init(null);
            root(dev, root);
        } else {
            root(dev, SchGeneric.createDefault(dev, dev.tx[0]));
        }
    }

    private static void swap(NetdevQueue[] queues, NetDevice dev, Runnable attach) {
        Qdisc noop = dev.globals().noop;
        boolean live = false;
        for (NetdevQueue txq : queues) {
            live |= txq.qdisc != noop;
        }
        List<Qdisc> olds = replaced(queues);
        if (!live) {
            attach.run();
            Cpu cpu = dev.kernel().localBhDisable(-1);
            destroy(cpu, olds);
            cpu.localBhEnable();
            return;
        }
        // (1) Arrivals wait at the gate from here on.
        Gate gate = new Gate(queues[0]);
        gate.runBegin();
        for (NetdevQueue txq : queues) {
            txq.qdisc = gate;
        }
        // (2) Whoever read an old pointer is through with it; NET_TX may still have old ones on its list.
        dev.globals().synchronizeNet();
        for (Qdisc q : olds) {
            q.setDeactivated(true);
        }
        int round = 0;
        while (busy(dev, olds)) {
            dev.kernel().scheduler().spinWait(round++);
        }
        attach.run();
        Cpu cpu = dev.kernel().localBhDisable(-1);
        try {
            handOver(cpu, dev, queues, olds, gate);
            destroy(cpu, olds);
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Moves the old backlog, then what waits at the gate, then opens it. */
    private static void handOver(Cpu cpu, NetDevice dev, NetdevQueue[] queues, List<Qdisc> olds, Gate gate) {
        SkBuffHead moved = new SkBuffHead();
        SkBuffHead direct = new SkBuffHead();
        SkBuffHead toFree = new SkBuffHead();
        for (NetdevQueue txq : queues) {
            txq.qdiscSleeping.setDeactivated(false);
            txq.transStart = cpu.jiffies();
        }
        // (3) The backlog, before anything newer.
        for (Qdisc q : olds) {
            q.rootLock().lock();
            q.handOver(cpu, moved);
            q.rootLock().unlock();
        }
        feed(cpu, dev, moved, direct, toFree);
        // (4) The gate's packets. To a device that has no queue any more they go at once, before newer ones may.
        int rounds = 0;
        while (true) {
            gate.rootLock().lock();
            moved.spliceTail(gate.q);
            feed(cpu, dev, moved, direct, toFree);
            if (direct.isEmpty() || ++rounds > MAX_ROUNDS) {
                break;
            }
            gate.rootLock().unlock();
            sendAll(cpu, dev, direct);
        }
        // Senders that stand at the gate's lock find it shut afterwards, and look again.
        gate.setDeactivated(true);
        for (NetdevQueue txq : queues) {
            txq.qdisc = txq.qdiscSleeping;
        }
        gate.rootLock().unlock();
        toFree.purge(cpu, SkbDropReason.QDISC_DROP);
        sendAll(cpu, dev, direct);
        boolean watchdog = false;
        for (NetdevQueue txq : queues) {
            if ((txq.qdisc.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                watchdog = true;
                SchGeneric.netifScheduleNow(cpu, txq.qdisc);
            }
        }
        if (watchdog) {
            dev.watchdogUp(cpu);
        }
    }

    private static void sendAll(Cpu cpu, NetDevice dev, SkBuffHead list) {
        for (SkBuff skb = list.dequeue(); skb != null; skb = list.dequeue()) {
            DevXmit.xmitWithoutQueue(cpu, skb, dev, dev.tx[skb.queueMapping]);
        }
    }

    private static void feed(Cpu cpu, NetDevice dev, SkBuffHead from, SkBuffHead direct, SkBuffHead toFree) {
        for (SkBuff skb = from.dequeue(); skb != null; skb = from.dequeue()) {
            Qdisc q = dev.tx[skb.queueMapping].qdiscSleeping;
            if ((q.flags & Qdisc.TCQ_F_BUILTIN) != 0) {
                direct.addTail(skb);
            } else if ((q.flags & Qdisc.TCQ_F_NOLOCK) != 0) {
                q.enqueue(cpu, skb, toFree);
            } else {
                q.rootLock().lock();
                q.enqueue(cpu, skb, toFree);
                q.rootLock().unlock();
            }
        }
    }

    private static boolean busy(NetDevice dev, List<Qdisc> olds) {
        Cpu cpu = dev.kernel().localBhDisable(-1);
        try {
            for (Qdisc q : olds) {
                q.rootLock().lock();
                boolean running = q.isRunning();
                q.rootLock().unlock();
                if (running) {
                    return true;
                }
            }
            return false;
        } finally {
            cpu.localBhEnable();
        }
    }

    /** What goes away: each qdisc once. A root that only groups others is among them. */
    private static List<Qdisc> replaced(NetdevQueue[] queues) {
        List<Qdisc> olds = new ArrayList<>();
        for (NetdevQueue txq : queues) {
            Qdisc q = txq.qdiscSleeping;
            if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0 && !olds.contains(q)) {
                olds.add(q);
            }
        }
        return olds;
    }

    private static void destroy(Cpu cpu, List<Qdisc> olds) {
        for (Qdisc q : olds) {
            SchGeneric.resetQdisc(cpu, q);
            q.dropFilters();
            q.destroy(cpu);
        }
    }
}
