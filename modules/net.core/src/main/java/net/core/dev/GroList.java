package net.core.dev;

import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Packets held for merging in one hash bucket, newest first, linked by next and prev.
 *
 * <p>Context: the NAPI instance's poller.
 *
 * <p>Linux: struct gro_list
 */
public final class GroList {
    /** Newest. */
    public @Nullable SkBuff first;
    /** Oldest. */
    public @Nullable SkBuff last;
    /** How many. */
    public int count;

    /** Creates an empty list. */
    public GroList() {}

    void addFirst(SkBuff skb) {
        skb.prev = null;
        skb.next = first;
        if (first != null) {
            first.prev = skb;
        } else {
            last = skb;
        }
        first = skb;
        count++;
    }

    void remove(SkBuff skb) {
        SkBuff n = skb.next;
        SkBuff p = skb.prev;
        if (p != null) {
            p.next = n;
        } else {
            first = n;
        }
        if (n != null) {
            n.prev = p;
        } else {
            last = p;
        }
        skb.next = null;
        skb.prev = null;
        count--;
    }
}
