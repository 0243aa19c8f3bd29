package net.skbuff;

/** What the cursors over one piece of memory share: the position. */
@HotPath
abstract class UserCursor implements UserBuf {
    int pos;
    int limit;

    final void reset(int length) {
        pos = 0;
        limit = length;
    }

    @Override
    public final int remaining() {
        return limit - pos;
    }

    /** Bytes that went through since {@code wrap}. */
    public final int done() {
        return pos;
    }

    @Override
    public final void advance(int n) {
        if (n < 0 || n > limit - pos) {
            throw new IllegalArgumentException("advance by " + n + " of " + remaining());
        }
        pos += n;
    }

    @Override
    public final void revert(int n) {
        if (n < 0 || n > pos) {
            throw new IllegalArgumentException("revert by " + n + " of " + pos);
        }
        pos -= n;
    }

    @Override
    public final int copyIn(long dst, int n) {
        if (n < 0 || n > limit - pos) {
            return -Errno.EFAULT;
        }
        read(pos, dst, n);
        pos += n;
        return n;
    }

    @Override
    public final int copyOut(long src, int n) {
        if (n < 0 || n > limit - pos) {
            return -Errno.EFAULT;
        }
        write(src, pos, n);
        pos += n;
        return n;
    }

    /** Program's bytes from {@code at} on to an address. */
    abstract void read(int at, long dst, int n);

    /** Bytes at an address to the program from {@code at} on. */
    abstract void write(long src, int at, int n);
}
