package net.ipv4.inet;

import net.core.Cpu;
import net.core.sock.TcpStates;
import net.ipv4.Ipv4Net;
import org.jspecify.annotations.Nullable;

/**
 * The life of half-open connections: hashed with a timer, dropped, or finished into the accept queue.
 *
 * <p>{@code Deviation:} a request belongs to its listener for good; Linux may move it to another listener of the same
 * SO_REUSEPORT group when its own closes (net.ipv4.tcp_migrate_req, off by default).
 *
 * <p>Linux: net/ipv4/inet_connection_sock.c
 */
public final class ReqskQueue {
    private ReqskQueue() {}

    /**
     * Publishes a half-open connection and starts its SYN-ACK timer; false if the same one exists already.
     *
     * <p>Context: softirq. Linux: inet_csk_reqsk_queue_hash_add()
     */
    public static boolean hashAdd(Cpu cpu, InetConnectionSock listener, RequestSock req, long timeoutJiffies) {
        req.numRetrans = 0;
        req.numTimeout = 0;
        req.sk = null;
        req.timeout = timeoutJiffies;
        if (!InetHashtables.of(cpu).inetEhashInsert(cpu, req, null)) {
            return false;
        }
        arm(cpu, req, timeoutJiffies);
        queue(listener).added();
        return true;
    }

    /** The SYN-ACK went out again: its timer starts anew if it runs. Linux: mod_timer_pending() in tcp_check_req(). */
    public static void rearm(Cpu cpu, RequestSock req, long timeoutJiffies) {
        req.timer.modPending(cpu, cpu.jiffies() + timeoutJiffies);
    }

    static RequestSockQueue queue(InetConnectionSock listener) {
        RequestSockQueue q = listener.icskAcceptQueue;
        if (q == null) {
            throw new IllegalStateException("not a listener: " + listener);
        }
        return q;
    }

    /**
     * Takes a request out of the hash and forgets it; true for the one caller that did. Linux:
     * inet_csk_reqsk_queue_drop().
     */
    public static boolean drop(Cpu cpu, InetConnectionSock listener, RequestSock req) {
        boolean unlinked = InetHashtables.of(cpu).inetEhashUnlink(cpu, req);
        stopTimer(req);
        if (unlinked) {
            queue(listener).removed(req);
            req.rskOps.destructor(req);
        }
        return unlinked;
    }

    /**
     * A request whose place in the hash its child took: stops the timer and counts. Linux:
     * inet_csk_reqsk_queue_removed().
     */
    public static void removed(Cpu cpu, InetConnectionSock listener, RequestSock req) {
        stopTimer(req);
        queue(listener).removed(req);
    }

    /** Once in the hash it may be gone again at any time, by another CPU. */
    private static void arm(Cpu cpu, RequestSock req, long jiffiesFromNow) {
        req.timer.mod(cpu, cpu.jiffies() + jiffiesFromNow);
        if (req.gone) {
            req.timer.del();
        }
    }

    /** For good: whoever is about to arm it looks at {@code gone} afterwards. */
    private static void stopTimer(RequestSock req) {
        req.gone = true;
        req.timer.del();
    }

    /** How long until the next SYN-ACK: doubled with each timeout. Linux: tcp_reqsk_timeout(). */
    private static long nextTimeout(RequestSock req, long maxJiffies) {
        int shift = Math.min(req.numTimeout, 32);
        return Math.min(req.timeout << shift, maxJiffies);
    }

    /** Linux: syn_ack_recalc(). Returns bit 0: expire, bit 1: resend. */
    private static int synAckRecalc(RequestSock req, int maxSynAckRetries, int deferAccept) {
        boolean acked = req instanceof InetRequestSock ireq && ireq.acked;
        int timeouts = req.numTimeout;
        if (deferAccept == 0) {
            return (timeouts >= maxSynAckRetries ? 1 : 0) | 2;
        }
        boolean expire = timeouts >= maxSynAckRetries && (!acked || timeouts >= deferAccept);
        // The data that the listener waits for is worth one last SYN-ACK.
        boolean resend = !acked || timeouts >= deferAccept - 1;
        return (expire ? 1 : 0) | (resend ? 2 : 0);
    }

    /** A SYN-ACK was not answered in time. Linux: reqsk_timer_handler(). */
    static void reqskTimerHandler(Cpu cpu, RequestSock req) {
        InetConnectionSock listener = req.rskListener;
        if (listener.state != TcpStates.TCP_LISTEN) {
            drop(cpu, listener, req);
            return;
        }
        Ipv4Net v4 = Ipv4Net.of(listener.net);
        int maxRetries = listener.icskSynRetries != 0 ? listener.icskSynRetries : v4.sysctlTcpSynackRetries();
        RequestSockQueue queue = queue(listener);
        // With the queue more than half full the old ones make room: their retries are cut by how few are young.
        int qlen = queue.qlen();
        if (qlen << 1 > Math.max(8, listener.maxAckBacklog)) {
            int young = queue.qlenYoung() << 1;
            while (maxRetries > 2) {
                if (qlen < young) {
                    break;
                }
                maxRetries--;
                young <<= 1;
            }
        }
        int verdict = synAckRecalc(req, maxRetries, queue.deferAccept);
        boolean expire = (verdict & 1) != 0;
        boolean resend = (verdict & 2) != 0;
        req.rskOps.synAckTimeout(cpu, req);
        boolean acked = req instanceof InetRequestSock ireq && ireq.acked;
        if (!expire && (!resend || inetRtxSynAck(cpu, listener, req) == 0 || acked)) {
            queue.aged(req);
            arm(cpu, req, nextTimeout(req, listener.icskRtoMax != 0 ? listener.icskRtoMax : 120_000));
            return;
        }
        drop(cpu, listener, req);
    }

    /** Linux: inet_rtx_syn_ack(). */
    public static int inetRtxSynAck(Cpu cpu, InetConnectionSock listener, RequestSock req) {
        int err = req.rskOps.rtxSynAck(cpu, listener, req);
        if (err == 0) {
            req.numRetrans++;
        }
        return err;
    }

    /**
     * Queues a finished connection for {@code accept}; null if the listener has closed (the child is then destroyed).
     *
     * <p>Context: CPU word. Linux: inet_csk_reqsk_queue_add()
     */
    public static @Nullable InetConnectionSock add(
            Cpu cpu, InetConnectionSock listener, RequestSock req, InetConnectionSock child) {
        RequestSockQueue queue = queue(listener);
        queue.lock.lock();
        boolean open;
        try {
            open = listener.state == TcpStates.TCP_LISTEN;
            if (open) {
                req.sk = child;
                queue.addTail(req);
                acceptqAdd(listener, 1);
            }
        } finally {
            queue.lock.unlock();
        }
        if (!open) {
            InetCsk.childForget(cpu, child);
            return null;
        }
        return child;
    }

    /**
     * Last step of a handshake: the request, if this caller won it, gives way to its child in the accept queue. Returns
     * the child, or null with the child destroyed.
     *
     * <p>Context: CPU word, child's spinlock held. Linux: inet_csk_complete_hashdance()
     */
    public static @Nullable InetConnectionSock completeHashdance(
            Cpu cpu, InetConnectionSock listener, InetConnectionSock child, RequestSock req, boolean ownReq) {
        if (ownReq) {
            // The child's insertion took the request's place in the hash.
            removed(cpu, listener, req);
            InetConnectionSock accepted = add(cpu, listener, req, child);
            if (accepted != null) {
                return accepted;
            }
            child.bhUnlockSock(cpu);
            return null;
        }
        // Another CPU completed the same handshake: this child was never published.
        child.bhUnlockSock(cpu);
        InetCsk.childForget(cpu, child);
        return null;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // the queue's lock is held
    private static void acceptqAdd(InetConnectionSock listener, int n) {
        listener.ackBacklog += n;
    }

    /** Takes the oldest finished connection. Any context. Linux: reqsk_queue_remove(). */
    static @Nullable RequestSock remove(InetConnectionSock listener) {
        RequestSockQueue queue = queue(listener);
        queue.lock.lock();
        try {
            RequestSock req = queue.removeHead();
            if (req != null) {
                acceptqAdd(listener, -1);
            }
            return req;
        } finally {
            queue.lock.unlock();
        }
    }
}
