package net.sched.band;

import net.core.dev.Qdisc;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Who is next, in constant time: classes of about the same {@code maxpkt / weight} make a group, which sorts them by
 * rounded start time into slots; four sets of groups, by eligible or not and ready or blocked, give the next one by its
 * lowest bit.
 *
 * <p>A group is eligible when virtual time has reached its start, and blocked while a group of a higher number is
 * eligible, ready, and ends earlier. Times are in bytes by weight, with 30 bits of fraction.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Checconi, Rizzo, Valente: "QFQ: Efficient Packet Scheduling with Tight Guarantees", IEEE/ACM Transactions on
 * Networking 21(3), 2013. Linux: net/sched/sch_qfq.c
 */
final class QfqRounds {
    /** 1.0, in fixed point. */
    static final long ONE = 1L << 30;

    /** Largest packet, bytes. */
    static final int MAX_LMAX = 1 << 16;

    private static final int GROUPS = 25;
    private static final int MIN_SLOT_SHIFT = 30 + 16 - (GROUPS - 1);
    private static final int SLOTS = 32;

    private static final int ER = 0;
    private static final int IR = 1;
    private static final int EB = 2;
    private static final int IB = 3;

    /** One class. */
    static final class Entry extends TurnList.Node {
        final int classid;
        Qdisc child;
        int weight;
        int lmax;
        long bytes;
        long packets;
        long drops;
        /** 1 / weight. */
        private long invWeight;

        private int group;
        private int slot;
        private long start;
        private long finish;

        Entry(int classid, Qdisc child) {
            this.classid = classid;
            this.child = child;
        }

        /** Sets the share and the largest packet. Not while it is active. */
        void shape(int newWeight, int newLmax) {
            invWeight = ONE / newWeight;
            weight = (int) (ONE / invWeight);
            lmax = newLmax;
            group = groupOf(invWeight * newLmax);
        }

        /** The smallest whose slots are no shorter than {@code service}. */
        private static int groupOf(long service) {
            long slots = service + (1L << MIN_SLOT_SHIFT) - 1 >>> MIN_SLOT_SHIFT;
            return slots <= 1 ? 0 : 64 - Long.numberOfLeadingZeros(slots - 1);
        }
    }

    /** Classes with slots of the same length. */
    private static final class Group {
        final int index;
        final int shift;
        final TurnList[] slots = new TurnList[SLOTS];
        /** Bit i: slot {@code front + i} is not empty. */
        int full;

        int front;
        long start;
        long finish;

        Group(int index) {
            this.index = index;
            shift = MIN_SLOT_SHIFT + index;
            for (int i = 0; i < SLOTS; i++) {
                slots[i] = new TurnList();
            }
        }

        @HotPath
        long round(long time) {
            return time & -(1L << shift);
        }

        @HotPath
        void startAt(long rounded) {
            start = rounded;
            finish = rounded + (2L << shift);
        }

        @HotPath
        void insert(Entry e) {
            int offset = (int) Math.min(round(e.start) - start >> shift, SLOTS - 2);
            e.slot = (front + offset) % SLOTS;
            slots[e.slot].addTail(e);
            full |= 1 << offset;
        }

        @HotPath
        void remove(Entry e) {
            slots[e.slot].remove(e);
            if (slots[e.slot].first() == null) {
                full &= ~(1 << Math.floorMod(e.slot - front, SLOTS));
            }
        }

        /** Moves the front to the first slot in use; there is one. */
        @HotPath
        Entry scan() {
            int skip = Integer.numberOfTrailingZeros(full);
            front = (front + skip) % SLOTS;
            full >>>= skip;
            return first();
        }

        @HotPath
        @SuppressWarnings("NullAway") // the front slot of a group in a set is not empty
        Entry first() {
            return (Entry) slots[front].first();
        }

        /** Makes room before the front, for a class that starts earlier than all others. */
        @HotPath
        void moveBack(long rounded) {
            int by = (int) (start - rounded >> shift);
            full <<= by;
            front = Math.floorMod(front - by, SLOTS);
        }
    }

    private final Group[] groups = new Group[GROUPS];
    private final int[] sets = new int[4];
    /** Virtual time. */
    private long now;
    /** Weights of all classes. */
    private int weights;

    QfqRounds() {
        for (int i = 0; i < GROUPS; i++) {
            groups[i] = new Group(i);
        }
    }

    int weights() {
        return weights;
    }

    void addWeight(int delta) {
        weights += delta;
    }

    /** The class to serve, or null if none is active. */
    @HotPath
    @Nullable
    Entry next() {
        return sets[ER] == 0 ? null : groups[Integer.numberOfTrailingZeros(sets[ER])].first();
    }

    /** A class has a packet of {@code len} bytes again. */
    @HotPath
    void activate(Entry e, int len) {
        Group g = groups[e.group];
        e.start = startOf(e, g);
        e.finish = e.start + Math.min(len, e.lmax) * e.invWeight;
        long rounded = g.round(e.start);
        if (g.full != 0) {
            if (rounded - g.start >= 0) {
                g.insert(e);
                return;
            }
            g.moveBack(rounded);
            leaveSets(g);
        } else if (sets[ER] == 0 && rounded - now > 0) {
            now = rounded;
        }
        g.startAt(rounded);
        g.insert(e);
        sets[stateOf(g)] |= 1 << g.index;
    }

    /** Where a class that was idle begins: where it ended, but not in the past, nor before who would block it ends. */
    @HotPath
    private long startOf(Entry e, Group g) {
        long slot = 1L << g.shift;
        long limit = g.round(now) + slot;
        long rounded = g.round(e.finish);
        if (e.finish - now > 0 && rounded - limit <= 0) {
            return e.finish;
        }
        int above = sets[ER] & -1 << g.index;
        if (above != 0) {
            Group blocker = groups[Integer.numberOfTrailingZeros(above)];
            if (rounded - blocker.finish > 0) {
                return limit - blocker.finish > 0 ? blocker.finish : limit;
            }
        }
        return now;
    }

    /**
     * The class of {@link #next} has sent {@code len} bytes: virtual time goes on. To be followed by {@link #served} or, if
     * it has no more, {@link #deactivate}.
     */
    @HotPath
    void advance(int len) {
        long was = now;
        now += len * (ONE / Math.max(1, weights));
        becomeEligible(was);
    }

    /** It has another packet of {@code nextLen} bytes. */
    @HotPath
    void served(Entry e, int nextLen) {
        Group g = groups[e.group];
        e.start = e.finish;
        e.finish = e.start + Math.min(nextLen, e.lmax) * e.invWeight;
        if (g.round(e.start) == g.start) {
            return;
        }
        g.remove(e);
        g.insert(e);
        frontChanged(g);
    }

    /** It has none; also for one that is not next. */
    @HotPath
    void deactivate(Entry e, boolean served) {
        Group g = groups[e.group];
        if (!served) {
            e.finish = e.start;
        }
        g.remove(e);
        frontChanged(g);
    }

    /** After a class left or moved: the group starts at its first slot in use, and may let others go. */
    @HotPath
    private void frontChanged(Group g) {
        long oldFinish = g.finish;
        boolean ready = (sets[ER] >> g.index & 1) != 0;
        if (g.full == 0) {
            leaveSets(g);
        } else {
            long rounded = g.round(g.scan().start);
            if (rounded == g.start) {
                return;
            }
            leaveSets(g);
            g.startAt(rounded);
            sets[stateOf(g)] |= 1 << g.index;
        }
        if (ready) {
            unblockBelow(g, oldFinish);
        }
        becomeEligible(now);
    }

    @HotPath
    private void leaveSets(Group g) {
        int others = ~(1 << g.index);
        sets[ER] &= others;
        sets[IR] &= others;
        sets[EB] &= others;
        sets[IB] &= others;
    }

    @HotPath
    private int stateOf(Group g) {
        int state = g.start - now > 0 ? IR : ER;
        int above = sets[ER] & -1 << g.index;
        if (above != 0 && g.finish - groups[Integer.numberOfTrailingZeros(above)].finish > 0) {
            state |= EB;
        }
        return state;
    }

    /** A ready group that ended at {@code oldFinish} is not ready any more, or later: unless another blocks, all below may go. */
    @HotPath
    private void unblockBelow(Group g, long oldFinish) {
        int above = sets[ER] & -2 << g.index;
        if (above != 0 && groups[Integer.numberOfTrailingZeros(above)].finish - oldFinish <= 0) {
            return;
        }
        int below = (1 << g.index) - 1;
        move(below, EB, ER);
        move(below, IB, IR);
    }

    /** Virtual time was {@code was}: groups whose start it has passed are eligible. If none is, time jumps to the first. */
    @HotPath
    private void becomeEligible(long was) {
        int waiting = sets[IR] | sets[IB];
        if (waiting == 0) {
            return;
        }
        long before = was;
        if (sets[ER] == 0) {
            Group first = groups[Integer.numberOfTrailingZeros(waiting)];
            if (first.start - now > 0) {
                now = first.start;
            }
        }
        // Starts are multiples of the slot: a group's is passed when a bit of its slot's or a higher one flips.
        long flips = now >>> MIN_SLOT_SHIFT ^ before >>> MIN_SLOT_SHIFT;
        if (flips != 0) {
            int last = 64 - Long.numberOfLeadingZeros(flips);
            int passed = last >= 32 ? -1 : (1 << last) - 1;
            move(passed, IR, ER);
            move(passed, IB, EB);
        }
    }

    @HotPath
    private void move(int which, int from, int to) {
        int moved = sets[from] & which;
        sets[from] &= ~moved;
        sets[to] |= moved;
    }

    /** All classes are empty. */
    void clear() {
        for (Group g : groups) {
            for (TurnList slot : g.slots) {
                slot.clear();
            }
            g.full = 0;
        }
        for (int i = 0; i < sets.length; i++) {
            sets[i] = 0;
        }
    }
}
