package net.skbuff;

/**
 * Hears of each packet that is freed for the last time, and why: what drop monitors and tests hang on a cache.
 *
 * <p>Context: holder of the cache's CPU; must not change or keep the packet.
 *
 * <p>Linux: trace_kfree_skb(), trace_consume_skb(), include/trace/events/skb.h
 */
@FunctionalInterface
public interface SkbFreeTracer {
    /** A packet goes; {@link SkbDropReason#CONSUMED} if it did its work. Owner and device may be gone from it already. */
    void freed(SkBuff skb, SkbDropReason reason);
}
