package net.core.time;

import net.core.Cpu;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A timer in nanoseconds, for what does happen: pacing, compressed ACKs, qdisc watchdogs. A node of its CPU's heap.
 *
 * <p>Context: {@link #start} by the holder of {@code cpu}; {@link #cancel} anywhere; {@link #expire} in HRTIMER softirq
 * of the CPU that started it. Two threads that start one timer at once must exclude each other.
 *
 * <p>Linux: struct hrtimer, kernel/time/hrtimer.c.
 */
public abstract class HrTimer {
    static final int NOT_QUEUED = -1;

    /** When it is due, in nanoseconds of the kernel's clock. Written under the queue's lock. */
    public volatile long expiresNs;

    volatile int index = NOT_QUEUED;
    volatile @Nullable HrTimerQueue base;

    /** A timer that is not started. */
    protected HrTimer() {}

    /** It is due. May start itself again. Context: HRTIMER softirq, no lock held. */
    protected abstract void expire(Cpu cpu, long nowNs);

    /** Whether it is started; false already while its callback runs. */
    public final boolean pending() {
        return index != NOT_QUEUED;
    }

    /** Starts it, or moves it, to fire at {@code expiresNs} or shortly after. Linux: hrtimer_start() */
    @HotPath
    public final void start(Cpu cpu, long expiresNs) {
        cpu.hrtimers().start(this, expiresNs);
    }

    /** Stops it; whether it was pending. Its callback may still be running elsewhere. Linux: hrtimer_try_to_cancel() */
    @HotPath
    public final boolean cancel() {
        return HrTimerQueue.cancel(this);
    }
}
