package net.ipv4.inet;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.core.time.TimerList;
import org.jspecify.annotations.Nullable;

/**
 * A connection being opened from outside: a mini-socket in the established hash, in state NEW_SYN_RECV, until the third
 * segment of the handshake replaces it with a full socket.
 *
 * <p>Context: hashed by softirq; fields above the banner are set before that. Whoever unlinks it from the hash (timer,
 * ACK, RST: {@link InetHashtables#inetEhashUnlink} tells who won) disposes of it. Not counted: the collector frees.
 *
 * <p>Linux: struct request_sock, include/net/request_sock.h
 */
public abstract class RequestSock extends SockCommon {
    private static final VarHandle NUM_TIMEOUT;
    private static final VarHandle YOUNG;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            NUM_TIMEOUT = lookup.findVarHandle(RequestSock.class, "numTimeout", int.class);
            YOUNG = lookup.findVarHandle(RequestSock.class, "young", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ---- set at birth
    public final RequestSockOps rskOps;
    /** The listener. */
    public InetConnectionSock rskListener;
    /** MSS that the peer announced. */
    public int mss;
    /** Answered with a SYN cookie: never hashed. */
    public boolean synCookie;
    /** Time stamp to echo. */
    public int tsRecent;
    /** First timeout, jiffies. */
    public long timeout;
    /** SYN's packet headers for TCP_SAVED_SYN; or null. */
    public byte @Nullable [] savedSyn;

    // ---- timer, under the CPU word of its home
    /** SYN-ACKs sent again. */
    public int numRetrans;
    /** Timeouts seen. */
    public volatile int numTimeout;

    /** Out of the hash: the timer must not run any more. */
    volatile boolean gone;
    /** Counted among those that never timed out. */
    private volatile boolean young = true;

    final ReqskTimer timer = new ReqskTimer(this);

    // ---- accept queue, under its lock
    /** The child; also set when it waits to be accepted. */
    public @Nullable InetConnectionSock sk;

    @Nullable
    RequestSock dlNext;

    /** Creates a mini-socket for a listener. Linux: reqsk_alloc(). */
    protected RequestSock(RequestSockOps ops, InetConnectionSock listener) {
        this.rskOps = ops;
        this.rskListener = listener;
        this.state = TcpStates.TCP_NEW_SYN_RECV;
    }

    /** Its SYN-ACK was not answered in time. */
    public final void countTimeout() {
        NUM_TIMEOUT.getAndAdd(this, 1);
    }

    /** True for the one caller that takes it from the young ones. */
    final boolean leaveYoung() {
        return YOUNG.compareAndSet(this, true, false);
    }

    /** Linux: rsk_timer. */
    static final class ReqskTimer extends TimerList {
        private final RequestSock req;

        ReqskTimer(RequestSock req) {
            this.req = req;
        }

        @Override
        protected void expire(Cpu cpu) {
            ReqskQueue.reqskTimerHandler(cpu, req);
        }
    }
}
