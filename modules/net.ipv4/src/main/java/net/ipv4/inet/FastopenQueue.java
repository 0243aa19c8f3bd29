package net.ipv4.inet;

import net.core.task.SpinLock;
import org.jspecify.annotations.Nullable;

/**
 * A listener's account of its fast open children (RFC 7413): how many have not finished their handshake, and the requests
 * whose child was reset, which count for another minute. Without that count an attacker with spoofed addresses could have
 * children made at will (RFC 7413 5.1).
 *
 * <p>Context: {@link #lock} is a leaf as the accept queue's is; nothing in its sections gives up a CPU's word.
 *
 * <p>Linux: struct fastopen_queue, include/net/request_sock.h; reqsk_fastopen_remove(), net/core/request_sock.c
 */
public final class FastopenQueue {
    /** Jiffies for which a request counts that was reset. */
    private static final long RST_PENALTY = 60_000;

    private final SpinLock lock = new SpinLock();
    /** TCP_FASTOPEN: most unfinished children; 0: no fast open. */
    public volatile int maxQlen;
    /** Keys of this listener alone (TCP_FASTOPEN_KEY), the protocol's type; null: the namespace's. */
    public volatile @Nullable Object ctx;

    private int qlen;
    private @Nullable RequestSock rstHead;
    private @Nullable RequestSock rstTail;

    FastopenQueue() {}

    /** Children whose handshake isn't over, and those that count as if. */
    public int qlen() {
        return qlen;
    }

    /** May another child be made? A reset request whose minute is over makes room. Linux: tcp_fastopen_queue_check(). */
    public boolean admit(long jiffies) {
        int max = maxQlen;
        if (max == 0) {
            return false;
        }
        lock.lock();
        try {
            if (qlen >= max) {
                RequestSock oldest = rstHead;
                if (oldest == null || oldest.timer.expires - jiffies > 0) {
                    return false;
                }
                rstHead = oldest.dlNext;
                oldest.dlNext = null;
                qlen--;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** A child was made of a SYN. */
    public void added() {
        lock.lock();
        qlen++;
        lock.unlock();
    }

    /** The child was accepted before its handshake is over: the request is the child's alone from here on. */
    void accepted(RequestSock req) {
        lock.lock();
        req.sk = null;
        lock.unlock();
    }

    /**
     * The handshake of a child is over, one way or the other.
     *
     * @param reset the peer reset it
     * @param listening the listener still is one
     */
    public void removed(InetRequestSock req, boolean reset, boolean listening, long jiffies) {
        lock.lock();
        try {
            qlen--;
            req.tfoListener = false;
            if (req.sk != null || !reset || !listening) { // unaccepted: the accept queue has it
                return;
            }
            req.timer.expires = jiffies + RST_PENALTY;
            RequestSock tail = rstTail;
            if (rstHead == null || tail == null) {
                rstHead = req;
            } else {
                tail.dlNext = req;
            }
            req.dlNext = null;
            rstTail = req;
            qlen++;
        } finally {
            lock.unlock();
        }
    }
}
