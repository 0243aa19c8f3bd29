package net.testkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A stream of bytes that follows from a seed alone: one end writes it, the other checks it byte by byte, and neither keeps
 * it. The byte at a position does not depend on how the stream was cut.
 */
public final class PayloadStream {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final long seed;
    private long position;

    public PayloadStream(long seed) {
        this.seed = seed;
    }

    /** Bytes made or checked so far. */
    public long position() {
        return position;
    }

    /** The next {@code len} bytes. */
    public void fill(byte[] to, int off, int len) {
        int at = off;
        int end = off + len;
        while (at < end) {
            if ((position & 7) == 0 && end - at >= 8) {
                LONGS.set(to, at, word(position >>> 3));
                at += 8;
                position += 8;
            } else {
                to[at++] = next();
            }
        }
    }

    /** Whether the next {@code len} bytes are these; a difference throws, naming where. */
    public void check(byte[] from, int off, int len) {
        int at = off;
        int end = off + len;
        while (at < end) {
            if ((position & 7) == 0 && end - at >= 8 && (long) LONGS.get(from, at) == word(position >>> 3)) {
                at += 8;
                position += 8;
                continue;
            }
            byte want = next();
            if (from[at] != want) {
                throw new AssertionError("stream " + seed + ": byte " + (position - 1) + " is " + (from[at] & 0xff)
                        + ", was sent as " + (want & 0xff));
            }
            at++;
        }
    }

    private byte next() {
        long word = word(position >>> 3);
        return (byte) (word >>> (8 * (position++ & 7)));
    }

    /** SplitMix64 at a position. */
    private long word(long index) {
        long z = seed + index * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
