package net.ipv4.inet;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many TIME_WAIT sockets a namespace has.
 *
 * <p>Linux: struct inet_timewait_death_row
 */
public final class InetTimewaitDeathRow {
    private final AtomicInteger count = new AtomicInteger();

    boolean tryAdd(int max) {
        if (count.incrementAndGet() > max) {
            count.decrementAndGet();
            return false;
        }
        return true;
    }

    void remove() {
        count.decrementAndGet();
    }

    /** TIME_WAIT sockets now. */
    public int count() {
        return count.get();
    }
}
