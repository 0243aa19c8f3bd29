package net.sched.cls.u32;

import java.util.List;
import net.core.Cpu;
import net.sched.cls.Filter;
import net.sched.cls.HitCounts;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * One filter in a bucket: its keys, and what follows when all of them match: another table, or the end. Never changes;
 * a filter that is changed gets another node with the same keys and counters.
 *
 * <p>Linux: struct tc_u_knode, struct tc_u32_sel
 */
final class U32Node {
    /** Times it was looked at, was the end, had the mark; then how often each key matched. */
    static final int LOOKED = 0;

    static final int HIT = 1;
    static final int MARKED = 2;
    static final int KEYS = 3;

    /** Answers of {@link #match}. */
    static final int NO = 0;

    static final int YES = 1;
    /** A key lies beyond the packet: this packet matches nothing any more. */
    static final int BEYOND = 2;

    final int handle;
    final List<U32Key> keys;
    final int mark;
    final int markMask;
    final boolean terminal;
    final boolean fixedOffset;
    final boolean varOffset;
    final boolean eat;
    final int off;
    final int offOff;
    final int offMask;
    final int offShift;
    final int hashMask;
    final int hashOff;
    final boolean skipHw;
    final Filter filter;
    /** Table to go on in. */
    final @Nullable U32Table down;

    final HitCounts hits;
    private final int[] val;
    private final int[] mask;
    private final int[] at;
    /** All ones where the key is behind the next-header offset. */
    private final int[] atMask;

    /** A new one. */
    U32Node(int handle, U32Options o, @Nullable U32Table down, int cpus) {
        this.handle = handle;
        keys = List.copyOf(o.selector.keys());
        mark = o.selector.mark();
        markMask = o.selector.markMask();
        terminal = o.terminal();
        fixedOffset = o.fixedOffset;
        varOffset = o.varOffset;
        eat = o.eat;
        off = o.off;
        offOff = o.offOff;
        offMask = o.offMask;
        offShift = o.offShift;
        hashMask = o.hashMask;
        hashOff = o.hashOff;
        skipHw = o.skipHw;
        filter = o.filter.build();
        this.down = down;
        int n = keys.size();
        hits = new HitCounts().size(KEYS + n, cpus);
        val = new int[n];
        mask = new int[n];
        at = new int[n];
        atMask = new int[n];
        for (int i = 0; i < n; i++) {
            U32Key k = keys.get(i);
            val[i] = k.val();
            mask[i] = k.mask();
            at[i] = k.off();
            atMask[i] = k.nextHdr() ? -1 : 0;
        }
    }

    /** {@code old} with another end. */
    U32Node(U32Node old, Filter filter, @Nullable U32Table down) {
        handle = old.handle;
        keys = old.keys;
        mark = old.mark;
        markMask = old.markMask;
        terminal = old.terminal;
        fixedOffset = old.fixedOffset;
        varOffset = old.varOffset;
        eat = old.eat;
        off = old.off;
        offOff = old.offOff;
        offMask = old.offMask;
        offShift = old.offShift;
        hashMask = old.hashMask;
        hashOff = old.hashOff;
        skipHw = old.skipHw;
        this.filter = filter;
        this.down = down;
        hits = old.hits;
        val = old.val;
        mask = old.mask;
        at = old.at;
        atMask = old.atMask;
    }

    /** Compares all keys, {@code base} being where the header is and {@code next} where the next one is behind it. */
    @HotPath
    int match(Cpu cpu, SkBuff skb, int base, int next) {
        hits.inc(cpu, LOOKED);
        if ((skb.mark & markMask) != mark) {
            return NO;
        }
        if (markMask != 0) {
            hits.inc(cpu, MARKED);
        }
        for (int i = 0; i < val.length; i++) {
            long word = SkbBytes.u32(skb, base + at[i] + (next & atMask[i]));
            if (word < 0) {
                return BEYOND;
            }
            if ((((int) word ^ val[i]) & mask[i]) != 0) {
                return NO;
            }
            hits.inc(cpu, KEYS + i);
        }
        return YES;
    }

    /** The bucket of {@code down} that the packet's hash key names; -1 if the key lies beyond the packet. */
    @HotPath
    int bucketOf(SkBuff skb, int base, U32Table down) {
        if (down.mask == 0) {
            return 0;
        }
        long word = SkbBytes.u32(skb, base + hashOff);
        if (word < 0) {
            return -1;
        }
        return hashMask == 0 ? 0 : down.mask & ((int) word & hashMask) >>> Integer.numberOfTrailingZeros(hashMask);
    }

    /** Tells whether going down moves the header or the next header. */
    @HotPath
    boolean moves() {
        return fixedOffset || varOffset || eat;
    }

    /** Where the next header is, from {@code base}; negative if the field that says so lies beyond the packet. */
    @HotPath
    int nextHeader(SkBuff skb, int base, int before) {
        if (!fixedOffset && !varOffset) {
            return before;
        }
        int to = off + 3;
        if (varOffset) {
            int field = SkbBytes.u16(skb, base + offOff);
            if (field < 0) {
                return -1;
            }
            to += (field & offMask) >>> offShift;
        }
        return to & ~3;
    }
}
