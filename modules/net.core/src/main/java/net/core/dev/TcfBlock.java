package net.core.dev;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The filters that hang on a qdisc or class. {@link #classify} leaves the class it found in
 * {@link QdiscSkbCb#tcClassid}; it may not free the packet.
 *
 * <p>Linux: tcf_classify(), struct tcf_block
 */
public interface TcfBlock {
    /** No filter matched. */
    int TC_ACT_UNSPEC = -1;
    /** A class was found. */
    int TC_ACT_OK = 0;
    /** Start again with the first filter; never leaves {@link #classify}. */
    int TC_ACT_RECLASSIFY = 1;
    /** Drop it. */
    int TC_ACT_SHOT = 2;
    /** On with the next action or filter; never leaves {@link #classify}. */
    int TC_ACT_PIPE = 3;
    /** An action has what it wants of it: free it, and report success. */
    int TC_ACT_STOLEN = 4;
    /** As {@link #TC_ACT_STOLEN}. */
    int TC_ACT_QUEUED = 5;
    /** At a hook: send it by the device in its {@code dev}. */
    int TC_ACT_REDIRECT = 7;
    /** As {@link #TC_ACT_STOLEN}. */
    int TC_ACT_TRAP = 8;
    /** An action owns it now: it is nobody else's to free. Linux: TC_ACT_CONSUMED */
    int TC_ACT_CONSUMED = 9;
    /** With the chain's number in the lower bits: on with that chain; never leaves {@link #classify}. */
    int TC_ACT_GOTO_CHAIN = 0x20000000;

    /** One of {@code TC_ACT_*}. Context: as enqueue. */
    @HotPath
    int classify(Cpu cpu, SkBuff skb);

    /** What it hangs on is gone: takes all filters out of force. Context: rtnl. */
    default void destroy() {}

    /** Tells whether a filter chooses this class, which then cannot be deleted. Context: rtnl. */
    default boolean refersTo(int classid) {
        return false;
    }
}
