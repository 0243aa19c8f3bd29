package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Softirq;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A device queue that is polled: scheduled by its interrupt, polled in NET_RX with a budget, done when it used less.
 *
 * <p>Whoever sets {@code SCHED} owns the instance until {@link #completeDone} clears it: the poller is alone. An
 * interrupt meanwhile sets {@code MISSED}, which {@code completeDone} turns into another round.
 *
 * <p>{@code Deviation:} no threaded mode. Where Linux moves a poll from softirq to a thread so that the scheduler can weigh
 * it against others, ours run in the worker thread {@code cpu/N} to begin with, which the host's scheduler weighs.
 *
 * <p>Context: {@link #schedule} by the holder of any CPU, usually in interrupt context; {@link #poll} in softirq;
 * {@link #enable} and {@link #disable} in process context.
 *
 * <p>Linux: struct napi_struct, napi_schedule_prep(), napi_complete_done(), net/core/dev.c
 */
public abstract class NapiStruct {
    /** Default number of packets per poll. */
    public static final int NAPI_POLL_WEIGHT = 64;

    private static final int STATE_SCHED = 1;
    private static final int STATE_MISSED = 2;
    private static final int STATE_DISABLE = 4;
    private static final int STATE_NPSVC = 8;
    private static final int STATE_NO_BUSY_POLL = 0x20;
    private static final int STATE_IN_BUSY_POLL = 0x40;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(NapiStruct.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The device; null for a CPU's backlog. */
    public final @Nullable NetDevice dev;
    /** Packets per poll. */
    public final int weight;
    /** Index for busy poll; carried by packets as {@code skb.napiId}. */
    public int napiId;

    /** Disabled until {@link #enable}. */
    private volatile int state;

    // Of the owner (the holder of SCHED).
    /** Link in a CPU's poll list. */
    @Nullable
    NapiStruct pollNext;
    /** On a poll list. */
    boolean listed;
    /** Polls left before interrupts come back on. */
    private int deferHardIrqsCount;

    private final Gro gro;

    /** Polls done. */
    public long polls;
    /** Times a poll used its whole weight. */
    public long fullPolls;

    /** An instance of {@code dev}, disabled. Linux: netif_napi_add(). */
    protected NapiStruct(NetDevice dev, int weight) {
        this.dev = dev;
        this.weight = weight;
        this.state = STATE_SCHED | STATE_NPSVC;
        this.gro = new Gro(this);
        dev.napis.add(this);
        napiId = dev.globals().addNapi(this);
    }

    /** A CPU's backlog: always enabled. */
    NapiStruct(int weight) {
        this.dev = null;
        this.weight = weight;
        this.gro = new Gro(this);
    }

    /**
     * Receives up to {@code budget} packets.
     *
     * @return how many; if fewer than {@code budget}, {@link #completeDone} has been called
     */
    protected abstract int poll(Cpu cpu, int budget);

    /** Merging of received packets. */
    public final Gro gro() {
        return gro;
    }

    private boolean cas(int old, int now) {
        return STATE.compareAndSet(this, old, now);
    }

    // Scheduling.

    /** Claims the instance; false if it is claimed (then it will be polled again) or disabled. */
    @HotPath
    public final boolean schedulePrep() {
        while (true) {
            int val = state;
            if ((val & STATE_DISABLE) != 0) {
                return false;
            }
            int now = val | STATE_SCHED;
            if ((val & STATE_SCHED) != 0) {
                now |= STATE_MISSED;
            }
            if (cas(val, now)) {
                return (val & STATE_SCHED) == 0;
            }
        }
    }

    /** Lets NET_RX of this CPU poll the instance. Returns false if it was scheduled already. Linux: napi_schedule(). */
    @HotPath
    public final boolean schedule(Cpu cpu) {
        if (!schedulePrep()) {
            return false;
        }
        PathTrace.hit(cpu, null, Landmark.NAPI_SCHEDULE);
        cpu.sd.pollListAdd(this);
        cpu.raiseSoftirq(Softirq.NET_RX);
        return true;
    }

    /** Adds a claimed instance to this CPU's poll list. Linux: __napi_schedule(). */
    @HotPath
    public final void scheduleClaimed(Cpu cpu) {
        cpu.sd.pollListAdd(this);
        cpu.raiseSoftirq(Softirq.NET_RX);
    }

    /** As {@link #completeDone} with no work done. */
    public final boolean complete(Cpu cpu) {
        return completeDone(cpu, 0);
    }

    /**
     * Ends polling.
     *
     * @return true if the driver must enable its interrupt now; false if the instance stays scheduled, is being
     *     busy-polled, or interrupts are deferred
     */
    @HotPath
    public final boolean completeDone(Cpu cpu, int workDone) {
        int val = state;
        if ((val & STATE_IN_BUSY_POLL) != 0) {
            return false;
        }
        boolean ret = true;
        long timeoutNs = 0;
        NetDevice d = dev;
        if (d != null) {
            if (workDone > 0) {
                if (gro.bitmask != 0) {
                    timeoutNs = d.groFlushTimeoutNs;
                }
                deferHardIrqsCount = d.napiDeferHardIrqs;
            }
            if (deferHardIrqsCount > 0) {
                deferHardIrqsCount--;
                timeoutNs = d.groFlushTimeoutNs;
                if (timeoutNs > 0) {
                    ret = false;
                }
            }
        }
        // With a timeout only packets that have waited a jiffy go up now.
        gro.flush(cpu, timeoutNs > 0);
        gro.normalList(cpu);
        int now;
        do {
            val = state;
            now = val & ~(STATE_MISSED | STATE_SCHED);
            // MISSED: somebody scheduled us meanwhile, so SCHED stays.
            if ((val & STATE_MISSED) != 0) {
                now |= STATE_SCHED;
            }
        } while (!cas(val, now));
        if ((val & STATE_MISSED) != 0) {
            scheduleClaimed(cpu);
            return false;
        }
        if (timeoutNs > 0) {
            gro.startTimer(cpu, timeoutNs);
        }
        return ret;
    }

    // Enabling.

    /** Allows polling. Linux: napi_enable(). */
    public final void enable() {
        int val;
        int now;
        do {
            val = state;
            if ((val & STATE_SCHED) == 0) {
                throw new IllegalStateException("NAPI instance is enabled already");
            }
            now = val & ~(STATE_SCHED | STATE_NPSVC | STATE_DISABLE | STATE_MISSED);
        } while (!cas(val, now));
    }

    /**
     * Waits until no poll is under way and allows no more. Drops what GRO holds.
     *
     * <p>Context: process, without a CPU word.
     *
     * <p>Linux: napi_disable(), net/core/dev.c
     */
    public final void disable() {
        NetDevice d = dev;
        if (d == null) {
            throw new IllegalStateException("a backlog cannot be disabled");
        }
        STATE.getAndBitwiseOr(this, STATE_DISABLE);
        int round = 0;
        while (true) {
            int val = state;
            if ((val & (STATE_SCHED | STATE_NPSVC)) != 0) {
                d.kernel().scheduler().spinWait(round++);
                continue;
            }
            if (cas(val, val | STATE_SCHED | STATE_NPSVC)) {
                break;
            }
        }
        gro.stopTimer();
        Cpu cpu = d.kernel().localBhDisable(-1);
        gro.dropAll(cpu);
        cpu.localBhEnable();
        STATE.getAndBitwiseAnd(this, ~STATE_DISABLE);
    }

    /** Forgets a disabled instance. Linux: netif_napi_del(). */
    public final void delete() {
        NetDevice d = dev;
        if (d != null) {
            d.napis.remove(this);
            d.globals().removeNapi(this);
        }
    }

    /** Scheduled or being polled. */
    public final boolean isScheduled() {
        return (state & STATE_SCHED) != 0;
    }

    /** {@link #disable} waits for the present poll. Linux: napi_disable_pending(). */
    @HotPath
    public final boolean disablePending() {
        return (state & STATE_DISABLE) != 0;
    }

    // For the backlog, which is emptied without completeDone.

    final void clearSched() {
        int val;
        do {
            val = state;
        } while (!cas(val, val & ~(STATE_SCHED | STATE_MISSED)));
    }

    // Receiving.

    /** Takes a packet from the driver: merges it, holds it, or hands it up. Linux: napi_gro_receive(). */
    @HotPath
    public final int groReceive(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.NAPI_GRO_RECEIVE);
        skb.napiId = napiId;
        return gro.groReceive(cpu, skb);
    }

    /** One round, as NET_RX does it: returns the packets done; sets {@code cpu.sd.napiRepoll}. Linux: __napi_poll(). */
    @HotPath
    final int pollOnce(Cpu cpu) {
        int work = 0;
        cpu.sd.napiRepoll = false;
        polls++;
        PathTrace.hit(cpu, null, Landmark.NAPI_POLL);
        if ((state & STATE_SCHED) != 0) {
            work = poll(cpu, weight);
            if (cpu.tracing) {
                SkbTrace.napiPoll(cpu, napiId, dev, work, weight);
            }
        }
        if (work < weight) {
            return work;
        }
        fullPolls++;
        if (disablePending()) {
            // The driver used its weight, so it has not completed: do it for disable()'s sake.
            complete(cpu);
            return work;
        }
        // Nobody waits longer than a jiffy in GRO, however busy the queue is.
        gro.flush(cpu, true);
        gro.normalList(cpu);
        cpu.sd.napiRepoll = true;
        return work;
    }

    /**
     * Polls once from a thread that waits for data, if nobody else does.
     *
     * <p>Context: process, CPU word held, no socket lock needed.
     *
     * @return packets received, or -1 if the instance is busy or disabled
     *     <p>Linux: napi_busy_loop(), net/core/dev.c
     */
    public final int busyPoll(Cpu cpu, int budget) {
        int val = state;
        if ((val & (STATE_DISABLE | STATE_SCHED | STATE_IN_BUSY_POLL | STATE_NO_BUSY_POLL)) != 0
                || !cas(val, val | STATE_IN_BUSY_POLL | STATE_SCHED)) {
            return -1;
        }
        try {
            int work = poll(cpu, budget);
            gro.flush(cpu, false);
            gro.normalList(cpu);
            return work;
        } finally {
            STATE.getAndBitwiseAnd(this, ~STATE_IN_BUSY_POLL);
            // completeDone() kept SCHED for us, as does a bug in the driver: one more round in NET_RX turns the
            // interrupt on again.
            scheduleClaimed(cpu);
        }
    }
}
