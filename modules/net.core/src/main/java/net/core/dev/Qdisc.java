package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.task.SpinLock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A queueing discipline on one transmit queue: decides which packet goes next, and which is dropped.
 *
 * <p>One CPU at a time runs it ({@link #runBegin}); others enqueue and leave. A discipline with {@link #TCQ_F_NOLOCK}
 * has queues of its own that many CPUs may add to; any other is touched only under {@link #rootLock()}.
 *
 * <p>Context: enqueue and dequeue with a CPU word; init, change, reset and destroy under rtnl, with the root lock where
 * the queue is touched.
 *
 * <p>Linux: struct Qdisc, include/net/sch_generic.h
 */
public abstract class Qdisc {
    /** Not registered by name: noop and noqueue. */
    public static final int TCQ_F_BUILTIN = 1;
    /** Ingress. */
    public static final int TCQ_F_INGRESS = 2;
    /** An empty qdisc may be passed by. */
    public static final int TCQ_F_CAN_BYPASS = 4;
    /** Only groups per-queue qdiscs; never sees a packet. */
    public static final int TCQ_F_MQROOT = 8;
    /** All packets leave by one transmit queue: dequeue may be in bulk. */
    public static final int TCQ_F_ONETXQUEUE = 0x10;
    /** Not to be replaced under a parent. */
    public static final int TCQ_F_NOPARENT = 0x40;
    /** Made by its parent, not by a person: {@code tc qdisc show} leaves it out. */
    public static final int TCQ_F_INVISIBLE = 0x80;
    /** Takes packets without the root lock. */
    public static final int TCQ_F_NOLOCK = 0x100;

    /** Handle of the root class. */
    public static final int TC_H_ROOT = 0xFFFFFFFF;

    private static final int STATE_SCHED = 1;
    private static final int STATE_DEACTIVATED = 2;
    private static final int STATE_MISSED = 4;

    private static final VarHandle STATE;
    private static final VarHandle SEQLOCK;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Qdisc.class, "state", int.class);
            SEQLOCK = MethodHandles.lookup().findVarHandle(Qdisc.class, "seqlock", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // Read mostly.
    /** Kind; null only for noop and noqueue. */
    public final @Nullable QdiscOps ops;
    /** The queue it serves; queue 0 for a root over all. */
    public final NetdevQueue devQueue;
    /** {@code TCQ_F_*}. */
    public int flags;
    /** Limit in the discipline's own unit. */
    public int limit;
    /** {@code major:0}, 0 for a default qdisc. */
    public int handle;
    /** {@code major:minor} of the parent class, or {@link #TC_H_ROOT}. */
    public int parent = TC_H_ROOT;
    /** The discipline this is under; null at the root and under mq. Changes under the tree's lock. */
    public @Nullable Qdisc parentQdisc;
    /** Filters that choose a class or flow; null if none. */
    public @Nullable TcfBlock filters;
    /** Set before enqueue: the size table of {@code stab}, or null. */
    public @Nullable QdiscSizeTable stab;

    // Under the root lock, or the run state.
    /** The queue of a single-queue discipline. */
    public final SkBuffHead q = new SkBuffHead();
    /** Packets dequeued that the driver did not take, or that peek took out. */
    final SkBuffHead gsoSkb = new SkBuffHead();
    /** Packets of a bulk that turned out to be for another transmit queue. */
    final SkBuffHead skbBadTxq = new SkBuffHead();

    /** A graft is under way, which settles the parents' accounts itself. */
    private boolean grafting;

    private final SpinLock rootLock = new SpinLock();
    private boolean runningLocked;
    /**
     * Who enqueues now, under the root lock. Others read it without, to see whether it is they: no word is held by two, so
     * that a race never says yes. Linux: Qdisc.owner
     */
    @Nullable
    Cpu enqueuer;

    @SuppressWarnings("unused") // through SEQLOCK
    private int seqlock;

    private volatile int state;
    /** Link in a CPU's output queue; written by whoever set the SCHED bit. */
    @Nullable
    Qdisc nextSched;

    // Counters, under the root lock (or the run state for a lockless discipline's own).
    /** Packets now held, with those of children. */
    public int qlen;
    /** Bytes now held. */
    public int backlog;
    /** Bytes that went through. */
    public long bstatsBytes;
    /** Packets that went through; a GSO packet counts as its segments. */
    public long bstatsPackets;
    /** Packets dropped. */
    public long drops;
    /** Packets the driver sent back. */
    public long requeues;
    /** Times a limit held a packet back. */
    public long overlimits;

    /** Creates an instance for {@code devQueue}. */
    protected Qdisc(@Nullable QdiscOps ops, NetdevQueue devQueue, int flags) {
        this.ops = ops;
        this.devQueue = devQueue;
        this.flags = flags;
    }

    /** For the two built-in disciplines, which serve no queue in particular. */
    @SuppressWarnings("NullAway") // devQueue is never read for these
    Qdisc(int flags) {
        this.ops = null;
        this.devQueue = null;
        this.flags = flags;
    }

    // What a discipline implements.

    /**
     * Takes a packet over.
     *
     * @param toFree where dropped packets go: they are freed after the root lock is released
     * @return {@code NET_XMIT_SUCCESS}, {@code NET_XMIT_DROP} or {@code NET_XMIT_CN} (this packet is in, another was
     *     dropped: a parent counts nothing); success with {@code NET_XMIT_STOLEN} or {@code NET_XMIT_BYPASS} means that it
     *     is not in the queue
     */
    public abstract int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree);

    /** The next packet, or null if there is none or none may go yet. */
    public abstract @Nullable SkBuff dequeue(Cpu cpu);

    /** The packet {@link #dequeue} would return, left in place. Linux: qdisc_peek_dequeued(). */
    public @Nullable SkBuff peek(Cpu cpu) {
        SkBuff skb = gsoSkb.peek();
        if (skb == null) {
            skb = dequeue(cpu);
            if (skb != null) {
                skb.peeked = true; // not validated yet, unlike what the driver sent back
                gsoSkb.addTail(skb);
                qlen++;
                backlog += QdiscSkbCb.pktLen(skb);
            }
        }
        return skb;
    }

    /** Sets up a new instance from parsed options; returns 0 or a negative errno. */
    public int init(@Nullable Object opt) {
        return 0;
    }

    /** Changes options of a running instance. Context: rtnl and the tree's lock. */
    public int change(@Nullable Object opt) {
        return -net.skbuff.Errno.EOPNOTSUPP;
    }

    /** Drops what exceeds the limits after a {@link #change}. Context: the tree's lock. */
    public void trim(Cpu cpu) {}

    /** A classful discipline's classes; null for a classless one. */
    public @Nullable QdiscClassOps classOps() {
        return null;
    }

    /** Tells whether {@code tc filter} may hang filters on it, which then stand in {@link #filters}. */
    public boolean takesFilters() {
        return false;
    }

    /** Takes the filters off it and off its classes, for good: whoever destroys it calls this before. Context: rtnl. */
    public final void dropFilters() {
        TcfBlock root = filters;
        filters = null;
        if (root != null) {
            root.destroy();
        }
        QdiscClassOps cops = classOps();
        if (cops != null) {
            cops.walk(cl -> {
                TcfBlock block = cops.filters(cl);
                if (block != null) {
                    block.destroy();
                }
                return true;
            });
        }
    }

    /**
     * Moves every packet held to {@code to}, those of a flow in their order, and leaves the discipline as after
     * {@link #reset}: for a successor that takes them over. Packets that the driver sent back are not its business.
     *
     * <p>Context: the tree's lock. The default asks {@link #dequeue} as long as it gives; a discipline that delays
     * packets overrides this, or what it still holds back is lost at a change.
     *
     * <p>{@code Deviation:} Linux drops the backlog of a replaced qdisc.
     */
    public void takeAll(Cpu cpu, SkBuffHead to) {
        for (SkBuff skb = dequeue(cpu); skb != null; skb = dequeue(cpu)) {
            skb.next = null;
            to.addTail(skb);
        }
    }

    /** It has become a device's root: one that groups queues puts its children in place. Context: rtnl. */
    public void attach(NetDevice dev) {}

    /** Drops what is held. Context: root lock held. */
    public void reset(Cpu cpu) {
        q.purge(cpu, net.skbuff.SkbDropReason.QUEUE_PURGE);
    }

    /** Releases what is not a packet. */
    public void destroy(Cpu cpu) {}

    /** The device's queue length changed; returns 0 or a negative errno. */
    public int changeTxQueueLen(int newLen) {
        return 0;
    }

    /** Options, as tc prints them. Linux: dump(), and print_qopt() of iproute2. */
    public void dump(TcPrint p) {}

    /** Counters of this kind, as {@code tc -s} prints them, each line ended by a newline. */
    public void dumpStats(TcPrint p) {}

    /** Packets now held; a lockless discipline sums over CPUs. */
    public int currentQlen() {
        return qlen;
    }

    /** Bytes now held. */
    public long currentBacklog() {
        return backlog;
    }

    /** Packets dropped so far. */
    public long currentDrops() {
        return drops;
    }

    /** Packets that went through; a root over several queues sums. */
    public long currentPackets() {
        return bstatsPackets;
    }

    /** Bytes that went through. */
    public long currentBytes() {
        return bstatsBytes;
    }

    /** Packets the driver sent back. */
    public long currentRequeues() {
        return requeues;
    }

    /** Times a limit held a packet back. */
    public long currentOverlimits() {
        return overlimits;
    }

    /** Tells whether nothing is held; a lockless discipline answers without a lock. */
    @HotPath
    public boolean isEmpty() {
        return qlen == 0;
    }

    // For disciplines.

    /** Name as tc prints it. */
    public String id() {
        return ops == null ? "noop" : ops.id();
    }

    /** The lock of the whole tree this belongs to. */
    @HotPath
    public final SpinLock rootLock() {
        Qdisc p = parentQdisc;
        return p == null ? rootLock : p.rootLock();
    }

    /** Makes this the child of a class: {@code classid} of {@code p}, whose lock it is under from now on. */
    public final void setParent(Qdisc p, int classid) {
        parentQdisc = p;
        parent = classid;
        // A parent with a lock makes its children run under it. Linux: qdisc_clear_nolock().
        flags &= ~(TCQ_F_NOLOCK | TCQ_F_CAN_BYPASS);
    }

    /**
     * Packets have left this discipline, or come in ({@code n < 0}), without its parents' seeing: corrects the accounts
     * above it. Its own are corrected before.
     *
     * <p>Context: the tree's lock.
     *
     * <p>Linux: qdisc_tree_reduce_backlog(), net/sched/sch_api.c
     */
    public final void treeReduceBacklog(int n, int bytes) {
        if (n == 0 && bytes == 0 || grafting) {
            return;
        }
        Qdisc child = this;
        for (Qdisc p = parentQdisc; p != null; p = p.parentQdisc) {
            QdiscClassOps cops = p.classOps();
            if (child.qlen == 0 && cops != null) {
                Object cl = cops.find(child.parent);
                if (cl != null) {
                    cops.qlenNotify(cl);
                }
            }
            p.qlen -= n;
            p.backlog -= bytes;
            p.drops += Math.max(n, 0);
            child = p;
        }
    }

    /**
     * Puts {@code child} under a class of this discipline; what the old one held goes over, or is dropped by the new
     * one's limits. Returns the old one, empty, to be destroyed.
     *
     * <p>Context: rtnl, the tree's lock.
     *
     * <p>Linux: qdisc_replace(), include/net/sch_generic.h
     */
    public final @Nullable Qdisc replaceChild(Cpu cpu, QdiscClassOps cops, Object cl, Qdisc child) {
        child.setParent(this, cops.classid(cl));
        Qdisc old = cops.graft(cl, child);
        if (old == null || old == child || (old.flags & TCQ_F_BUILTIN) != 0) {
            return old;
        }
        SkBuffHead moved = new SkBuffHead(); // allocates: configuration
        int n = old.qlen;
        int bytes = old.backlog;
        // Either may drop a packet by itself meanwhile, and would tell parents that do not count it as theirs.
        old.grafting = true;
        child.grafting = true;
        old.handOver(cpu, moved);
        SkBuffHead toFree = new SkBuffHead(); // allocates: configuration
        for (SkBuff skb = moved.dequeue(); skb != null; skb = moved.dequeue()) {
            child.enqueue(cpu, skb, toFree);
        }
        toFree.purge(cpu, net.skbuff.SkbDropReason.QDISC_DROP);
        child.grafting = false;
        child.treeReduceBacklog(n - child.qlen, bytes - child.backlog);
        return old;
    }

    /**
     * Moves all packets to {@code to}, those first that peek took out or the driver sent back; empty and reset afterwards.
     *
     * <p>Context: the tree's lock.
     */
    public final void handOver(Cpu cpu, SkBuffHead to) {
        to.spliceTail(gsoSkb);
        to.spliceTail(skbBadTxq);
        takeAll(cpu, to);
        reset(cpu);
        qlen = 0;
        backlog = 0;
    }

    /** The packet that {@link #peek} showed, else the next one: how a parent takes from a child. */
    @HotPath
    public final @Nullable SkBuff dequeuePeeked(Cpu cpu) {
        SkBuff skb = gsoSkb.dequeue();
        if (skb == null) {
            return dequeue(cpu);
        }
        qlen--;
        backlog -= QdiscSkbCb.pktLen(skb);
        return skb;
    }

    /** Drops a packet in the middle of a dequeue and counts it; its accounts were settled before. */
    @HotPath
    protected final void dequeueDrop(Cpu cpu, SkBuff skb, net.skbuff.SkbDropReason reason) {
        drops++;
        skb.kfree(cpu, reason);
    }

    /** The class or flow that filters choose: {@code TC_ACT_*}; with OK it is in {@link QdiscSkbCb#tcClassid}. */
    @HotPath
    protected final int tcfClassify(Cpu cpu, SkBuff skb) {
        TcfBlock f = filters;
        return f == null ? TcfBlock.TC_ACT_UNSPEC : f.classify(cpu, skb);
    }

    /** Tells whether packets wait that the driver sent back; exact for the runner. */
    @HotPath
    protected final boolean hasRequeued() {
        return (gsoSkb.qlen | skbBadTxq.qlen) != 0;
    }

    /** Adds to the tail of {@link #q}. Linux: qdisc_enqueue_tail(). */
    @HotPath
    protected final int enqueueTail(SkBuff skb) {
        q.addTail(skb);
        qlen++;
        backlog += QdiscSkbCb.pktLen(skb);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    /** Takes from the head of {@link #q}, and counts. Linux: qdisc_dequeue_head(). */
    @HotPath
    protected final @Nullable SkBuff dequeueHead() {
        SkBuff skb = q.dequeue();
        if (skb != null) {
            qlen--;
            backlog -= QdiscSkbCb.pktLen(skb);
            bstatsUpdate(skb);
        }
        return skb;
    }

    /** Drops an arriving packet. Linux: qdisc_drop(). */
    @HotPath
    protected final int qdiscDrop(SkBuff skb, SkBuffHead toFree) {
        drops++;
        toFree.addTail(skb);
        return NetXmit.NET_XMIT_DROP;
    }

    /** Counts a packet that leaves. Linux: qdisc_bstats_update(). */
    @HotPath
    protected final void bstatsUpdate(SkBuff skb) {
        bstatsBytes += QdiscSkbCb.pktLen(skb);
        int segs = skb.shinfo().gsoSegs;
        bstatsPackets += skb.shinfo().gsoSize != 0 && segs > 0 ? segs : 1;
    }

    // The run state: one CPU at a time.

    /**
     * Becomes the one who dequeues. A lockless loser leaves the MISSED bit for the winner to find; for others the
     * caller holds the root lock, so the winner finds the packet itself.
     *
     * <p>Linux: qdisc_run_begin()
     */
    @HotPath
    public final boolean runBegin() {
        if ((flags & TCQ_F_NOLOCK) != 0) {
            if (SEQLOCK.compareAndSet(this, 0, 1)) {
                return true;
            }
            if ((setBit(STATE_MISSED) & STATE_MISSED) != 0) {
                return false;
            }
            // The winner may have looked at MISSED just before: try once more.
            return SEQLOCK.compareAndSet(this, 0, 1);
        }
        if (runningLocked) {
            return false;
        }
        runningLocked = true;
        return true;
    }

    /** Stops being the runner; reschedules if a lockless loser passed by meanwhile. Linux: qdisc_run_end(). */
    @HotPath
    public final void runEnd(Cpu cpu) {
        if ((flags & TCQ_F_NOLOCK) != 0) {
            SEQLOCK.setVolatile(this, 0);
            VarHandle.fullFence();
            if ((state & STATE_MISSED) != 0) {
                SchGeneric.netifScheduleNow(cpu, this);
            }
        } else {
            runningLocked = false;
        }
    }

    /** Tells whether somebody dequeues now. Linux: qdisc_is_running(). */
    public final boolean isRunning() {
        return (flags & TCQ_F_NOLOCK) != 0 ? (int) SEQLOCK.getVolatile(this) != 0 : runningLocked;
    }

    private int setBit(int bit) {
        return (int) STATE.getAndBitwiseOr(this, bit);
    }

    private int clearBit(int bit) {
        return (int) STATE.getAndBitwiseAnd(this, ~bit);
    }

    final boolean testAndSetSched() {
        return (setBit(STATE_SCHED) & STATE_SCHED) != 0;
    }

    final void clearSched() {
        clearBit(STATE_SCHED);
    }

    final boolean isDeactivated() {
        return (state & STATE_DEACTIVATED) != 0;
    }

    final void setDeactivated(boolean on) {
        if (on) {
            setBit(STATE_DEACTIVATED);
        } else {
            clearBit(STATE_DEACTIVATED);
        }
    }

    /** For a lockless discipline: somebody enqueued while this one ran. */
    protected final boolean missed() {
        return (state & STATE_MISSED) != 0;
    }

    /** Marks that the runner must come again. */
    protected final void setMissed() {
        setBit(STATE_MISSED);
    }

    /** Forgets the mark; the caller then looks at its queues again (this is a full fence). */
    protected final void clearMissed() {
        clearBit(STATE_MISSED);
    }

    /** One block as {@code tc -s qdisc} prints it. */
    public final String describe(boolean stats) {
        TcPrint p = new TcPrint(false);
        print(p, false, stats);
        return p.toString();
    }

    /** One qdisc as {@code tc qdisc show} prints it. Linux: print_qdisc(), iproute2 */
    public final void print(TcPrint p, boolean withDev, boolean stats) {
        p.open("");
        p.str("kind", "qdisc ", id(), " ");
        p.str("handle", "", Integer.toHexString(handle >>> 16) + ":", " ");
        if (withDev) {
            p.str("dev", "dev ", devQueue.dev.name(), " ");
        }
        if (parent == TC_H_ROOT) {
            p.bool("root", true, "root ");
        } else {
            p.str("parent", "parent ", TcHandle.format(parent), " ");
        }
        if (parentQdisc == null && (flags & (TCQ_F_NOPARENT | TCQ_F_INGRESS)) == 0) {
            p.num("refcnt", "refcnt ", devQueue.dev.tx.length + 1, " ");
        }
        p.open("options");
        dump(p);
        p.close().nl();
        if (stats) {
            new QdiscStats().of(this).print(p);
            dumpStats(p);
        }
        p.close();
    }
}
