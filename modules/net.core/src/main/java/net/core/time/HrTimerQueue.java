package net.core.time;

import java.util.Arrays;
import java.util.function.LongConsumer;
import net.core.Cpu;
import net.core.task.SpinLock;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A CPU's hrtimers: a binary heap in an array, each node knowing its place, so that stopping one needs no search.
 * Equal times fire in an order that depends on the heap only, hence on the seed.
 *
 * <p>Context: started and run by the holder of the CPU; cancelled from anywhere, hence the spinlock.
 *
 * <p>Linux: struct hrtimer_cpu_base. {@code Deviation:} an array heap instead of a red-black tree: no links in the
 * timers, and the few that are pending lie in one cache line.
 */
public final class HrTimerQueue {
    private final @Nullable Cpu cpu;
    private final LongConsumer reprogram;
    private final SpinLock lock = new SpinLock();

    private @Nullable HrTimer[] heap = new HrTimer[16];
    private int size;
    private volatile long nextNs = Clock.NEVER;

    /**
     * An empty queue.
     *
     * @param cpu passed to the callbacks
     * @param reprogram told of every earlier next expiry, in nanoseconds; called under the lock
     */
    public HrTimerQueue(@Nullable Cpu cpu, LongConsumer reprogram) {
        this.cpu = cpu;
        this.reprogram = reprogram;
    }

    /** When the first one is due, or {@link Clock#NEVER}. Any context. */
    @HotPath
    public long nextNs() {
        return nextNs;
    }

    /** How many are pending. */
    public int size() {
        return size;
    }

    /** Whether {@link #run} has something to do. */
    @HotPath
    public boolean due(long nowNs) {
        return nextNs <= nowNs;
    }

    @HotPath
    void start(HrTimer timer, long expiresNs) {
        HrTimerQueue from = timer.base;
        if (from != null && from != this) {
            cancel(timer);
        }
        lock.lock();
        if (timer.index != HrTimer.NOT_QUEUED) {
            long old = timer.expiresNs;
            timer.expiresNs = expiresNs;
            if (expiresNs < old) {
                up(timer.index, timer);
            } else {
                down(timer.index, timer);
            }
        } else {
            timer.base = this;
            timer.expiresNs = expiresNs;
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2); // allocates: grows to the greatest number of pending timers
            }
            up(size++, timer);
        }
        update();
        lock.unlock();
    }

    @HotPath
    static boolean cancel(HrTimer timer) {
        HrTimerQueue queue = timer.base;
        if (queue == null || timer.index == HrTimer.NOT_QUEUED) {
            return false;
        }
        queue.lock.lock();
        boolean wasPending = timer.base == queue && timer.index != HrTimer.NOT_QUEUED;
        if (wasPending) {
            queue.removeAt(timer.index);
            queue.update();
        }
        queue.lock.unlock();
        return wasPending;
    }

    /** Fires what is due at {@code nowNs}. Context: HRTIMER softirq of this CPU. Linux: hrtimer_run_softirq() */
    @SuppressWarnings("NullAway")
    public void run(long nowNs) {
        if (nextNs > nowNs) {
            return;
        }
        lock.lock();
        try {
            while (size > 0 && heap[0].expiresNs <= nowNs) {
                HrTimer timer = heap[0];
                removeAt(0);
                update();
                lock.unlock();
                try {
                    timer.expire(cpu, nowNs);
                } finally {
                    lock.lock();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void update() {
        HrTimer first = heap[0];
        long next = size == 0 || first == null ? Clock.NEVER : first.expiresNs;
        long old = nextNs;
        if (next != old) {
            nextNs = next;
            if (next < old) {
                reprogram.accept(next);
            }
        }
    }

    @SuppressWarnings("NullAway")
    private void removeAt(int at) {
        heap[at].index = HrTimer.NOT_QUEUED;
        HrTimer last = heap[--size];
        heap[size] = null;
        if (at == size) {
            return;
        }
        if (at > 0 && last.expiresNs < heap[(at - 1) >> 1].expiresNs) {
            up(at, last);
        } else {
            down(at, last);
        }
    }

    @SuppressWarnings("NullAway")
    private void up(int from, HrTimer timer) {
        int at = from;
        while (at > 0) {
            int parent = (at - 1) >> 1;
            HrTimer p = heap[parent];
            if (p.expiresNs <= timer.expiresNs) {
                break;
            }
            heap[at] = p;
            p.index = at;
            at = parent;
        }
        heap[at] = timer;
        timer.index = at;
    }

    @SuppressWarnings("NullAway")
    private void down(int from, HrTimer timer) {
        int at = from;
        int half = size >> 1;
        while (at < half) {
            int child = 2 * at + 1;
            if (child + 1 < size && heap[child + 1].expiresNs < heap[child].expiresNs) {
                child++;
            }
            HrTimer c = heap[child];
            if (timer.expiresNs <= c.expiresNs) {
                break;
            }
            heap[at] = c;
            c.index = at;
            at = child;
        }
        heap[at] = timer;
        timer.index = at;
    }
}
