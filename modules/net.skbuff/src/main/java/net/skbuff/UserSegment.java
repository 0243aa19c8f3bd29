package net.skbuff;

import java.lang.foreign.MemorySegment;

/**
 * A program's {@link MemorySegment}, native or heap. Each copy is checked against the segment's lifetime and thread:
 * a program that closes its arena in the middle of a send gets an exception, not a dead JVM.
 */
@HotPath
public final class UserSegment extends UserCursor {
    /** All addresses: the other side of each copy. */
    @SuppressWarnings("restricted")
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private MemorySegment segment = MemorySegment.NULL;
    private long start;

    public UserSegment() {}

    public UserSegment(MemorySegment s) {
        wrap(s, 0, Math.toIntExact(s.byteSize()));
    }

    public UserSegment wrap(MemorySegment s, long off, int len) {
        java.util.Objects.checkFromIndexSize(off, len, s.byteSize());
        segment = s;
        start = off;
        reset(len);
        return this;
    }

    @Override
    void read(int at, long dst, int n) {
        MemorySegment.copy(segment, start + at, EVERYTHING, dst, n);
    }

    @Override
    void write(long src, int at, int n) {
        MemorySegment.copy(EVERYTHING, src, segment, start + at, n);
    }

    @Override
    public long nativeAddress() {
        return segment.isNative() ? segment.address() + start + pos : 0;
    }

    @Override
    public int nativeLength() {
        return segment.isNative() ? limit - pos : 0;
    }

    @Override
    public Object nativeOwner() {
        return segment;
    }
}
