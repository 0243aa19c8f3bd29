package net.ipv4.inet;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.task.SpinLock;
import org.jspecify.annotations.Nullable;

/**
 * A listener's queues: counts of half-open connections (they live in the established hash) and the list of finished
 * ones waiting for {@code accept}.
 *
 * <p>Context: counts are atomic; the list is guarded by {@link #lock}, taken with a CPU word held.
 *
 * <p>Linux: struct request_sock_queue, include/net/request_sock.h
 */
public final class RequestSockQueue {
    private static final VarHandle QLEN;
    private static final VarHandle YOUNG;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            QLEN = lookup.findVarHandle(RequestSockQueue.class, "qlen", int.class);
            YOUNG = lookup.findVarHandle(RequestSockQueue.class, "young", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final SpinLock lock = new SpinLock();
    /** Children made of SYNs with data. */
    public final FastopenQueue fastopenq = new FastopenQueue();
    /** TCP_DEFER_ACCEPT, in retransmissions. */
    public volatile int deferAccept;

    private volatile int qlen;
    private volatile int young;

    private @Nullable RequestSock acceptHead;
    private @Nullable RequestSock acceptTail;
    private volatile boolean nonEmpty;

    /** Creates empty queues. */
    public RequestSockQueue() {}

    /** Half-open connections. Linux: reqsk_queue_len(). */
    public int qlen() {
        return qlen;
    }

    /** Half-open connections that have not timed out once. Linux: reqsk_queue_len_young(). */
    public int qlenYoung() {
        return young;
    }

    /** Linux: reqsk_queue_empty(). Exact for the lock's holder, a hint for others. */
    public boolean isEmpty() {
        return !nonEmpty;
    }

    void added() {
        YOUNG.getAndAdd(this, 1);
        QLEN.getAndAdd(this, 1);
    }

    void removed(RequestSock req) {
        leaveYoung(req);
        QLEN.getAndAdd(this, -1);
    }

    /** It timed out. */
    void aged(RequestSock req) {
        req.countTimeout();
        leaveYoung(req);
    }

    private void leaveYoung(RequestSock req) {
        if (req.leaveYoung()) {
            YOUNG.getAndAdd(this, -1);
        }
    }

    /** Appends a finished connection; under {@link #lock}. */
    void addTail(RequestSock req) {
        req.dlNext = null;
        if (acceptTail == null) {
            acceptHead = req;
        } else {
            acceptTail.dlNext = req;
        }
        acceptTail = req;
        nonEmpty = true;
    }

    /** Takes the oldest finished connection, under {@link #lock}; null if there is none. */
    @Nullable
    RequestSock removeHead() {
        RequestSock req = acceptHead;
        if (req != null) {
            acceptHead = req.dlNext;
            req.dlNext = null;
            if (acceptHead == null) {
                acceptTail = null;
                nonEmpty = false;
            }
        }
        return req;
    }
}
