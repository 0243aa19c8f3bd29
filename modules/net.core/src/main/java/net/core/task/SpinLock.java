package net.core.task;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A test-and-set lock for a few instructions: no parking, logging or calling out while it is held. Waiters spin, then
 * yield, because a JVM thread can be preempted while it holds one. Not reentrant. May be extended, so that a lock costs
 * its owner no second object.
 *
 * <p>{@code Deviation:} no queueing (Linux: qspinlock): holders here are as many as cores, and a queued waiter that the
 * scheduler has taken off its core would stop everybody behind it.
 */
public class SpinLock {
    private static final int SPINS_BEFORE_YIELD = 128;
    private static final VarHandle LOCKED;

    static {
        try {
            LOCKED = MethodHandles.lookup().findVarHandle(SpinLock.class, "locked", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile int locked;

    /** An unlocked lock. */
    public SpinLock() {}

    /** Takes the lock. */
    public final void lock() {
        if (!LOCKED.compareAndSet(this, 0, 1)) {
            lockSlow();
        }
    }

    /** Takes the lock if it is free. */
    public final boolean tryLock() {
        return locked == 0 && LOCKED.compareAndSet(this, 0, 1);
    }

    /** Gives the lock back. */
    public final void unlock() {
        LOCKED.setRelease(this, 0);
    }

    /** Whether somebody holds it: for assertions. */
    public final boolean isLocked() {
        return locked != 0;
    }

    private void lockSlow() {
        int spins = 0;
        do {
            while (locked != 0) {
                if (++spins % SPINS_BEFORE_YIELD == 0) {
                    Thread.yield();
                } else {
                    Thread.onSpinWait();
                }
            }
        } while (!LOCKED.compareAndSet(this, 0, 1));
    }
}
