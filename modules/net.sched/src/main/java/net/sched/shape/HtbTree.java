package net.sched.shape;

import net.core.dev.QdiscSkbCb;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Who may send: for each level and priority the row of classes within their rate, each with the feed of those below it
 * that borrow; and for each level the classes that wait until their mode changes.
 *
 * <p>{@code Deviation:} rows and feeds are bits in the order in which classes were added, where Linux keeps trees by class
 * number: to join and to leave takes the same time whatever the number of classes.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: net/sched/sch_htb.c
 */
final class HtbTree {
    static final int MAX_DEPTH = 8;
    static final int PRIORITIES = 8;
    private static final long SEC = 1_000_000_000L;

    private final HtbClass.Row[][] rows = new HtbClass.Row[MAX_DEPTH][PRIORITIES];
    /** By level: priorities whose row is not empty. */
    final int[] rowMask = new int[MAX_DEPTH];

    private @Nullable HtbClass[] bySlot = new HtbClass[16];
    private final HtbClass[][] waiting = new HtbClass[MAX_DEPTH][16];
    private final int[] waiters = new int[MAX_DEPTH];
    /** By level: no event is earlier. */
    private final long[] nearEvent = new long[MAX_DEPTH];
    /** Way down from a row to a leaf. */
    private final HtbClass.Row[] path = new HtbClass.Row[MAX_DEPTH];

    long nowNs;
    long overlimits;

    HtbTree() {
        for (HtbClass.Row[] level : rows) {
            for (int i = 0; i < PRIORITIES; i++) {
                level[i] = new HtbClass.Row();
            }
        }
        java.util.Arrays.fill(path, rows[0][0]);
    }

    /** The lowest slot that no class has. Context: configuration. */
    int freeSlot() {
        int i = 0;
        while (i < bySlot.length && bySlot[i] != null) {
            i++;
        }
        return i;
    }

    /** Takes a class in. Context: configuration. */
    void add(HtbClass cl, int classes) {
        if (cl.slot >= bySlot.length) {
            bySlot = java.util.Arrays.copyOf(bySlot, cl.slot * 2);
        }
        bySlot[cl.slot] = cl;
        for (int i = 0; i < MAX_DEPTH; i++) {
            if (waiting[i].length < classes) {
                waiting[i] = java.util.Arrays.copyOf(waiting[i], classes * 2);
            }
        }
    }

    /** Lets a class go that is neither active nor waiting. */
    void remove(HtbClass cl) {
        bySlot[cl.slot] = null;
    }

    void forget() {
        for (int level = 0; level < MAX_DEPTH; level++) {
            for (HtbClass.Row r : rows[level]) {
                r.clear();
            }
            rowMask[level] = 0;
            waiters[level] = 0;
            nearEvent[level] = 0;
        }
    }

    // ---- activity

    /** A leaf has something to send. Linux: htb_activate(). */
    @HotPath
    void activate(HtbClass cl) {
        if (cl.prioActivity == 0) {
            cl.prioActivity = 1 << cl.prio;
            activatePrios(cl);
        }
    }

    /** A leaf has nothing more to send. Linux: htb_deactivate(). */
    @HotPath
    void deactivate(HtbClass cl) {
        deactivatePrios(cl);
        cl.prioActivity = 0;
    }

    /** Joins feeds upwards, as far as they were empty. Linux: htb_activate_prios(). */
    private void activatePrios(HtbClass from) {
        HtbClass cl = from;
        HtbClass p = cl.parent;
        int mask = cl.prioActivity;
        while (cl.mode == HtbClass.MAY_BORROW && p != null && mask != 0) {
            for (int m = mask; m != 0; m &= m - 1) {
                int prio = Integer.numberOfTrailingZeros(m);
                HtbClass.Row feed = p.feed[prio];
                if (!feed.isEmpty()) {
                    mask &= ~(1 << prio); // the parent is in its feed already
                }
                feed.add(cl.slot);
            }
            p.prioActivity |= mask;
            cl = p;
            p = cl.parent;
        }
        if (cl.mode == HtbClass.CAN_SEND && mask != 0) {
            rowMask[cl.level] |= mask;
            for (int m = mask; m != 0; m &= m - 1) {
                int prio = Integer.numberOfTrailingZeros(m);
                rows[cl.level][prio].add(cl.slot);
            }
        }
    }

    /** Leaves feeds upwards, as far as they become empty. Linux: htb_deactivate_prios(). */
    private void deactivatePrios(HtbClass from) {
        HtbClass cl = from;
        HtbClass p = cl.parent;
        int mask = cl.prioActivity;
        while (cl.mode == HtbClass.MAY_BORROW && p != null && mask != 0) {
            int empty = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int prio = Integer.numberOfTrailingZeros(m);
                HtbClass.Row feed = p.feed[prio];
                feed.remove(cl.slot);
                if (feed.isEmpty()) {
                    empty |= 1 << prio;
                }
            }
            mask = empty;
            p.prioActivity &= ~mask;
            cl = p;
            p = cl.parent;
        }
        if (cl.mode == HtbClass.CAN_SEND && mask != 0) {
            for (int m = mask; m != 0; m &= m - 1) {
                int prio = Integer.numberOfTrailingZeros(m);
                HtbClass.Row row = rows[cl.level][prio];
                row.remove(cl.slot);
                if (row.isEmpty()) {
                    rowMask[cl.level] &= ~(1 << prio);
                }
            }
        }
    }

    // ---- modes

    /** Time until the next change of mode is left here. */
    private long changeInNs;

    /** Linux: htb_class_mode(). */
    private int modeOf(HtbClass cl, long diff) {
        long toks = cl.ctokens + diff;
        if (toks < 0) {
            changeInNs = -toks;
            return HtbClass.CANT_SEND;
        }
        toks = cl.tokens + diff;
        if (toks >= 0) {
            changeInNs = diff;
            return HtbClass.CAN_SEND;
        }
        changeInNs = -toks;
        return HtbClass.MAY_BORROW;
    }

    /** Linux: htb_change_class_mode(). */
    private void changeMode(HtbClass cl, long diff) {
        int mode = modeOf(cl, diff);
        if (mode == cl.mode) {
            return;
        }
        if (mode == HtbClass.CANT_SEND) {
            cl.overlimits++;
            overlimits++;
        }
        if (cl.prioActivity == 0) {
            cl.mode = mode;
            return;
        }
        if (cl.mode != HtbClass.CANT_SEND) {
            deactivatePrios(cl);
        }
        cl.mode = mode;
        if (mode != HtbClass.CANT_SEND) {
            activatePrios(cl);
        }
    }

    /**
     * Pays for a packet that {@code leaf} sent in the row of {@code level}: from there up by tokens, below it is lent.
     *
     * <p>Linux: htb_charge_class()
     */
    @HotPath
    void charge(HtbClass leaf, int level, SkBuff skb, int segs) {
        int bytes = QdiscSkbCb.pktLen(skb);
        for (HtbClass cl = leaf; cl != null; cl = cl.parent) {
            long diff = Math.min(nowNs - cl.checkpointNs, HtbClass.MBUFFER_NS);
            if (cl.level >= level) {
                if (cl.level == level) {
                    cl.lends++;
                }
                cl.tokens = account(cl.tokens + diff, cl.bufferNs, cl.rate.l2tNs(bytes));
            } else {
                cl.borrows++;
                cl.tokens += diff; // it was there to be used
            }
            cl.ctokens = account(cl.ctokens + diff, cl.cbufferNs, cl.ceil.l2tNs(bytes));
            cl.checkpointNs = nowNs;
            int old = cl.mode;
            changeMode(cl, 0);
            if (old != cl.mode) {
                if (old != HtbClass.CAN_SEND) {
                    stopWaiting(cl);
                }
                if (cl.mode != HtbClass.CAN_SEND) {
                    waitFor(cl, changeInNs);
                }
            }
            if (cl.level != 0) {
                cl.bytes += bytes;
                cl.packets += segs;
            }
        }
    }

    private static long account(long toks, long depth, long cost) {
        long t = Math.min(toks, depth) - cost;
        return t <= -HtbClass.MBUFFER_NS ? 1 - HtbClass.MBUFFER_NS : t;
    }

    /**
     * Changes modes that are due, and returns when the next one is, at most a second from now.
     *
     * <p>Linux: htb_do_events()
     */
    @HotPath
    long events(int level) {
        if (nowNs - nearEvent[level] < 0) {
            return nearEvent[level];
        }
        long next = nowNs + SEC;
        while (waiters[level] != 0) {
            HtbClass cl = waiting[level][0];
            if (cl.eventNs - nowNs > 0) {
                next = Math.min(next, cl.eventNs);
                break;
            }
            stopWaiting(cl);
            changeMode(cl, Math.min(nowNs - cl.checkpointNs, HtbClass.MBUFFER_NS));
            if (cl.mode != HtbClass.CAN_SEND) {
                waitFor(cl, changeInNs);
            }
        }
        nearEvent[level] = next;
        return next;
    }

    // ---- turns

    /** The leaf whose turn it is in a row. Linux: htb_lookup_leaf(). */
    @HotPath
    @Nullable
    HtbClass lookupLeaf(int prio, int level) {
        int depth = 0;
        path[0] = rows[level][prio];
        if (path[0].isEmpty()) {
            return null;
        }
        for (int i = 0; i < 65535; i++) {
            HtbClass.Row row = path[depth];
            int slot = row.current();
            if (slot < 0) {
                row.rewind();
                if (depth > 0) {
                    // A round is over here: on with the next one above.
                    HtbClass.Row above = path[--depth];
                    above.pass(above.current());
                }
                continue;
            }
            HtbClass cl = bySlot[slot];
            if (cl == null || cl.level == 0) {
                return cl;
            }
            path[++depth] = cl.feed[prio];
        }
        return null;
    }

    /** The turn of {@code cl} in the row it was found in is over. */
    @HotPath
    void nextTurn(HtbClass cl, int prio, int level) {
        HtbClass p = cl.parent;
        HtbClass.Row row = level != 0 && p != null ? p.feed[prio] : rows[0][prio];
        row.pass(cl.slot);
    }

    // ---- those who wait, a heap by time for each level

    private void waitFor(HtbClass cl, long delayNs) {
        cl.eventNs = nowNs + Math.max(1, delayNs);
        int level = cl.level;
        if (cl.eventNs - nearEvent[level] < 0) {
            nearEvent[level] = cl.eventNs;
        }
        up(waiting[level], waiters[level]++, cl);
    }

    void stopWaiting(HtbClass cl) {
        int i = cl.heapIndex;
        if (i < 0) {
            return;
        }
        cl.heapIndex = -1;
        HtbClass[] heap = waiting[cl.level];
        int n = --waiters[cl.level];
        HtbClass last = heap[n];
        if (i < n) {
            down(heap, i, n, last);
            if (last.heapIndex == i) {
                up(heap, i, last);
            }
        }
    }

    private static void up(HtbClass[] heap, int from, HtbClass cl) {
        int i = from;
        while (i > 0) {
            int parent = i - 1 >> 1;
            HtbClass p = heap[parent];
            if (p.eventNs - cl.eventNs <= 0) {
                break;
            }
            heap[i] = p;
            p.heapIndex = i;
            i = parent;
        }
        heap[i] = cl;
        cl.heapIndex = i;
    }

    private static void down(HtbClass[] heap, int from, int n, HtbClass cl) {
        int i = from;
        while (2 * i + 1 < n) {
            int child = 2 * i + 1;
            if (child + 1 < n && heap[child + 1].eventNs - heap[child].eventNs < 0) {
                child++;
            }
            if (cl.eventNs - heap[child].eventNs <= 0) {
                break;
            }
            heap[i] = heap[child];
            heap[i].heapIndex = i;
            i = child;
        }
        heap[i] = cl;
        cl.heapIndex = i;
    }
}
