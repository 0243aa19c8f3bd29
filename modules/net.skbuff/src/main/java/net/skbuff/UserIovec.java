package net.skbuff;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Several pieces of a program's memory as one: readv, writev, sendmsg, recvmsg. */
@HotPath
public final class UserIovec implements UserBuf {
    private @Nullable UserBuf[] parts = new @Nullable UserBuf[8];
    private int count;
    private int at;
    private int left;

    public UserIovec() {}

    public UserIovec(UserBuf... pieces) {
        for (UserBuf piece : pieces) {
            add(piece);
        }
    }

    /** Empties the list for the next call. */
    public UserIovec clear() {
        Arrays.fill(parts, 0, count, null);
        count = 0;
        at = 0;
        left = 0;
        return this;
    }

    /** Appends a piece; its cursor is this list's from now on. */
    public UserIovec add(UserBuf piece) {
        if (count == parts.length) {
            parts = Arrays.copyOf(parts, count * 2); // allocates: a longer list than ever before
        }
        parts[count++] = piece;
        left = Math.addExact(left, piece.remaining());
        return this;
    }

    @Override
    public int remaining() {
        return left;
    }

    private UserBuf part(int i) {
        UserBuf piece = parts[i];
        if (piece == null || i >= count) {
            throw new IllegalStateException("no piece " + i + " of " + count);
        }
        return piece;
    }

    private UserBuf current() {
        while (part(at).remaining() == 0) {
            at++;
        }
        return part(at);
    }

    @Override
    public int copyIn(long dst, int n) {
        return copy(dst, n, true);
    }

    @Override
    public int copyOut(long src, int n) {
        return copy(src, n, false);
    }

    private int copy(long address, int n, boolean in) {
        if (n < 0 || n > left) {
            return -Errno.EFAULT;
        }
        int done = 0;
        while (done < n) {
            UserBuf piece = current();
            int k = Math.min(piece.remaining(), n - done);
            int got = in ? piece.copyIn(address + done, k) : piece.copyOut(address + done, k);
            if (got != k) {
                revert(done);
                return -Errno.EFAULT;
            }
            done += k;
            left -= k;
        }
        return n;
    }

    @Override
    public void advance(int n) {
        if (n < 0 || n > left) {
            throw new IllegalArgumentException("advance by " + n + " of " + left);
        }
        int todo = n;
        while (todo > 0) {
            UserBuf piece = current();
            int k = Math.min(piece.remaining(), todo);
            piece.advance(k);
            todo -= k;
            left -= k;
        }
    }

    /** Goes back, into earlier pieces if need be. A piece tells by its own limit how far it can. */
    @Override
    public void revert(int n) {
        int todo = n;
        while (todo > 0) {
            UserBuf piece = part(Math.min(at, count - 1));
            int k = Math.min(todo, consumedOf(piece));
            piece.revert(k);
            todo -= k;
            left += k;
            if (todo > 0) {
                if (at == 0) {
                    throw new IllegalArgumentException("revert by " + n + " is too far");
                }
                at--;
            }
        }
    }

    private static int consumedOf(UserBuf piece) {
        if (piece instanceof UserCursor cursor) {
            return cursor.done();
        }
        throw new IllegalStateException("cannot revert " + piece.getClass().getName() + " inside a list");
    }

    @Override
    public long nativeAddress() {
        return left == 0 ? 0 : current().nativeAddress();
    }

    @Override
    public int nativeLength() {
        return left == 0 ? 0 : current().nativeLength();
    }

    @Override
    public @Nullable Object nativeOwner() {
        return left == 0 ? null : current().nativeOwner();
    }

    @Override
    public int pieceLength() {
        return left == 0 ? 0 : current().remaining();
    }
}
