package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Net;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import net.core.task.Waiter;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The two-step socket lock in one atomic word, and the backlog that makes it work.
 *
 * <p>A process <i>owns</i> the socket (OWNED) for the length of a system call, and may be preempted or copy user memory
 * while it does. Softirq holds the spinlock (SPIN) for the length of one packet and never waits for an owner: if the
 * socket is owned it leaves the packet in the backlog (WORK), and the owner runs it on release.
 *
 * <pre>
 *   word        process                      softirq
 *   0           CAS to OWNED: locked         CAS to SPIN: owns nothing, may run the protocol
 *   OWNED       -                            CAS to OWNED|SPIN: may only append to the backlog or defer
 *   +SPIN       spins                        spins
 *   +WORK       release takes the slow path  (set while OWNED and SPIN)
 *   +WAITERS    release wakes one            -
 * </pre>
 *
 * <p><b>Order:</b> owned flag, CPU word, spinlock. The fast paths of {@link #lockSock} and {@link #releaseSock} are one
 * compare-and-set each, without a CPU word.
 *
 * <p>{@code Deviation:} Linux has a spinlock, an owned flag and a wait queue, and takes the spinlock twice in each of
 * lock_sock and release_sock. One word saves three of the four atomics; see docs/adr/0017.
 *
 * <p>Linux: socket_lock_t, lock_sock_nested(), release_sock(), include/net/sock.h, net/core/sock.c
 */
public abstract class SockLock extends SockCommon {
    private static final int OWNED = 1;
    private static final int SPIN = 2;
    private static final int WORK = 4;
    private static final int WAITERS = 8;

    /** Rounds of spinning for an owner before the caller sleeps. */
    private static final int SPIN_ROUNDS = 64;

    /** Backlogged packets run before the CPU word is offered to others. */
    private static final int BACKLOG_BATCH = 64;

    private static final VarHandle WORD;
    private static final VarHandle LOCK_WAITERS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            WORD = lookup.findVarHandle(SockLock.class, "lockWord", int.class);
            LOCK_WAITERS = lookup.findVarHandle(SockLock.class, "lockWaiters", WaitQueueHead.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile int lockWord;

    /** Threads asleep in {@link #lockSock}; made when the first one sleeps. */
    private volatile @Nullable WaitQueueHead lockWaiters;

    // ---- backlog: spinlock ----

    /** First packet that met an owned socket. */
    public @Nullable SkBuff backlogHead;

    /** Last packet of the backlog: TCP coalesces onto it. */
    public @Nullable SkBuff backlogTail;

    /**
     * truesize of the backlog. Falls to zero only when a release has run all of it, not packet by packet, so that a
     * sender that outruns the owner meets the limit and the release ends.
     */
    public int backlogLen;

    protected SockLock(Net net) {
        super(net);
    }

    /** Runs one packet that met an owned socket. Context: process, socket owned, CPU word held. */
    protected abstract int backlogRcv(Cpu cpu, SkBuff skb);

    /**
     * Runs what softirqs deferred because the socket was owned (timers, TSQ). Called only after {@link #deferWork} or
     * a backlog.
     *
     * <p>Context: process, socket owned, CPU word held. {@code Deviation:} Linux also holds the spinlock; ownership
     * excludes the same parties, and without it other CPUs can append to the backlog meanwhile. So what is deferred must
     * be taken atomically: a softirq may defer more at this moment, and this is then called once more.
     */
    protected void releaseCb(Cpu cpu) {}

    /** Work of {@link #releaseSock} threw: the socket gets an error. Context: process, socket owned, CPU word held. */
    protected abstract void failedInBacklog(Cpu cpu);

    /** Bytes charged to the receive queue, for the backlog's limit. */
    protected abstract int rmemAllocated();

    // ---- process context ----

    /** Takes the socket for this thread; sleeps while another owns it. Context: process, no CPU word. */
    @HotPath
    public final void lockSock() {
        preemptionPoint();
        if (!WORD.compareAndSet(this, 0, OWNED)) {
            lockSockSlow();
        }
        boolean passed = false;
        try {
            preemptionPoint();
            passed = true;
        } finally {
            if (!passed) {
                giveUp(); // the caller never learns that it owns the socket
            }
        }
    }

    /**
     * As {@link #lockSock}; the result goes to {@link #unlockSockFast}.
     *
     * <p>{@code Deviation:} Linux only holds the spinlock here, to save the release; our release is one atomic anyway.
     */
    public final boolean lockSockFast() {
        lockSock();
        return true;
    }

    public final void unlockSockFast(boolean slow) {
        releaseSock();
    }

    /** Takes the socket if nobody holds it. Context: process. */
    public final boolean trylockSock() {
        return WORD.compareAndSet(this, 0, OWNED);
    }

    /**
     * Runs the backlog and deferred work, gives the socket up and wakes a waiter. Whatever a bug throws meanwhile, the
     * socket is given up: the bug marks it with an error and is reported as those of softirq are.
     *
     * <p>Context: process, no CPU word.
     */
    @HotPath
    public final void releaseSock() {
        try {
            preemptionPoint();
        } finally {
            giveUp();
        }
        preemptionPoint();
    }

    private void giveUp() {
        if (!WORD.compareAndSet(this, OWNED, 0)) {
            releaseSockSlow();
        }
    }

    /**
     * Runs the backlog without giving the socket up, so that a long call neither starves the peer's ACKs nor fills the
     * backlog. Linux: sk_flush_backlog()
     */
    @HotPath
    public final boolean flushBacklog() {
        preemptionPoint();
        if ((lockWord & WORK) == 0) {
            return false;
        }
        Cpu cpu = localBhDisable();
        cpu = runWork(cpu);
        cpu.localBhEnable();
        net.kernel().throwNotedOops();
        return true;
    }

    /** Takes a CPU word, preferring the CPU that receives for this socket. */
    public final Cpu localBhDisable() {
        return net.kernel().localBhDisable(incomingCpu);
    }

    private void lockSockSlow() {
        Scheduler scheduler = net.kernel().scheduler();
        for (int round = 0; round < SPIN_ROUNDS; round++) {
            int w = lockWord;
            if ((w & (OWNED | SPIN)) == 0) {
                if (WORD.compareAndSet(this, w, w | OWNED)) {
                    return;
                }
            } else {
                scheduler.spinWait(round);
            }
        }
        sleepForOwner(scheduler);
    }

    /** Queues up, asks the owner to wake us, and sleeps. Whoever wakes and finds others asleep passes WAITERS on. */
    private void sleepForOwner(Scheduler scheduler) {
        WaitQueueHead queue = lockWaiters();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = new WaitEntry(waiter); // allocates: only a thread that is about to sleep
        queue.addExclusive(entry);
        for (int round = 0; ; ) {
            waiter.waitsFor(this).prepare();
            int w = lockWord;
            if ((w & OWNED) != 0) {
                if ((w & WAITERS) != 0 || WORD.compareAndSet(this, w, w | WAITERS)) {
                    scheduler.park(waiter, Long.MAX_VALUE);
                    round = 0;
                }
            } else if ((w & SPIN) != 0) {
                scheduler.spinWait(round++);
            } else if (WORD.compareAndSet(this, w, w | OWNED | WAITERS)) {
                waiter.finish();
                queue.remove(entry);
                return;
            }
        }
    }

    private WaitQueueHead lockWaiters() {
        WaitQueueHead queue = lockWaiters;
        if (queue == null) {
            WaitQueueHead made = new WaitQueueHead();
            queue = LOCK_WAITERS.compareAndSet(this, null, made) ? made : lockWaiters;
        }
        return java.util.Objects.requireNonNull(queue);
    }

    private void releaseSockSlow() {
        Cpu cpu = localBhDisable();
        for (int round = 0; ; ) {
            int w = lockWord;
            if ((w & OWNED) == 0) {
                cpu.localBhEnable();
                throw new IllegalStateException("releaseSock of a socket that nobody owns: " + this);
            }
            if ((w & WORK) != 0) {
                cpu = runWork(cpu);
                round = 0;
            } else if ((w & SPIN) != 0) {
                net.kernel().scheduler().spinWait(round++);
            } else if (WORD.compareAndSet(this, w, 0)) {
                WaitQueueHead queue = lockWaiters;
                if ((w & WAITERS) != 0 && queue != null) {
                    queue.wake(cpu, 0, 1);
                }
                cpu.localBhEnable();
                net.kernel().throwNotedOops();
                return;
            }
        }
    }

    /** The owner's work met a bug: it goes on with the next packet, and the program learns of it by an error. */
    private void workFailed(Cpu cpu, Throwable bug) {
        net.kernel().noteOops("backlog of " + this, bug);
        try {
            failedInBacklog(cpu);
        } catch (RuntimeException | Error e) {
            net.kernel().noteOops("backlog of " + this, e);
        }
    }

    /**
     * Runs the backlog, with the spinlock free so that softirqs append to it meanwhile, then the deferred work.
     *
     * @return the CPU word now held, which may be another's than the one given
     */
    private Cpu runWork(Cpu given) {
        Cpu cpu = given;
        for (; ; ) {
            spinLock();
            SkBuff skb = backlogHead;
            backlogHead = null;
            backlogTail = null;
            if (skb == null) {
                backlogLen = 0;
                spinUnlock(WORK);
                break;
            }
            spinUnlock(0);
            for (int batch = 0; skb != null; ) {
                SkBuff following = skb.next;
                skb.next = null;
                try {
                    backlogRcv(cpu, skb);
                } catch (RuntimeException | Error e) {
                    workFailed(cpu, e);
                }
                skb = following;
                if (skb != null && ++batch == BACKLOG_BATCH) {
                    batch = 0;
                    cpu = offerCpu(cpu);
                }
            }
        }
        try {
            releaseCb(cpu);
        } catch (RuntimeException | Error e) {
            workFailed(cpu, e);
        }
        return cpu;
    }

    /** Gives the word to whoever waits and takes one again. Softirqs run in between, and in virtual time their bugs throw. */
    private Cpu offerCpu(Cpu given) {
        try {
            given.localBhEnable();
        } catch (RuntimeException | Error e) {
            net.kernel().noteOops("softirq in the backlog of " + this, e);
        }
        return localBhDisable();
    }

    // ---- softirq context ----

    /** Takes the spinlock. Context: CPU word held; nothing may sleep until {@link #bhUnlockSock}. */
    @HotPath
    public final void bhLockSock(Cpu cpu) {
        spinLock();
    }

    @HotPath
    public final void bhUnlockSock(Cpu cpu) {
        spinUnlock(0);
    }

    /** True if a process owns the socket. Softirq must hold the spinlock for the answer to last. */
    @HotPath
    public final boolean ownedByUser() {
        return (lockWord & OWNED) != 0;
    }

    /** True if the spinlock or ownership is held by anyone: for assertions. */
    public final boolean lockdepIsHeld() {
        return (lockWord & (OWNED | SPIN)) != 0;
    }

    /**
     * Appends a packet to the backlog of an owned socket.
     *
     * @param limitBytes bound of backlog and receive queue together, see {@link Sock#backlogLimit}
     * @return 0, or -ENOBUFS: the caller still has the packet, counts and drops it
     */
    @HotPath
    public final int addBacklog(Cpu cpu, SkBuff skb, long limitBytes) {
        if ((long) backlogLen + rmemAllocated() > limitBytes) {
            return -Errno.ENOBUFS;
        }
        skb.next = null;
        SkBuff tail = backlogTail;
        if (tail == null) {
            backlogHead = skb;
        } else {
            tail.next = skb;
        }
        backlogTail = skb;
        backlogLen += skb.truesize;
        setWork();
        return 0;
    }

    /**
     * Makes the owner call {@link #releaseCb} when it releases. The caller has recorded what is to be done.
     *
     * <p>Context: spinlock held with the socket owned, or the owner itself.
     */
    public final void deferWork() {
        setWork();
    }

    private void setWork() {
        for (; ; ) {
            int w = lockWord;
            assert (w & OWNED) != 0 : "work deferred on a socket that nobody owns";
            if ((w & WORK) != 0 || WORD.compareAndSet(this, w, w | WORK)) {
                return;
            }
        }
    }

    /** For a child made by a softirq: nobody else can see it, so its spinlock is simply set. */
    protected final void initSpinLocked() {
        WORD.setRelease(this, SPIN);
    }

    /** Frees what is left in the backlog when a protocol gives the socket up. Context: owner or spinlock. */
    public final void purgeBacklog(Cpu cpu) {
        SkBuff skb = backlogHead;
        backlogHead = null;
        backlogTail = null;
        backlogLen = 0;
        while (skb != null) {
            SkBuff following = skb.next;
            skb.next = null;
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            skb = following;
        }
    }

    private void spinLock() {
        for (int round = 0; ; ) {
            int w = lockWord;
            if ((w & SPIN) == 0) {
                if (WORD.compareAndSet(this, w, w | SPIN)) {
                    return;
                }
            } else {
                net.kernel().scheduler().spinWait(round++);
            }
        }
    }

    /** Clears SPIN and the bits given. Only WAITERS can change meanwhile. */
    private void spinUnlock(int alsoClear) {
        for (; ; ) {
            int w = lockWord;
            assert (w & SPIN) != 0 : "unlock of a socket spinlock that is not held";
            if (WORD.weakCompareAndSetRelease(this, w, w & ~(SPIN | alsoClear))) {
                return;
            }
        }
    }

    private void preemptionPoint() {
        net.kernel().scheduler().preemptionPoint();
    }
}
