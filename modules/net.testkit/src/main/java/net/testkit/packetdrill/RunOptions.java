package net.testkit.packetdrill;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How to run a script, besides what the script's own {@link net.testkit.packetdrill.lang.Settings} say.
 *
 * @param seed of the kernel's secrets and of the order of what happens at once
 * @param pcap where to keep what the script saw, or null
 */
public record RunOptions(long seed, @Nullable Path pcap) {
    public static final RunOptions DEFAULT = new RunOptions(1, null);
}
