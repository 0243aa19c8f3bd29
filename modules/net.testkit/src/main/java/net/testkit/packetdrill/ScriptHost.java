package net.testkit.packetdrill;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where a script runs: a kernel with a TUN whose wire is the script. One host is Softnet in virtual time, the other the
 * machine's Linux. Everything else of a run, from the language to the comparison of packets, is the same for both.
 *
 * <p>Times are nanoseconds of the host's clock. Context: the script's thread, except {@link #wake} and the calls, which
 * the thread of a blocking call makes as well.
 */
interface ScriptHost extends AutoCloseable {
    /** A thread that makes a blocking call. */
    interface Task {
        boolean isDone();

        /** What ended it unexpectedly, or null. */
        @Nullable
        Throwable failure();
    }

    HostCalls calls();

    HostShell shell();

    long nowNs();

    /** Now, since 1970. */
    long realTimeNs();

    void sleep(long ns);

    /** A good moment for a script's time 0, soon and away from the edges of timer ticks. */
    long startNs();

    /** How long a thread that was just started may take until it blocks. */
    long settleUsecs();

    Task start(String name, Runnable body);

    /** Waits for a condition that {@link #wake} is called after. @return false if the time came first */
    boolean await(String what, BooleanSupplier condition, long untilNs);

    /** Whoever is in {@link #await} looks again. */
    void wake();

    /** The next packet the stack sent, or null if none comes until then. */
    @Nullable
    LivePacket nextSent(long untilNs);

    /** A packet arrives. @param mss 0, or the segment size of which a larger one was merged on the way */
    void receive(LivePacket packet, int mss);

    /** Fails if anything is left once time has passed; sockets must be closed. */
    void checkNoLeaks();

    @Override
    void close();
}
