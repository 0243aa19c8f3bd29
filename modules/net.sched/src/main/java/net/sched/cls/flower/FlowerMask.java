package net.sched.cls.flower;

import java.util.Arrays;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * All filters with one mask, in a hash table over the words that the mask looks at. Filters with port ranges are in no
 * table but looked through one by one, oldest first.
 *
 * <p>Context: {@link #lookup} by holders of a CPU's word, any number at once. Under rtnl a filter is put into an empty
 * place of the table, which readers see whole since its fields are final; all else makes another mask.
 *
 * <p>Linux: struct fl_flow_mask, fl_mask_lookup(), fl_lookup_range()
 */
final class FlowerMask {
    private static final int FIRST_SIZE = 4;

    final long[] mask;
    final boolean ranges;
    /** Words of the mask that are not 0. */
    private final int[] words;
    /** Without gaps for ranges, else with open addressing and at most half full. */
    private final @Nullable FlowerFilter[] table;
    /** Filters in the table. */
    private final int count;

    private FlowerMask(long[] mask, boolean ranges, @Nullable FlowerFilter[] table, int count) {
        this.mask = mask;
        this.ranges = ranges;
        this.table = table;
        this.count = count;
        int[] used = new int[mask.length];
        int n = 0;
        for (int i = 0; i < mask.length; i++) {
            if (mask[i] != 0) {
                used[n++] = i;
            }
        }
        words = Arrays.copyOf(used, n);
    }

    /** With the first filter. */
    static FlowerMask of(FlowerFilter f) {
        return new FlowerMask(f.mask, f.ranges(), new @Nullable FlowerFilter[f.ranges() ? 0 : FIRST_SIZE], 0).with(f);
    }

    boolean isOf(FlowerFilter f) {
        return ranges == f.ranges() && Arrays.equals(mask, f.mask);
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** The filter that matches what {@code f} would, or null. */
    @Nullable
    FlowerFilter twin(FlowerFilter f) {
        if (!ranges) {
            return lookup(f.key);
        }
        for (FlowerFilter o : table) {
            if (o != null && o.sameMatch(f)) {
                return o;
            }
        }
        return null;
    }

    /** With one more. */
    FlowerMask with(FlowerFilter f) {
        if (ranges) {
            @Nullable FlowerFilter[] all = Arrays.copyOf(table, count + 1);
            all[count] = f;
            return new FlowerMask(mask, true, all, count + 1);
        }
        @Nullable FlowerFilter[] t = table;
        if ((count + 1) * 2 > t.length) {
            t = new @Nullable FlowerFilter[t.length * 2];
            fill(t, null);
        }
        put(t, f);
        return new FlowerMask(mask, false, t, count + 1);
    }

    /** With {@code old} gone. */
    FlowerMask without(FlowerFilter old) {
        if (ranges) {
            FlowerFilter[] left = Arrays.stream(table).filter(f -> f != old).toArray(FlowerFilter[]::new);
            return new FlowerMask(mask, true, left, left.length);
        }
        @Nullable FlowerFilter[] t = new @Nullable FlowerFilter[table.length];
        fill(t, old);
        return new FlowerMask(mask, false, t, count - 1);
    }

    private void fill(@Nullable FlowerFilter[] t, @Nullable FlowerFilter without) {
        for (FlowerFilter f : table) {
            if (f != null && f != without) {
                put(t, f);
            }
        }
    }

    private void put(@Nullable FlowerFilter[] t, FlowerFilter f) {
        int i = hash(f.key) & t.length - 1;
        while (t[i] != null) {
            i = i + 1 & t.length - 1;
        }
        t[i] = f;
    }

    @HotPath
    private int hash(long[] key) {
        long h = 0;
        for (int w : words) {
            h = (h ^ key[w] & mask[w]) * 0x9E3779B97F4A7C15L;
            h ^= h >>> 29;
        }
        return (int) (h ^ h >>> 32);
    }

    @HotPath
    private boolean same(long[] masked, long[] packet) {
        for (int w : words) {
            if (((masked[w] ^ packet[w]) & mask[w]) != 0) {
                return false;
            }
        }
        return true;
    }

    /** The filter for a packet's key, or null. */
    @HotPath
    @Nullable
    FlowerFilter lookup(long[] packet) {
        if (ranges) {
            for (FlowerFilter f : table) {
                if (f != null && f.inRanges(packet) && same(f.key, packet)) {
                    return f;
                }
            }
            return null;
        }
        int i = hash(packet) & table.length - 1;
        while (true) {
            FlowerFilter f = table[i];
            if (f == null || same(f.key, packet)) {
                return f;
            }
            i = i + 1 & table.length - 1;
        }
    }
}
