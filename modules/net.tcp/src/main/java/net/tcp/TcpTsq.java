package net.tcp;

import static net.tcp.TcpConst.TCPF_TSQ_DEFERRED;
import static net.tcp.TcpConst.TSQF_QUEUED;
import static net.tcp.TcpConst.TSQF_THROTTLED;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Kernel;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDestructor;

/**
 * TCP small queues: a connection keeps at most about a millisecond of data in qdisc and device, and goes on when the
 * device gives packets back.
 *
 * <p>The packet's destructor runs wherever the device frees it, so it only marks the socket and pushes it on a lock-free
 * list of one CPU, whose tasklet sends. If a process owns the socket by then, its release does.
 *
 * <p>Linux: tcp_wfree(), tcp_tasklet_func(), net/ipv4/tcp_output.c. {@code Deviation:} the list is lock-free and the
 * tasklet scheduled from outside, since the freeing context need not hold that CPU's word.
 */
public final class TcpTsq {
    private static final VarHandle FLAGS;

    static {
        try {
            FLAGS = MethodHandles.lookup().findVarHandle(TcpSock.class, "tsqFlags", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Destructor of data segments on their way down. Linux: tcp_wfree(). */
    static final SkbDestructor WFREE = TcpTsq::wfree;

    private TcpTsq() {}

    /** Sets bits; returns the old ones. */
    @HotPath
    static int set(TcpSock tp, int bits) {
        return (int) FLAGS.getAndBitwiseOr(tp, bits);
    }

    /** Clears bits; returns the old ones. */
    @HotPath
    static int clear(TcpSock tp, int bits) {
        return (int) FLAGS.getAndBitwiseAnd(tp, ~bits);
    }

    private static void wfree(SkBuff skb) {
        TcpSock tp = (TcpSock) java.util.Objects.requireNonNull(skb.sk);
        tp.wmemAllocAdd(-skb.truesize);
        while (true) {
            int old = tp.tsqFlags;
            if ((old & TSQF_THROTTLED) == 0 || (old & TSQF_QUEUED) != 0) {
                return;
            }
            if (FLAGS.compareAndSet(tp, old, old & ~TSQF_THROTTLED | TSQF_QUEUED)) {
                queue(tp);
                return;
            }
        }
    }

    private static void queue(TcpSock tp) {
        Kernel kernel = tp.kernel();
        Cpu home = kernel.cpu(Math.max(0, tp.incomingCpu));
        var list = TcpPcpu.of(home).tsqList;
        TcpSock top;
        do {
            top = list.get();
            tp.tsqNext = top;
        } while (!list.compareAndSet(top, tp));
        if (top == null) {
            home.taskletScheduleRemote(TcpPcpu.of(home).tsqTasklet);
        }
    }

    /** Tasklet: lets every queued socket send. Linux: tcp_tasklet_func(). */
    static void action(Cpu cpu) {
        TcpSock tp = TcpPcpu.of(cpu).tsqList.getAndSet(null);
        while (tp != null) {
            TcpSock following = tp.tsqNext;
            tp.tsqNext = null;
            clear(tp, TSQF_QUEUED);
            handler(cpu, tp);
            tp = following;
        }
    }

    /** Sends now, or leaves it to the owner. Linux: tcp_tsq_handler(). */
    static void handler(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_TASKLET);
        tp.bhLockSock(cpu);
        try {
            if (!tp.ownedByUser()) {
                write(cpu, tp);
            } else {
                set(tp, TCPF_TSQ_DEFERRED);
                tp.deferWork();
            }
        } finally {
            tp.bhUnlockSock(cpu);
        }
    }

    /** Sends what the small queue held back. Linux: tcp_tsq_write(). */
    static void write(Cpu cpu, TcpSock tp) {
        if (!tp.inStates(TcpConst.TCPF_ESTABLISHED
                | TcpConst.TCPF_FIN_WAIT1
                | TcpConst.TCPF_CLOSING
                | TcpConst.TCPF_CLOSE_WAIT
                | TcpConst.TCPF_LAST_ACK)) {
            return;
        }
        if (tp.lostOut > tp.retransOut && tp.sndCwnd > tp.packetsInFlight()) {
            tp.mstampRefresh(cpu.nowNs());
            TcpRetransmit.tcpXmitRetransmitQueue(cpu, tp);
        }
        TcpOutput.tcpWriteXmit(cpu, tp, TcpMss.tcpCurrentMss(cpu, tp), tp.nonagle, 0);
    }

    /**
     * The owner releases the socket: does what softirqs left to it. Linux: tcp_release_cb().
     *
     * <p><b>Context:</b> socket owned, CPU word held.
     */
    static void releaseCb(Cpu cpu, TcpSock tp) {
        int flags = tp.tsqFlags & TcpConst.TCP_DEFERRED_ALL;
        if (flags == 0) {
            return;
        }
        flags = clear(tp, TcpConst.TCP_DEFERRED_ALL);
        if ((flags & TCPF_TSQ_DEFERRED) != 0) {
            write(cpu, tp);
        }
        if ((flags & TcpConst.TCPF_WRITE_TIMER_DEFERRED) != 0) {
            TcpTimer.writeTimerHandler(cpu, tp);
        }
        if ((flags & TcpConst.TCPF_DELACK_TIMER_DEFERRED) != 0) {
            TcpTimer.delackTimerHandler(cpu, tp);
        }
        if ((flags & TcpConst.TCPF_MTU_REDUCED_DEFERRED) != 0) {
            Tcp.afOps(tp).mtuReduced(cpu, tp);
        }
        if ((flags & TcpConst.TCPF_ACK_DEFERRED) != 0 && tp.ackScheduled()) {
            TcpOutput.tcpSendAck(cpu, tp);
        }
    }
}
