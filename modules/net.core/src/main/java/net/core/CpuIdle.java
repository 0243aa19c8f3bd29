package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.sys.Epoll;
import net.core.sys.Sys;
import net.core.task.NativeWait;
import net.core.task.Waiter;
import net.core.time.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Lets a thread that is about to sleep stand in for an idle CPU's worker: it waits for the devices' interrupts itself and
 * runs their softirqs, so that a packet for it costs one wake-up instead of two (the worker's, then its own).
 *
 * <p>What is lent is the interrupt, not the word: while a thread stands in, the worker's epoll is deaf to the devices (not
 * to inter-processor interrupts and timers, which stay the worker's) and a second epoll, this one, hears them. The word is
 * free meanwhile, for whoever wants it. Giving the interrupts back looks at the devices once more, so nothing is lost
 * between the two.
 *
 * <p>Bounds: one thread at a time; platform threads that hold nothing; until the thread is woken, its deadline, or
 * {@value #IDLE_NS} ns without an interrupt, after which it parks and the worker has the devices back.
 *
 * <p>Context: {@link #await} process, no lock held; {@link #kick} anywhere. See docs/locking.md and
 * docs/adr/0026-waiting-in-a-cpu.md.
 */
final class CpuIdle implements NativeWait {
    /** Longest wait without an interrupt. Bounds how late {@code Thread.interrupt} is noticed, too. */
    static final long IDLE_NS = 10_000_000;

    private static final long EVENTFD_ID = -1;

    private static final VarHandle GUEST;
    private static final VarHandle KICKERS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            GUEST = lookup.findVarHandle(CpuIdle.class, "guest", Waiter.class);
            KICKERS = lookup.findVarHandle(CpuIdle.class, "kickers", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Cpu cpu;
    private final CpuWorker worker;
    private final Epoll epoll = new Epoll(16);
    private final int eventFd;

    /** Who stands in, or null. */
    private volatile @Nullable Waiter guest;
    /** Threads between reading {@link #closed} and having written the eventfd. */
    private volatile int kickers;

    private volatile boolean closed;
    /** Times a thread stood in, and interrupts taken that way. Written by the guest. */
    private volatile long waits;

    private volatile long interrupts;

    CpuIdle(Cpu cpu, CpuWorker worker) {
        this.cpu = cpu;
        this.worker = worker;
        this.eventFd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
        epoll.add(eventFd, Epoll.EPOLLIN | Epoll.EPOLLET, EVENTFD_ID);
    }

    /** The epoll that hears the devices while somebody stands in. */
    Epoll epoll() {
        return epoll;
    }

    long waits() {
        return waits;
    }

    long interrupts() {
        return interrupts;
    }

    /**
     * Waits as this CPU's worker would, until {@code waiter} is woken, its thread interrupted or the deadline past.
     *
     * @return false if the CPU cannot be had or nothing happened for a while: the caller parks
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // by the guest only
    boolean await(Waiter waiter, long deadlineNs) {
        boolean idle = cpu.sleeping != 0 && cpu.word == 0 && !cpu.softirqPending();
        if (!idle || guest != null || !GUEST.compareAndSet(this, null, waiter)) {
            return false;
        }
        boolean lent = false;
        try {
            // stop() sets closed, then looks for a guest: one of us sees the other.
            lent = !closed && worker.lendInterrupts();
            if (!lent) {
                return false;
            }
            waits = waits + 1;
            return stayIn(waiter, deadlineNs);
        } finally {
            if (lent) {
                worker.takeBackInterrupts();
            }
            guest = null;
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    private boolean stayIn(Waiter waiter, long deadlineNs) {
        Clock clock = cpu.kernel().clock();
        long now = clock.nanoTime();
        long giveUpNs = now + IDLE_NS;
        while (true) {
            if (!waiter.enterNative(this)) {
                return true;
            }
            int n = epoll.await(Math.max(0, Math.min(deadlineNs, giveUpNs) - now));
            boolean woken = !waiter.leaveNative();
            boolean raised = false;
            for (int i = 0; i < n; i++) {
                raised |= epoll.data(i) != EVENTFD_ID && worker.mark((int) epoll.data(i));
            }
            if (raised) {
                interrupts = interrupts + 1;
                runInterrupts(waiter);
                woken |= !waiter.isWaiting();
            }
            if (woken || waiter.threadInterrupted()) {
                return true;
            }
            now = clock.nanoTime();
            if (now - deadlineNs >= 0) {
                return true;
            }
            if (raised) {
                giveUpNs = now + IDLE_NS;
            } else if (now - giveUpNs >= 0 || closed) {
                return false;
            }
        }
    }

    private void runInterrupts(Waiter waiter) {
        cpu.setRemotePending(Cpu.IRQ_BIT);
        try {
            cpu.tryRunSoftirqs(waiter); // or the holder sees the bit when it gives the word back
        } catch (RuntimeException | Error e) {
            cpu.oops("interrupt taken by a waiting thread", e);
        }
    }

    /** Ends the guest's native wait. Context: any; never blocks. */
    @Override
    public void kick() {
        KICKERS.getAndAdd(this, 1);
        if (!closed) {
            Sys.eventfdSignal(eventFd);
        }
        KICKERS.getAndAdd(this, -1);
    }

    /** Sends the guest away and closes. Context: process; the worker has ended. */
    void close() {
        closed = true;
        for (int round = 0; guest != null || kickers != 0; round++) {
            if (round == 0) {
                Sys.eventfdSignal(eventFd);
            }
            cpu.kernel().scheduler().spinWait(round);
        }
        epoll.close();
        Sys.close(eventFd);
    }
}
