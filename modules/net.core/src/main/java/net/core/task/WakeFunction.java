package net.core.task;

import net.core.Cpu;
import org.jspecify.annotations.Nullable;

/** What a wake-up does with one entry of a wait queue. Linux: wait_queue_func_t, include/linux/wait.h. */
@FunctionalInterface
public interface WakeFunction {
    /**
     * Handles a wake-up: true if somebody was woken, which counts against the exclusive ones. May unlink {@code entry}
     * from {@code head} with {@link WaitQueueHead#removeLocked}.
     *
     * <p>Context: under the queue's lock. {@code cpu} is null in process context without a word; otherwise threads go on
     * its wake list. Never sleeps.
     */
    boolean wake(WaitEntry entry, WaitQueueHead head, @Nullable Cpu cpu, int pollMask);
}
