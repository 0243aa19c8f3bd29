package net.sched.fair;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A flow of fq: its packets by time to send (in their cbl0), its credit, and its place: in its hash chain for good, and
 * either in a round, or among the throttled, or in neither (detached).
 *
 * <p>Linux: struct fq_flow
 */
final class FqFlow extends FlowList.Node {
    /** Connection, even, or packet hash, odd. */
    long key;

    @Nullable
    FqFlow hashNext;

    final SkBuffHead queue = new SkBuffHead();
    int credit;
    int band;
    /** Jiffies when it was emptied; of meaning while {@link #detached}. */
    long ageJiffies;

    boolean detached;
    long timeNextPacket;
    /** Position in the heap of throttled flows, or -1. */
    int heapIndex = -1;
    /** Breaks ties in the heap by arrival. */
    long heapSeq;

    /** Adds by time to send, after those of the same time. The new one is nearly always the last. */
    @HotPath
    void add(SkBuff skb) {
        SkBuff at = queue.tail;
        if (at == null || skb.cbl0 - at.cbl0 >= 0) {
            queue.addTail(skb);
            return;
        }
        while (at.prev != null && skb.cbl0 - at.prev.cbl0 < 0) {
            at = at.prev;
        }
        queue.insertBefore(at, skb);
    }

    /** Ready for another connection. */
    FqFlow init(long newKey, int initialCredit) {
        key = newKey;
        credit = initialCredit;
        detached = true;
        ageJiffies = 0;
        timeNextPacket = 0;
        return this;
    }
}
