package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Softirq;
import net.core.netfilter.NfHookState;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A CPU's networking state: NAPI instances to poll, the backlog that other CPUs may add to, qdiscs for NET_TX, packets to
 * free, and scratch space of the packet path.
 *
 * <p>Context: everything belongs to the holder of the CPU's word but the backlog's input, a lock-free stack that anybody
 * pushes to and the holder takes as a whole.
 *
 * <p>Linux: struct softnet_data, net_rx_action(), process_backlog(), net/core/dev.c
 */
public final class SoftnetData {
    private static final int NF_NESTING = 12;
    private static final VarHandle INPUT;
    private static final VarHandle DROPPED;
    private static final VarHandle RPS_PENDING;

    static {
        try {
            MethodHandles.Lookup l = MethodHandles.lookup();
            INPUT = l.findVarHandle(SoftnetData.class, "inputTop", SkBuff.class);
            DROPPED = l.findVarHandle(SoftnetData.class, "dropped", long.class);
            RPS_PENDING = l.findVarHandle(SoftnetData.class, "rpsPending", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Cpu cpu;
    private @Nullable DevGlobals globals;

    // ---- NET_RX, holder of the word
    private @Nullable NapiStruct pollHead;
    private @Nullable NapiStruct pollTail;
    /** Result of a poll: put it back at the end of the list. */
    boolean napiRepoll;
    /** Packets taken off the backlog's input, in order. */
    private @Nullable SkBuff processHead;

    private final Backlog backlog = new Backlog();

    // ---- NET_TX, holder of the word
    private @Nullable Qdisc outputHead;
    private @Nullable Qdisc outputTail;
    private @Nullable SkBuff completionQueue;
    /** Dropped by a qdisc, to be freed without its lock. */
    final SkBuffHead toFree = new SkBuffHead();
    /** Result of the last dequeue: packets taken. */
    int dequeuedPackets;
    /** Result of the last dequeue: they were not validated yet. */
    boolean dequeuedValidate;
    /** Result of the last hard transmit. */
    int hardXmitRc;
    /** Scratch of the segmenter. */
    final SkbSegment.Cursor gsoCursor = new SkbSegment.Cursor();
    /** Scratch of the flow dissector. */
    public final FlowKeys flowKeys = new FlowKeys();

    // ---- netfilter, holder of the word
    /** Hook states by nesting depth. */
    public final NfHookState[] nfStates = new NfHookState[NF_NESTING];
    /** Hooks now nested. */
    public int nfDepth;

    // ---- tc, holder of the word
    /** Why filters shot the packet that they look at; null if it is for no reason of its own. */
    public @Nullable SkbDropReason tcDropReason;
    /** Packets that actions have sent to other devices and that are not through yet. */
    public int mirredNest;
    /** An action at a way out has chosen the transmit queue. Linux: netdev_xmit_skip_txqueue() */
    public boolean skipTxqueue;

    // ---- counters as /proc/net/softnet_stat; holder of the word but for dropped
    /** Packets received. */
    public long processed;
    /** NET_RX runs that ended with work left. */
    public long timeSqueeze;
    /** Packets other CPUs steered here. */
    public long receivedRps;
    /** Packets dropped by flow limits. */
    public long flowLimitCount;
    /** Stack recursion in transmit, dropped. */
    public long xmitRecursionDrops;

    @SuppressWarnings("unused") // through DROPPED
    private long dropped;

    // ---- anybody
    @SuppressWarnings("unused") // through INPUT
    private @Nullable SkBuff inputTop;

    @SuppressWarnings("unused") // through RPS_PENDING
    private int rpsPending;

    /** The state of {@code cpu}, before {@link DevInit} completes it. */
    public SoftnetData(Cpu cpu) {
        this.cpu = cpu;
        for (int i = 0; i < nfStates.length; i++) {
            nfStates[i] = new NfHookState();
        }
    }

    void setGlobals(DevGlobals g) {
        globals = g;
    }

    /** The kernel's device globals. */
    @HotPath
    public DevGlobals globals() {
        DevGlobals g = globals;
        if (g == null) {
            throw new IllegalStateException("no devices before boot");
        }
        return g;
    }

    /** Packets that found the backlog full. */
    public long dropped() {
        return (long) DROPPED.getOpaque(this);
    }

    /** Packets waiting in the backlog's input; about right. */
    public int inputQueueLen() {
        SkBuff top = (SkBuff) INPUT.getAcquire(this);
        return top == null ? 0 : top.cb0;
    }

    // ---- NET_RX

    @HotPath
    void pollListAdd(NapiStruct n) {
        n.pollNext = null;
        n.listed = true;
        NapiStruct t = pollTail;
        if (t == null) {
            pollHead = n;
        } else {
            t.pollNext = n;
        }
        pollTail = n;
    }

    /**
     * NET_RX: polls what is scheduled, until the budget or the time is used up.
     *
     * <p>Linux: net_rx_action()
     */
    @HotPath
    void netRxAction() {
        PathTrace.hit(cpu, null, Landmark.NET_RX_ACTION);
        DevGlobals g = globals();
        long endNs = cpu.nowNs() + g.netdevBudgetUsecs * 1000L;
        int budget = g.netdevBudget;
        takeRpsWork();
        NapiStruct list = pollHead;
        pollHead = null;
        pollTail = null;
        NapiStruct repollHead = null;
        NapiStruct repollTail = null;
        while (list != null) {
            NapiStruct n = list;
            list = n.pollNext;
            n.pollNext = null;
            n.listed = false;
            budget -= pollSafely(n);
            if (napiRepoll) {
                n.listed = true;
                if (repollTail == null) {
                    repollHead = n;
                } else {
                    repollTail.pollNext = n;
                }
                repollTail = n;
            }
            cpu.runWakeList();
            if (list == null && repollHead == null) {
                break;
            }
            cpu.refreshClock();
            if (budget <= 0 || cpu.nowNs() - endNs >= 0 || cpu.contended()) {
                timeSqueeze++;
                break;
            }
        }
        requeue(list, repollHead, repollTail);
        if (pollHead != null) {
            cpu.raiseSoftirq(Softirq.NET_RX);
        }
    }

    /**
     * One poll. A bug in what it runs costs the packet, not the device: the instance still owns SCHED and is polled again,
     * since nobody else could schedule it.
     */
    private int pollSafely(NapiStruct n) {
        try {
            return n.pollOnce(cpu);
        } catch (RuntimeException | Error e) {
            cpu.xmitRecursion = 0; // what the unwound stack counted
            nfDepth = 0;
            napiRepoll = n.isScheduled() && !n.listed;
            cpu.oops("poll of " + n, e);
            return n.weight;
        }
    }

    /** What was not polled comes first, then what was scheduled meanwhile, then what is to be polled again. */
    private void requeue(@Nullable NapiStruct rest, @Nullable NapiStruct repollHead, @Nullable NapiStruct repollTail) {
        if (rest != null) {
            NapiStruct last = rest;
            while (last.pollNext != null) {
                last = last.pollNext;
            }
            last.pollNext = pollHead;
            if (pollTail == null) {
                pollTail = last;
            }
            pollHead = rest;
        }
        if (repollHead != null) {
            NapiStruct t = pollTail;
            if (t == null) {
                pollHead = repollHead;
            } else {
                t.pollNext = repollHead;
            }
            pollTail = repollTail;
        }
    }

    // ---- the backlog

    /**
     * Queues a packet for this CPU; takes it over.
     *
     * @param from the caller's CPU, which may be this one
     * @return NET_RX_SUCCESS or NET_RX_DROP
     *     <p>Linux: enqueue_to_backlog()
     */
    @HotPath
    int enqueueToBacklog(Cpu from, SkBuff skb) {
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null || !dev.isRunning()) {
            return dropFromBacklog(from, skb, dev, SkbDropReason.DEV_READY);
        }
        int max = globals().maxBacklog;
        SkBuff top;
        do {
            top = (SkBuff) INPUT.getAcquire(this);
            // A pooled top may be elsewhere by now: then its length is stale, and the exchange fails.
            int depth = top == null ? 0 : top.cb0;
            if (depth >= max && INPUT.getAcquire(this) == top) {
                return dropFromBacklog(from, skb, dev, SkbDropReason.CPU_BACKLOG);
            }
            skb.next = top;
            skb.cb0 = depth + 1;
        } while (!INPUT.compareAndSet(this, top, skb));
        // The scheduled bit is claimed after the push and released before the last look: none is left behind.
        if (backlog.schedulePrep()) {
            if (from == cpu) {
                backlog.scheduleClaimed(cpu);
            } else {
                RPS_PENDING.setRelease(this, 1);
                cpu.raiseSoftirqRemote(Softirq.NET_RX);
            }
        }
        return NetXmit.NET_RX_SUCCESS;
    }

    private int dropFromBacklog(Cpu from, SkBuff skb, @Nullable NetDevice dev, SkbDropReason reason) {
        DROPPED.getAndAdd(this, 1L);
        if (dev != null) {
            dev.stats(from).rxDropped++;
        }
        skb.kfree(from, reason);
        return NetXmit.NET_RX_DROP;
    }

    /** Another CPU claimed our backlog's instance: puts it on our list. Linux: rps_trigger_softirq(). */
    private void takeRpsWork() {
        if ((int) RPS_PENDING.getOpaque(this) != 0 && (int) RPS_PENDING.getAndSet(this, 0) != 0) {
            receivedRps++;
            pollListAdd(backlog);
        }
    }

    /** Moves the backlog's input to the process queue, oldest first. */
    private boolean takeInput() {
        if (INPUT.getOpaque(this) == null) {
            return false;
        }
        SkBuff skb = (SkBuff) INPUT.getAndSet(this, null);
        SkBuff inOrder = null;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = inOrder;
            inOrder = skb;
            skb = next;
        }
        if (processHead == null) {
            processHead = inOrder;
        } else {
            SkBuff last = processHead;
            while (last.next != null) {
                last = last.next;
            }
            last.next = inOrder;
        }
        return inOrder != null;
    }

    /** The backlog's NAPI instance. Linux: process_backlog(). */
    private final class Backlog extends NapiStruct {
        Backlog() {
            super(NAPI_POLL_WEIGHT);
        }

        @Override
        protected int poll(Cpu here, int budget) {
            int work = 0;
            while (true) {
                for (SkBuff skb = processHead; skb != null; skb = processHead) {
                    processHead = skb.next;
                    skb.next = null;
                    DevReceive.netifReceiveSkbCore(here, skb);
                    if (++work >= budget) {
                        return work;
                    }
                }
                if (takeInput()) {
                    continue;
                }
                clearSched();
                if (INPUT.getVolatile(SoftnetData.this) == null || !schedulePrep()) {
                    return work;
                }
            }
        }
    }

    /** Drops what the backlog holds of a device that goes away. Linux: flush_backlog(). */
    void flushBacklog(NetDevice dev) {
        takeInput();
        SkBuff skb = processHead;
        processHead = null;
        SkBuff last = null;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = null;
            if (skb.dev == dev) {
                skb.kfree(cpu, SkbDropReason.DEV_READY);
            } else if (last == null) {
                processHead = skb;
                last = skb;
            } else {
                last.next = skb;
                last = skb;
            }
            skb = next;
        }
        if (processHead != null && backlog.schedulePrep()) {
            backlog.scheduleClaimed(cpu);
        }
    }

    // ---- NET_TX

    @HotPath
    void outputQueueAdd(Qdisc q) {
        q.nextSched = null;
        Qdisc t = outputTail;
        if (t == null) {
            outputHead = q;
        } else {
            t.nextSched = q;
        }
        outputTail = q;
    }

    @Nullable
    Qdisc takeOutputQueue() {
        Qdisc q = outputHead;
        outputHead = null;
        outputTail = null;
        return q;
    }

    /** Frees a sent packet later, from interrupt context. Linux: dev_kfree_skb_irq(). */
    @HotPath
    void completionQueueAdd(SkBuff skb) {
        skb.next = completionQueue;
        completionQueue = skb;
        cpu.raiseSoftirq(Softirq.NET_TX);
    }

    void freeCompletionQueue() {
        SkBuff skb = completionQueue;
        completionQueue = null;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = null;
            skb.consume(cpu);
            skb = next;
        }
    }

    /** One line of /proc/net/softnet_stat. */
    public String softnetStat() {
        return String.format(
                "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x",
                processed,
                dropped(),
                timeSqueeze,
                0,
                0,
                0,
                0,
                0,
                0,
                receivedRps,
                flowLimitCount,
                0,
                inputQueueLen(),
                cpu.id,
                0);
    }
}
