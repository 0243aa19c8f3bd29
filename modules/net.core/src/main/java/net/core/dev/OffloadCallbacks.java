package net.core.dev;

import net.core.Cpu;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What a protocol does to split large packets on the way out and to merge small ones on the way in; registered by
 * ethertype ({@link DevGlobals#addOffload}) and, inside IP, by protocol number.
 *
 * <p>Context: softirq or transmit, CPU word held.
 *
 * <p>Linux: struct offload_callbacks
 */
public interface OffloadCallbacks {
    /**
     * Splits a GSO packet. {@code skb.data} is at this protocol's header, which the link or outer protocol has set as
     * network or transport header. {@code skb} stays the caller's.
     *
     * @param features what the device can do for the resulting segments
     * @return the segments linked by {@code next}, {@code skb} itself if it may pass whole, or null if it is broken or
     *     memory is short
     */
    @Nullable
    SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features);

    /**
     * Compares {@code skb} with the held packets of its bucket: clears {@code NapiGroCb.sameFlow} of those that differ,
     * merges if it can ({@link Gro#skbGroReceive}), and sets {@code NapiGroCb.flush} on {@code skb} if it must not be
     * held.
     *
     * @return the held packet that must go up the stack now, or null
     */
    @Nullable
    SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb);

    /** Fixes the headers of a merged packet; this protocol's header lies {@code nhoff} after {@code skb.data}. */
    int groComplete(Cpu cpu, SkBuff skb, int nhoff);
}
