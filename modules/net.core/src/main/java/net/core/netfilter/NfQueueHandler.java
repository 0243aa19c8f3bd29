package net.core.netfilter;

import net.core.Cpu;
import net.skbuff.SkBuff;

/**
 * Where packets with verdict NF_QUEUE go; it gives each back through {@link NfHooks#reinject} or drops it.
 *
 * <p>Linux: struct nf_queue_handler
 */
public interface NfQueueHandler {
    /**
     * Takes a packet for queue {@code queueNum}.
     *
     * @return 0 if taken, or a negative errno: the packet is dropped then
     */
    int outfn(Cpu cpu, NfQueueEntry entry, int queueNum);

    /**
     * A packet outside the hooks, waiting for its verdict.
     *
     * @param skb the packet, owned by the entry
     * @param state where it stands
     * @param hookIndex the function that queued it
     */
    record NfQueueEntry(SkBuff skb, NfHookState state, int hookIndex) {}
}
