package net.softnet.mutation;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.pitest.util.ExitCode;

/**
 * Ends this JVM when a script has used more processor time than any script does: the mutant loops. PIT's own limit is a
 * time on the wall, which on a busy machine passes for mutants that are only slow, and a mutant that runs out of it
 * counts as killed.
 *
 * <p>Context: {@link #start} and {@link #stop} by the one thread that runs tests.
 */
final class Watchdog {
    private static final long LIMIT_NS = 2_000_000_000L;
    private static final long STEP_MS = 100;
    private static final OperatingSystemMXBean OS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /** Processor time at which the script that runs has had its share; {@code Long.MAX_VALUE}: none runs. */
    private static volatile long deadline = Long.MAX_VALUE;

    static {
        Thread.ofPlatform().daemon().name("watchdog").start(Watchdog::watch);
    }

    private Watchdog() {}

    static void start() {
        deadline = OS.getProcessCpuTime() + LIMIT_NS;
    }

    static void stop() {
        deadline = Long.MAX_VALUE;
    }

    private static void watch() {
        try {
            while (OS.getProcessCpuTime() < deadline) {
                Thread.sleep(STEP_MS);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        Runtime.getRuntime().halt(ExitCode.TIMEOUT.getCode());
    }
}
