package net.core.task;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import net.core.Cpu;
import net.core.Kernel;
import net.core.time.Clock;
import net.core.time.ManualClock;
import org.jspecify.annotations.Nullable;

/**
 * Virtual time: one thread at a time, an event queue, a seed. The thread that blocks runs the loop itself: due events,
 * then, picked by the seed, softirqs of a CPU with pending work or a runnable program thread, and only when there is
 * neither does the clock jump to the next event or timer. It passes the baton only when another program thread is picked,
 * so a ping-pong between softirqs costs no thread switch.
 *
 * <p>Time passes for work too, so that nothing can spin at one instant for ever: each system call, spin and softirq
 * handler costs a little. The same seed gives the same order, to the nanosecond; what would break that (wall clocks,
 * identity hash codes, {@code ThreadLocalRandom}, threads of others) has no place in protocol code.
 *
 * <p>The thread that boots the kernel is its main program thread. Another outside thread may take that part over while
 * the first does not run (a test runner's time-out thread).
 *
 * <p>Context: every field belongs to whoever holds the baton.
 */
public final class VirtualScheduler extends Scheduler {
    private static final long SYSCALL_NS = 500;
    private static final long SPIN_NS = 1_000;
    /** No program thread has run for so long although timers fire: it never will. */
    private static final long IDLE_LIMIT_NS = 24 * 3_600_000_000_000L;
    /** Real time after which a thread with the baton is taken to block outside the kernel's primitives. */
    private static final long WATCHDOG_NS = 20_000_000_000L;

    private static final class Event implements Comparable<Event> {
        final long atNs;
        final long seq;
        final @Nullable Runnable action;
        final @Nullable Waiter waiter;
        final long park;

        Event(long atNs, long seq, @Nullable Runnable action, @Nullable Waiter waiter, long park) {
            this.atNs = atNs;
            this.seq = seq;
            this.action = action;
            this.waiter = waiter;
            this.park = park;
        }

        @Override
        public int compareTo(Event o) {
            return atNs != o.atNs ? Long.compare(atNs, o.atNs) : Long.compare(seq, o.seq);
        }
    }

    private final Kernel kernel;
    private final ManualClock clock;
    private final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final ArrayList<KernelThread> runnable = new ArrayList<>();
    private final ArrayList<KernelThread> threads = new ArrayList<>();
    private final KernelThread main;

    private volatile KernelThread current;
    /** Counts baton passes and blocks: what the watchdog watches. */
    private volatile long progress;

    private volatile @Nullable RuntimeException failure;
    private long seq;
    private long lastRunNs;
    private boolean inLoop;
    private boolean closing;

    /** The calling thread becomes the main program thread and holds the baton. */
    public VirtualScheduler(Kernel kernel, ManualClock clock, long seed) {
        this.kernel = kernel;
        this.clock = clock;
        this.random = new SplittableRandom(seed);
        this.main = new KernelThread(this, "main", null);
        main.waiter = new Waiter(this, Thread.currentThread());
        main.waiter.owner = main;
        main.thread = Thread.currentThread();
        this.current = main;
        this.lastRunNs = clock.nanoTime();
    }

    @Override
    public Waiter currentWaiter() {
        return waiterOf(self());
    }

    @SuppressWarnings("NullAway")
    private static Waiter waiterOf(KernelThread thread) {
        return thread.waiter;
    }

    /** The program thread that calls, which must hold the baton. */
    private KernelThread self() {
        KernelThread thread = current;
        Thread caller = Thread.currentThread();
        if (thread.thread != caller) {
            if (thread != main) {
                throw new IllegalStateException("thread " + caller.getName() + " is no program thread of this kernel"
                        + " (start it with kernel.threads()); thread " + thread.name() + " runs");
            }
            main.thread = caller;
            waiterOf(main).thread = caller;
        }
        return thread;
    }

    // ---- blocking

    @Override
    public boolean park(Waiter waiter, long deadlineNs) {
        KernelThread self = self();
        if (!kernel.holdsNoCpu()) {
            throw new IllegalStateException("park while holding a CPU");
        }
        if (inLoop) {
            throw new IllegalStateException("park inside an event or softirq");
        }
        if (self.killed) {
            throw new KernelClosedException();
        }
        if (Thread.currentThread().isInterrupted()) {
            waiter.interrupted = true;
            waiter.leave();
            return true;
        }
        if (waiter.toParked()) {
            waiter.parks++;
            if (deadlineNs != Clock.NEVER) {
                events.add(new Event(deadlineNs, seq++, null, waiter, waiter.parks));
            }
            loop(self);
            waiter.parks++;
        }
        return waiter.leave() == Waiter.WOKEN || waiter.interrupted;
    }

    @Override
    public void unpark(Waiter waiter) {
        KernelThread owner = waiter.owner;
        if (owner != null && !closing) {
            makeRunnable(owner);
        }
    }

    /**
     * Runs the world until {@code self} is picked again; with null (its thread ends) until another thread has the baton.
     */
    private void loop(@Nullable KernelThread self) {
        tick();
        while (true) {
            runDue();
            int softirqs = pendingCpus();
            int choices = softirqs + runnable.size();
            if (choices == 0) {
                if (!jump(self)) {
                    return;
                }
                continue;
            }
            int pick = choices == 1 ? 0 : random.nextInt(choices);
            if (pick < softirqs) {
                runPendingCpu(pick);
                continue;
            }
            KernelThread next = takeRunnable(pick - softirqs);
            lastRunNs = clock.nanoTime();
            if (next == self) {
                return;
            }
            passTo(next);
            if (self != null) {
                awaitBaton(self);
            }
            return;
        }
    }

    private void makeRunnable(KernelThread thread) {
        if (!thread.runnable && !thread.isDone()) {
            thread.runnable = true;
            runnable.add(thread);
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    private void tick() {
        progress = progress + 1; // written with the baton only
    }

    private KernelThread takeRunnable(int index) {
        int last = runnable.size() - 1;
        KernelThread next = runnable.get(index);
        runnable.set(index, runnable.get(last));
        runnable.remove(last);
        next.runnable = false;
        return next;
    }

    /** Nothing can run now: on to the next event or timer. False if the baton went to main, to report a deadlock. */
    private boolean jump(@Nullable KernelThread self) {
        long next = nextTimeNs();
        boolean stuck = next == Clock.NEVER;
        if (stuck || clock.nanoTime() - lastRunNs > IDLE_LIMIT_NS && !anyTimeout()) {
            String why = stuck
                    ? "deadlock in virtual time: no event or timer is left, and every thread waits"
                    : "deadlock in virtual time: only timers have run for 24 hours, and every thread waits";
            fail(new DeadlockException(describe(why)), self);
            return false;
        }
        clock.advanceTo(next);
        return true;
    }

    private boolean anyTimeout() {
        for (Event e : events) {
            if (e.waiter != null && isCurrent(e)) {
                return true;
            }
        }
        return false;
    }

    /** Hands {@code problem} to the main thread, which throws it; thrown here if this is it. */
    private void fail(RuntimeException problem, @Nullable KernelThread self) {
        if (self == main) {
            throw problem;
        }
        toMain(problem);
        if (self != null) {
            awaitBaton(self);
        }
    }

    private void toMain(RuntimeException problem) {
        failure = problem;
        if (main.runnable) {
            main.runnable = false;
            runnable.remove(main);
        }
        passTo(main);
    }

    private void passTo(KernelThread next) {
        tick();
        Thread thread = next.thread;
        current = next;
        LockSupport.unpark(thread);
    }

    private void awaitBaton(KernelThread self) {
        boolean interrupted = false;
        long watched = progress;
        long since = System.nanoTime();
        while (current != self) {
            if (self == main) {
                LockSupport.parkNanos(this, WATCHDOG_NS / 4);
                if (progress != watched) {
                    watched = progress;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > WATCHDOG_NS && current != main) {
                    throw watchdog();
                }
            } else {
                LockSupport.park(this);
            }
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        RuntimeException problem = failure;
        if (self == main && problem != null) {
            failure = null;
            throw problem;
        }
        if (self.killed) {
            throw new KernelClosedException();
        }
    }

    private IllegalStateException watchdog() {
        KernelThread blocked = current;
        Thread thread = blocked.thread;
        IllegalStateException e = new IllegalStateException("thread " + blocked.name()
                + " has run for 20 s of real time without a call of the kernel: it blocks outside the kernel's primitives"
                + " or loops");
        if (thread != null) {
            e.setStackTrace(thread.getStackTrace());
        }
        return e;
    }

    // ---- time

    private long nextTimeNs() {
        long next = Clock.NEVER;
        while (!events.isEmpty()) {
            Event e = events.peek();
            if (e.waiter == null || isCurrent(e)) {
                next = e.atNs;
                break;
            }
            events.poll();
        }
        for (int i = 0; i < kernel.cpus(); i++) {
            next = Math.min(next, kernel.cpu(i).nextTimerNs());
        }
        return next;
    }

    private static boolean isCurrent(Event e) {
        return e.waiter != null && e.waiter.parks == e.park && e.waiter.state == Waiter.PARKED;
    }

    /** Runs the events that are due, and raises the timer softirqs that are. */
    private void runDue() {
        boolean nested = inLoop;
        inLoop = true;
        try {
            Event e;
            while ((e = events.peek()) != null && e.atNs <= clock.nanoTime()) {
                events.poll();
                if (e.action != null) {
                    e.action.run();
                } else if (e.waiter != null && isCurrent(e)) {
                    unpark(e.waiter);
                }
            }
            long now = clock.nanoTime();
            for (int i = 0; i < kernel.cpus(); i++) {
                kernel.cpu(i).raiseDueTimers(now);
            }
        } finally {
            inLoop = nested;
        }
    }

    private int pendingCpus() {
        int n = 0;
        for (int i = 0; i < kernel.cpus(); i++) {
            if (kernel.cpu(i).softirqPending()) {
                n++;
            }
        }
        return n;
    }

    private void runPendingCpu(int pick) {
        int left = pick;
        for (int i = 0; i < kernel.cpus(); i++) {
            Cpu cpu = kernel.cpu(i);
            if (cpu.softirqPending() && left-- == 0) {
                boolean nested = inLoop;
                inLoop = true;
                try {
                    cpu.tryRunSoftirqs();
                } finally {
                    inLoop = nested;
                }
                return;
            }
        }
    }

    /** Runs one piece of what is due beside the current thread. */
    private void step() {
        runDue();
        int softirqs = pendingCpus();
        if (softirqs > 0) {
            runPendingCpu(softirqs == 1 ? 0 : random.nextInt(softirqs));
        }
    }

    /** Lets another runnable thread run before the current one goes on. */
    private void yieldBaton() {
        if (runnable.isEmpty()) {
            return;
        }
        KernelThread self = self();
        tick();
        KernelThread next = takeRunnable(random.nextInt(runnable.size()));
        makeRunnable(self);
        lastRunNs = clock.nanoTime();
        passTo(next);
        awaitBaton(self);
    }

    private boolean mayPreempt() {
        return !inLoop && kernel.holdsNoCpu();
    }

    @Override
    public void preemptionPoint() {
        if (!mayPreempt()) {
            return;
        }
        self();
        int dice = random.nextInt(16);
        if (dice < 4) {
            clock.advance(dice * 250L);
            step();
        }
        if (dice == 15) {
            yieldBaton();
        }
    }

    /** The CPU that process context becomes: mostly the hinted one, at times another, as when it is busy live. */
    public int pickCpu(int hint) {
        return random.nextInt(16) == 0 ? random.nextInt(kernel.cpus()) : hint;
    }

    @Override
    public void syscallEnter() {
        KernelThread self = self();
        if (self.killed && !closing) {
            throw new KernelClosedException();
        }
        clock.advance(SYSCALL_NS + random.nextInt(512));
        tick();
        if (!mayPreempt()) {
            return;
        }
        step();
        if (random.nextInt(8) == 0) {
            yieldBaton();
        }
    }

    @Override
    public void spinWait(int round) {
        clock.advance(SPIN_NS);
        tick();
        if (!mayPreempt()) {
            if (round > 1_000_000) {
                throw new IllegalStateException("spins for ever in softirq");
            }
            return;
        }
        step();
        if (runnable.isEmpty() && pendingCpus() == 0) {
            // Only time can help.
            long next = nextTimeNs();
            if (next == Clock.NEVER) {
                throw new DeadlockException(describe("thread " + self().name() + " spins, and nothing else can run"));
            }
            clock.advanceTo(next);
        }
        yieldBaton();
    }

    @Override
    public void charge(long ns) {
        clock.advance(ns);
    }

    @Override
    public void schedule(long atNs, Runnable event) {
        events.add(new Event(atNs, seq++, event, null, 0));
    }

    @Override
    public boolean isVirtual() {
        return true;
    }

    @Override
    public Clock clock() {
        return clock;
    }

    // ---- threads

    @Override
    void start(KernelThread thread, boolean virtualThread) {
        self();
        Thread t = Thread.ofVirtual().name(thread.name()).unstarted(() -> runThread(thread));
        thread.thread = t;
        thread.waiter = new Waiter(this, t);
        thread.waiter.owner = thread;
        threads.add(thread);
        makeRunnable(thread);
        t.start();
    }

    private void runThread(KernelThread thread) {
        while (current != thread) {
            LockSupport.park(this);
        }
        thread.runBody();
        threads.remove(thread);
        if (closing) {
            passTo(main);
            return;
        }
        try {
            loop(null);
        } catch (RuntimeException | Error e) {
            // A bug in an event or softirq that happened to run here: the main thread reports it.
            toMain(e instanceof RuntimeException r ? r : new IllegalStateException(e));
        }
    }

    /** Ends every other program thread, each with a {@link KernelClosedException} where it blocks. By the main thread. */
    @Override
    public void close() {
        KernelThread self = self();
        if (self != main) {
            throw new IllegalStateException(
                    "thread " + self.name() + " may not close its kernel: the main thread does");
        }
        closing = true;
        runnable.clear();
        for (KernelThread thread : List.copyOf(threads)) {
            thread.killed = true;
            passTo(thread);
            awaitBaton(main);
        }
        threads.clear();
        runnable.clear();
        events.clear();
    }

    private String describe(String why) {
        StringBuilder out =
                new StringBuilder(why).append(" (t=").append(clock.nanoTime()).append(" ns):");
        describe(out, main);
        threads.forEach(t -> describe(out, t));
        return out.toString();
    }

    private static void describe(StringBuilder out, KernelThread thread) {
        Waiter waiter = thread.waiter;
        Thread t = thread.thread;
        if (waiter == null || t == null) {
            return;
        }
        Object what = waiter.waitsFor();
        out.append("\n  ").append(thread.name()).append(" waits for ").append(what == null ? "a wake-up" : what);
        int shown = 0;
        for (StackTraceElement frame : t.getStackTrace()) {
            String name = frame.getClassName();
            if (name.startsWith("java.") || name.startsWith("jdk.") || name.startsWith("net.core.task.")) {
                continue;
            }
            out.append("\n    at ").append(frame);
            if (++shown == 6) {
                break;
            }
        }
    }
}
