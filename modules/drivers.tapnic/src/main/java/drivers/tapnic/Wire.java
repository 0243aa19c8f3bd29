package drivers.tapnic;

/**
 * What the card's device half is plugged into: one queue that takes and gives whole Ethernet frames, each behind a
 * {@link VirtioNetHdr}. A TAP queue in earnest; a script, a fault injector or a loop in tests.
 *
 * <p>Context: transmit and receive are called by the holder of the queue, never at once with themselves, possibly at
 * once with each other. They must not block.
 */
public interface Wire extends AutoCloseable {
    /**
     * Puts one frame on the wire.
     *
     * @param iov address of an array of {@code struct iovec}, the first of which is the {@link VirtioNetHdr}
     * @param count its length, at least 2
     * @return bytes taken, or a negative errno
     */
    int transmit(long iov, int count);

    /**
     * Takes one frame off the wire into buffers laid out alike.
     *
     * @return bytes with the header, or a negative errno; {@code -EAGAIN} when there is none
     */
    int receive(long iov, int count);

    /** A descriptor that turns readable with each arrival, or -1: then the wire calls {@link Signal#arrived()}. */
    default int fd() {
        return -1;
    }

    /** Tells a wire without a descriptor whom to call when frames arrive. */
    default void signal(Signal signal) {}

    @Override
    default void close() {}

    /** The arrival of frames on a wire that has no descriptor. Any context. */
    @FunctionalInterface
    interface Signal {
        void arrived();
    }
}
