package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.task.WaitQueueHead;
import net.core.time.Clock;
import org.jspecify.annotations.Nullable;

/**
 * The lock of configuration: devices, addresses, routes, qdiscs. The outermost lock; may be held across sleeps.
 * {@code Deviation:} reentrant by thread, because our callers are Java APIs that call each other.
 *
 * <p>Context: process, without a CPU's word. Linux: rtnl_lock(), net/core/rtnetlink.c
 */
public final class Rtnl {
    private static final VarHandle OWNER;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(Rtnl.class, "owner", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Kernel kernel;
    private final WaitQueueHead waiters = new WaitQueueHead();
    private volatile @Nullable Thread owner;
    private int depth;

    Rtnl(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Takes the lock; sleeps until it is free. */
    public void lock() {
        Thread self = Thread.currentThread();
        if (owner == self) {
            depth++;
            return;
        }
        if (kernel.debug() && !kernel.holdsNoCpu()) {
            throw new IllegalStateException("rtnl_lock while holding a CPU");
        }
        while (!OWNER.compareAndSet(this, null, self)) {
            waiters.waitEvent(kernel.scheduler(), "rtnl", () -> owner == null, Clock.NEVER);
            if (self.isInterrupted()) {
                Thread.yield();
            }
        }
        depth = 1;
    }

    /** Gives it back. */
    public void unlock() {
        if (!held()) {
            throw new IllegalStateException("rtnl_unlock by a thread that does not hold it");
        }
        if (--depth == 0) {
            owner = null;
            waiters.wakeAll(null);
        }
    }

    /** Whether the calling thread holds it. */
    public boolean held() {
        return owner == Thread.currentThread();
    }

    /** Throws unless the calling thread holds it. Linux: ASSERT_RTNL() */
    public void assertHeld() {
        if (!held()) {
            throw new IllegalStateException("rtnl is not held");
        }
    }

    /** Runs {@code body} under the lock. */
    public void run(Runnable body) {
        lock();
        try {
            body.run();
        } finally {
            unlock();
        }
    }
}
