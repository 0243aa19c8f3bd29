package net.core;

import java.util.ArrayList;
import java.util.List;
import net.core.sys.Epoll;
import net.core.sys.Sys;
import net.core.time.Clock;
import org.jspecify.annotations.Nullable;

/**
 * The thread {@code cpu/N} of live mode: sleeps in one epoll over its devices' descriptors and an eventfd until the next
 * timer; a readable descriptor is the interrupt. Runs softirqs when it gets the word, and what others left undone.
 *
 * <p>Sleeping: publish {@code sleeping}, fence, look at pending and timers once more, then wait. Whoever has work for us
 * publishes it, fences, and writes the eventfd only if it finds {@code sleeping} set and clears it. When somebody else
 * holds the word with work pending we may sleep too: he looks again after giving it back. Timers that he is about to run
 * are looked at again a jiffy later.
 */
final class CpuWorker implements Runnable {
    private static final int EVENTFD_ID = -1;
    /** Lending costs two system calls for each descriptor. */
    private static final int MAX_LENT = 4;

    private final Cpu cpu;
    private final Kernel kernel;
    private final Epoll epoll;
    private final int eventFd;
    private final Thread thread;
    private final CpuIdle idle;

    private volatile long sleepUntilNs;
    private volatile boolean stopping;
    /** Times it went to sleep: how idle an idle CPU is. */
    private volatile long sleeps;

    // Copy on write under this.
    private volatile List<Registered> lines = List.of();
    private int nextId;

    private record Registered(int id, int fd, IrqLine line) {}

    CpuWorker(Cpu cpu) {
        this.cpu = cpu;
        this.kernel = cpu.kernel();
        this.epoll = new Epoll(64);
        this.eventFd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
        epoll.add(eventFd, Epoll.EPOLLIN | Epoll.EPOLLET, EVENTFD_ID);
        this.idle = new CpuIdle(cpu, this);
        this.thread = Thread.ofPlatform().name("cpu/" + cpu.id).daemon(true).unstarted(this);
    }

    void start() {
        thread.start();
    }

    /** Ends the thread and closes its descriptors. Context: process. */
    void stop() {
        stopping = true;
        kick();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        idle.close();
        epoll.close();
        Sys.close(eventFd);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    long sleepUntilNs() {
        return sleepUntilNs;
    }

    void kick() {
        Sys.eventfdSignal(eventFd);
    }

    synchronized IrqLine requestIrq(int fd, IrqHandler handler) {
        IrqLine line = new IrqLine(cpu, handler);
        List<Registered> next = new ArrayList<>(lines);
        Registered entry = new Registered(nextId++, fd, line);
        next.add(entry);
        lines = next;
        epoll.add(fd, Epoll.EPOLLIN | Epoll.EPOLLET, entry.id());
        idle.epoll().add(fd, Epoll.EPOLLIN | Epoll.EPOLLET, entry.id());
        return line;
    }

    synchronized void freeIrq(int fd) {
        List<Registered> next = new ArrayList<>(lines);
        if (next.removeIf(r -> r.fd() == fd)) {
            lines = next;
            epoll.remove(fd);
            idle.epoll().remove(fd);
        }
    }

    /** Where a waiting thread may stand in. */
    CpuIdle idle() {
        return idle;
    }

    boolean hasInterrupts() {
        return !lines.isEmpty();
    }

    /** Makes this worker deaf to its devices; false if it has none, or so many that it does not pay. */
    synchronized boolean lendInterrupts() {
        List<Registered> all = lines;
        if (all.isEmpty() || all.size() > MAX_LENT) {
            return false;
        }
        listen(all, Epoll.EPOLLET);
        return true;
    }

    /** Hears the devices again, and what they have signalled meanwhile. */
    synchronized void takeBackInterrupts() {
        listen(lines, Epoll.EPOLLIN | Epoll.EPOLLET);
    }

    private void listen(List<Registered> all, int mask) {
        for (int i = 0; i < all.size(); i++) {
            Registered r = all.get(i);
            epoll.modify(r.fd(), mask, r.id());
        }
    }

    /** Marks the line of an event; false if it is marked or gone. */
    boolean mark(int id) {
        IrqLine line = lineOf(id);
        return line != null && line.mark();
    }

    private @Nullable IrqLine lineOf(int id) {
        List<Registered> all = lines;
        for (int i = 0; i < all.size(); i++) {
            Registered r = all.get(i);
            if (r.id() == id) {
                return r.line();
            }
        }
        return null;
    }

    @Override
    public void run() {
        Sys.setTimerSlack(1);
        Clock clock = kernel.clock();
        while (!stopping) {
            long now = clock.nanoTime();
            cpu.raiseDueTimers(now);
            boolean ran = true;
            if (cpu.softirqPending()) {
                ran = runSoftirqs();
                if (ran && cpu.softirqPending()) {
                    // Deferred mode: more to do at once, but look at the devices, and let those who wait have the word.
                    collect(0);
                    if (cpu.contended()) {
                        Thread.yield();
                    }
                    continue;
                }
            }
            long wake = ran ? cpu.nextTimerNs() : now + Clock.NS_PER_JIFFY;
            sleepUntilNs = wake;
            cpu.publishSleeping();
            if (cpu.softirqPending() && cpu.word == 0 || ran && cpu.nextTimerNs() < wake || stopping) {
                cpu.clearSleeping();
                continue;
            }
            long timeout = wake == Clock.NEVER ? -1 : Math.max(0, wake - clock.nanoTime());
            countSleep();
            collect(timeout);
            cpu.clearSleeping();
        }
    }

    /** A bug must not end the thread: the CPU would be deaf from then on, without a word. */
    private boolean runSoftirqs() {
        try {
            return cpu.tryRunSoftirqs();
        } catch (RuntimeException | Error e) {
            kernel.oops("worker of " + cpu, e);
            return true;
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    private void countSleep() {
        sleeps = sleeps + 1; // by this thread only
    }

    long sleeps() {
        return sleeps;
    }

    /** Waits for events and marks their lines. */
    private void collect(long timeoutNs) {
        int n = epoll.await(timeoutNs);
        boolean raised = false;
        for (int i = 0; i < n; i++) {
            int id = (int) epoll.data(i);
            if (id != EVENTFD_ID) {
                raised |= mark(id);
            }
        }
        if (raised) {
            cpu.raiseRemote(Cpu.IRQ_BIT);
        }
    }
}
