package net.core.task;

import java.util.concurrent.locks.LockSupport;
import net.core.Kernel;
import net.core.time.Clock;

/** Real threads: a waiter stands in for an idle CPU's worker if it can, else spins briefly and parks. */
public final class LiveScheduler extends Scheduler {
    private final Kernel kernel;
    private final Clock clock;
    private final int spins;
    private final ThreadLocal<Waiter> waiters = ThreadLocal.withInitial(() -> new Waiter(this, Thread.currentThread()));

    /**
     * A scheduler.
     *
     * @param spins rounds of spinning before a park; worth it only where another core can wake us within them
     */
    public LiveScheduler(Kernel kernel, Clock clock, int spins) {
        this.kernel = kernel;
        this.clock = clock;
        this.spins = spins;
    }

    @Override
    public Waiter currentWaiter() {
        return waiters.get();
    }

    @Override
    public boolean park(Waiter waiter, long deadlineNs) {
        assert kernel.holdsNoCpu() : "park while holding a CPU";
        int hint = waiter.idleHint;
        if (hint >= 0 && !waiter.thread.isVirtual() && kernel.standInWhileWaiting(hint, waiter, deadlineNs)) {
            if (waiter.thread.isInterrupted()) {
                waiter.interrupted = true;
            }
            return waiter.leave() == Waiter.WOKEN || waiter.interrupted;
        }
        for (int i = 0; i < spins && waiter.state == Waiter.WAITING; i++) {
            Thread.onSpinWait();
        }
        if (waiter.toParked()) {
            if (kernel.debug() && !kernel.holdsNoCpu()) {
                throw new IllegalStateException("park while holding a CPU");
            }
            do {
                if (waiter.thread.isInterrupted()) {
                    waiter.interrupted = true;
                    break;
                }
                if (deadlineNs == Clock.NEVER) {
                    LockSupport.park(waiter);
                } else {
                    long left = deadlineNs - clock.nanoTime();
                    if (left <= 0) {
                        break;
                    }
                    LockSupport.parkNanos(waiter, left);
                }
            } while (waiter.state == Waiter.PARKED);
        }
        return waiter.leave() == Waiter.WOKEN || waiter.interrupted;
    }

    @Override
    public void unpark(Waiter waiter) {
        NativeWait where = waiter.nativeWait;
        if (where != null) {
            where.kick();
        } else {
            LockSupport.unpark(waiter.thread);
        }
    }

    @Override
    public void preemptionPoint() {}

    @Override
    public void syscallEnter() {}

    @Override
    public void spinWait(int round) {
        if (round < 64) {
            Thread.onSpinWait();
        } else if (round < 256) {
            Thread.yield();
        } else {
            LockSupport.parkNanos(50_000);
        }
    }

    @Override
    public void charge(long ns) {}

    @Override
    public void schedule(long atNs, Runnable event) {
        throw new UnsupportedOperationException("events are scheduled in virtual time only");
    }

    @Override
    public boolean isVirtual() {
        return false;
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    void start(KernelThread thread, boolean virtualThread) {
        Thread.Builder builder = virtualThread
                ? Thread.ofVirtual().name(thread.name())
                : Thread.ofPlatform().name(thread.name()).daemon(true);
        thread.thread = builder.unstarted(thread::runBody);
        thread.thread.start();
    }

    @Override
    public void close() {}
}
