package net.ipv4.route;

import org.jspecify.annotations.Nullable;

/**
 * What a lookup found. Reused: one per CPU and purpose.
 *
 * <p>Linux: struct fib_result, include/net/ip_fib.h
 */
public final class FibResult {
    public int prefix;
    public int prefixLen;
    public int type;
    public int scope;
    public @Nullable FibInfo fi;
    /** The next hop; with several, {@link FibTable} has put the first usable one here and {@code Route} chooses. */
    public @Nullable FibNh nh;

    public @Nullable FibTable table;
    int error;

    /** Nothing found yet. */
    public FibResult() {}

    FibResult reset() {
        prefix = 0;
        prefixLen = 0;
        type = RtType.RTN_UNSPEC;
        scope = RtType.RT_SCOPE_NOWHERE;
        fi = null;
        nh = null;
        table = null;
        error = 0;
        return this;
    }
}
