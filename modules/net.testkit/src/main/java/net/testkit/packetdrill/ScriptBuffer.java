package net.testkit.packetdrill;

import java.lang.foreign.Arena;
import java.util.Arrays;
import net.skbuff.Errno;
import net.skbuff.UserBuf;
import org.agrona.UnsafeApi;

/**
 * A program's memory as scripts have it: zeros to send, and room whose contents nobody reads. A null pointer faults at
 * the first byte.
 */
final class ScriptBuffer implements UserBuf {
    private static final int LENT_BYTES = 1 << 18;
    /** Zeros that a zero-copy send may borrow for as long as it likes; never written. */
    private static final long ZEROS = Arena.global().allocate(LENT_BYTES, 4096).address();

    private final int length;
    private final boolean isNull;
    /** Lengths of an iovec's elements; empty: one piece. */
    private final int[] pieces;

    private int pos;

    ScriptBuffer(int length, boolean isNull) {
        this(length, isNull, new int[0]);
    }

    /** The elements of an iovec. */
    ScriptBuffer(int[] pieces) {
        this(Arrays.stream(pieces).sum(), false, pieces);
    }

    private ScriptBuffer(int length, boolean isNull, int[] pieces) {
        this.pieces = pieces;
        this.length = Math.max(length, 0);
        this.isNull = isNull;
    }

    boolean isNull() {
        return isNull;
    }

    /** Whether it came as an iovec. */
    boolean isVector() {
        return pieces.length > 0;
    }

    /** Lengths of an iovec's elements. */
    int[] pieces() {
        return pieces.clone();
    }

    @Override
    public int remaining() {
        return length - pos;
    }

    @Override
    public int copyIn(long dst, int n) {
        if (isNull || n < 0 || n > remaining()) {
            return -Errno.EFAULT;
        }
        UnsafeApi.setMemory(dst, n, (byte) 0);
        pos += n;
        return n;
    }

    @Override
    public int copyOut(long src, int n) {
        if (isNull || n < 0 || n > remaining()) {
            return -Errno.EFAULT;
        }
        pos += n;
        return n;
    }

    @Override
    public void advance(int n) {
        if (n < 0 || n > remaining()) {
            throw new IllegalArgumentException("advance by " + n + " of " + remaining());
        }
        pos += n;
    }

    @Override
    public void revert(int n) {
        if (n < 0 || n > pos) {
            throw new IllegalArgumentException("revert by " + n + " of " + pos);
        }
        pos -= n;
    }

    @Override
    public long nativeAddress() {
        return isNull ? 0 : ZEROS;
    }

    @Override
    public int nativeLength() {
        return isNull ? 0 : Math.min(remaining(), LENT_BYTES);
    }

    @Override
    public Object nativeOwner() {
        return this;
    }

    @Override
    public int pieceLength() {
        int end = 0;
        for (int piece : pieces) {
            end += piece;
            if (pos < end) {
                return Math.min(end - pos, LENT_BYTES);
            }
        }
        return Math.min(remaining(), LENT_BYTES);
    }
}
