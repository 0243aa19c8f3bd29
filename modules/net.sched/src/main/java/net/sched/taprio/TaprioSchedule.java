package net.sched.taprio;

import java.util.Arrays;
import net.skbuff.HotPath;

/**
 * One gate control list: intervals, each with the gates that are open, repeated from a base time. For each class the
 * windows in which its gate is open are merged once, so that a question costs a look at a few of them.
 *
 * <p>{@code Deviation:} the gates of a time are computed from the time; Linux advances through the list by a timer. With a
 * cycle longer than its entries the last one lasts, as in 802.1Q; Linux begins the list again.
 *
 * <p>Linux: struct sched_gate_list, net/sched/sch_taprio.c
 */
final class TaprioSchedule {
    /** No such time. */
    static final long NEVER = Long.MAX_VALUE / 4;

    final char[] commands;
    final int[] masks;
    final long[] intervalNs;
    /** As given, on the schedule's clock. */
    final long baseNs;

    final long cycleNs;
    /** How much longer the last cycle may be before another schedule begins. */
    final long extensionNs;

    /** By class: begin and end of each window, from the cycle's start; the last may reach into the next cycle. */
    private final long[][] windows;

    TaprioSchedule(
            char[] commands, int[] masks, long[] intervalNs, long baseNs, long cycleNs, long extensionNs, int tcs) {
        this.commands = commands.clone();
        this.masks = masks.clone();
        this.intervalNs = intervalNs.clone();
        this.baseNs = baseNs;
        this.cycleNs = cycleNs != 0 ? cycleNs : Arrays.stream(intervalNs).sum();
        this.extensionNs = extensionNs;
        windows = new long[tcs][];
        for (int tc = 0; tc < tcs; tc++) {
            windows[tc] = windowsOf(1 << tc);
        }
    }

    private long[] windowsOf(int bit) {
        long[] w = new long[2 * masks.length];
        int n = 0;
        long at = 0;
        for (int i = 0; i < masks.length && at < cycleNs; i++) {
            long end = i == masks.length - 1 ? cycleNs : Math.min(cycleNs, at + intervalNs[i]);
            if ((masks[i] & bit) != 0) {
                if (n > 0 && w[n - 1] == at) {
                    w[n - 1] = end;
                } else {
                    w[n++] = at;
                    w[n++] = end;
                }
            }
            at = end;
        }
        if (n > 2 && w[0] == 0 && w[n - 1] == cycleNs) {
            // Open at the end and at the start: one window, which begins in the one and ends in the next.
            w[n - 1] += w[1];
            return Arrays.copyOfRange(w, 2, n);
        }
        return Arrays.copyOf(w, n);
    }

    /** Gates that stay open when the last cycle is made longer. */
    int lastMask() {
        return masks[masks.length - 1];
    }

    /** Longest time that a gate stays open at once, ns; {@link #NEVER} if it never closes. */
    long longestOpen(int tc) {
        long[] w = windows[tc];
        long longest = 0;
        for (int i = 0; i < w.length; i += 2) {
            longest = Math.max(longest, w[i + 1] - w[i]);
        }
        return longest >= cycleNs ? NEVER : longest;
    }

    /** Start of the cycle that {@code t} lies in. */
    @HotPath
    long cycleStart(long t) {
        return t - Math.floorMod(t - baseNs, cycleNs);
    }

    /** When this schedule takes over, if it is given at {@code t}. Linux: taprio_get_start_time(). */
    long firstStart(long t) {
        return baseNs >= t ? baseNs : cycleStart(t) + cycleNs;
    }

    /**
     * The first time from {@code t} on at which a gate is open and stays so for {@code ns}; {@link #NEVER} if there is
     * none.
     */
    @HotPath
    long fit(int tc, long t, long ns) {
        long[] w = windows[tc];
        if (w.length == 0) {
            return NEVER;
        }
        if (w[1] - w[0] >= cycleNs) {
            return t;
        }
        // A window of the last cycle may reach into this one.
        long start = cycleStart(t) - cycleNs;
        for (int cycle = 0; cycle < 3; cycle++, start += cycleNs) {
            for (int i = 0; i < w.length; i += 2) {
                long at = Math.max(t, start + w[i]);
                if (at + ns <= start + w[i + 1]) {
                    return at;
                }
            }
        }
        return NEVER;
    }
}
