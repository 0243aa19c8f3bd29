package net.ipv4.inet;

import net.core.sock.SockCommon;

/**
 * The last node of a hash chain: it names the chain, so that a reader who stood on a socket that was moved to another
 * chain sees where it ended up and starts again. Made when a bucket is first used, and kept.
 *
 * <p>Linux: hlist_nulls, include/linux/list_nulls.h
 */
final class ChainEnd extends SockCommon {
    final int slot;

    ChainEnd(int slot) {
        this.slot = slot;
    }

    @Override
    public boolean isNulls() {
        return true;
    }
}
