package net.core.time;

import java.util.function.LongConsumer;
import net.core.Cpu;
import net.core.task.SpinLock;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A CPU's timer wheel: nine levels of 64 slots, each level eight times coarser than the one below, so that arming costs
 * an index and a list insert and nothing is ever cascaded. The price is granularity:
 *
 * <pre>
 *   level  slot      reaches          level  slot       reaches
 *     0     1 ms     0 to 62 ms         5     33 s      to 34 min
 *     1     8 ms     to 503 ms          6    262 s      to 4.6 h
 *     2    64 ms     to 4 s             7   2097 s      to 1.5 d
 *     3   512 ms     to 32 s            8  16777 s      to 12 d (later goes round again)
 *     4  4096 ms     to 4 min
 * </pre>
 *
 * A timer's time is rounded up to its level's next slot, so that none fires early.
 *
 * <p>Lazy re-arm: moving a queued timer to a later time leaves it in its slot; when the slot fires it is queued again.
 * TCP moves its retransmission timer at every ACK and fires it almost never. {@code Deviation:} Linux re-queues.
 *
 * <p>Context: armed and run by the holder of the CPU; {@link #del} comes from anywhere, hence the spinlock. Callbacks run
 * without it.
 *
 * <p>Linux: struct timer_base, calc_wheel_index(), __run_timers(), kernel/time/timer.c.
 */
public final class TimerWheel {
    static final int LEVELS = 9;
    static final int SLOT_BITS = 6;
    static final int SLOTS = 1 << SLOT_BITS;
    static final int SLOT_MASK = SLOTS - 1;
    static final int CLK_SHIFT = 3;
    static final int CLK_MASK = (1 << CLK_SHIFT) - 1;
    static final long CUTOFF = (long) (SLOTS - 1) << ((LEVELS - 1) * CLK_SHIFT);
    /** The farthest a timer reaches, in jiffies. */
    public static final long MAX_DELTA = CUTOFF - (1L << ((LEVELS - 1) * CLK_SHIFT));
    /** Nothing pending. */
    public static final long NO_EXPIRY = Clock.NEVER;

    private static final int EXPIRED = LEVELS * SLOTS;
    /** Stands for a timer's wheel while it is between two. */
    static final TimerWheel MIGRATING = new TimerWheel(null, 0, ignored -> {});

    private final @Nullable Cpu cpu;
    private final LongConsumer reprogram;
    private final SpinLock lock = new SpinLock();
    private final @Nullable TimerList[] heads;
    private final long[] pendingMap = new long[LEVELS];

    /** The next jiffy to look at. Under the lock. */
    private long clk;
    /** A lower bound of the next slot to fire; exact unless {@link #recalc}. Written under the lock. */
    private volatile long nextExpiry = NO_EXPIRY;

    private volatile boolean recalc;
    private volatile @Nullable TimerList running;

    /**
     * A wheel that starts at jiffy {@code now}.
     *
     * @param cpu passed to the callbacks
     * @param reprogram told of every earlier next expiry, in jiffies; called under the lock
     */
    public TimerWheel(@Nullable Cpu cpu, long now, LongConsumer reprogram) {
        this.cpu = cpu;
        this.clk = now;
        this.reprogram = reprogram;
        this.heads = new TimerList[EXPIRED + LEVELS];
    }

    /** Jiffy of the next slot to fire, which may be earlier than any timer is due; {@link #NO_EXPIRY} if none. Any context. */
    public long nextExpiry() {
        if (recalc) {
            lock.lock();
            try {
                recalcNextExpiry();
            } finally {
                lock.unlock();
            }
        }
        return nextExpiry;
    }

    /** Whether {@link #run} has something to do at jiffy {@code now}. */
    @HotPath
    public boolean due(long now) {
        return nextExpiry <= now;
    }

    boolean isRunning(TimerList timer) {
        return running == timer;
    }

    /** {@link TimerList#mod}. */
    @HotPath
    boolean mod(TimerList timer, long expires) {
        return mod(timer, expires, false);
    }

    /** The same; with {@code onlyPending} a timer that is not armed stays so. */
    @HotPath
    boolean mod(TimerList timer, long expires, boolean onlyPending) {
        // The holder of this CPU's word is the only one to run this wheel, so a timer that is queued here stays queued
        // (a racing del() is its owner's affair) and the new time needs no lock.
        if (timer.base == this && timer.slot != TimerList.NOT_QUEUED && expires >= timer.slotExpires) {
            timer.expires = expires;
            return true;
        }
        TimerWheel from = lockBase(timer);
        boolean wasPending = false;
        if (onlyPending && (from == null || timer.slot == TimerList.NOT_QUEUED)) {
            if (from != null) {
                from.lock.unlock();
            }
            return false;
        }
        if (from != null) {
            wasPending = timer.slot != TimerList.NOT_QUEUED;
            if (wasPending && expires >= timer.slotExpires) {
                timer.expires = expires;
                from.lock.unlock();
                return true;
            }
            if (wasPending) {
                from.unlink(timer);
            }
            if (from != this) {
                if (from.running == timer) {
                    // It stays where its callback runs, so that delSync() knows where to look.
                    from.enqueue(timer, expires, from.clk);
                    from.lock.unlock();
                    return wasPending;
                }
                timer.base = MIGRATING;
                from.lock.unlock();
                lock.lock();
            }
        } else {
            lock.lock();
        }
        timer.base = this;
        forward();
        enqueue(timer, expires, clk);
        lock.unlock();
        return wasPending;
    }

    /** {@link TimerList#del}. */
    @HotPath
    static boolean del(TimerList timer) {
        if (timer.slot == TimerList.NOT_QUEUED) {
            return false;
        }
        TimerWheel wheel = lockBase(timer);
        if (wheel == null) {
            return false;
        }
        boolean wasPending = timer.slot != TimerList.NOT_QUEUED;
        if (wasPending) {
            wheel.detach(timer);
        }
        wheel.lock.unlock();
        return wasPending;
    }

    /**
     * Fires every slot that is due at jiffy {@code now}.
     *
     * <p>Context: TIMER softirq of this CPU. Linux: run_timer_base(), kernel/time/timer.c
     */
    public void run(long now) {
        if (nextExpiry > now) {
            return;
        }
        lock.lock();
        try {
            if (recalc) {
                recalcNextExpiry();
            }
            while (now >= clk && now >= nextExpiry) {
                int levels = collectExpired();
                clk++;
                recalcNextExpiry();
                for (int level = levels - 1; level >= 0; level--) {
                    expireTimers(EXPIRED + level);
                }
            }
            if (recalc) {
                recalcNextExpiry();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Moves the slots that fire at {@link #nextExpiry} to the expired lists; how many. Under the lock. */
    private int collectExpired() {
        int found = 0;
        long at = nextExpiry;
        clk = at;
        for (int level = 0; level < LEVELS; level++) {
            int bit = (int) (at & SLOT_MASK);
            if ((pendingMap[level] & (1L << bit)) != 0) {
                pendingMap[level] &= ~(1L << bit);
                int slot = level * SLOTS + bit;
                int to = EXPIRED + found++;
                TimerList first = heads[slot];
                heads[slot] = null;
                heads[to] = first;
                for (TimerList t = first; t != null; t = t.next) {
                    t.slot = to;
                }
            }
            if ((at & CLK_MASK) != 0) {
                break;
            }
            at >>= CLK_SHIFT;
        }
        return found;
    }

    /** Runs the callbacks of one expired list, without the lock; the ones that were moved later are queued again. */
    private void expireTimers(int list) {
        TimerList timer;
        while ((timer = heads[list]) != null) {
            long due = timer.expires;
            if (due >= clk - 1) {
                unlink(timer);
                enqueue(timer, due, clk);
                continue;
            }
            // In this order: delSync() finds it either queued or running.
            running = timer;
            detach(timer);
            lock.unlock();
            try {
                timer.expire(cpu());
            } catch (RuntimeException | Error e) {
                if (cpu == null) {
                    throw e;
                }
                cpu.oops("timer " + timer, e); // the others of this list would be lost
            } finally {
                lock.lock();
                running = null;
            }
        }
    }

    @SuppressWarnings("NullAway")
    private Cpu cpu() {
        return cpu;
    }

    private void enqueue(TimerList timer, long expires, long now) {
        long delta = expires - now;
        int level;
        int slot;
        long fires;
        if (delta < 0) {
            level = 0;
            fires = now;
            slot = (int) (now & SLOT_MASK);
        } else {
            long at = expires;
            if (delta >= CUTOFF) {
                at = now + MAX_DELTA;
                level = LEVELS - 1;
            } else {
                level = level(delta);
            }
            int shift = level * CLK_SHIFT;
            long index = (at >> shift) + 1;
            fires = index << shift;
            slot = level * SLOTS + (int) (index & SLOT_MASK);
        }
        timer.expires = expires;
        timer.slotExpires = fires - 1;
        TimerList first = heads[slot];
        timer.prev = null;
        timer.next = first;
        if (first != null) {
            first.prev = timer;
        }
        heads[slot] = timer;
        timer.slot = slot;
        pendingMap[level] |= 1L << (slot & SLOT_MASK);
        if (fires < nextExpiry) {
            nextExpiry = fires;
            recalc = false;
            reprogram.accept(fires);
        }
    }

    /** The level that reaches {@code delta} jiffies: level n ends at 63 * 8^n. */
    static int level(long delta) {
        int level = 0;
        while (delta >= (long) (SLOTS - 1) << (level * CLK_SHIFT)) {
            level++;
        }
        return level;
    }

    /** Takes it off its list for good. */
    private void detach(TimerList timer) {
        unlink(timer);
        timer.slot = TimerList.NOT_QUEUED;
    }

    /** Takes it off its list to queue it again: to {@link #del}, which looks without a lock, it stays pending. */
    private void unlink(TimerList timer) {
        int slot = timer.slot;
        TimerList next = timer.next;
        TimerList prev = timer.prev;
        if (next != null) {
            next.prev = prev;
        }
        if (prev != null) {
            prev.next = next;
        } else {
            heads[slot] = next;
            if (next == null && slot < EXPIRED) {
                pendingMap[slot >> SLOT_BITS] &= ~(1L << (slot & SLOT_MASK));
                recalc = true;
            }
        }
        timer.next = null;
        timer.prev = null;
    }

    /** Brings an idle wheel's clock up to now, so that a new timer gets the finest level. Linux: forward_timer_base() */
    private void forward() {
        long now = cpu == null ? clk : cpu.jiffies();
        if (now - clk < 1) {
            return;
        }
        clk = nextExpiry > now ? now : Math.max(nextExpiry, clk);
    }

    /** Finds the first slot to fire at or after {@link #clk}. Under the lock. Linux: timer_recalc_next_expiry() */
    private void recalcNextExpiry() {
        long next = NO_EXPIRY;
        long at = clk;
        for (int level = 0; level < LEVELS; level++) {
            long inLevel = at & CLK_MASK;
            long map = Long.rotateRight(pendingMap[level], (int) (at & SLOT_MASK));
            if (map != 0) {
                int distance = Long.numberOfTrailingZeros(map);
                next = Math.min(next, (at + distance) << (level * CLK_SHIFT));
                if (distance <= ((CLK_MASK + 1 - inLevel) & CLK_MASK)) {
                    break;
                }
            }
            at = (at >> CLK_SHIFT) + (inLevel != 0 ? 1 : 0);
        }
        nextExpiry = next;
        recalc = false;
    }

    private static @Nullable TimerWheel lockBase(TimerList timer) {
        while (true) {
            TimerWheel wheel = timer.base;
            if (wheel == null) {
                return null;
            }
            if (wheel != MIGRATING) {
                wheel.lock.lock();
                if (timer.base == wheel) {
                    return wheel;
                }
                wheel.lock.unlock();
            }
            Thread.onSpinWait();
        }
    }
}
