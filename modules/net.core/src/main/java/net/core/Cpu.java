package net.core;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import net.core.dev.SoftnetData;
import net.core.task.Scheduler;
import net.core.time.Clock;
import net.core.time.HrTimerQueue;
import net.core.time.TimerWheel;
import net.core.trace.KernelTrace;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbMemory;
import org.jspecify.annotations.Nullable;

/**
 * A CPU: not a thread but a role, with an <em>ownership word</em>. Whoever holds the word is this CPU, with bottom halves
 * disabled: its worker {@code cpu/N}, or a thread in a system call. All per-CPU state (softnet_data, counters, skb and page
 * caches, timers, recursion counts) has that one writer; others reach it only through {@link #raiseSoftirqRemote}, raised
 * interrupt lines and lock-free queues.
 *
 * <p>Softirqs run at the outermost {@link #localBhEnable} and in the worker, for at most ten rounds or 2 ms; what is left
 * is the worker's ("deferred mode", Linux's ksoftirqd). To run softirqs the word is only tried: whoever sets a pending bit
 * and finds the word taken may leave, because the holder releases, fences and looks at pending again.
 *
 * <p>Context: a {@code Cpu cpu} parameter means the caller holds the word. The holder never parks, logs or blocks.
 *
 * <p>Linux: local_bh_disable(), __do_softirq(), kernel/softirq.c. See docs/adr/0011-cpu-ownership-and-softirq.md.
 */
public final class Cpu extends CpuWord {
    static final int IRQ_BIT = 1 << 30;
    private static final int SOFTIRQ_MASK = (1 << Softirq.COUNT) - 1;
    /** Linux: MAX_SOFTIRQ_RESTART */
    static final int MAX_RESTART = 10;
    /** Linux: MAX_SOFTIRQ_TIME */
    static final long MAX_SOFTIRQ_NS = 2_000_000;
    /** Virtual time that one softirq handler's run costs. */
    private static final long SOFTIRQ_COST_NS = 300;

    private static final Softirq[] SOFTIRQS = Softirq.values();

    /** Its number, from 0. */
    public final int id;

    // ---- anyone reads, never changes

    private final Kernel kernel;
    private final Scheduler scheduler;
    private final TimerWheel timers;
    private final HrTimerQueue hrtimers;
    private final SoftirqAction[] actions;
    private @Nullable CpuWorker worker;

    /** The networking state of this CPU. */
    public final SoftnetData sd;

    // ---- holder of the word

    private boolean inSoftirq;
    private final TaskletVec tasklets = new TaskletVec();
    private @Nullable Object[] locals = new @Nullable Object[16];

    /** Records landmarks while it is set: {@code softnet demo}. Set under the word. */
    public @Nullable PathTrace trace;

    /** A recording runs: tracepoints are asked. Plain; whoever traces sets it. */
    public boolean tracing;

    private @Nullable Softirq runningSoftirq;
    private boolean inInterrupt;

    /** Depth of transmit through stacked devices. Linux: softnet_data.xmit.recursion */
    public int xmitRecursion;

    /** Runs of each softirq, by ordinal: /proc/softirqs. Holder writes, anyone reads. */
    public final long[] softirqCounts = new long[Softirq.COUNT];

    /** Times that softirqs were left to the worker: softnet_stat's time_squeeze is NET_RX's own, this is ksoftirqd's. */
    public long deferrals;

    Cpu(Kernel kernel, SkbMemory memory, int id) {
        super(memory, id, kernel.clock(), kernel.isVirtual());
        this.id = id;
        this.kernel = kernel;
        this.scheduler = kernel.scheduler();
        this.actions = kernel.softirqActions();
        this.timers = new TimerWheel(this, jiffies(), j -> timerProgrammed(Clock.jiffiesToNs(j)));
        this.hrtimers = new HrTimerQueue(this, this::timerProgrammed);
        this.sd = new SoftnetData(this);
    }

    /** Its kernel. */
    public Kernel kernel() {
        return kernel;
    }

    // ---- what runs here

    /** Whether softirqs are running; only the holder's answer means something. Linux: in_serving_softirq() */
    public boolean inSoftirq() {
        return inSoftirq;
    }

    /** Whether an interrupt's handler runs; only the holder's answer means something. Linux: in_hardirq() */
    public boolean inInterrupt() {
        return inInterrupt;
    }

    /** The softirq whose action runs, or null. Context: holder. */
    public @Nullable Softirq runningSoftirq() {
        return runningSoftirq;
    }

    // ---- softirqs

    /** Marks a softirq to run at the latest when the word is given back. Context: holder. */
    @HotPath
    public void raiseSoftirq(Softirq v) {
        pending |= v.bit;
    }

    /** Sets bits for the next who takes the word, without a kick: the caller tries it next. */
    void setRemotePending(int bits) {
        REMOTE_PENDING.getAndBitwiseOr(this, bits);
    }

    /** Marks a softirq of this CPU from anywhere and sees to it that it runs soon. Linux: an IPI's work */
    @HotPath
    public void raiseSoftirqRemote(Softirq v) {
        raiseRemote(v.bit);
    }

    @HotPath
    void raiseRemote(int bits) {
        if ((remotePending & bits) != bits) {
            REMOTE_PENDING.getAndBitwiseOr(this, bits);
        } else {
            VarHandle.fullFence();
        }
        // Whoever holds the word looks at pending after giving it back.
        if (word == 0) {
            ipi();
        }
    }

    /** Others have given back 64 packets or pages more: an idle CPU must collect them. Linux: trigger_rx_softirq() */
    @Override
    @HotPath
    protected void remoteFreeHint(int depth) {
        raiseSoftirqRemote(Softirq.NET_RX);
    }

    /** Wakes the worker if it sleeps. Context: any. */
    @Override
    @HotPath
    public void ipi() {
        if (sleeping != 0 && SLEEPING.compareAndSet(this, 1, 0)) {
            CpuWorker w = worker;
            if (w != null) {
                w.kick();
            }
        }
    }

    /**
     * Runs pending softirqs, bounded.
     *
     * @return whether some were left to the worker. Linux: handle_softirqs(), kernel/softirq.c
     */
    @Override
    boolean doSoftirq() {
        if (inSoftirq) {
            return false;
        }
        inSoftirq = true;
        try {
            long end = nowNs() + MAX_SOFTIRQ_NS;
            int restart = MAX_RESTART;
            while (true) {
                drainRemoteFree();
                int bits = takePending();
                for (int v = 0; bits != 0; v++, bits >>>= 1) {
                    if ((bits & 1) != 0) {
                        softirqCounts[v]++;
                        runAction(v);
                        if (virtual) {
                            scheduler.charge(SOFTIRQ_COST_NS);
                        }
                    }
                }
                runWakeList();
                refreshClock();
                if (!softirqPending()) {
                    return false;
                }
                if (--restart == 0 || nowNs() >= end || contended()) {
                    deferrals++;
                    return true;
                }
            }
        } finally {
            inSoftirq = false;
        }
    }

    private void runAction(int v) {
        runningSoftirq = SOFTIRQS[v];
        if (tracing) {
            KernelTrace.softirqEntry(this, SOFTIRQS[v]);
        }
        try {
            actions[v].action(this);
        } catch (RuntimeException | Error e) {
            kernel.oops("softirq " + SOFTIRQS[v] + " on " + this, e);
        } finally {
            if (tracing) {
                KernelTrace.softirqExit(this, SOFTIRQS[v]);
            }
            runningSoftirq = null;
        }
    }

    @Override
    protected void traceDrop(SkBuff skb, SkbDropReason reason) {
        if (tracing) {
            SkbTrace.kfreeSkb(this, skb, reason);
        }
    }

    /** A bug in softirq was caught where the rest can go on: see {@link Kernel#oops()}. Context: holder. */
    public void oops(String where, Throwable bug) {
        kernel.oops(where + " on " + this, bug);
    }

    private int takePending() {
        int bits = pending;
        pending = 0;
        if (remotePending != 0) {
            int remote = (int) REMOTE_PENDING.getAndSet(this, 0);
            bits |= remote & SOFTIRQ_MASK;
            if ((remote & IRQ_BIT) != 0) {
                pending = bits; // stays so if a handler's bug is thrown
                handleIrqs();
                bits = pending;
                pending = 0;
            }
        }
        return bits;
    }

    /** Runs the handlers of raised lines, in the order in which they were raised. */
    private void handleIrqs() {
        IrqLine line = (IrqLine) RAISED_LINES.getAndSet(this, null);
        IrqLine inOrder = null;
        while (line != null) {
            IrqLine next = line.next;
            line.next = inOrder;
            inOrder = line;
            line = next;
        }
        inInterrupt = true;
        while (inOrder != null) {
            IrqLine next = inOrder.next;
            inOrder.next = null;
            PathTrace.hit(this, null, Landmark.IRQ);
            inOrder.handle();
            inOrder = next;
        }
        inInterrupt = false;
        kernel.throwNotedOops(); // in virtual time, and not before the last line
    }

    void pushRaised(IrqLine line) {
        IrqLine first;
        do {
            first = raisedLines;
            line.next = first;
        } while (!RAISED_LINES.compareAndSet(this, first, line));
    }

    /** An interrupt line into this CPU for a device without a descriptor. */
    public IrqLine irqLine(IrqHandler handler) {
        return new IrqLine(this, handler);
    }

    /**
     * An interrupt line that is raised whenever {@code fd} becomes readable (edge-triggered). Live mode only.
     *
     * @throws UnsupportedOperationException in virtual time
     */
    public IrqLine requestIrq(int fd, IrqHandler handler) {
        CpuWorker w = worker;
        if (w == null) {
            throw new UnsupportedOperationException("descriptors raise interrupts in live mode only");
        }
        return w.requestIrq(fd, handler);
    }

    /** Ends what {@link #requestIrq} began; before the descriptor is closed. Its handler may be running still. */
    public void freeIrq(int fd) {
        CpuWorker w = worker;
        if (w != null) {
            w.freeIrq(fd);
        }
    }

    // ---- tasklets

    /** Queues a tasklet on this CPU unless it is queued. Context: holder. Linux: tasklet_schedule() */
    @HotPath
    public void taskletSchedule(Tasklet tasklet) {
        tasklets.schedule(this, tasklet);
    }

    /** {@link #taskletSchedule} ahead of timers and packets. Linux: tasklet_hi_schedule() */
    public void taskletHiSchedule(Tasklet tasklet) {
        tasklets.scheduleHi(this, tasklet);
    }

    /**
     * {@link #taskletSchedule} for those who don't hold this CPU's word: a packet's destructor, another CPU. Context: any.
     */
    @HotPath
    public void taskletScheduleRemote(Tasklet tasklet) {
        tasklets.scheduleRemote(this, tasklet);
    }

    /** The TASKLET softirq. */
    void taskletAction() {
        tasklets.action(this);
    }

    /** The HI softirq. */
    void taskletHiAction() {
        tasklets.hiAction(this);
    }

    // ---- time

    /** This CPU's timers. */
    public TimerWheel timers() {
        return timers;
    }

    /** This CPU's hrtimers. */
    public HrTimerQueue hrtimers() {
        return hrtimers;
    }

    /** When the first timer or hrtimer fires, or {@link Clock#NEVER}. Any context. */
    public long nextTimerNs() {
        return Math.min(Clock.jiffiesToNs(timers.nextExpiry()), hrtimers.nextNs());
    }

    /** Sets the TIMER and HRTIMER bits if they have work at {@code nowNs}. Context: any; the worker or the virtual loop. */
    public void raiseDueTimers(long nowNs) {
        int bits = 0;
        if (timers.due(Clock.nsToJiffies(nowNs))) {
            bits |= Softirq.TIMER.bit;
        }
        if (hrtimers.due(nowNs)) {
            bits |= Softirq.HRTIMER.bit;
        }
        if (bits != 0) {
            REMOTE_PENDING.getAndBitwiseOr(this, bits);
        }
    }

    /** A timer fires earlier than any before: the worker may have to wake earlier too. */
    private void timerProgrammed(long atNs) {
        CpuWorker w = worker;
        if (w != null) {
            VarHandle.fullFence();
            if (sleeping != 0 && atNs < w.sleepUntilNs()) {
                ipi();
            }
        }
    }

    // ---- slots of modules

    /** What a module keeps here, see {@link PerCpu}. */
    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    @HotPath
    public <T> T local(int slot) {
        return (T) locals[slot];
    }

    /** Sets a module's slot. Context: module init and exit. */
    public void setLocal(int slot, @Nullable Object value) {
        if (slot >= locals.length) {
            locals = Arrays.copyOf(locals, Math.max(slot + 1, locals.length * 2));
        }
        locals[slot] = value;
    }

    // ---- the worker's side

    void setWorker(@Nullable CpuWorker worker) {
        this.worker = worker;
    }

    @Nullable
    CpuWorker worker() {
        return worker;
    }

    /** The worker's promise to look at nothing from here on: pending work after this kicks it. Full fence. */
    void publishSleeping() {
        SLEEPING.setVolatile(this, 1);
        VarHandle.fullFence();
    }

    void clearSleeping() {
        sleeping = 0;
    }

    @Override
    public String toString() {
        return "cpu/" + id;
    }
}
