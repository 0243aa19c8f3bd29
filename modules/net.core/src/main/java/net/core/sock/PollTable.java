package net.core.sock;

import net.core.task.WaitQueueHead;

/**
 * Where a file's poll registers whoever asks, before it looks at its state.
 *
 * <p>Linux: struct poll_table_struct, poll_wait(), include/linux/poll.h
 */
public abstract class PollTable {
    /** Events the caller cares about; a file may skip work for others. */
    public int key = -1;

    /** Adds the caller to a queue that is woken when the answer may have changed. */
    public abstract void pollWait(File file, WaitQueueHead queue);
}
