package net.ipv4.inet;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.Proto;
import net.core.time.TimerList;
import org.jspecify.annotations.Nullable;

/**
 * A socket of a connection protocol: accept queue, timers, and what congestion control and delayed acknowledgement need
 * whatever the protocol. The kernel's nested structures are flattened: {@code icsk_ack.pending} is {@code
 * icskAckPending}.
 *
 * <p><b>Context:</b> socket lock. Timer nodes belong to the timer wheel of the CPU that armed them.
 *
 * <p>Linux: struct inet_connection_sock, include/net/inet_connection_sock.h
 */
public abstract class InetConnectionSock extends InetSock {
    /** {@link #icskPending}: retransmit timer. */
    public static final int ICSK_TIME_RETRANS = 1;
    /** Delayed acknowledgement. */
    public static final int ICSK_TIME_DACK = 2;
    /** Zero window probe. */
    public static final int ICSK_TIME_PROBE0 = 3;
    /** Tail loss probe. */
    public static final int ICSK_TIME_LOSS_PROBE = 5;
    /** Reordering timer of RACK. */
    public static final int ICSK_TIME_REO_TIMEOUT = 6;

    /** {@link #icskAckPending}: an acknowledgement is owed. */
    public static final int ICSK_ACK_SCHED = 1;
    /** The delayed ACK timer runs. */
    public static final int ICSK_ACK_TIMER = 2;
    /** A full segment was received. */
    public static final int ICSK_ACK_PUSHED = 4;
    /** Two were. */
    public static final int ICSK_ACK_PUSHED2 = 8;
    /** Acknowledge the next one at once. */
    public static final int ICSK_ACK_NOW = 16;
    /** Out-of-order data was queued without memory. */
    public static final int ICSK_ACK_NOMEM = 32;

    // ---- set up by the protocol
    public @Nullable InetConnectionSockAfOps afOps;
    // ---- binding: bucket lock
    @Nullable
    InetBindNode bind;

    // ---- listener
    /** Made at the first listen. */
    public @Nullable RequestSockQueue icskAcceptQueue;

    // ---- timers
    public final IcskTimer icskRetransmitTimer = new IcskTimer(this, IcskTimer.RETRANSMIT);
    public final IcskTimer icskDelackTimer = new IcskTimer(this, IcskTimer.DELACK);
    public final IcskTimer skTimer = new IcskTimer(this, IcskTimer.KEEPALIVE);
    /** Retransmission timeout, jiffies. */
    public int icskRto;
    /** Its bounds and the longest delayed ACK, jiffies. */
    public int icskRtoMin;

    public int icskRtoMax;
    public int icskDelackMax;
    /** Path MTU at the last MSS computation, bytes. */
    public int icskPmtuCookie;

    public byte icskCaState;
    public boolean icskCaInitialized;
    public boolean icskCaSetsockopt;
    public boolean icskCaDstLocked;
    /** Retransmissions of the head in a row. */
    public byte icskRetransmits;
    /** Which of {@code ICSK_TIME_*} the retransmit timer stands for, 0: none. */
    public volatile byte icskPending;
    /** Exponential backoff. */
    public byte icskBackoff;
    /** TCP_SYNCNT, 0: the sysctl's. */
    public byte icskSynRetries;
    /** Zero window probes without an answer. */
    public byte icskProbesOut;
    /** Bytes of network header beyond the fixed one. */
    public int icskExtHdrLen;

    // ---- delayed acknowledgement
    /** {@code ICSK_ACK_*}. Also read by the delack timer. */
    public volatile int icskAckPending;
    /** Quick acknowledgements left. */
    public int icskAckQuick;
    /** Request/response score: interactive from 3 on. */
    public int icskAckPingpong;

    public int icskAckRetry;
    /** Predicted delay, jiffies; 0 unknown. */
    public int icskAckAto;
    /** When data was last received, jiffies. */
    public long icskAckLrcvtime;
    /** Size of the last segment received, bytes. */
    public int icskAckLastSegSize;
    /** Estimated MSS of the sender, bytes. */
    public int icskAckRcvMss;

    // ---- path MTU discovery by probes
    public boolean icskMtupEnabled;
    public int icskMtupSearchHigh;
    public int icskMtupSearchLow;
    /** Size of the probe in flight, 0: none. */
    public int icskMtupProbeSize;
    /** When the search began, jiffies. */
    public long icskMtupProbeTimestamp;

    /** When probing began, jiffies, 0: not. */
    public long icskProbesTstamp;
    /** TCP_USER_TIMEOUT, ms. */
    public volatile int icskUserTimeout;

    /** {@code synRecvSock} tells its caller here whether the mini-socket was its to take. */
    public boolean ownReq;

    protected InetConnectionSock(Net net, Proto prot, int family, int type, int protocol) {
        super(net, prot, family, type, protocol);
        isIcsk = true;
    }

    // ---- what the protocol does when a timer fires: softirq, socket not locked

    /** The retransmit timer fired. */
    protected abstract void writeTimer(Cpu cpu);

    /** The delayed ACK timer fired. */
    protected abstract void delackTimer(Cpu cpu);

    /** The keepalive timer fired (also: listener's, FIN_WAIT2). */
    protected abstract void keepaliveTimer(Cpu cpu);

    /**
     * Disconnects a connection that no program has seen: a reset where the protocol wants one, queues freed, unhashed,
     * port given back. Linux: the protocol's disconnect, tcp_disconnect().
     */
    protected abstract void disconnectChild(Cpu cpu);

    /**
     * Decides whether the port of a connection in TIME_WAIT may be used again by this one that is connecting to the
     * same place; prepares this socket if so. Linux: tcp_twsk_unique().
     */
    protected boolean twskUnique(Cpu cpu, InetTimewaitSock tw) {
        return false;
    }

    /** Whether {@link #twskUnique} may agree: a look that changes nothing and needs no lock. */
    protected boolean twskMayReuse(Cpu cpu, InetTimewaitSock tw) {
        return true;
    }

    /** When the retransmit timer is due, jiffies. Linux: icsk_timeout(). */
    public final long icskTimeout() {
        return icskRetransmitTimer.expires;
    }

    /** When the delayed ACK is due, jiffies. Linux: icsk_delack_timeout(). */
    public final long icskDelackTimeout() {
        return icskDelackTimer.expires;
    }

    /** Linux: inet_csk_ack_scheduled(). */
    public final boolean ackScheduled() {
        return (icskAckPending & ICSK_ACK_SCHED) != 0;
    }

    /** Linux: inet_csk_schedule_ack(). */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    public final void scheduleAck() {
        icskAckPending |= ICSK_ACK_SCHED;
    }

    /** Linux: inet_csk_delack_init(). */
    public final void delackInit() {
        icskAckPending = 0;
        icskAckQuick = 0;
        icskAckPingpong = 0;
        icskAckRetry = 0;
        icskAckAto = 0;
        icskAckLrcvtime = 0;
        icskAckLastSegSize = 0;
        icskAckRcvMss = 0;
    }

    /**
     * Disarms what {@code what} names. The node may stay in the wheel; the handler finds nothing pending. Linux:
     * inet_csk_clear_xmit_timer().
     */
    public final void clearXmitTimer(int what) {
        if (what == ICSK_TIME_DACK) {
            icskAckPending = 0;
            icskAckRetry = 0;
            icskDelackTimer.del();
        } else {
            icskPending = 0;
            icskRetransmitTimer.del();
        }
    }

    /**
     * Arms a timer to fire after {@code when} jiffies, at most {@code maxWhen}. Linux: inet_csk_reset_xmit_timer().
     */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    public final void resetXmitTimer(Cpu cpu, int what, long when, long maxWhen) {
        long expires = cpu.jiffies() + Math.min(when, maxWhen);
        if (what == ICSK_TIME_DACK) {
            icskAckPending |= ICSK_ACK_TIMER;
            icskDelackTimer.mod(cpu, expires);
        } else {
            icskPending = (byte) what;
            icskRetransmitTimer.mod(cpu, expires);
        }
    }

    /** Stops all three timers. Linux: inet_csk_clear_xmit_timers(). */
    public final void clearXmitTimers() {
        icskPending = 0;
        icskAckPending = 0;
        icskRetransmitTimer.del();
        icskDelackTimer.del();
        skTimer.del();
    }

    /** Linux: inet_csk_reset_keepalive_timer(). */
    public final void resetKeepaliveTimer(Cpu cpu, long jiffiesFromNow) {
        skTimer.mod(cpu, cpu.jiffies() + jiffiesFromNow);
    }

    /** Linux: inet_csk_delete_keepalive_timer(). */
    public final void deleteKeepaliveTimer() {
        skTimer.del();
    }

    /** Half-open connections of a listener. Linux: inet_csk_reqsk_queue_len(). */
    public final int reqskQueueLen() {
        RequestSockQueue q = icskAcceptQueue;
        return q == null ? 0 : q.qlen();
    }

    /** Linux: inet_csk_reqsk_queue_is_full(). */
    public final boolean reqskQueueIsFull() {
        return reqskQueueLen() > maxAckBacklog;
    }

    /** Linux: sk_acceptq_is_full(). */
    public final boolean acceptqIsFull() {
        return ackBacklog > maxAckBacklog;
    }

    /** What a child takes over from its listener; the rest starts as new. */
    public void icskCloneFrom(InetConnectionSock parent) {
        inetCloneFrom(parent);
        afOps = parent.afOps;
        icskRtoMin = parent.icskRtoMin;
        icskRtoMax = parent.icskRtoMax;
        icskDelackMax = parent.icskDelackMax;
        icskSynRetries = parent.icskSynRetries;
        icskUserTimeout = parent.icskUserTimeout;
        icskCaSetsockopt = parent.icskCaSetsockopt;
    }

    /** A timer of a connection; which one is a number, to keep one class. */
    public static final class IcskTimer extends TimerList {
        static final int RETRANSMIT = 0;
        static final int DELACK = 1;
        static final int KEEPALIVE = 2;

        private final InetConnectionSock sk;
        private final int which;

        IcskTimer(InetConnectionSock sk, int which) {
            this.sk = sk;
            this.which = which;
        }

        @Override
        protected void expire(Cpu cpu) {
            switch (which) {
                case RETRANSMIT -> sk.writeTimer(cpu);
                case DELACK -> sk.delackTimer(cpu);
                default -> sk.keepaliveTimer(cpu);
            }
        }
    }
}
