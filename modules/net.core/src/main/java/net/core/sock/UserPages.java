package net.core.sock;

import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.UserBuf;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a page as the source of a send with MSG_SPLICE_PAGES: a protocol may take references to {@link #page}
 * instead of copying. One that doesn't know copies, and nothing else changes.
 *
 * <p>Linux: ITER_BVEC, skb_splice_from_iter(), net/core/skbuff.c
 */
public final class UserPages implements UserBuf {
    private @Nullable Page page;
    private int pos;
    private int start;
    private int limit;

    public UserPages wrap(Page page, int offset, int len) {
        this.page = page;
        this.start = offset;
        this.pos = offset;
        this.limit = offset + len;
        return this;
    }

    /** The page in which the remaining bytes lie from {@link #pageOffset} on. The caller of the send holds it. */
    public Page page() {
        return java.util.Objects.requireNonNull(page);
    }

    public int pageOffset() {
        return pos;
    }

    @Override
    public int remaining() {
        return limit - pos;
    }

    @Override
    public int copyIn(long dst, int n) {
        if (n < 0 || n > remaining()) {
            return -Errno.EFAULT;
        }
        UnsafeApi.copyMemory(page().address() + pos, dst, n);
        pos += n;
        return n;
    }

    @Override
    public int copyOut(long src, int n) {
        if (n < 0 || n > remaining()) {
            return -Errno.EFAULT;
        }
        UnsafeApi.copyMemory(src, page().address() + pos, n);
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
        if (n < 0 || n > pos - start) {
            throw new IllegalArgumentException("revert by " + n + " of " + (pos - start));
        }
        pos -= n;
    }
}
