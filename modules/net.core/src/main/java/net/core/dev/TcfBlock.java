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
    /** Drop it. */
    int TC_ACT_SHOT = 2;
    /** An action took it over: report success, without holding it. */
    int TC_ACT_STOLEN = 4;
    /** As {@link #TC_ACT_STOLEN}. */
    int TC_ACT_QUEUED = 5;
    /** As {@link #TC_ACT_STOLEN}. */
    int TC_ACT_TRAP = 8;

    /** One of {@code TC_ACT_*}. Context: as enqueue. */
    @HotPath
    int classify(Cpu cpu, SkBuff skb);
}
