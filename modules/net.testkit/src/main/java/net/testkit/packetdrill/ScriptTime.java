package net.testkit.packetdrill;

import java.util.Locale;
import net.testkit.packetdrill.lang.Event;
import net.testkit.packetdrill.lang.Settings;
import net.testkit.packetdrill.lang.Syscall;

/**
 * When an event is due, and whether what happened was in time. Numbers are microseconds since the script's start.
 *
 * @param usecs the time, or the range's start
 * @param endUsecs the range's end, or equal to {@code usecs}
 * @param returnUsecs when a blocking call must return; -1 if the event is none
 */
record ScriptTime(Event.Kind kind, long usecs, long endUsecs, long returnUsecs) {
    /** No event came before. */
    static final long NONE = Long.MIN_VALUE;

    /** The event's time, now that it is reached. @param base of relative times */
    static ScriptTime of(Event event, long base) {
        Event.Time t = event.time();
        long offset = t.isRelative() || t.kind() == Event.Kind.ANY ? base : 0;
        long end = event.action() instanceof Syscall s && s.blocking() ? s.endUsecs() + offset : -1;
        return new ScriptTime(t.kind(), t.usecs() + offset, t.endUsecs() + offset, end);
    }

    private boolean isRange() {
        return kind == Event.Kind.RANGE || kind == Event.Kind.RELATIVE_RANGE;
    }

    /**
     * Throws if something did not happen at this time, give or take the larger of both tolerances.
     *
     * @param lastUsecs time of the event before, or {@link #NONE}
     */
    void check(Settings settings, long actualUsecs, long lastUsecs, String what) {
        if (kind == Event.Kind.ANY) {
            return;
        }
        check(settings, usecs, isRange() ? endUsecs : usecs, actualUsecs, lastUsecs, what);
    }

    /** Throws if a blocking call did not return in time; what it may be off goes by how long it was to take. */
    void checkReturn(Settings settings, long actualUsecs) {
        check(settings, returnUsecs, returnUsecs, actualUsecs, usecs, "system call return");
    }

    /** Throws if a call slept that the script does not let block. */
    static void checkAtOnce(Settings settings, long beganUsecs, long endedUsecs, String name) {
        if (endedUsecs - beganUsecs > settings.toleranceUsecs()) {
            throw new ScriptFailure(String.format(
                    Locale.ROOT,
                    "timing error: %s() blocked for %.6f s; write when it is to return, as in +0...0.1 %s(...)",
                    name,
                    (endedUsecs - beganUsecs) / 1e6,
                    name));
        }
    }

    private static void check(Settings settings, long from, long to, long actual, long last, String what) {
        long tolerance = settings.toleranceUsecs();
        if (last != NONE) {
            tolerance = Math.max(tolerance, (long) (settings.tolerancePercent() / 100.0 * (from - last)));
        }
        if (actual >= from - tolerance && actual <= to + tolerance) {
            return;
        }
        String want = from == to
                ? String.format(Locale.ROOT, "at %.6f s", from / 1e6)
                : String.format(Locale.ROOT, "from %.6f to %.6f s", from / 1e6, to / 1e6);
        throw new ScriptFailure(String.format(
                Locale.ROOT,
                "timing error: expected %s %s but happened at %.6f s; tolerance %.6f s",
                what,
                want,
                actual / 1e6,
                tolerance / 1e6));
    }
}
