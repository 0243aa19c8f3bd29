package net.sched.hfsc;

import java.util.Arrays;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Active classes by a time, equal ones in the order in which they got it: an array, moved by one place when a class's time
 * changes.
 *
 * <p>{@code Deviation:} Linux keeps red-black trees; up to some thousand active classes a move within an array is
 * cheaper.
 *
 * <p>Context: the tree's lock; {@link #reserve} in configuration.
 */
final class HfscOrder {
    /** A class's place in an order. */
    static final class Place {
        final HfscClass cl;
        /** The time it is ordered by. */
        long key;

        private long seq;
        private boolean in;

        Place(HfscClass cl) {
            this.cl = cl;
        }

        /** Tells whether it is in its order. */
        boolean in() {
            return in;
        }
    }

    private @Nullable Place[] at = new Place[4];
    private int size;
    private long nextSeq;

    /** Makes room for {@code n}. */
    void reserve(int n) {
        if (n > at.length) {
            at = Arrays.copyOf(at, n * 2);
        }
    }

    @HotPath
    int size() {
        return size;
    }

    /** The one at a rank, earliest first; null past the end. */
    @HotPath
    @Nullable
    HfscClass get(int rank) {
        Place p = rank < size ? at[rank] : null;
        return p == null ? null : p.cl;
    }

    /** The one with the latest time, or null. */
    @HotPath
    @Nullable
    HfscClass last() {
        return size == 0 ? null : get(size - 1);
    }

    /** The earliest time, or {@code otherwise} if nobody is there. */
    @HotPath
    long firstKey(long otherwise) {
        Place p = at[0];
        return size == 0 || p == null ? otherwise : p.key;
    }

    /** Number of places before a key. */
    private int rank(long key, long seq) {
        int lo = 0;
        int hi = size;
        while (lo < hi) {
            int mid = lo + hi >>> 1;
            Place p = at[mid];
            if (p != null && (p.key < key || p.key == key && p.seq < seq)) {
                lo = mid + 1;
            } else {
                hi = mid;
            }
        }
        return lo;
    }

    @HotPath
    void add(Place p, long key) {
        p.key = key;
        p.seq = ++nextSeq;
        int i = rank(key, p.seq);
        System.arraycopy(at, i, at, i + 1, size++ - i);
        at[i] = p;
        p.in = true;
    }

    @HotPath
    void remove(Place p) {
        int i = rank(p.key, p.seq);
        System.arraycopy(at, i + 1, at, i, --size - i);
        at[size] = null;
        p.in = false;
    }

    /** Gives a class that is in another time. */
    @HotPath
    void move(Place p, long key) {
        int from = rank(p.key, p.seq);
        // Its own place is counted in this if the time is later.
        int to = rank(key, ++nextSeq);
        p.key = key;
        p.seq = nextSeq;
        if (to > from) {
            System.arraycopy(at, from + 1, at, from, --to - from);
        } else {
            System.arraycopy(at, to, at, to + 1, from - to);
        }
        at[to] = p;
    }

    void clear() {
        for (int i = 0; i < size; i++) {
            Place p = at[i];
            if (p != null) {
                p.in = false;
            }
            at[i] = null;
        }
        size = 0;
    }
}
