package net.sched.cake;

import net.sched.InetEcn;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Codel-BLUE Alternate: CoDel that comes to rest by degrees, and BLUE against flows that do not answer. A packet's
 * arrival is in its cbl0.
 *
 * <p>Linux: cobalt_should_drop(), cobalt_queue_full(), cobalt_queue_empty(), net/sched/sch_cake.c
 */
final class Cobalt {
    /** Let it pass, marked or not. */
    static final int PASS = 0;
    /** CoDel drops it. */
    static final int CONGESTED = 1;
    /** BLUE drops it. */
    static final int FLOOD = 2;

    private static final long MAX_P = 0xffffffffL;
    /** 1/256. */
    private static final long P_INC = 1 << 24;
    /** 1/4096. */
    private static final long P_DEC = 1 << 20;

    long targetNs = 5_000_000;
    long intervalNs = 100_000_000;
    long mtuTimeNs;

    private long control(long t, int count) {
        return t + (long) (intervalNs / Math.sqrt(Math.max(count, 1)));
    }

    /** A packet was lost for want of room; true if the flow counts as unresponsive from now on. */
    @HotPath
    boolean queueFull(CakeFlow f, long now) {
        boolean up = false;
        if (now - f.blueTimerNs > targetNs) {
            up = f.pDrop == 0;
            f.pDrop = Math.min(MAX_P, f.pDrop + P_INC);
            f.blueTimerNs = now;
        }
        f.dropping = true;
        f.dropNextNs = now;
        f.count = Math.max(f.count, 1);
        return up;
    }

    /** The queue was found empty; true if the flow does not count as unresponsive any more. */
    @HotPath
    boolean queueEmpty(CakeFlow f, long now) {
        boolean down = false;
        if (f.pDrop != 0 && now - f.blueTimerNs > targetNs) {
            f.pDrop = Math.max(0, f.pDrop - P_DEC);
            f.blueTimerNs = now;
            down = f.pDrop == 0;
        }
        f.dropping = false;
        if (f.count != 0 && now - f.dropNextNs >= 0) {
            f.count--;
            f.dropNextNs = control(f.dropNextNs, f.count);
        }
        return down;
    }

    /** Decides over the head of a queue. */
    @HotPath
    int shouldDrop(CakeFlow f, long now, SkBuff skb, int bulkFlows, int random) {
        int verdict = PASS;
        long sojourn = now - skb.cbl0;
        long schedule = now - f.dropNextNs;
        boolean overTarget = sojourn > targetNs && sojourn > mtuTimeNs * bulkFlows * 2 && sojourn > mtuTimeNs * 4;
        boolean due = f.count != 0 && schedule >= 0;
        f.ecnMarked = false;
        f.ldelayNs = sojourn;
        if (overTarget) {
            if (!f.dropping) {
                f.dropping = true;
                f.dropNextNs = control(now, f.count);
            }
            f.count = Math.max(f.count, 1);
        } else {
            f.dropping = false;
        }
        if (due && f.dropping) {
            f.ecnMarked = InetEcn.setCe(skb);
            verdict = f.ecnMarked ? PASS : CONGESTED;
            if (f.count != Integer.MAX_VALUE) {
                f.count++;
            }
            f.dropNextNs = control(f.dropNextNs, f.count);
            schedule = now - f.dropNextNs;
        } else {
            while (due) {
                f.count--;
                f.dropNextNs = control(f.dropNextNs, f.count);
                schedule = now - f.dropNextNs;
                due = f.count != 0 && schedule >= 0;
            }
        }
        // Marks would not impress a flow that does not answer.
        if (f.pDrop != 0 && verdict == PASS && (random & 0xffffffffL) < f.pDrop) {
            verdict = FLOOD;
        }
        if (f.count == 0) {
            f.dropNextNs = now + intervalNs;
        } else if (schedule > 0 && verdict == PASS) {
            f.dropNextNs = now;
        }
        return verdict;
    }
}
