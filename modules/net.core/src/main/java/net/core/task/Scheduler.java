package net.core.task;

import net.core.time.Clock;

/**
 * How threads of one kernel block and take turns. Protocol code calls these few methods and never knows whether time is
 * live or virtual.
 *
 * <p>Context: process, without a CPU's word or a spinlock, except where a method says otherwise.
 */
public abstract class Scheduler {
    /** For the two kinds. */
    protected Scheduler() {}

    /** The calling thread's waiter; the same object every time. */
    public abstract Waiter currentWaiter();

    /**
     * Blocks the calling thread after {@link Waiter#prepare}, until it is woken or the deadline comes.
     *
     * @param deadlineNs on the kernel's clock; {@link Clock#NEVER} for none
     * @return true if woken or interrupted ({@link Waiter#interrupted}), false on time-out
     */
    public abstract boolean park(Waiter waiter, long deadlineNs);

    /** Makes a thread that was marked as woken run again. Context: any. Called by {@link Waiter#wake} and wake lists only. */
    public abstract void unpark(Waiter waiter);

    /**
     * A place where, on Linux, an interrupt or another thread could come in: user copies, {@code lockSock},
     * {@code releaseSock}. Virtual time lets softirqs of any CPU and other threads run here at times; live it is nothing.
     */
    public abstract void preemptionPoint();

    /** The start of every system call: costs virtual time; live it is nothing. */
    public abstract void syscallEnter();

    /**
     * One round of waiting for something that another thread is about to finish; {@code round} counts from 0. Spins, then
     * yields; in virtual time others run.
     */
    public abstract void spinWait(int round);

    /** Lets virtual time pass for work done. Context: any. Live it is nothing. */
    public abstract void charge(long ns);

    /**
     * Runs {@code event} at virtual time {@code atNs}, in no thread's context and without a word: wires, faults, scripts.
     *
     * @throws UnsupportedOperationException in live mode
     */
    public abstract void schedule(long atNs, Runnable event);

    /** Whether time is virtual. */
    public abstract boolean isVirtual();

    /** Blocks the calling thread for {@code ns}, or until it is interrupted. */
    public final void sleep(long ns) {
        Waiter waiter = currentWaiter();
        waiter.waitsFor("sleep").prepare();
        park(waiter, Clock.deadline(clock().nanoTime(), ns));
        waiter.finish();
    }

    /** The kernel's clock. */
    public abstract Clock clock();

    /** Starts a program thread. */
    abstract void start(KernelThread thread, boolean virtualThread);

    /** Ends program threads that are still blocked; the kernel closes. */
    public abstract void close();
}
