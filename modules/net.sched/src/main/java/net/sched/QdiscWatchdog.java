package net.sched;

import net.core.Cpu;
import net.core.dev.Qdisc;
import net.core.dev.SchGeneric;
import net.core.time.HrTimer;
import net.skbuff.HotPath;

/**
 * Runs the tree of a discipline again at a given time: what it held back may go then.
 *
 * <p>Context: the tree's lock; fires in HRTIMER softirq without it.
 *
 * <p>Linux: struct qdisc_watchdog, net/sched/sch_api.c
 */
public final class QdiscWatchdog extends HrTimer {
    private final Qdisc q;
    private long lastExpiresNs;

    /** A watchdog of {@code q} that is not armed. */
    public QdiscWatchdog(Qdisc q) {
        this.q = q;
    }

    @Override
    protected void expire(Cpu cpu, long nowNs) {
        SchGeneric.netifSchedule(cpu, q.devQueue.qdisc);
    }

    /** Arms it for {@code expiresNs}, unless it is already. Linux: qdisc_watchdog_schedule_ns(). */
    @HotPath
    public void scheduleNs(Cpu cpu, long expiresNs) {
        scheduleRangeNs(cpu, expiresNs, 0);
    }

    /** As {@link #scheduleNs}, but an expiry up to {@code slackNs} later will do. */
    @HotPath
    public void scheduleRangeNs(Cpu cpu, long expiresNs, long slackNs) {
        if (pending() && lastExpiresNs - expiresNs >= 0 && lastExpiresNs - expiresNs <= slackNs) {
            return;
        }
        lastExpiresNs = expiresNs;
        start(cpu, expiresNs);
    }
}
