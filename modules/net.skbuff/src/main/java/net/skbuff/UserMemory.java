package net.skbuff;

import org.agrona.UnsafeApi;

/** Memory at an address, for callers inside the stack: a pipe's page, a file's window. */
@HotPath
public final class UserMemory extends UserCursor {
    private long start;

    public UserMemory wrap(long address, int len) {
        start = address;
        reset(len);
        return this;
    }

    @Override
    void read(int at, long dst, int n) {
        UnsafeApi.copyMemory(start + at, dst, n);
    }

    @Override
    void write(long src, int at, int n) {
        UnsafeApi.copyMemory(src, start + at, n);
    }

    @Override
    public long nativeAddress() {
        return start + pos;
    }

    @Override
    public int nativeLength() {
        return limit - pos;
    }
}
