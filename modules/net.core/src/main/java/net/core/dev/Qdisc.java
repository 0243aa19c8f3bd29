package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.task.SpinLock;
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

    // Under the root lock, or the run state.
    /** The queue of a single-queue discipline. */
    public final SkBuffHead q = new SkBuffHead();
    /** Packets dequeued that the driver did not take, or that peek took out. */
    final SkBuffHead gsoSkb = new SkBuffHead();
    /** Packets of a bulk that turned out to be for another transmit queue. */
    final SkBuffHead skbBadTxq = new SkBuffHead();

    private final SpinLock rootLock = new SpinLock();
    private boolean runningLocked;

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
     * @return {@code NET_XMIT_SUCCESS}, {@code NET_XMIT_DROP} or {@code NET_XMIT_CN}
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

    /** Changes options of a running instance. */
    public int change(@Nullable Object opt) {
        return -net.skbuff.Errno.EOPNOTSUPP;
    }

    /** A root over all queues puts its children in place. */
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

    /** Options in tc's words, with a leading space if not empty. */
    public String dump() {
        return "";
    }

    /** Further lines of {@code tc -s}, each ended by a newline. */
    public String dumpStats() {
        return "";
    }

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
    public final SpinLock rootLock() {
        return rootLock;
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
        StringBuilder b = new StringBuilder(128);
        b.append("qdisc ")
                .append(id())
                .append(' ')
                .append(Integer.toHexString(handle >>> 16))
                .append(": ");
        if (parent == TC_H_ROOT) {
            b.append("root");
        } else {
            b.append("parent ");
            if (parent >>> 16 != 0) {
                b.append(Integer.toHexString(parent >>> 16));
            }
            b.append(':').append(Integer.toHexString(parent & 0xffff));
        }
        b.append(" refcnt 2").append(dump()).append('\n');
        if (stats) {
            b.append(" Sent ")
                    .append(currentBytes())
                    .append(" bytes ")
                    .append(currentPackets())
                    .append(" pkt (dropped ");
            b.append(currentDrops())
                    .append(", overlimits ")
                    .append(overlimits)
                    .append(" requeues ")
                    .append(currentRequeues());
            b.append(")\n backlog ")
                    .append(currentBacklog())
                    .append("b ")
                    .append(currentQlen())
                    .append("p requeues ")
                    .append(currentRequeues());
            b.append('\n').append(dumpStats());
        }
        return b.toString();
    }
}
