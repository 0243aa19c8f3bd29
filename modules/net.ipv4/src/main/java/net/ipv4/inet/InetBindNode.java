package net.ipv4.inet;

import net.core.sock.SockCommon;
import org.jspecify.annotations.Nullable;

/**
 * Membership of a socket, or of the TIME_WAIT socket that took over from it, in its port's owners.
 *
 * <p>Context: guarded by the spinlock of the bind hash bucket of its port.
 *
 * <p>Linux: sk_bind_node, icsk_bind_hash, icsk_bind2_hash, tw_bind_node
 */
public final class InetBindNode {
    SockCommon owner;

    @Nullable
    InetBind2Bucket bucket;

    @Nullable
    InetBindNode next;

    @Nullable
    InetBindNode prev;

    InetBindNode(SockCommon owner) {
        this.owner = owner;
    }

    void link(InetBind2Bucket b) {
        bucket = b;
        prev = null;
        next = b.owners;
        if (next != null) {
            next.prev = this;
        }
        b.owners = this;
    }

    void unlink() {
        InetBind2Bucket b = bucket;
        if (b == null) {
            return;
        }
        if (prev != null) {
            prev.next = next;
        } else {
            b.owners = next;
        }
        if (next != null) {
            next.prev = prev;
        }
        prev = null;
        next = null;
        bucket = null;
    }
}
