package net.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts what threads allocate on the Java heap: the proof that a path makes no garbage. */
public final class AllocationMeter {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private AllocationMeter() {}

    /** What is measured; {@code i} counts from 0, warm-up included. */
    @FunctionalInterface
    public interface Operation {
        void run(int i) throws Exception;
    }

    /** Bytes per operation of the calling thread, after a warm-up. */
    public static double bytesPerOperation(int warmUp, int operations, Operation op) throws Exception {
        for (int i = 0; i < warmUp; i++) {
            op.run(i);
        }
        long before = THREADS.getCurrentThreadAllocatedBytes();
        for (int i = warmUp; i < warmUp + operations; i++) {
            op.run(i);
        }
        return (double) (THREADS.getCurrentThreadAllocatedBytes() - before) / operations;
    }

    /** Bytes that all platform threads whose names start so have allocated. */
    public static long allocatedByThreads(String prefix) {
        long sum = 0;
        for (long id : THREADS.getAllThreadIds()) {
            java.lang.management.ThreadInfo info = THREADS.getThreadInfo(id);
            if (info != null && info.getThreadName().startsWith(prefix)) {
                sum += THREADS.getThreadAllocatedBytes(id);
            }
        }
        return sum;
    }
}
