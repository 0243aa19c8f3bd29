package net.tcp;

import net.skbuff.HotPath;

/**
 * Arithmetic on 32-bit sequence numbers, which wrap: the only place where two of them are compared.
 *
 * <p>All answers hold as long as the two numbers lie less than 2^31 apart (RFC 9293 3.4).
 *
 * <p>Linux: before(), after(), between(), include/net/tcp.h.
 */
@HotPath
public final class TcpSeq {
    private TcpSeq() {}

    /** Does {@code a} come before {@code b}? */
    public static boolean before(int a, int b) {
        return a - b < 0;
    }

    /** Does {@code a} come after {@code b}? */
    public static boolean after(int a, int b) {
        return b - a < 0;
    }

    /** Is {@code low <= seq <= high}? */
    public static boolean between(int seq, int low, int high) {
        return Integer.compareUnsigned(high - low, seq - low) >= 0;
    }

    /** The later of two sequence numbers. */
    public static int max(int a, int b) {
        return a - b < 0 ? b : a;
    }

    /** The earlier of two sequence numbers. */
    public static int min(int a, int b) {
        return a - b < 0 ? a : b;
    }
}
