package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import net.core.dev.SoftnetData;
import net.core.task.Scheduler;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.core.time.HrTimerQueue;
import net.core.time.TimerWheel;
import net.core.trace.KernelTrace;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbCache;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbMemory;
import org.jspecify.annotations.Nullable;

/**
 * Padding: what others write lies on cache lines of its own. Ints, because the JVM puts fields of a subclass into gaps that
 * longs would leave. {@code LayoutTest} looks.
 */
abstract class CpuPadBefore extends SkbCache {
    @SuppressWarnings("unused")
    int c01,
            c02,
            c03,
            c04,
            c05,
            c06,
            c07,
            c08,
            c09,
            c10,
            c11,
            c12,
            c13,
            c14,
            c15,
            c16,
            c17,
            c18,
            c19,
            c20,
            c21,
            c22,
            c23,
            c24,
            c25,
            c26,
            c27,
            c28,
            c29,
            c30,
            c31;

    CpuPadBefore(SkbMemory memory, int id) {
        super(memory, id);
    }
}

/** The fields of a CPU that anybody writes. */
abstract class CpuShared extends CpuPadBefore {
    /** The ownership word: 1 while somebody is this CPU. */
    volatile int word;
    /** Softirq bits, and {@link Cpu#IRQ_BIT}, that others have set. */
    volatile int remotePending;
    /** Threads parked for the word. */
    volatile int wordWaiters;
    /** 1 while the worker sleeps and nobody has kicked it yet. */
    volatile int sleeping;
    /** Raised interrupt lines, last first. */
    volatile @Nullable IrqLine raisedLines;

    CpuShared(SkbMemory memory, int id) {
        super(memory, id);
    }
}

/** Padding after {@link CpuShared}. */
abstract class CpuPadAfter extends CpuShared {
    @SuppressWarnings("unused")
    int d01,
            d02,
            d03,
            d04,
            d05,
            d06,
            d07,
            d08,
            d09,
            d10,
            d11,
            d12,
            d13,
            d14,
            d15,
            d16,
            d17,
            d18,
            d19,
            d20,
            d21,
            d22,
            d23,
            d24,
            d25,
            d26,
            d27,
            d28,
            d29,
            d30,
            d31;

    CpuPadAfter(SkbMemory memory, int id) {
        super(memory, id);
    }
}

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
public final class Cpu extends CpuPadAfter {
    static final int IRQ_BIT = 1 << 30;
    private static final int SOFTIRQ_MASK = (1 << Softirq.COUNT) - 1;
    /** Linux: MAX_SOFTIRQ_RESTART */
    static final int MAX_RESTART = 10;
    /** Linux: MAX_SOFTIRQ_TIME */
    static final long MAX_SOFTIRQ_NS = 2_000_000;
    /** Virtual time that one softirq handler's run costs. */
    private static final long SOFTIRQ_COST_NS = 300;

    private static final Softirq[] SOFTIRQS = Softirq.values();

    private static final VarHandle WORD;
    private static final VarHandle REMOTE_PENDING;
    private static final VarHandle WORD_WAITERS;
    private static final VarHandle SLEEPING;
    private static final VarHandle RAISED_LINES;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            WORD = lookup.findVarHandle(CpuShared.class, "word", int.class);
            REMOTE_PENDING = lookup.findVarHandle(CpuShared.class, "remotePending", int.class);
            WORD_WAITERS = lookup.findVarHandle(CpuShared.class, "wordWaiters", int.class);
            SLEEPING = lookup.findVarHandle(CpuShared.class, "sleeping", int.class);
            RAISED_LINES = lookup.findVarHandle(CpuShared.class, "raisedLines", IrqLine.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Its number, from 0. */
    public final int id;

    // ---- anyone reads, never changes

    private final Kernel kernel;
    private final Scheduler scheduler;
    private final Clock clock;
    private final boolean virtual;
    private final TimerWheel timers;
    private final HrTimerQueue hrtimers;
    private final SoftirqAction[] actions;
    private final ConcurrentLinkedQueue<Thread> wordQueue = new ConcurrentLinkedQueue<>();
    private @Nullable CpuWorker worker;
    /** Whose wait ends softirqs; a hint to a holder who is somebody else. */
    private volatile @Nullable Waiter guest;

    /** The networking state of this CPU. */
    public final SoftnetData sd;

    // ---- holder of the word

    /** Plain: a thread looks for itself only, and sees at least its own last write. */
    private @Nullable Thread holder;

    private int bhCount;
    private boolean inSoftirq;
    private int pending;
    private long nowNs;
    private long jiffies;
    /** Scheduled by others; newest first. */
    private final AtomicReference<@Nullable Tasklet> remoteTasklets = new AtomicReference<>();

    private @Nullable Tasklet taskletHead;
    private @Nullable Tasklet taskletTail;
    private @Nullable Tasklet hiHead;
    private @Nullable Tasklet hiTail;
    private Waiter[] wakes = new Waiter[8];
    private int nrWakes;
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
        super(memory, id);
        this.id = id;
        this.kernel = kernel;
        this.scheduler = kernel.scheduler();
        this.clock = kernel.clock();
        this.virtual = kernel.isVirtual();
        this.actions = kernel.softirqActions();
        refreshClock();
        this.timers = new TimerWheel(this, jiffies, j -> timerProgrammed(Clock.jiffiesToNs(j)));
        this.hrtimers = new HrTimerQueue(this, this::timerProgrammed);
        this.sd = new SoftnetData(this);
    }

    /** Its kernel. */
    public Kernel kernel() {
        return kernel;
    }

    // ---- the ownership word

    /** Takes the word if it is free. Not by a thread that holds it. */
    @HotPath
    public boolean tryAcquire() {
        if (word != 0 || !WORD.compareAndSet(this, 0, 1)) {
            return false;
        }
        holder = Thread.currentThread();
        bhCount = 1;
        refreshClock();
        return true;
    }

    /** Whether the calling thread holds the word. */
    @HotPath
    public boolean held() {
        return holder == Thread.currentThread();
    }

    /** Whether softirqs are running; only the holder's answer means something. Linux: in_serving_softirq() */
    public boolean inSoftirq() {
        return inSoftirq;
    }

    /** Takes this very CPU's word, waiting for it; or nests. Prefer {@link Kernel#localBhDisable}, which takes any. */
    @HotPath
    public void localBhDisable() {
        if (held()) {
            bhCount++;
        } else if (!tryAcquire()) {
            acquireSlow();
        }
    }

    /** Ends the innermost {@link #localBhDisable}; the outermost runs pending softirqs and gives the word back. */
    @HotPath
    public void localBhEnable() {
        assert held() : "localBhEnable without the word";
        if (bhCount > 1) {
            bhCount--;
            return;
        }
        if (softirqPending()) {
            runAndRelease();
        } else {
            release(false);
        }
    }

    private void runAndRelease() {
        boolean left = true;
        try {
            left = doSoftirq();
        } finally {
            release(left);
        }
    }

    /**
     * Whether somebody waits for this thread to end softirqs: parked for the word, or, if it stands in for the worker, its
     * own program, which has what it waited for. What is left is the worker's.
     */
    @HotPath
    public boolean contended() {
        Waiter g = guest;
        return wordWaiters != 0 || g != null && !g.isWaiting();
    }

    /** Runs softirqs for a thread that stands in for the worker, until its wait is over. Context: process. */
    boolean tryRunSoftirqs(Waiter forGuest) {
        guest = forGuest;
        try {
            return tryRunSoftirqs();
        } finally {
            guest = null;
        }
    }

    /** Spins, yields, then parks until this CPU's word is free. */
    void acquireSlow() {
        if (virtual) {
            throw new IllegalStateException("cpu " + id + " is held in virtual time, by " + holder);
        }
        for (int i = 0; i < 100; i++) {
            Thread.onSpinWait();
            if (tryAcquire()) {
                return;
            }
        }
        for (int i = 0; i < 20; i++) {
            Thread.yield();
            if (tryAcquire()) {
                return;
            }
        }
        Thread self = Thread.currentThread();
        wordQueue.add(self);
        WORD_WAITERS.getAndAdd(this, 1);
        while (!tryAcquire()) {
            LockSupport.park(this);
            if (self.isInterrupted()) {
                Thread.yield();
            }
        }
        wordQueue.remove(self);
        WORD_WAITERS.getAndAdd(this, -1);
    }

    /**
     * Gives the word back, then looks again: a bit that was set while we held it is ours to serve.
     *
     * @param left softirqs were left to the worker on purpose
     */
    private void release(boolean left) {
        boolean leave = left;
        for (int round = 0; ; round++) {
            giveBack();
            if (virtual || !softirqPending()) {
                return;
            }
            if (leave || round == MAX_RESTART) {
                ipi();
                return;
            }
            if (!tryAcquire()) {
                return;
            }
            leave = doSoftirq();
        }
    }

    private void giveBack() {
        if (nrWakes > 1) {
            runWakeList();
        }
        Waiter wake = nrWakes == 1 ? wakes[0] : null;
        nrWakes = 0;
        bhCount = 0;
        holder = null;
        WORD.setRelease(this, 0);
        VarHandle.fullFence();
        if (wordWaiters != 0) {
            Thread waiting = wordQueue.peek();
            if (waiting != null) {
                LockSupport.unpark(waiting);
            }
        }
        if (wake != null) {
            wake.unpark();
        }
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
    @HotPath
    public void ipi() {
        if (sleeping != 0 && SLEEPING.compareAndSet(this, 1, 0)) {
            CpuWorker w = worker;
            if (w != null) {
                w.kick();
            }
        }
    }

    /** Whether a softirq or an interrupt is pending. Exact for the holder, a hint for others. */
    @HotPath
    public boolean softirqPending() {
        return (pending | remotePending) != 0;
    }

    /** Tries the word and runs pending softirqs; false if somebody else holds it, who will see to them. */
    public boolean tryRunSoftirqs() {
        if (!tryAcquire()) {
            return false;
        }
        runAndRelease();
        return true;
    }

    /**
     * Runs pending softirqs, bounded.
     *
     * @return whether some were left to the worker. Linux: handle_softirqs(), kernel/softirq.c
     */
    private boolean doSoftirq() {
        if (inSoftirq) {
            return false;
        }
        inSoftirq = true;
        try {
            long end = nowNs + MAX_SOFTIRQ_NS;
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
                if (--restart == 0 || nowNs >= end || contended()) {
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
        if (tasklet.markScheduled()) {
            queueTasklet(tasklet);
        }
    }

    /** {@link #taskletSchedule} ahead of timers and packets. Linux: tasklet_hi_schedule() */
    public void taskletHiSchedule(Tasklet tasklet) {
        if (tasklet.markScheduled()) {
            queueHiTasklet(tasklet);
        }
    }

    /**
     * {@link #taskletSchedule} for those who don't hold this CPU's word: a packet's destructor, another CPU. Context: any.
     */
    @HotPath
    public void taskletScheduleRemote(Tasklet tasklet) {
        if (!tasklet.markScheduled()) {
            return;
        }
        Tasklet top;
        do {
            top = remoteTasklets.get();
            tasklet.next = top;
        } while (!remoteTasklets.compareAndSet(top, tasklet));
        raiseSoftirqRemote(Softirq.TASKLET);
    }

    private void queueTasklet(Tasklet tasklet) {
        tasklet.next = null;
        Tasklet tail = taskletTail;
        if (tail == null) {
            taskletHead = tasklet;
        } else {
            tail.next = tasklet;
        }
        taskletTail = tasklet;
        raiseSoftirq(Softirq.TASKLET);
    }

    private void queueHiTasklet(Tasklet tasklet) {
        tasklet.next = null;
        Tasklet tail = hiTail;
        if (tail == null) {
            hiHead = tasklet;
        } else {
            tail.next = tasklet;
        }
        hiTail = tasklet;
        raiseSoftirq(Softirq.HI);
    }

    /** The TASKLET softirq. Linux: tasklet_action_common() */
    void taskletAction() {
        for (Tasklet t = remoteTasklets.getAndSet(null); t != null; ) {
            Tasklet following = t.next;
            queueTasklet(t);
            t = following;
        }
        Tasklet tasklet = taskletHead;
        taskletHead = null;
        taskletTail = null;
        while (tasklet != null) {
            Tasklet next = tasklet.next;
            if (!runTasklet(tasklet)) {
                queueTasklet(tasklet);
            }
            tasklet = next;
        }
    }

    /** The HI softirq. */
    void taskletHiAction() {
        Tasklet tasklet = hiHead;
        hiHead = null;
        hiTail = null;
        while (tasklet != null) {
            Tasklet next = tasklet.next;
            if (!runTasklet(tasklet)) {
                queueHiTasklet(tasklet);
            }
            tasklet = next;
        }
    }

    private boolean runTasklet(Tasklet tasklet) {
        if (!tasklet.tryRun()) {
            return false;
        }
        try {
            tasklet.next = null;
            tasklet.clearScheduled();
            tasklet.run(this);
        } catch (RuntimeException | Error e) {
            oops("tasklet", e); // those behind it still run
        } finally {
            tasklet.endRun();
        }
        return true;
    }

    // ---- time

    /** Nanoseconds, as of the last refresh: start of the system call, softirq round or poll. Context: holder. */
    @HotPath
    public long nowNs() {
        return nowNs;
    }

    /** Jiffies, as of the last refresh. Context: holder. */
    @HotPath
    public long jiffies() {
        return jiffies;
    }

    /** Reads the clock (24 ns live). Context: holder. */
    @HotPath
    public void refreshClock() {
        long now = clock.nanoTime();
        nowNs = now;
        jiffies = Clock.nsToJiffies(now);
    }

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

    // ---- wake list

    /** Has {@code waiter} unparked at the end of this poll or round. Context: holder. */
    public void addWake(Waiter waiter) {
        if (nrWakes == wakes.length) {
            wakes = Arrays.copyOf(wakes, nrWakes * 2); // allocates: grows to the most threads woken in one poll
        }
        wakes[nrWakes++] = waiter;
    }

    /** Unparks what the last poll has woken. Context: holder, no lock held; after each NAPI poll. */
    public void runWakeList() {
        int n = nrWakes;
        nrWakes = 0;
        for (int i = 0; i < n; i++) {
            wakes[i].unpark();
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
