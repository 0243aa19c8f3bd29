package net.tcp;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A congestion control algorithm: what it answers is how large {@code tp.sndCwnd} and {@code tp.sndSsthresh} are. When
 * to retransmit, and the reduction of the window during recovery (PRR), is decided by the core.
 *
 * <p>One instance serves all connections of a kernel; state of a connection lies in the object that {@link #newState()}
 * made for it and that {@code tp.ca} holds. Found with {@link java.util.ServiceLoader}; chosen by
 * {@code net.ipv4.tcp_congestion_control}, {@code TCP_CONGESTION} or a route. Required: {@link #name()},
 * {@link #ssthresh}, {@link #undoCwnd} and either {@link #congAvoid} or {@link #congControl} (then
 * {@link #hasCongControl()} says so); see {@link TcpCong#register}.
 *
 * <p>Context: every method but {@link #name()} and {@link #newState()} runs with the CPU's word held and the socket
 * owned or its spinlock held. It may not sleep, log or allocate.
 *
 * <p>Linux: struct tcp_congestion_ops, include/net/tcp.h.
 */
public abstract class TcpCongestionOps {
    /** Any application may choose it: no capability needed ({@code net.ipv4.tcp_allowed_congestion_control}). */
    public static final int TCP_CONG_NON_RESTRICTED = 0x1;
    /** Wants ECT on its data packets even when the sysctl says no. */
    public static final int TCP_CONG_NEEDS_ECN = 0x2;

    // Flags of inAckEvent(). States and events are in TcpConst: TCP_CA_*, CA_EVENT_*.
    /** The ACK took the slow path. */
    public static final int CA_ACK_SLOWPATH = 1;
    /** It updated the window. */
    public static final int CA_ACK_WIN_UPDATE = 2;
    /** It carries an ECN echo. */
    public static final int CA_ACK_ECE = 4;

    /** Bits of {@link #implemented}. */
    static final int HAS_SET_STATE = 1,
            HAS_CWND_EVENT = 2,
            HAS_IN_ACK_EVENT = 4,
            HAS_PKTS_ACKED = 8,
            HAS_CONG_CONTROL = 16,
            HAS_SKB_MARKED_LOST = 32;

    /**
     * Which optional methods there are, found at registration: with many algorithms loaded a call that finds an empty
     * method costs as much as one that does something. Linux: the null pointers in the structure.
     */
    int implemented;

    /** The parameters; they become sysctls at registration. */
    final List<CongParam> params = new ArrayList<>();

    /**
     * Declares a parameter, for a field of the algorithm: sysctl and boot word {@code tcp_NAME.parameter}. Bounds are
     * inclusive.
     */
    protected final CongParam param(String parameter, int value, int min, int max) {
        CongParam p = new CongParam(parameter, value, min, max);
        params.add(p);
        return p;
    }

    /** The name in sysctls, {@code TCP_CONGESTION} and {@code ss}. At most 15 characters. */
    public abstract String name();

    /** {@code TCP_CONG_*}. */
    public int flags() {
        return 0;
    }

    /** Makes the private state of one connection; once per connection and algorithm. */
    public @Nullable Object newState() {
        return null;
    }

    /** Initialises the private state when the handshake ends or the algorithm is switched live. */
    public void init(Cpu cpu, TcpSock tp) {}

    /** Gives up the private state. */
    public void release(TcpSock tp) {}

    /** New slow start threshold after a loss or an ECN mark, packets. */
    public abstract int ssthresh(Cpu cpu, TcpSock tp);

    /** Grows the window for {@code acked} packets acknowledged in order. */
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        throw new UnsupportedOperationException(name());
    }

    /** Before {@code tp.icskCaState} (TcpConst.TCP_CA_*) changes to {@code newState}. */
    public void setState(Cpu cpu, TcpSock tp, int newState) {}

    /** {@code TcpConst.CA_EVENT_*}. */
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {}

    /** An ACK arrived; {@code flags} are {@code CA_ACK_*}. */
    public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {}

    /** The window to return to when a reduction turns out to have been spurious. */
    public abstract int undoCwnd(TcpSock tp);

    /** Packets were acknowledged. */
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {}

    /** Does {@link #congControl} replace {@link #congAvoid} and PRR? */
    public boolean hasCongControl() {
        return false;
    }

    /** Sets window and pacing rate by itself after each ACK. */
    public void congControl(Cpu cpu, TcpSock tp, int ack, int flag, RateSample rs) {}

    /** Multiplier for the send buffer, or 0 for the default of 2. */
    public int sndbufExpand(TcpSock tp) {
        return 0;
    }

    /** Least number of segments per TSO packet, or 0 for the sysctl's. */
    public int minTsoSegs(TcpSock tp) {
        return 0;
    }

    /** A segment was just marked lost; {@code tp.lost} counts it. Not in Linux 6.18; BBRv3 needs it. */
    public void skbMarkedLost(Cpu cpu, TcpSock tp, SkBuff skb) {}

    /** Private state for {@code TCP_CC_INFO}, or null. Context: the socket's owner, process context. */
    public @Nullable TcpCcInfo ccInfo(TcpSock tp) {
        return null;
    }

    /** One line of private state for {@code ss -i}, or null. */
    public @Nullable String info(TcpSock tp) {
        TcpCcInfo info = ccInfo(tp);
        return info == null || info.text().isEmpty() ? null : info.text(); // allocates: diagnostics
    }
}
