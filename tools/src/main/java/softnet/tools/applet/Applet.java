package softnet.tools.applet;

import java.io.IOException;

/**
 * A program that runs on a {@link Host}.
 *
 * <p>Context: {@link #run} in one thread of the host's kernel; {@link #stop} in any other.
 */
public interface Applet {
    /**
     * Runs until its work is done or it is stopped.
     *
     * @return the exit status: 0, or 1 if what was asked for failed
     * @throws IOException one line that says what failed
     */
    int run(Host host) throws IOException;

    /** Asks it to end soon; {@link #run} then returns. Without effect on one that ends by interruption alone. */
    default void stop() {}
}
