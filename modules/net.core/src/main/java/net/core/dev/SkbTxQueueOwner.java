package net.core.dev;

/**
 * A socket that remembers the transmit queue of its packets, so that they stay in order when it moves between CPUs.
 *
 * <p>Linux: sk_tx_queue_get(), sk_tx_queue_set()
 */
public interface SkbTxQueueOwner {
    /** Queue used last, or -1. */
    int txQueueMapping();

    /** Remembers the queue. */
    void setTxQueueMapping(int queue);
}
