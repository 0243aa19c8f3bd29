package net.testkit.packetdrill.lang;

import org.jspecify.annotations.Nullable;

/** What a code block can see: a snapshot of the socket under test, taken at the block's time. */
@FunctionalInterface
public interface CodeScope {
    /** A field such as {@code tcpi_snd_cwnd} or {@code SK_MEMINFO_RCVBUF}, or null if there is none of that name. */
    @Nullable
    Long field(String name);
}
