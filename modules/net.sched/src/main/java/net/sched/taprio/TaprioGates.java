package net.sched.taprio;

import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The schedule in force, and the one that takes over from it at its time. A frame never reaches from one into the other.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: oper_sched and admin_sched of struct taprio_sched; should_change_schedules()
 */
final class TaprioGates {
    private final int tcs;
    private @Nullable TaprioSchedule oper;
    private @Nullable TaprioSchedule admin;
    /** Before this all gates are open. */
    private long operFromNs;
    /** From here on the last entry's gates stay as they are: a rest too short for a cycle. */
    private long extendFromNs = TaprioSchedule.NEVER;

    private long adminFromNs = TaprioSchedule.NEVER;

    TaprioGates(int tcs) {
        this.tcs = tcs;
    }

    @Nullable
    TaprioSchedule oper() {
        return oper;
    }

    @Nullable
    TaprioSchedule admin() {
        return admin;
    }

    /**
     * A new schedule, in force from its base time. The first one is in force at once if that has passed.
     *
     * <p>{@code Deviation:} Linux leaves all gates open until the first cycle that begins after now.
     */
    void set(TaprioSchedule s, long nowNs) {
        roll(nowNs);
        TaprioSchedule old = oper;
        if (old == null) {
            oper = s;
            operFromNs = s.baseNs > nowNs ? s.baseNs : s.cycleStart(nowNs);
            return;
        }
        admin = s;
        adminFromNs = s.firstStart(nowNs);
        extendFromNs = TaprioSchedule.NEVER;
        if (adminFromNs > operFromNs) {
            long lastEnd = old.cycleStart(adminFromNs);
            long rest = adminFromNs - lastEnd;
            if (rest > 0 && rest <= old.extensionNs && lastEnd > nowNs) {
                extendFromNs = lastEnd;
            }
        }
    }

    /** The new schedule becomes the one in force when its time has come. */
    @HotPath
    void roll(long nowNs) {
        if (nowNs >= adminFromNs) {
            oper = admin;
            admin = null;
            operFromNs = adminFromNs;
            adminFromNs = TaprioSchedule.NEVER;
            extendFromNs = TaprioSchedule.NEVER;
        }
    }

    /** The first time from {@code t} on at which a class's gate is open for {@code ns}, or {@link TaprioSchedule#NEVER}. */
    @HotPath
    long fit(int tc, long t, long ns) {
        TaprioSchedule s = oper;
        if (s == null || t + ns <= operFromNs) {
            return t;
        }
        long end = Math.min(adminFromNs, extendFromNs);
        long at = s.fit(tc, Math.max(t, operFromNs), ns);
        if (at + ns <= end) {
            return at;
        }
        if (extendFromNs < adminFromNs && (s.lastMask() & 1 << tc) != 0) {
            at = Math.max(t, extendFromNs);
            if (at + ns <= adminFromNs) {
                return at;
            }
        }
        TaprioSchedule next = admin;
        return next == null ? TaprioSchedule.NEVER : next.fit(tc, Math.max(t, adminFromNs), ns);
    }

    /** Longest time that a class's gate is ever open at once, ns. */
    long longestOpen(int tc) {
        TaprioSchedule s = oper;
        TaprioSchedule next = admin;
        if (s == null || tc >= tcs) {
            return TaprioSchedule.NEVER;
        }
        long l = s.longestOpen(tc);
        // What came under the old schedule must get out under the new one.
        return next == null ? l : Math.min(l, next.longestOpen(tc));
    }
}
