package net.core.time;

import net.core.Cpu;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A timer of the hierarchical wheel: an intrusive node, in jiffies, for time-outs that mostly do not happen. It fires
 * not before {@link #expires} and at most one jiffy, or an eighth of its distance, after it.
 *
 * <p>Context: {@link #mod} by the holder of {@code cpu}; {@link #del} and {@link #pending} anywhere; {@link #expire} in
 * TIMER softirq of the CPU that armed it last. Two threads that arm one timer at once must exclude each other (a
 * socket's timers: by the socket's lock).
 *
 * <p>Linux: struct timer_list, kernel/time/timer.c.
 */
public abstract class TimerList {
    static final int NOT_QUEUED = -1;

    /** When it is due, in jiffies. Owner: whoever arms it. Readable by anyone. */
    public volatile long expires;

    // Under the lock of the wheel it is queued on.
    @Nullable
    TimerList next;

    @Nullable
    TimerList prev;

    long slotExpires;
    volatile int slot = NOT_QUEUED;
    /** The wheel it was queued on last; {@link TimerWheel#MIGRATING} in between. */
    volatile @Nullable TimerWheel base;

    /** A timer that is not armed. */
    protected TimerList() {}

    /** It is due. May arm itself again. Context: TIMER softirq, no lock held. */
    protected abstract void expire(Cpu cpu);

    /** Whether it is armed; false already while its callback runs. */
    public final boolean pending() {
        return slot != NOT_QUEUED;
    }

    /**
     * Arms it for {@code expiresJiffies}, or moves it there. Later than where it is queued costs one store: it is queued
     * again when the old slot fires.
     *
     * @return whether it was armed before. Linux: mod_timer()
     */
    @HotPath
    public final boolean mod(Cpu cpu, long expiresJiffies) {
        return cpu.timers().mod(this, expiresJiffies);
    }

    /** {@link #mod} if it is armed; else nothing, and false. Linux: mod_timer_pending() */
    public final boolean modPending(Cpu cpu, long expiresJiffies) {
        return cpu.timers().mod(this, expiresJiffies, true);
    }

    /** Disarms it; whether it was armed. Its callback may still be running elsewhere. Linux: timer_delete() */
    @HotPath
    public final boolean del() {
        return TimerWheel.del(this);
    }

    /**
     * Disarms it and waits until its callback is not running. Not from the callback, and not with a lock or word that
     * the callback needs. Linux: timer_delete_sync()
     */
    public final boolean delSync() {
        boolean wasPending = false;
        while (true) {
            wasPending |= TimerWheel.del(this);
            TimerWheel wheel = base;
            if (wheel == null || !wheel.isRunning(this)) {
                return wasPending;
            }
            Thread.yield();
        }
    }
}
