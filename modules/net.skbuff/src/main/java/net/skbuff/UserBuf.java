package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * A cursor over a program's memory, from which a send takes bytes and to which a receive gives them. The objects are
 * reusable: each has a {@code wrap} that allocates nothing.
 *
 * <p>Context: process context, one thread. Copying may fault pages in, so no CPU is held. Unlike in the kernel a copy
 * cannot stop half way: it moves all {@code n} bytes or none.
 *
 * <p>Linux: struct iov_iter, include/linux/uio.h
 */
public interface UserBuf {
    /** Bytes left. */
    int remaining();

    /** Takes {@code n} bytes from the program to {@code dst}; returns {@code n}, or -EFAULT if there are fewer. */
    int copyIn(long dst, int n);

    /** Gives {@code n} bytes at {@code src} to the program; returns {@code n}, or -EFAULT if there is less room. */
    int copyOut(long src, int n);

    /**
     * {@link #copyIn} that also sums: returns the partial sum of the bytes added to {@code sum}.
     *
     * @throws IllegalStateException if fewer than {@code n} bytes are left; look at {@link #remaining} first
     */
    default int copyInChecksum(long dst, int n, int sum) {
        if (copyIn(dst, n) != n) {
            throw new IllegalStateException(n + " bytes wanted of " + remaining());
        }
        return Checksum.partial(dst, n, sum);
    }

    /** Passes over {@code n} bytes. */
    void advance(int n);

    /** Goes {@code n} bytes back. */
    void revert(int n);

    /** Where the next bytes lie, if that is outside the Java heap and may be lent to a zero-copy send; else 0. */
    default long nativeAddress() {
        return 0;
    }

    /** How many of the remaining bytes are in one piece at {@link #nativeAddress}. */
    default int nativeLength() {
        return 0;
    }

    /** What keeps the memory at {@link #nativeAddress} in being; null: nothing does, it must not be lent. */
    default @Nullable Object nativeOwner() {
        return null;
    }

    /** How many of the remaining bytes are in the first piece of a list; all if there is no list. */
    default int pieceLength() {
        return remaining();
    }
}
