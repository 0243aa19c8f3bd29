package net.sched.fair;

import java.util.Arrays;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The flows that must wait, by the time of their next packet; equal times in the order they came.
 *
 * <p>{@code Deviation:} an array heap, where Linux has a red-black tree.
 */
final class FqThrottled {
    private @Nullable FqFlow[] heap = new FqFlow[64];
    private int size;
    private long seq;

    int size() {
        return size;
    }

    @HotPath
    @Nullable
    FqFlow first() {
        return heap[0];
    }

    private static boolean before(FqFlow a, FqFlow b) {
        long d = a.timeNextPacket - b.timeNextPacket;
        return d != 0 ? d < 0 : a.heapSeq < b.heapSeq;
    }

    @HotPath
    void add(FqFlow f) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size); // allocates: grows to the greatest number of throttled flows
        }
        f.heapSeq = seq++;
        up(size++, f);
    }

    @HotPath
    @SuppressWarnings("NullAway") // slots below size are filled
    void remove(FqFlow f) {
        int at = f.heapIndex;
        f.heapIndex = -1;
        FqFlow last = heap[--size];
        heap[size] = null;
        if (last == f) {
            return;
        }
        if (at > 0 && before(last, heap[(at - 1) >> 1])) {
            up(at, last);
        } else {
            down(at, last);
        }
    }

    @SuppressWarnings("NullAway")
    private void up(int from, FqFlow f) {
        int at = from;
        while (at > 0 && before(f, heap[(at - 1) >> 1])) {
            int parent = (at - 1) >> 1;
            put(at, heap[parent]);
            at = parent;
        }
        put(at, f);
    }

    @SuppressWarnings("NullAway")
    private void down(int from, FqFlow f) {
        int at = from;
        while (2 * at + 1 < size) {
            int child = 2 * at + 1;
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], f)) {
                break;
            }
            put(at, heap[child]);
            at = child;
        }
        put(at, f);
    }

    private void put(int at, FqFlow f) {
        heap[at] = f;
        f.heapIndex = at;
    }

    void clear() {
        for (int i = 0; i < size; i++) {
            FqFlow f = heap[i];
            if (f != null) {
                f.heapIndex = -1;
            }
            heap[i] = null;
        }
        size = 0;
    }
}
