package net.sched.shape;

import java.util.Arrays;
import net.core.dev.Qdisc;
import net.core.dev.TcfBlock;
import net.sched.PschedRatecfg;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * One class. A leaf, level 0, has a discipline; an inner class lends to those below it.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: struct htb_class
 */
final class HtbClass {
    /** Over its ceiling: waits. */
    static final int CANT_SEND = 0;
    /** Over its rate: an ancestor may lend. */
    static final int MAY_BORROW = 1;
    /** Within its rate. */
    static final int CAN_SEND = 2;

    /** Longest time that is credited or owed, ns. */
    static final long MBUFFER_NS = 60_000_000_000L;

    /**
     * Classes that take turns: those of a level that may send, or those that borrow from one class. A bit for each, in the
     * order of their slots. One that is away when its turn comes loses it.
     */
    static final class Row {
        private long[] bits = new long[1];
        private int size;
        /** Whose turn it is: the first member from this slot on; none: the round is over. */
        private int turn;

        boolean isEmpty() {
            return size == 0;
        }

        void add(int slot) {
            int word = slot >> 6;
            if (word >= bits.length) {
                bits = Arrays.copyOf(bits, word + 1); // allocates: once for 64 classes more
            }
            size++;
            bits[word] |= 1L << slot;
        }

        void remove(int slot) {
            bits[slot >> 6] &= ~(1L << slot);
            size--;
        }

        /** Slot of the one whose turn it is, from now on; -1 if the round is over. */
        @HotPath
        int current() {
            int word = turn >> 6;
            if (word >= bits.length) {
                return -1;
            }
            long w = bits[word] & -1L << turn;
            while (w == 0) {
                if (++word == bits.length) {
                    return -1;
                }
                w = bits[word];
            }
            turn = (word << 6) + Long.numberOfTrailingZeros(w);
            return turn;
        }

        /** The turn of {@code slot} is over. */
        void pass(int slot) {
            turn = slot + 1;
        }

        void rewind() {
            turn = 0;
        }

        void clear() {
            Arrays.fill(bits, 0);
            size = 0;
            turn = 0;
        }
    }

    final int classid;
    /** Its place in rows and feeds. */
    final int slot;

    final @Nullable HtbClass parent;
    int children;
    /** 0 for a leaf, 7 for an inner class at the root. */
    int level;

    @Nullable
    TcfBlock filters;

    // Settings.
    PschedRatecfg rate = new PschedRatecfg(1);
    PschedRatecfg ceil = rate;
    int burst;
    int cburst;
    long bufferNs;
    long cbufferNs;
    int prio;
    int quantum;

    // Of a leaf.
    Qdisc leaf;
    final int[] deficit = new int[HtbTree.MAX_DEPTH];

    // Of an inner class: who borrows from it, by priority.
    final Row[] feed = new Row[HtbTree.PRIORITIES];

    // State.
    /** Priorities at which this class has something to send. */
    int prioActivity;

    int mode = CAN_SEND;
    long tokens;
    long ctokens;
    long checkpointNs;
    /** When its mode changes by itself; position in its level's heap, -1 if not in it. */
    long eventNs;

    int heapIndex = -1;

    // Counters.
    long bytes;
    long packets;
    long drops;
    long overlimits;
    int lends;
    int borrows;

    HtbClass(int classid, int slot, @Nullable HtbClass parent, Qdisc leaf) {
        this.classid = classid;
        this.slot = slot;
        this.parent = parent;
        this.leaf = leaf;
        for (int i = 0; i < HtbTree.PRIORITIES; i++) {
            feed[i] = new Row();
        }
    }

    /** Everything it held was taken out. */
    void forget() {
        for (int i = 0; i < HtbTree.PRIORITIES; i++) {
            feed[i].clear();
        }
        prioActivity = 0;
        mode = CAN_SEND;
        heapIndex = -1;
    }
}
