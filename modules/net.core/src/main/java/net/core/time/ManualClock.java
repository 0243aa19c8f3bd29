package net.core.time;

/** A clock that moves when told: virtual time, and tests. Written by whoever drives it, one thread at a time. */
public final class ManualClock extends Clock {
    /** Real time at monotonic 0: 2025-01-01T00:00:00Z. */
    public static final long EPOCH_NS = 1_735_689_600_000_000_000L;

    private volatile long nowNs;

    /** Starts at {@link #BOOT_NS}. */
    public ManualClock() {
        nowNs = BOOT_NS;
    }

    @Override
    public long nanoTime() {
        return nowNs;
    }

    @Override
    public long realTimeNs() {
        return EPOCH_NS + nowNs;
    }

    /** Moves on to {@code ns}; a time that has passed already changes nothing. */
    public void advanceTo(long ns) {
        if (ns > nowNs) {
            nowNs = ns;
        }
    }

    /** Moves on by {@code ns}. */
    @SuppressWarnings("NonAtomicVolatileUpdate")
    public void advance(long ns) {
        nowNs = nowNs + ns;
    }
}
