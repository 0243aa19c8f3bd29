package net.core.task;

import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import net.core.Cpu;
import net.core.time.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for something: threads and callbacks, non-exclusive ones first. Wake-ups with a CPU only mark threads and
 * leave the unpark to the CPU's wake list.
 *
 * <p>Context: everything anywhere. The lock (inherited) is a leaf but for what wake functions take (epoll's ready list).
 *
 * <p>Linux: struct wait_queue_head, kernel/sched/wait.c.
 */
public final class WaitQueueHead extends SpinLock {
    private volatile @Nullable WaitEntry head;
    private @Nullable WaitEntry tail;

    /** An empty queue. */
    public WaitQueueHead() {}

    /** Queues a non-exclusive entry; nothing if it is queued. Linux: add_wait_queue() */
    public void add(WaitEntry entry) {
        lock();
        if (!entry.queued) {
            entry.exclusive = false;
            WaitEntry first = head;
            entry.prev = null;
            entry.next = first;
            if (first != null) {
                first.prev = entry;
            } else {
                tail = entry;
            }
            head = entry;
            entry.queued = true;
        }
        unlock();
        VarHandle.fullFence();
    }

    /** Queues an entry that shares each wake-up with the other exclusive ones, first come first served. */
    public void addExclusive(WaitEntry entry) {
        lock();
        if (!entry.queued) {
            entry.exclusive = true;
            WaitEntry last = tail;
            entry.next = null;
            entry.prev = last;
            tail = entry;
            if (last != null) {
                last.next = entry;
            } else {
                head = entry;
            }
            entry.queued = true;
        }
        unlock();
        VarHandle.fullFence();
    }

    /** Unlinks an entry; nothing if a wake-up did so already. */
    public void remove(WaitEntry entry) {
        lock();
        removeLocked(entry);
        unlock();
    }

    /** {@link #remove} for wake functions. Context: under this queue's lock. */
    public void removeLocked(WaitEntry entry) {
        if (!entry.queued) {
            return;
        }
        WaitEntry next = entry.next;
        WaitEntry prev = entry.prev;
        if (next != null) {
            next.prev = prev;
        } else {
            tail = prev;
        }
        if (prev != null) {
            prev.next = next;
        } else {
            head = next;
        }
        entry.next = null;
        entry.prev = null;
        entry.queued = false;
    }

    /** Whether anybody is queued, without a fence: only a hint. Linux: waitqueue_active() */
    public boolean active() {
        return head != null;
    }

    /** Whether anybody is queued, ordered after the caller's change of the condition. Linux: wq_has_sleeper() */
    public boolean hasSleeper() {
        VarHandle.fullFence();
        return head != null;
    }

    /**
     * Wakes every non-exclusive entry and {@code nrExclusive} of the others (0: all of them).
     *
     * @param cpu whose word the caller holds; null in process context without one
     * @param pollMask the events that happened; 0 says nothing about them
     */
    public void wake(@Nullable Cpu cpu, int pollMask, int nrExclusive) {
        if (!hasSleeper()) {
            return;
        }
        lock();
        int left = nrExclusive;
        WaitEntry entry = head;
        while (entry != null) {
            WaitEntry next = entry.next;
            boolean wants = pollMask == 0 || entry.pollMask == 0 || (pollMask & entry.pollMask) != 0;
            boolean exclusive = entry.exclusive;
            if (wants && entry.func.wake(entry, this, cpu, pollMask) && exclusive && --left == 0) {
                break;
            }
            entry = next;
        }
        unlock();
    }

    /** Wakes everybody. */
    public void wakeAll(@Nullable Cpu cpu) {
        wake(cpu, 0, 0);
    }

    /** Wakes one exclusive waiter and all others. */
    public void wakeOne(@Nullable Cpu cpu) {
        wake(cpu, 0, 1);
    }

    /**
     * Blocks until {@code condition} holds. For slow paths: it takes a lambda.
     *
     * @param deadlineNs {@link Clock#NEVER} for ever
     * @return false if the deadline came first or the thread was interrupted
     */
    public boolean waitEvent(Scheduler scheduler, Object what, BooleanSupplier condition, long deadlineNs) {
        if (condition.getAsBoolean()) {
            return true;
        }
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = new WaitEntry(waiter);
        add(entry);
        try {
            while (true) {
                waiter.waitsFor(what).prepare();
                if (condition.getAsBoolean()) {
                    return true;
                }
                if (!scheduler.park(waiter, deadlineNs) || waiter.interrupted()) {
                    return condition.getAsBoolean();
                }
            }
        } finally {
            waiter.finish();
            remove(entry);
        }
    }
}
