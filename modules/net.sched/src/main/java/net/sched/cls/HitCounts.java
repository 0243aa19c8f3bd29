package net.sched.cls;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * Counters of a filter, each CPU's apart. {@link #inc} is the word holder's, {@link #sum} anybody's, who may see a count
 * that is a little old.
 *
 * <p>Linux: struct tc_u32_pcnt, alloc_percpu()
 */
public final class HitCounts {
    private static final int LINE = 8;

    private long[] counts = {};
    private int stride;

    /** No counters yet; see {@link #size}. */
    public HitCounts() {}

    /** So many counters for each of {@code cpus}, and for a word that is no CPU's. */
    public HitCounts size(int counters, int cpus) {
        stride = (counters + LINE - 1) / LINE * LINE;
        counts = new long[stride * (cpus + 1)];
        return this;
    }

    /** One more. */
    @HotPath
    public void inc(Cpu cpu, int counter) {
        counts[(cpu.id + 1) * stride + counter]++;
    }

    /** Of all CPUs. */
    public long sum(int counter) {
        long n = 0;
        for (int i = counter; i < counts.length; i += stride) {
            n += counts[i];
        }
        return n;
    }
}
