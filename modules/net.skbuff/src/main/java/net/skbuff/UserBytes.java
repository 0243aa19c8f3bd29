package net.skbuff;

import java.util.Objects;
import org.agrona.UnsafeApi;

/** A program's {@code byte[]}. */
@HotPath
public final class UserBytes extends UserCursor {
    private static final byte[] NONE = new byte[0];
    private static final long BASE = UnsafeApi.arrayBaseOffset(byte[].class);

    private byte[] array = NONE;
    private int start;

    public UserBytes() {}

    public UserBytes(byte[] bytes) {
        wrap(bytes, 0, bytes.length);
    }

    public UserBytes wrap(byte[] bytes, int off, int len) {
        Objects.checkFromIndexSize(off, len, bytes.length);
        array = bytes;
        start = off;
        reset(len);
        return this;
    }

    @Override
    @SuppressWarnings("NullAway") // a null base means an absolute address
    void read(int at, long dst, int n) {
        UnsafeApi.copyMemory(array, BASE + start + at, null, dst, n);
    }

    @Override
    @SuppressWarnings("NullAway")
    void write(long src, int at, int n) {
        UnsafeApi.copyMemory(null, src, array, BASE + start + at, n);
    }
}
