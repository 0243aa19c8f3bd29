package net.sched.cls.ematch;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * One question about a packet. Never changes.
 *
 * <p>Linux: struct tcf_ematch_ops
 */
interface Ematch {
    /** Its name, as in {@code name(args)}. */
    String kind();

    /** The answer; false where the packet does not have what is asked about. */
    @HotPath
    boolean match(Cpu cpu, SkBuff skb);

    /** The arguments, as tc prints them. */
    String args();
}
