package net.skbuff;

import org.agrona.UnsafeApi;

/** A source of zeroes and a sink that forgets: {@code MSG_TRUNC} receives, chargen and discard, benchmarks. */
@HotPath
public final class UserNull extends UserCursor {
    public UserNull wrap(int len) {
        reset(len);
        return this;
    }

    @Override
    void read(int at, long dst, int n) {
        UnsafeApi.setMemory(dst, n, (byte) 0);
    }

    @Override
    void write(long src, int at, int n) {}
}
