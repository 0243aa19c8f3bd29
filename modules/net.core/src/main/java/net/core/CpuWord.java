package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.skbuff.HotPath;
import net.skbuff.SkbCache;
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
 * The ownership word of a CPU: who holds it is the CPU, with bottom halves disabled. Taking, nesting, giving back with a look
 * at what became pending meanwhile, and what the holder has for the time of its stay: the clock's reading, and the threads to
 * be woken when it ends.
 *
 * <p>Context: {@link #tryAcquire} and {@link #localBhDisable} any thread; all else the holder, unless it says so.
 *
 * <p>Linux: local_bh_disable(), __local_bh_enable_ip(), kernel/softirq.c. See docs/adr/0011-cpu-ownership-and-softirq.md.
 */
abstract class CpuWord extends CpuPadAfter {
    static final VarHandle WORD;
    static final VarHandle REMOTE_PENDING;
    static final VarHandle WORD_WAITERS;
    static final VarHandle SLEEPING;
    static final VarHandle RAISED_LINES;

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

    // ---- anyone reads, never changes

    private final Clock clock;
    final boolean virtual;
    private final ConcurrentLinkedQueue<Thread> wordQueue = new ConcurrentLinkedQueue<>();
    /** Whose wait ends softirqs; a hint to a holder who is somebody else. */
    private volatile @Nullable Waiter guest;

    // ---- holder of the word

    /** Plain: a thread looks for itself only, and sees at least its own last write. */
    private @Nullable Thread holder;

    private int bhCount;
    /** Softirq bits that the holder has set. */
    int pending;

    private long nowNs;
    private long jiffies;
    private Waiter[] wakes = new Waiter[8];
    private int nrWakes;

    CpuWord(SkbMemory memory, int id, Clock clock, boolean virtual) {
        super(memory, id);
        this.clock = clock;
        this.virtual = virtual;
        refreshClock();
    }

    /** Runs pending softirqs, bounded; whether some were left to the worker. */
    abstract boolean doSoftirq();

    /** Wakes the worker if it sleeps. */
    abstract void ipi();

    /** Takes the word if it is free. Not by a thread that holds it. */
    @HotPath
    public final boolean tryAcquire() {
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
    public final boolean held() {
        return holder == Thread.currentThread();
    }

    /** Takes this very CPU's word, waiting for it; or nests. Prefer {@link Kernel#localBhDisable}, which takes any. */
    @HotPath
    public final void localBhDisable() {
        if (held()) {
            bhCount++;
        } else if (!tryAcquire()) {
            acquireSlow();
        }
    }

    /** Ends the innermost {@link #localBhDisable}; the outermost runs pending softirqs and gives the word back. */
    @HotPath
    public final void localBhEnable() {
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
    public final boolean contended() {
        Waiter g = guest;
        return wordWaiters != 0 || g != null && !g.isWaiting();
    }

    /** Runs softirqs for a thread that stands in for the worker, until its wait is over. Context: process. */
    final boolean tryRunSoftirqs(Waiter forGuest) {
        guest = forGuest;
        try {
            return tryRunSoftirqs();
        } finally {
            guest = null;
        }
    }

    /** Spins, yields, then parks until this CPU's word is free. */
    final void acquireSlow() {
        if (virtual) {
            throw new IllegalStateException(this + " is held in virtual time, by " + holder);
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
            if (leave || round == Cpu.MAX_RESTART) {
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

    /** Whether a softirq or an interrupt is pending. Exact for the holder, a hint for others. */
    @HotPath
    public final boolean softirqPending() {
        return (pending | remotePending) != 0;
    }

    /** Tries the word and runs pending softirqs; false if somebody else holds it, who will see to them. */
    public final boolean tryRunSoftirqs() {
        if (!tryAcquire()) {
            return false;
        }
        runAndRelease();
        return true;
    }

    // ---- time

    /** Nanoseconds, as of the last refresh: start of the system call, softirq round or poll. Context: holder. */
    @HotPath
    public final long nowNs() {
        return nowNs;
    }

    /** Jiffies, as of the last refresh. Context: holder. */
    @HotPath
    public final long jiffies() {
        return jiffies;
    }

    /** Reads the clock (24 ns live). Context: holder. */
    @HotPath
    public final void refreshClock() {
        long now = clock.nanoTime();
        nowNs = now;
        jiffies = Clock.nsToJiffies(now);
    }

    // ---- wake list

    /** Has {@code waiter} unparked at the end of this poll or round. Context: holder. */
    public final void addWake(Waiter waiter) {
        if (nrWakes == wakes.length) {
            wakes = Arrays.copyOf(wakes, nrWakes * 2); // allocates: grows to the most threads woken in one poll
        }
        wakes[nrWakes++] = waiter;
    }

    /** Unparks what the last poll has woken. Context: holder, no lock held; after each NAPI poll. */
    public final void runWakeList() {
        int n = nrWakes;
        nrWakes = 0;
        for (int i = 0; i < n; i++) {
            wakes[i].unpark();
        }
    }
}
