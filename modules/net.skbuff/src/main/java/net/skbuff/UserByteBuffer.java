package net.skbuff;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import org.agrona.BufferUtil;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A program's {@link ByteBuffer} from its position to its limit, heap or direct. The buffer's own position stays; the
 * caller sets it from {@link #done} when the call is over.
 */
@HotPath
public final class UserByteBuffer extends UserCursor {
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);
    private static final long BASE = UnsafeApi.arrayBaseOffset(byte[].class);

    private ByteBuffer buffer = NONE;
    private byte @Nullable [] array;
    /** Address, or offset from the array's base. */
    private long start;

    public UserByteBuffer() {}

    public UserByteBuffer(ByteBuffer b) {
        wrap(b);
    }

    public UserByteBuffer wrap(ByteBuffer b) {
        buffer = b;
        if (b.isDirect()) {
            array = null;
            start = BufferUtil.address(b) + b.position();
        } else {
            array = BufferUtil.array(b);
            start = BASE + BufferUtil.arrayOffset(b) + b.position();
        }
        reset(b.remaining());
        return this;
    }

    /** Lets the buffer go, so that a kept cursor does not keep it. */
    public void release() {
        wrap(NONE);
    }

    @Override
    @SuppressWarnings("NullAway") // a null base means an absolute address
    void read(int at, long dst, int n) {
        UnsafeApi.copyMemory(array, start + at, null, dst, n);
        Reference.reachabilityFence(buffer);
    }

    @Override
    @SuppressWarnings("NullAway")
    void write(long src, int at, int n) {
        if (buffer.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        UnsafeApi.copyMemory(null, src, array, start + at, n);
        Reference.reachabilityFence(buffer);
    }

    @Override
    public long nativeAddress() {
        return array == null ? start + pos : 0;
    }

    @Override
    public int nativeLength() {
        return array == null ? limit - pos : 0;
    }

    @Override
    public Object nativeOwner() {
        return buffer;
    }
}
