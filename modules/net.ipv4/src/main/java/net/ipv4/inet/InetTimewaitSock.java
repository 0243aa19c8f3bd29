package net.ipv4.inet;

import net.core.Cpu;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.core.time.TimerList;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.ipv4.Ipv4Net;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a closed connection: its addresses, enough to answer old segments, and a timer. Takes its socket's
 * place in the established hash and among its port's owners.
 *
 * <p>Context: fields are set before {@link #hashdanceSchedule}; afterwards the protocol changes its own under the
 * rules of its receive path. Whoever stops the timer, or the timer itself, calls {@link #kill}; once only.
 *
 * <p>Linux: struct inet_timewait_sock, include/net/inet_timewait_sock.h
 */
public abstract class InetTimewaitSock extends SockCommon {
    /** TIME_WAIT or FIN_WAIT2. */
    public volatile int twSubstate;

    public int twRcvWscale;
    public int twTos;
    public int twMark;
    public int twPriority;
    public int twTxhash;
    public boolean twTransparent;
    public boolean twUsecTs;
    /** Length of the whole wait, jiffies. */
    public long twTimeout;

    @Nullable
    InetBindNode bind;

    private final TwTimer timer = new TwTimer(this);

    /**
     * Copies what both share; {@code state} is TIME_WAIT, the given one becomes the substate. Linux:
     * inet_twsk_alloc().
     */
    protected InetTimewaitSock(InetConnectionSock sk, int substate) {
        net = sk.net;
        family = sk.family;
        boundDevIf = sk.boundDevIf;
        daddr = sk.daddr;
        rcvSaddr = sk.rcvSaddr;
        num = sk.num;
        dport = sk.dport;
        hash = sk.hash;
        reuse = sk.reuse;
        reuseport = sk.reuseport;
        prot = sk.prot;
        twTos = sk.tos;
        twMark = sk.mark;
        twPriority = sk.priority;
        twTxhash = sk.txHash;
        twTransparent = sk.transparent;
        twSubstate = substate;
        state = TcpStates.TCP_TIME_WAIT;
    }

    /**
     * Counts one more, unless the namespace has its fill (net.ipv4.tcp_max_tw_buckets): call before creating one, and
     * on false close the connection without the wait.
     */
    public static boolean reserve(Ipv4Net net) {
        return net.deathRow.tryAdd(net.sysctlTcpMaxTwBuckets());
    }

    /**
     * Takes the place of {@code sk} in the hash tables and starts the timer. Linux: inet_twsk_hashdance_schedule().
     *
     * <p>Context: softirq or process context, with the CPU word; the caller owns the socket.
     */
    public final void hashdanceSchedule(Cpu cpu, InetConnectionSock sk, long timeoJiffies) {
        twTimeout = timeoJiffies;
        InetHashtables.of(cpu).twskHashdance(cpu, this, sk);
    }

    /** Starts the timer, with the bucket's lock held: whoever finds this can stop it, and then waits for the lock. */
    final void arm(Cpu cpu) {
        scheduled(cpu);
        timer.mod(cpu, cpu.jiffies() + twTimeout);
    }

    /** Starts the wait anew: the last segments came again. Linux: inet_twsk_reschedule(). */
    public final void reschedule(Cpu cpu, long timeoJiffies) {
        timer.modPending(cpu, cpu.jiffies() + timeoJiffies);
    }

    /** Ends the wait now, unless the timer is doing so. Linux: inet_twsk_deschedule_put(). */
    public final void deschedule(Cpu cpu) {
        if (timer.del()) {
            kill(cpu);
        }
    }

    /** Jiffies until the end of the wait. */
    public final long remaining(Cpu cpu) {
        return timer.pending() ? Math.max(0, timer.expires - cpu.jiffies()) : 0;
    }

    /** Linux: inet_twsk_kill(). */
    final void kill(Cpu cpu) {
        InetHashtables tables = InetHashtables.of(cpu);
        tables.ehashRemove(this);
        tables.bindUnhash(this);
        Ipv4Net.of(net).deathRow.remove();
        destructor();
    }

    /** The wait of {@link #twTimeout} begins: statistics. A leaf lock is held. */
    protected void scheduled(Cpu cpu) {}

    /** A new connection takes over its addresses: statistics. */
    protected void recycled(Cpu cpu) {}

    /** The protocol's part is to be freed. */
    protected void destructor() {}

    /** Linux: tw_timer. */
    private static final class TwTimer extends TimerList {
        private final InetTimewaitSock tw;

        TwTimer(InetTimewaitSock tw) {
            this.tw = tw;
        }

        @Override
        protected void expire(Cpu cpu) {
            PathTrace.hit(cpu, null, Landmark.TW_TIMER_HANDLER);
            tw.kill(cpu);
        }
    }
}
