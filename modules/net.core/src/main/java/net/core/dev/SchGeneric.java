package net.core.dev;

import net.core.Cpu;
import net.core.Softirq;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Runs qdiscs: takes packets out, hands them to the driver, takes back what it refuses, and hands over to NET_TX when the
 * quota is used up.
 *
 * <p>Locks: the root lock is released before the transmit lock is taken, and taken again after.
 *
 * <p>Linux: net/sched/sch_generic.c
 */
public final class SchGeneric {
    private SchGeneric() {}

    /** Swallows packets: the qdisc of a device that is down. */
    static final class NoopQdisc extends Qdisc {
        NoopQdisc() {
            super(TCQ_F_BUILTIN);
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            toFree.addTail(skb);
            return NetXmit.NET_XMIT_CN;
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }
    }

    /** Marks a queue without a qdisc: packets go to the driver at once. Never called. */
    public static class NoqueueQdisc extends Qdisc {
        /** Creates the mark for one queue. */
        public NoqueueQdisc(QdiscOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, TCQ_F_BUILTIN);
        }

        @Override
        public final int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            throw new IllegalStateException("noqueue holds no packets");
        }

        @Override
        public final @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }
    }

    // NET_TX.

    /** Lets NET_TX run {@code q} on this CPU, once. Linux: __netif_schedule(). */
    @HotPath
    public static void netifScheduleNow(Cpu cpu, Qdisc q) {
        if (!q.testAndSetSched()) {
            cpu.sd.outputQueueAdd(q);
            cpu.raiseSoftirq(Softirq.NET_TX);
        }
    }

    /** As {@link #netifScheduleNow}, unless there is no queue. Linux: netif_schedule_queue(). */
    @HotPath
    public static void netifSchedule(Cpu cpu, Qdisc q) {
        if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
            netifScheduleNow(cpu, q);
        }
    }

    /** NET_TX: frees what was completed in interrupt context and runs the qdiscs put on the output queue. */
    static void netTxAction(Cpu cpu) {
        SoftnetData sd = cpu.sd;
        PathTrace.hit(cpu, null, Landmark.NET_TX_ACTION);
        sd.freeCompletionQueue();
        Qdisc q = sd.takeOutputQueue();
        while (q != null) {
            Qdisc next = q.nextSched;
            q.nextSched = null;
            boolean locked = (q.flags & Qdisc.TCQ_F_NOLOCK) == 0;
            if (locked) {
                q.rootLock().lock();
            }
            try {
                // Cleared before the run: whoever queues from now on schedules again.
                q.clearSched();
                if (!q.isDeactivated()) {
                    qdiscRun(cpu, q);
                }
            } catch (RuntimeException | Error e) {
                cpu.xmitRecursion = 0;
                cpu.oops("qdisc " + q, e); // the others still get their turn
            } finally {
                if (locked) {
                    q.rootLock().unlock();
                }
            }
            q = next;
        }
    }

    // Running.

    /** Runs {@code q} unless somebody does. Linux: qdisc_run(). */
    @HotPath
    static void qdiscRun(Cpu cpu, Qdisc q) {
        if (q.runBegin()) {
            try {
                qdiscRunCore(cpu, q);
            } finally {
                q.runEnd(cpu);
            }
        }
    }

    /** Runs {@code q} until it is empty, held back, or the quota is gone. Linux: __qdisc_run(). */
    @HotPath
    static void qdiscRunCore(Cpu cpu, Qdisc q) {
        int quota = cpu.sd.globals().devTxWeight;
        while (true) {
            int packets = qdiscRestart(cpu, q);
            if (packets <= 0) {
                return;
            }
            quota -= packets;
            if (quota <= 0) {
                if ((q.flags & Qdisc.TCQ_F_NOLOCK) != 0) {
                    q.setMissed();
                } else {
                    netifScheduleNow(cpu, q);
                }
                return;
            }
        }
    }

    /** Sends one packet or bulk; returns how many packets, or 0 when it is time to stop. Linux: qdisc_restart(). */
    private static int qdiscRestart(Cpu cpu, Qdisc q) {
        SoftnetData sd = cpu.sd;
        SkBuff skb = dequeueSkb(cpu, q);
        if (skb == null) {
            return 0;
        }
        PathTrace.hit(cpu, skb, Landmark.QDISC_DEQUEUE);
        int packets = sd.dequeuedPackets;
        if (cpu.tracing) {
            SkbTrace.qdiscDequeue(cpu, skb, q.devQueue, q.id(), q.handle, packets);
        }
        boolean validate = sd.dequeuedValidate;
        NetDevice dev = q.devQueue.dev;
        NetdevQueue txq = dev.tx[skb.queueMapping];
        boolean locked = (q.flags & Qdisc.TCQ_F_NOLOCK) == 0;
        return schDirectXmit(cpu, skb, q, dev, txq, locked, validate) ? packets : 0;
    }

    /** Leaves count and the need to validate in {@code cpu.sd}. Linux: dequeue_skb(). */
    private static @Nullable SkBuff dequeueSkb(Cpu cpu, Qdisc q) {
        SoftnetData sd = cpu.sd;
        NetdevQueue txq = q.devQueue;
        sd.dequeuedPackets = 1;
        if (q.gsoSkb.qlen != 0) {
            // These were validated, unless peek took them out.
            SkBuff skb = q.gsoSkb.peek();
            if (skb == null) {
                return null;
            }
            sd.dequeuedValidate = skb.peeked;
            txq = txq.dev.tx[skb.queueMapping];
            if (txq.frozenOrStopped()) {
                maybeClearMissed(q, txq);
                return null;
            }
            skb = q.gsoSkb.dequeue();
            if (skb != null) {
                skb.peeked = false;
                q.qlen--;
                q.backlog -= QdiscSkbCb.pktLen(skb);
            }
            return skb;
        }
        sd.dequeuedValidate = true;
        if ((q.flags & Qdisc.TCQ_F_ONETXQUEUE) != 0 && txq.frozenOrStopped()) {
            maybeClearMissed(q, txq);
            return null;
        }
        SkBuff skb = dequeueBadTxq(q);
        if (skb == null) {
            skb = q.dequeue(cpu);
        }
        if (skb != null) {
            skb.next = null;
            if ((q.flags & Qdisc.TCQ_F_ONETXQUEUE) != 0) {
                tryBulkDequeue(cpu, q, skb, txq);
            } else {
                tryBulkDequeueSlow(cpu, q, skb);
            }
        }
        return skb;
    }

    private static @Nullable SkBuff dequeueBadTxq(Qdisc q) {
        SkBuff skb = q.skbBadTxq.peek();
        if (skb == null || q.devQueue.dev.tx[skb.queueMapping].frozenOrStopped()) {
            return null;
        }
        skb = q.skbBadTxq.dequeue();
        if (skb != null) {
            q.qlen--;
            q.backlog -= QdiscSkbCb.pktLen(skb);
        }
        return skb;
    }

    /** Takes more for one doorbell, as far as the byte queue limit lets them through. */
    private static void tryBulkDequeue(Cpu cpu, Qdisc q, SkBuff first, NetdevQueue txq) {
        int byteLimit = txq.dql.avail() - first.len;
        SkBuff last = first;
        while (byteLimit > 0) {
            SkBuff n = q.dequeue(cpu);
            if (n == null) {
                break;
            }
            byteLimit -= n.len;
            n.next = null;
            last.next = n;
            last = n;
            cpu.sd.dequeuedPackets++;
        }
    }

    /** Takes up to eight more as long as they are for the same transmit queue. */
    private static void tryBulkDequeueSlow(Cpu cpu, Qdisc q, SkBuff first) {
        int mapping = first.queueMapping;
        SkBuff last = first;
        int cnt = 0;
        do {
            SkBuff n = q.dequeue(cpu);
            if (n == null) {
                break;
            }
            if (n.queueMapping != mapping) {
                n.next = null;
                q.skbBadTxq.addTail(n);
                q.qlen++;
                q.backlog += QdiscSkbCb.pktLen(n);
                break;
            }
            n.next = null;
            last.next = n;
            last = n;
        } while (++cnt < 8);
        cpu.sd.dequeuedPackets += cnt;
    }

    /**
     * The queue is stopped, so its wake-up will schedule us: no need to come again for MISSED. Looks again after
     * clearing, for the wake-up may have passed.
     *
     * <p>Linux: qdisc_maybe_clear_missed()
     */
    private static void maybeClearMissed(Qdisc q, NetdevQueue txq) {
        if ((q.flags & Qdisc.TCQ_F_NOLOCK) == 0) {
            return;
        }
        q.clearMissed();
        if (!txq.frozenOrStopped()) {
            q.setMissed();
        }
    }

    /** Keeps what the driver did not take, ahead of everything else. Linux: dev_requeue_skb(). */
    private static void devRequeueSkb(Cpu cpu, SkBuff list, Qdisc q) {
        SkBuff skb = list;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = null;
            q.gsoSkb.addTail(skb);
            q.requeues++;
            q.qlen++;
            q.backlog += QdiscSkbCb.pktLen(skb);
            skb = next;
        }
        if ((q.flags & Qdisc.TCQ_F_NOLOCK) != 0) {
            q.setMissed();
        } else {
            netifScheduleNow(cpu, q);
        }
    }

    /**
     * Sends a packet or list by the driver, requeueing what it does not take.
     *
     * @param locked the root lock is held; it is released meanwhile
     * @param validate the packet has not been through {@link Dev#validateXmitSkb} yet
     * @return true if the runner should go on
     *     <p>Linux: sch_direct_xmit()
     */
    @HotPath
    static boolean schDirectXmit(
            Cpu cpu, SkBuff first, Qdisc q, NetDevice dev, NetdevQueue txq, boolean locked, boolean validate) {
        PathTrace.hit(cpu, first, Landmark.SCH_DIRECT_XMIT);
        if (locked) {
            q.rootLock().unlock();
        }
        SkBuff skb = first;
        int ret = NetDeviceOps.NETDEV_TX_BUSY;
        try {
            if (validate) {
                skb = DevXmit.validateXmitSkbList(cpu, first, dev);
            }
            if (skb != null) {
                DevXmit.hardTxLock(cpu, dev, txq);
                try {
                    if (!txq.frozenOrStopped()) {
                        skb = DevXmit.devHardStartXmit(cpu, skb, dev, txq);
                        ret = cpu.sd.hardXmitRc;
                    } else {
                        maybeClearMissed(q, txq);
                    }
                } finally {
                    DevXmit.hardTxUnlock(dev, txq);
                }
            } else {
                ret = NetDeviceOps.NETDEV_TX_OK;
            }
        } finally {
            if (locked) {
                q.rootLock().lock();
            }
        }
        if (!NetXmit.devXmitComplete(ret) && skb != null) {
            devRequeueSkb(cpu, skb, q);
            return false;
        }
        return true;
    }

    /**
     * Splits a GSO packet inside a discipline: the list of its segments, each with its length; null if it cannot be, then
     * the packet is still the caller's.
     *
     * <p>Linux: skb_gso_segment() without GSO features, as sch_tbf.c and sch_cake.c call it
     */
    public static @Nullable SkBuff segmentInQdisc(Cpu cpu, SkBuff skb, NetDevice dev) {
        long features = DevXmit.netifSkbFeatures(skb, dev) & ~NetdevFeatures.NETIF_F_GSO_MASK;
        SkBuff segs = Gso.skbGsoSegment(cpu, skb, features, true);
        if (segs == null || segs == skb) {
            return null;
        }
        for (SkBuff s = segs; s != null; s = s.next) {
            QdiscSkbCb.setPktLen(s, s.len);
        }
        return segs;
    }

    // Activation, under rtnl.

    /** Makes the qdisc that a device has unless told otherwise: none if it never stops. Context: rtnl. */
    public static Qdisc createDefault(NetDevice dev, NetdevQueue txq) {
        QdiscRegistry all = dev.globals().qdiscs;
        boolean queue = (dev.privFlags & NetDevice.IFF_NO_QUEUE) == 0;
        return create(dev, txq, queue ? all.defaultOps() : all.get("noqueue"));
    }

    /** Makes the qdisc of one queue under a root that groups them: of the default kind. Linux: mq_init(). */
    public static Qdisc createOfQueue(NetDevice dev, NetdevQueue txq) {
        return create(dev, txq, dev.globals().qdiscs.defaultOps());
    }

    /** Linux: qdisc_create_dflt(). */
    private static Qdisc create(NetDevice dev, NetdevQueue txq, QdiscOps ops) {
        Qdisc q = ops.create(txq);
        if ((q.flags & Qdisc.TCQ_F_MQROOT) != 0) {
            q = dev.globals().qdiscs.get("pfifo_fast").create(txq); // what groups queues cannot be in front of one
        }
        if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0 && dev.tx.length == 1) {
            q.flags |= Qdisc.TCQ_F_ONETXQUEUE;
        }
        int err = q.init(null);
        if (err != 0) {
            throw new IllegalStateException(
                    "qdisc " + q.id() + " on " + dev.name() + ": " + net.skbuff.Errno.name(-err));
        }
        return q;
    }

    /** Gives a device that has none its default qdiscs. Linux: attach_default_qdiscs(). */
    private static void attachDefault(NetDevice dev) {
        DevGlobals g = dev.globals();
        QdiscOps mq = g.qdiscs.find("mq");
        if (dev.tx.length > 1 && mq != null && (dev.privFlags & NetDevice.IFF_NO_QUEUE) == 0) {
            Qdisc root = mq.create(dev.tx[0]);
            root.init(null);
            dev.qdisc = root;
            root.attach(dev);
        } else {
            for (NetdevQueue txq : dev.tx) {
                txq.qdiscSleeping = createDefault(dev, txq);
            }
            dev.qdisc = dev.tx[0].qdiscSleeping;
        }
    }

    /** Puts the qdiscs in force and starts the watchdog. Linux: dev_activate(). */
    static void devActivate(Cpu cpu, NetDevice dev) {
        if (dev.qdisc == dev.globals().noop) {
            attachDefault(dev);
        }
        boolean watchdog = false;
        for (NetdevQueue txq : dev.tx) {
            Qdisc q = txq.qdiscSleeping;
            if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                q.setDeactivated(false);
                watchdog = true;
            }
            txq.transStart = cpu.jiffies();
            txq.qdisc = q;
        }
        if (watchdog) {
            dev.watchdogUp(cpu);
        }
    }

    /** Takes the qdiscs out of force, waits for runners and drops what they hold. Linux: dev_deactivate_many(). */
    static void devDeactivate(NetDevice dev) {
        Qdisc noop = dev.globals().noop;
        for (NetdevQueue txq : dev.tx) {
            Qdisc q = txq.qdisc;
            if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                q.setDeactivated(true);
            }
            txq.qdisc = noop;
        }
        dev.watchdogDown();
        // Whoever read the old pointer is through with it.
        dev.globals().synchronizeNet();
        int round = 0;
        while (someQdiscIsBusy(dev)) {
            dev.kernel().scheduler().spinWait(round++);
        }
        Cpu cpu = dev.kernel().localBhDisable(-1);
        for (NetdevQueue txq : dev.tx) {
            resetQdisc(cpu, txq.qdiscSleeping);
        }
        cpu.localBhEnable();
    }

    private static boolean someQdiscIsBusy(NetDevice dev) {
        for (NetdevQueue txq : dev.tx) {
            Qdisc q = txq.qdiscSleeping;
            if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                boolean lockless = (q.flags & Qdisc.TCQ_F_NOLOCK) != 0;
                if (!lockless) {
                    q.rootLock().lock();
                }
                boolean busy = q.isRunning();
                if (!lockless) {
                    q.rootLock().unlock();
                }
                if (busy) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Drops everything a qdisc holds. Linux: qdisc_reset(). */
    public static void resetQdisc(Cpu cpu, Qdisc q) {
        if ((q.flags & Qdisc.TCQ_F_BUILTIN) != 0) {
            return;
        }
        q.rootLock().lock();
        q.reset(cpu);
        q.gsoSkb.purge(cpu, SkbDropReason.QUEUE_PURGE);
        q.skbBadTxq.purge(cpu, SkbDropReason.QUEUE_PURGE);
        q.qlen = 0;
        q.backlog = 0;
        q.clearMissed();
        q.rootLock().unlock();
    }

    /**
     * Makes a discipline that its parent chose, to be put under class {@code classid}; null if its kind is unknown or it
     * refuses its defaults. Context: rtnl.
     *
     * <p>Linux: qdisc_create_dflt()
     */
    public static @Nullable Qdisc createChild(Qdisc parent, int classid, String kind) {
        QdiscOps ops = parent.devQueue.dev.globals().qdiscs.find(kind);
        if (ops == null) {
            return null;
        }
        Qdisc q = ops.create(parent.devQueue);
        q.setParent(parent, classid);
        q.flags |= Qdisc.TCQ_F_INVISIBLE;
        return q.init(null) == 0 ? q : null;
    }

    private static void destroyAll(Cpu cpu, NetDevice dev) {
        Qdisc last = dev.globals().noop;
        for (NetdevQueue txq : dev.tx) {
            Qdisc q = txq.qdiscSleeping;
            if (q != last && (q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                resetQdisc(cpu, q);
                q.destroy(cpu);
                last = q;
            }
        }
    }

    /** The device goes away: its qdiscs too. Linux: dev_shutdown(). */
    static void shutdown(NetDevice dev) {
        Cpu cpu = dev.kernel().localBhDisable(-1);
        destroyAll(cpu, dev);
        Qdisc noop = dev.globals().noop;
        for (NetdevQueue txq : dev.tx) {
            txq.qdisc = noop;
            txq.qdiscSleeping = noop;
        }
        dev.qdisc = noop;
        cpu.localBhEnable();
    }

    /** Lets qdiscs resize while nothing runs. Context: rtnl. Linux: dev_qdisc_change_tx_queue_len(). */
    static int changeTxQueueLen(NetDevice dev, int len) {
        boolean up = dev.isUp();
        if (up) {
            devDeactivate(dev);
        }
        int err = 0;
        for (NetdevQueue q : dev.tx) {
            int e = q.qdiscSleeping.changeTxQueueLen(len);
            err = err == 0 ? e : err;
        }
        if (up) {
            Cpu cpu = dev.kernel().localBhDisable(-1);
            devActivate(cpu, dev);
            cpu.localBhEnable();
        }
        return err;
    }
}
