package net.core.task;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import org.jspecify.annotations.Nullable;

/**
 * One thread that may block. The pattern is the kernel's, and loses no wake-up:
 *
 * <pre>{@code
 * Waiter waiter = scheduler.currentWaiter();
 * WaitEntry entry = new WaitEntry(waiter);
 * wq.add(entry);
 * while (true) {
 *     waiter.prepare();                       // set_current_state(TASK_INTERRUPTIBLE)
 *     if (condition()) break;
 *     if (!scheduler.park(waiter, deadlineNs)) { timed out; break; }
 *     if (waiter.interrupted()) { -EINTR; break; }
 * }
 * waiter.finish();
 * wq.remove(entry);
 * }</pre>
 *
 * A waker first changes what {@code condition} reads, then wakes. A thread that is still spinning in {@code park} is
 * woken by a store; only a parked one costs an unpark (5 to 12 us).
 *
 * <p>Context: {@link #prepare}, {@link #finish} by its thread; {@link #wake} from anywhere.
 *
 * <p>Linux: task state and try_to_wake_up(), kernel/sched/core.c.
 */
public final class Waiter {
    /** Does not wait. */
    static final int RUNNING = 0;
    /** Is about to wait: checks its condition, or spins. */
    static final int WAITING = 1;
    /** Is off its core. */
    static final int PARKED = 2;
    /** Was woken and has not noticed yet. */
    static final int WOKEN = 3;
    /** Is off its core, waiting for a CPU's interrupts. */
    static final int NATIVE = 4;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Waiter.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final Scheduler scheduler;
    /** The thread, in live mode; changes only for the main program thread of virtual time. */
    volatile Thread thread;
    /** The program thread, in virtual time. */
    @Nullable
    KernelThread owner;

    volatile int state;
    boolean interrupted;
    /** Counts parks, so that a stale time-out is told from a current one. Virtual time. */
    long parks;

    /** Where it waits in state NATIVE; set before and cleared after. */
    volatile @Nullable NativeWait nativeWait;
    /** A CPU where it may stand in for the worker while it waits, or a negative number: park. */
    int idleHint = -1;

    private @Nullable Object waitsFor;
    private final WaitEntry entry = new WaitEntry(this);

    Waiter(Scheduler scheduler, Thread thread) {
        this.scheduler = scheduler;
        this.thread = thread;
    }

    /** The thread's own place in a wait queue, for waits that need just one: it allocates nothing. */
    public WaitEntry entry() {
        return entry;
    }

    /** From here on a wake-up makes the next {@code park} return. Full fence: call it before reading the condition. */
    public void prepare() {
        interrupted = false;
        state = WAITING;
        VarHandle.fullFence();
    }

    /** Ends waiting, whether parked or not. */
    public void finish() {
        state = RUNNING;
        waitsFor = null;
        idleHint = -1;
    }

    /**
     * The next park may stand in for a CPU's worker, at best that of {@code cpu}, from where the wake-up is expected. Only
     * for waits for packets.
     */
    public Waiter expectsCpu(int cpu) {
        idleHint = Math.max(0, cpu);
        return this;
    }

    /** Whether the last park ended because the thread was interrupted: the caller returns {@code -EINTR}. */
    public boolean interrupted() {
        return interrupted;
    }

    /** Says in lists of blocked threads what this one waits for; its {@code toString} is read when needed. */
    public Waiter waitsFor(@Nullable Object what) {
        waitsFor = what;
        return this;
    }

    @Nullable
    Object waitsFor() {
        return waitsFor;
    }

    /**
     * Wakes the thread if it waits; whether this call did it. With a CPU the unpark happens when that CPU runs its wake
     * list, without one at once.
     */
    public boolean wake(@Nullable Cpu cpu) {
        while (true) {
            int s = state;
            if (s == WAITING) {
                if (STATE.compareAndSet(this, WAITING, WOKEN)) {
                    return true;
                }
            } else if (s == PARKED || s == NATIVE) {
                if (STATE.compareAndSet(this, s, WOKEN)) {
                    if (cpu != null) {
                        cpu.addWake(this);
                    } else {
                        scheduler.unpark(this);
                    }
                    return true;
                }
            } else {
                return false;
            }
        }
    }

    /** Called by the wake list. */
    public void unpark() {
        scheduler.unpark(this);
    }

    /** From here on a wake-up ends the wait at {@code where}; false if there was one already. By its thread. */
    public boolean enterNative(NativeWait where) {
        nativeWait = where;
        if (STATE.compareAndSet(this, WAITING, NATIVE)) {
            return true;
        }
        nativeWait = null;
        return false;
    }

    /** Ends what {@link #enterNative} began: a wake-up is a store again; false if there was one. By its thread. */
    public boolean leaveNative() {
        boolean waiting = STATE.compareAndSet(this, NATIVE, WAITING);
        nativeWait = null;
        return waiting;
    }

    /** Whether no wake-up has come since {@link #prepare}. By its thread. */
    public boolean isWaiting() {
        return state == WAITING;
    }

    /** Whether somebody interrupted the thread; {@link #interrupted} says so after the park. */
    public boolean threadInterrupted() {
        return thread.isInterrupted();
    }

    boolean toParked() {
        return STATE.compareAndSet(this, WAITING, PARKED);
    }

    /** Leaves the waiting states; what it was. */
    int leave() {
        return (int) STATE.getAndSet(this, RUNNING);
    }

    @Override
    public String toString() {
        return thread.getName();
    }
}
