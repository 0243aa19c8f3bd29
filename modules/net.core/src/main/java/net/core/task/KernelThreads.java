package net.core.task;

import java.util.ArrayList;
import java.util.List;
import net.core.time.Clock;
import org.jspecify.annotations.Nullable;

/** Starts and joins a kernel's program threads. Context: process. */
public final class KernelThreads {
    private final Scheduler scheduler;
    private final List<KernelThread> threads = new ArrayList<>();

    /** The threads of {@code scheduler}'s kernel. */
    public KernelThreads(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** Starts a program thread: a platform thread when live. In virtual time it runs when the caller blocks. */
    public KernelThread start(String name, ThrowingRunnable body) {
        return start(name, body, false);
    }

    /** Starts a program thread on a JDK virtual thread. */
    public KernelThread startVirtual(String name, ThrowingRunnable body) {
        return start(name, body, true);
    }

    private KernelThread start(String name, ThrowingRunnable body, boolean virtualThread) {
        KernelThread thread = new KernelThread(scheduler, name, body);
        synchronized (threads) {
            threads.removeIf(t -> t.isDone() && t.failure() == null);
            threads.add(thread);
        }
        scheduler.start(thread, virtualThread);
        return thread;
    }

    /** Waits for a thread's end and rethrows what it threw. */
    public void join(KernelThread thread) {
        if (!thread.await(Clock.NEVER)) {
            throw new IllegalStateException("interrupted while joining " + thread);
        }
        thread.rethrow();
    }

    /** Waits at most {@code timeoutNs}; false if the thread still runs. Rethrows what it threw. */
    public boolean join(KernelThread thread, long timeoutNs) {
        if (!thread.await(Clock.deadline(scheduler.clock().nanoTime(), timeoutNs))) {
            return false;
        }
        thread.rethrow();
        return true;
    }

    /**
     * Waits until no thread runs any more, those included that are started meanwhile, and rethrows the first failure (the
     * others are suppressed in it).
     */
    public void joinAll() {
        for (KernelThread thread = firstRunning(); thread != null; thread = firstRunning()) {
            if (!thread.await(Clock.NEVER)) {
                throw new IllegalStateException("interrupted while joining " + thread);
            }
        }
        KernelThread failed = null;
        synchronized (threads) {
            for (KernelThread thread : threads) {
                Throwable failure = thread.failure();
                Throwable first = failed == null ? null : failed.failure();
                if (failure != null && first == null) {
                    failed = thread;
                } else if (failure != null && first != null && first != failure) {
                    first.addSuppressed(failure);
                }
            }
            threads.removeIf(KernelThread::isDone);
        }
        if (failed != null) {
            failed.rethrow();
        }
    }

    private @Nullable KernelThread firstRunning() {
        synchronized (threads) {
            for (KernelThread thread : threads) {
                if (!thread.isDone()) {
                    return thread;
                }
            }
            return null;
        }
    }

    /** The threads that have not been joined. */
    public List<KernelThread> list() {
        synchronized (threads) {
            return new ArrayList<>(threads);
        }
    }
}
