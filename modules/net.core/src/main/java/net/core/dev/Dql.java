package net.core.dev;

import net.skbuff.HotPath;

/**
 * Finds how many bytes must be in a transmit ring to keep it busy, and no more: the limit grows when the ring ran dry
 * while the stack was held back, and shrinks by the smallest slack seen during {@link #slackHoldNs}.
 *
 * <p>Counts are ints that wrap and are compared by subtraction.
 *
 * <p>Context: {@link #queued} under the transmit lock; {@link #completed} by the ring's cleaner (one at a time).
 *
 * <p>Linux: dql_completed(), lib/dynamic_queue_limits.c
 */
public final class Dql {
    private static final int DQL_MAX_LIMIT = 0x7fffffff / 2 - 0xffff;

    // Producer.
    private volatile int numQueued;
    private int lastObjCnt;
    // Both.
    private volatile int adjLimit;
    // Consumer.
    private int numCompleted;
    private int limit;
    private int prevOvlimit;
    private int prevNumQueued;
    private int prevLastObjCnt;
    private int lowestSlack = Integer.MAX_VALUE;
    private long slackStartNs;

    /** Upper bound of the limit, bytes; limit_max in sysfs. */
    public int maxLimit = DQL_MAX_LIMIT;
    /** Lower bound of the limit, bytes; limit_min in sysfs. */
    public int minLimit;
    /** How long slack is watched before the limit shrinks. */
    public long slackHoldNs = 1_000_000_000L;

    /** Creates a limit of zero, which lets one packet through at a time until it has learned. */
    public Dql() {}

    /** Counts {@code count} bytes put into the ring. */
    @HotPath
    public void queued(int count) {
        lastObjCnt = count;
        // One producer: the transmit lock is held.
        int now = numQueued + count;
        numQueued = now;
    }

    /** Bytes that may still be queued; negative: hold back. */
    @HotPath
    public int avail() {
        return adjLimit - numQueued;
    }

    /** Counts {@code count} bytes the device has sent, and adjusts the limit. */
    @HotPath
    public void completed(int count, long nowNs) {
        int queuedNow = numQueued;
        int completed = numCompleted + count;
        int lim = limit;
        int ovlimit = Math.max(queuedNow - numCompleted - lim, 0);
        int inprogress = queuedNow - completed;
        int prevInprogress = prevNumQueued - numCompleted;
        boolean allPrevCompleted = completed - prevNumQueued >= 0;

        if ((ovlimit != 0 && inprogress == 0) || (prevOvlimit != 0 && allPrevCompleted)) {
            // The ring ran dry while packets waited above: the limit was too small.
            lim += Math.max(completed - prevNumQueued, 0) + prevOvlimit;
            slackStartNs = nowNs;
            lowestSlack = Integer.MAX_VALUE;
        } else if (inprogress != 0 && prevInprogress != 0 && !allPrevCompleted) {
            // Busy throughout: see how much less would have done.
            int slack = Math.max(lim + prevOvlimit - 2 * (completed - numCompleted), 0);
            int slackLastObjs = prevOvlimit != 0 ? Math.max(prevLastObjCnt - prevOvlimit, 0) : 0;
            slack = Math.max(slack, slackLastObjs);
            if (slack < lowestSlack) {
                lowestSlack = slack;
            }
            if (nowNs - slackStartNs > slackHoldNs) {
                lim = Math.max(lim - lowestSlack, 0);
                slackStartNs = nowNs;
                lowestSlack = Integer.MAX_VALUE;
            }
        }
        lim = Math.min(Math.max(lim, minLimit), maxLimit);
        if (lim != limit) {
            limit = lim;
            ovlimit = 0;
        }
        adjLimit = lim + completed;
        prevOvlimit = ovlimit;
        prevLastObjCnt = lastObjCnt;
        numCompleted = completed;
        prevNumQueued = queuedNow;
    }

    /** Forgets everything, with an empty ring. */
    public void reset(long nowNs) {
        limit = 0;
        numQueued = 0;
        numCompleted = 0;
        lastObjCnt = 0;
        prevNumQueued = 0;
        prevLastObjCnt = 0;
        prevOvlimit = 0;
        lowestSlack = Integer.MAX_VALUE;
        slackStartNs = nowNs;
        adjLimit = 0;
    }

    /** Current limit, bytes. */
    public int limit() {
        return limit;
    }

    /** Bytes in the ring. */
    public int inflight() {
        return numQueued - numCompleted;
    }
}
