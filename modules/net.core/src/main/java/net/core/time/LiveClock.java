package net.core.time;

import java.util.concurrent.TimeUnit;

/** The machine's clock. */
public final class LiveClock extends Clock {
    private final long base = System.nanoTime() - BOOT_NS;

    /** Starts now. */
    public LiveClock() {}

    @Override
    public long nanoTime() {
        return System.nanoTime() - base;
    }

    @Override
    public long realTimeNs() {
        java.time.Instant now = java.time.Instant.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    }
}
