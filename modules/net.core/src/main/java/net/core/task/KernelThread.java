package net.core.task;

import org.jspecify.annotations.Nullable;

/** A program thread of one kernel. It blocks only on the kernel's primitives. */
public final class KernelThread {
    private final Scheduler scheduler;
    private final String name;
    private final @Nullable ThrowingRunnable body;
    private final WaitQueueHead joiners = new WaitQueueHead();

    volatile @Nullable Thread thread;
    private volatile boolean done;
    private volatile @Nullable Throwable failure;

    // Virtual time: owned by the baton.
    @Nullable
    Waiter waiter;

    boolean killed;
    boolean runnable;

    KernelThread(Scheduler scheduler, String name, @Nullable ThrowingRunnable body) {
        this.scheduler = scheduler;
        this.name = name;
        this.body = body;
    }

    /** Its name, as in lists of blocked threads. */
    public String name() {
        return name;
    }

    /** Whether its body has ended. */
    public boolean isDone() {
        return done;
    }

    /** What its body threw, or null. */
    public @Nullable Throwable failure() {
        return failure;
    }

    /** Interrupts it: a blocking system call returns {@code -EINTR}. */
    public void interrupt() {
        Thread t = thread;
        if (t == null) {
            return;
        }
        t.interrupt();
        Waiter w = waiter;
        if (w != null) {
            w.interrupted = true;
            w.wake(null);
        }
    }

    /** The JVM's thread; null before it starts. */
    public @Nullable Thread thread() {
        return thread;
    }

    void runBody() {
        try {
            if (body != null && !killed) {
                body.run();
            }
        } catch (KernelClosedException e) {
            // The kernel is closing: nothing to report.
        } catch (Throwable e) {
            failure = e;
        } finally {
            done = true;
            joiners.wakeAll(null);
        }
    }

    /** Waits for its end without rethrowing; false if {@code deadlineNs} came first. */
    boolean await(long deadlineNs) {
        while (!done) {
            if (!joiners.waitEvent(scheduler, this, () -> done, deadlineNs)) {
                if (done) {
                    return true;
                }
                if (Thread.currentThread().isInterrupted() || scheduler.clock().nanoTime() >= deadlineNs) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Throws what its body threw, if anything. */
    void rethrow() {
        Throwable t = failure;
        if (t == null) {
            return;
        }
        if (t instanceof RuntimeException e) {
            throw e;
        }
        if (t instanceof Error e) {
            throw e;
        }
        throw new IllegalStateException("thread " + name + " failed: " + t, t);
    }

    @Override
    public String toString() {
        return "thread " + name;
    }
}
