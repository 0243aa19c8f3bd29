package net.testkit.packetdrill;

import java.lang.foreign.Arena;
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
    private int pos;

    ScriptBuffer(int length, boolean isNull) {
        this.length = Math.max(length, 0);
        this.isNull = isNull;
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
}
