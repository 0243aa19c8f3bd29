package net.sched.netem;

import java.util.Arrays;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * Packets by time to send (cbl0), those of one time in the order they came (cbl1). What comes in order, as without
 * jitter, goes on a list; the rest into a heap.
 *
 * <p>Linux: tfifo_enqueue(), netem_peek(), net/sched/sch_netem.c. {@code Deviation:} a heap instead of a red-black tree.
 */
final class NetemFifo {
    private final SkBuffHead list = new SkBuffHead();
    private @Nullable SkBuff[] heap = new SkBuff[64];
    private int size;
    private long seq;

    int len() {
        return list.qlen + size;
    }

    private static boolean before(SkBuff a, SkBuff b) {
        long d = a.cbl0 - b.cbl0;
        return d != 0 ? d < 0 : a.cbl1 < b.cbl1;
    }

    @HotPath
    void add(SkBuff skb) {
        skb.cbl1 = seq++;
        SkBuff last = list.tail;
        if (last == null || skb.cbl0 - last.cbl0 >= 0) {
            list.addTail(skb);
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size); // allocates: grows to the greatest number out of order
        }
        int at = size++;
        while (at > 0) {
            SkBuff parent = at(at - 1 >> 1);
            if (!before(skb, parent)) {
                break;
            }
            heap[at] = parent;
            at = at - 1 >> 1;
        }
        heap[at] = skb;
    }

    @SuppressWarnings("NullAway") // slots below size are filled
    private SkBuff at(int i) {
        return heap[i];
    }

    @HotPath
    @Nullable
    SkBuff peek() {
        SkBuff a = list.head;
        SkBuff b = heap[0];
        return a == null || b != null && before(b, a) ? b : a;
    }

    /** Takes what {@link #peek} showed. */
    @HotPath
    void remove(SkBuff skb) {
        if (skb == list.head) {
            list.unlink(skb);
            return;
        }
        SkBuff last = at(--size);
        heap[size] = null;
        int at = 0;
        while (2 * at + 1 < size) {
            int child = 2 * at + 1;
            if (child + 1 < size && before(at(child + 1), at(child))) {
                child++;
            }
            if (!before(at(child), last)) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        if (size > 0) {
            heap[at] = last;
        }
    }

    /** The greatest time to send, or {@code otherwise} if empty. Walks the heap, as rate without jitter never does. */
    @HotPath
    long lastTime(long otherwise) {
        SkBuff tail = list.tail;
        if (tail == null && size == 0) {
            return otherwise;
        }
        long t = tail == null ? Long.MIN_VALUE : tail.cbl0;
        for (int i = size >> 1; i < size; i++) {
            t = Math.max(t, at(i).cbl0);
        }
        return t;
    }
}
