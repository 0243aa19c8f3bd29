package drivers.tapnic;

/**
 * When a card interrupts: at once, or so long after the first event that it has to report, or when it has so many. With
 * a time of 0 every event interrupts and the count means nothing.
 *
 * <p>Linux: struct ethtool_coalesce; {@code ethtool -C}
 *
 * @param rxUsecs microseconds from an arrival to the interrupt
 * @param rxFrames arrivals that interrupt earlier; 0: only the time counts
 * @param txUsecs microseconds from a completion to the interrupt
 * @param txFrames completions that interrupt earlier; 0: only the time counts
 */
public record Coalescing(int rxUsecs, int rxFrames, int txUsecs, int txFrames) {
    /** Every event interrupts. */
    public static final Coalescing NONE = new Coalescing(0, 0, 0, 0);

    /** Longer delays would only be felt as a dead link. */
    public static final int MAX_USECS = 1_000_000;

    public Coalescing {
        String wrong = problem(rxUsecs, rxFrames, txUsecs, txFrames);
        if (wrong != null) {
            throw new IllegalArgumentException(wrong);
        }
    }

    /** Why these cannot be set, in one line; null if they can. */
    static @org.jspecify.annotations.Nullable String problem(int rxUsecs, int rxFrames, int txUsecs, int txFrames) {
        if (Math.min(Math.min(rxUsecs, rxFrames), Math.min(txUsecs, txFrames)) < 0
                || Math.max(rxUsecs, txUsecs) > MAX_USECS) {
            return "coalescing: want 0 to " + MAX_USECS + " us, and no negative count";
        }
        if (rxUsecs == 0 && rxFrames > 1 || txUsecs == 0 && txFrames > 1) {
            // The last frames of a burst would wait for ever.
            return "coalescing: a number of frames wants a time too, such as rx-usecs=50,rx-frames=32";
        }
        return null;
    }
}
