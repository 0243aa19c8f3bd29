package net.skbuff;

/**
 * Called once when a packet leaves its owner: at free or at {@link SkBuff#orphan}. Gives the truesize back.
 *
 * <p>Context: any; it may neither sleep nor park.
 */
@FunctionalInterface
public interface SkbDestructor {
    void destruct(SkBuff skb);
}
