package net.core.task;

import org.jspecify.annotations.Nullable;

/**
 * One place in a wait queue: a thread, or a function to call (epoll). Intrusive; in one queue at a time. May be extended
 * by what it stands for.
 *
 * <p>Linux: struct wait_queue_entry, include/linux/wait.h.
 */
public class WaitEntry {
    /** Wakes the entry's thread; it stays queued. Linux: default_wake_function() */
    public static final WakeFunction WAKE = (entry, head, cpu, mask) -> entry.waiter != null && entry.waiter.wake(cpu);

    /** Wakes the entry's thread and unlinks it, so that the next exclusive wake-up finds another. Linux: autoremove_wake_function() */
    public static final WakeFunction AUTOREMOVE = (entry, head, cpu, mask) -> {
        if (entry.waiter != null && entry.waiter.wake(cpu)) {
            head.removeLocked(entry);
            return true;
        }
        return false;
    };

    /** Who waits; null for a pure callback. */
    public final @Nullable Waiter waiter;

    final WakeFunction func;
    /** Wake only {@code nrExclusive} of these; queued at the tail. */
    boolean exclusive;
    /** Events it wants, or 0 for all: a wake-up with other events passes it by. */
    public int pollMask;

    // Under the queue's lock.
    @Nullable
    WaitEntry next;

    @Nullable
    WaitEntry prev;

    boolean queued;

    /** A thread that is woken by every wake-up. */
    public WaitEntry(Waiter waiter) {
        this(waiter, WAKE);
    }

    /** A thread with its own wake function. */
    public WaitEntry(@Nullable Waiter waiter, WakeFunction func) {
        this.waiter = waiter;
        this.func = func;
    }

    /** A callback. */
    public WaitEntry(WakeFunction func) {
        this(null, func);
    }
}
