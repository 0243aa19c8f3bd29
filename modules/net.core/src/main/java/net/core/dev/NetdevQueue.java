package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.task.SpinLock;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;

/**
 * One transmit queue of a device: its transmit lock, its qdisc, and whether driver (ring full) or stack (byte queue
 * limit) have stopped it.
 *
 * <p>The driver stops its queue after filling the last descriptors and looks at the ring again; the cleaner frees
 * descriptors and looks at the stop bit. Each side puts a full fence between, so that one of them sees the other:
 * {@link #maybeStop} and {@link #maybeWake} have them.
 *
 * <p>Context: stop and sent under the transmit lock; wake and completed by the ring's cleaner; the qdisc pointer
 * changes under rtnl.
 *
 * <p>Linux: struct netdev_queue
 */
public final class NetdevQueue {
    private static final int DRV_XOFF = 1;
    private static final int STACK_XOFF = 2;
    private static final int FROZEN = 4;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(NetdevQueue.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // Read mostly.
    /** The device. */
    public final NetDevice dev;
    /** Position in {@code dev.tx}. */
    public final int index;
    /** The qdisc in force; noop while the device is down. */
    public volatile Qdisc qdisc;
    /** The qdisc to use when the device is up. */
    public Qdisc qdiscSleeping;
    /** Byte queue limit. */
    public final Dql dql = new Dql();

    // Transmit side.
    private final SpinLock xmitLock = new SpinLock();
    /** CPU id of the transmit lock's holder, -1 when free; catches a device that transmits to itself. */
    volatile int xmitLockOwner = -1;
    /** Jiffies of the last packet handed to the driver. */
    volatile long transStart;
    /** How often the watchdog found this queue stuck. */
    volatile long transTimeout;

    private volatile int state;

    NetdevQueue(NetDevice dev, int index, Qdisc initial) {
        this.dev = dev;
        this.index = index;
        this.qdisc = initial;
        this.qdiscSleeping = initial;
    }

    // The transmit lock.

    /** Takes the transmit lock. Linux: __netif_tx_lock(). */
    @HotPath
    public void txLock(Cpu cpu) {
        xmitLock.lock();
        xmitLockOwner = cpu.id;
    }

    /** Takes the transmit lock if free. */
    public boolean txTryLock(Cpu cpu) {
        boolean ok = xmitLock.tryLock();
        if (ok) {
            xmitLockOwner = cpu.id;
        }
        return ok;
    }

    /** Releases the transmit lock. */
    @HotPath
    public void txUnlock() {
        xmitLockOwner = -1;
        xmitLock.unlock();
    }

    // Stop bits.

    private boolean setBit(int bit) {
        return ((int) STATE.getAndBitwiseOr(this, bit) & bit) != 0;
    }

    private boolean clearBit(int bit) {
        return ((int) STATE.getAndBitwiseAnd(this, ~bit) & bit) != 0;
    }

    /** The driver's ring is full. Linux: netif_tx_stop_queue(). */
    @HotPath
    public void stop() {
        PathTrace.hit(dev.kernel(), Landmark.NETIF_TX_STOP_QUEUE);
        setBit(DRV_XOFF);
    }

    /** The driver can take packets; nothing waits yet. Linux: netif_tx_start_queue(). */
    public void start() {
        clearBit(DRV_XOFF);
    }

    /** The driver can take packets again: runs the qdisc in NET_TX. Linux: netif_tx_wake_queue(). */
    @HotPath
    public void wake(Cpu cpu) {
        if ((state & DRV_XOFF) != 0 && clearBit(DRV_XOFF)) {
            PathTrace.hit(cpu, null, Landmark.NETIF_TX_WAKE_QUEUE);
            SchGeneric.netifSchedule(cpu, qdisc);
        }
    }

    /** The driver has stopped this queue. */
    @HotPath
    public boolean stopped() {
        return (state & DRV_XOFF) != 0;
    }

    /** Driver or stack have stopped this queue. Linux: netif_xmit_stopped(). */
    @HotPath
    public boolean xmitStopped() {
        return (state & (DRV_XOFF | STACK_XOFF)) != 0;
    }

    /** Stopped by anybody, or frozen. Linux: netif_xmit_frozen_or_stopped(). */
    @HotPath
    public boolean frozenOrStopped() {
        return state != 0;
    }

    void freeze(boolean on) {
        if (on) {
            setBit(FROZEN);
        } else {
            clearBit(FROZEN);
        }
    }

    /** Tells how many descriptors are free; the driver's ring implements it. */
    @FunctionalInterface
    public interface RingSpace {
        /** Free descriptors, as far as both sides have published. */
        int free();
    }

    /**
     * Stops the queue if fewer than {@code stopBelow} descriptors are free, and starts it again if the cleaner freed
     * {@code startFrom} meanwhile.
     *
     * @return true while the queue may be used
     *     <p>Linux: netif_txq_maybe_stop(), include/net/netdev_queues.h
     */
    @HotPath
    public boolean maybeStop(RingSpace ring, int stopBelow, int startFrom) {
        if (ring.free() >= stopBelow) {
            return true;
        }
        stop();
        VarHandle.fullFence();
        if (ring.free() < startFrom) {
            return false;
        }
        start();
        return true;
    }

    /**
     * Wakes the queue after cleaning if {@code startFrom} descriptors are free.
     *
     * <p>Linux: netif_txq_completed_wake(), include/net/netdev_queues.h
     */
    @HotPath
    public void maybeWake(Cpu cpu, RingSpace ring, int startFrom) {
        VarHandle.fullFence();
        if (stopped() && ring.free() >= startFrom && (dev.flags & NetDevice.IFF_UP) != 0) {
            wake(cpu);
        }
    }

    // Byte queue limits.

    /** Counts bytes given to the device; may stop the queue. Linux: netdev_tx_sent_queue(). */
    @HotPath
    public void sentQueue(int bytes) {
        dql.queued(bytes);
        if (dql.avail() >= 0) {
            return;
        }
        setBit(STACK_XOFF);
        VarHandle.fullFence();
        if (dql.avail() >= 0) {
            clearBit(STACK_XOFF);
        }
    }

    /** As {@link #sentQueue}; returns whether the doorbell must be rung now. Linux: __netdev_tx_sent_queue(). */
    @HotPath
    public boolean sentQueue(int bytes, boolean xmitMore) {
        if (xmitMore) {
            dql.queued(bytes);
            return frozenOrStopped();
        }
        sentQueue(bytes);
        return true;
    }

    /** Counts bytes the device has sent; may run the qdisc. Linux: netdev_tx_completed_queue(). */
    @HotPath
    public void completedQueue(Cpu cpu, int packets, int bytes) {
        if (packets == 0) {
            return;
        }
        dql.completed(bytes, cpu.nowNs());
        VarHandle.fullFence();
        if (dql.avail() >= 0 && clearBit(STACK_XOFF)) {
            SchGeneric.netifSchedule(cpu, qdisc);
        }
    }

    /** The ring was emptied: forgets what was in it. Linux: netdev_tx_reset_queue(). */
    public void resetQueue(long nowNs) {
        clearBit(STACK_XOFF);
        dql.reset(nowNs);
    }
}
