package net.sched.cls.flower;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.sched.cls.Filter;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * One flower filter: a masked key, the ranges its ports must be in, and what becomes of the packet. Never changes.
 *
 * <p>Linux: struct cls_fl_filter
 */
final class FlowerFilter {
    final int handle;
    /** As it was given, for printing. */
    final long[] given;
    /** Under the mask. */
    final long[] key;

    final long[] mask;
    /** Least and greatest port, the whole range if not given. */
    final int sportMin;

    final int sportMax;
    final int dportMin;
    final int dportMax;
    final boolean skipHw;
    /** Device that {@link FlowerKey#META} asks for. */
    final @Nullable NetDevice indev;

    final Filter filter;

    FlowerFilter(int handle, FlowerOptions o) {
        this.handle = handle;
        mask = o.mask;
        given = o.key;
        key = new long[FlowerKey.WORDS];
        for (int i = 0; i < key.length; i++) {
            key[i] = o.key[i] & mask[i];
        }
        sportMin = o.sportMin;
        sportMax = o.sportMax;
        dportMin = o.dportMin;
        dportMax = o.dportMax;
        skipHw = o.skipHw;
        indev = o.indev;
        filter = o.filter.build();
    }

    boolean sportRange() {
        return sportMin != 0 || sportMax != 0xFFFF;
    }

    boolean dportRange() {
        return dportMin != 0 || dportMax != 0xFFFF;
    }

    /** Tells whether filters by ranges are in its table. */
    boolean ranges() {
        return sportRange() || dportRange();
    }

    @HotPath
    boolean inRanges(long[] packet) {
        int s = FlowerKey.sport(packet);
        int d = FlowerKey.dport(packet);
        return s >= sportMin && s <= sportMax && d >= dportMin && d <= dportMax;
    }

    /** Tells whether two filters would match the same packets. */
    boolean sameMatch(FlowerFilter o) {
        return java.util.Arrays.equals(key, o.key)
                && java.util.Arrays.equals(mask, o.mask)
                && sportMin == o.sportMin
                && sportMax == o.sportMax
                && dportMin == o.dportMin
                && dportMax == o.dportMax;
    }

    @HotPath
    int take(Cpu cpu, net.skbuff.SkBuff skb) {
        return filter.take(cpu, skb);
    }
}
