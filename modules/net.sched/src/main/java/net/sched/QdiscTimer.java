package net.sched;

import net.core.Cpu;
import net.core.dev.Qdisc;
import net.core.time.HrTimer;
import net.skbuff.HotPath;

/**
 * A discipline's regular work, done under its tree's lock. Armed by {@link #arm} when there is something to do; it arms
 * itself again as long as {@link #tick} says so.
 *
 * <p>{@code Deviation:} Linux's timers of this kind run while the qdisc exists; ours rest while it is idle.
 *
 * <p>Context: arm under the tree's lock; fires in HRTIMER softirq.
 */
public abstract class QdiscTimer extends HrTimer {
    private final Qdisc q;

    /** A timer of {@code q} that is not armed. */
    protected QdiscTimer(Qdisc q) {
        this.q = q;
    }

    /** Does the work, the tree's lock held; returns when to come again, in ns from now, or 0 to rest. */
    protected abstract long tick(Cpu cpu, long nowNs);

    /** Starts it unless it runs. */
    @HotPath
    public final void arm(Cpu cpu, long inNs) {
        if (!pending()) {
            start(cpu, cpu.nowNs() + inNs);
        }
    }

    @Override
    protected final void expire(Cpu cpu, long nowNs) {
        q.rootLock().lock();
        try {
            long in = tick(cpu, nowNs);
            if (in != 0) {
                start(cpu, nowNs + in);
            }
        } finally {
            q.rootLock().unlock();
        }
    }
}
