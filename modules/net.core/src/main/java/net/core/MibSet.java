package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Map;
import net.skbuff.HotPath;

/**
 * One group of counters of a namespace. Each CPU counts in its own array with a plain add; process context without a CPU
 * has an atomic array. Readers sum, and may be an event or two behind.
 *
 * <p>Linux: SNMP_INC_STATS(), include/net/snmp.h
 *
 * @param <E> the group's enum
 */
public final class MibSet<E extends Enum<E> & MibCounter> {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    /** Longs before and after a CPU's counters, so that no two CPUs share a cache line. */
    private static final int PAD = 8;

    private final String group;
    private final E[] counters;
    private final long[][] values;

    MibSet(String group, Class<E> type, int cpus) {
        this.group = group;
        this.counters = type.getEnumConstants();
        this.values = new long[cpus + 1][counters.length + 2 * PAD];
    }

    /** Counts one. Context: holder. */
    @HotPath
    public void inc(Cpu cpu, E counter) {
        values[cpu.id][PAD + counter.ordinal()]++;
    }

    /** Counts {@code n}. Context: holder. */
    @HotPath
    public void add(Cpu cpu, E counter, long n) {
        values[cpu.id][PAD + counter.ordinal()] += n;
    }

    /** Counts one without a CPU. Context: any. */
    public void inc(E counter) {
        add(counter, 1);
    }

    /** Counts {@code n} without a CPU. Context: any. */
    public void add(E counter, long n) {
        LONGS.getAndAdd(values[values.length - 1], PAD + counter.ordinal(), n);
    }

    /** The sum over all CPUs. Context: any. */
    public long read(E counter) {
        return sum(PAD + counter.ordinal());
    }

    /** The sum of the counter with this ordinal: for whoever walks {@link #counters}. Context: any. */
    public long read(int ordinal) {
        return sum(PAD + ordinal);
    }

    /** The group's counters in the order of their ordinals. */
    public List<E> counters() {
        return List.of(counters);
    }

    private long sum(int index) {
        long sum = 0;
        for (long[] row : values) {
            sum += (long) LONGS.getOpaque(row, index);
        }
        return sum;
    }

    /** The group's name, such as {@code TcpExt}. */
    public String group() {
        return group;
    }

    /** Puts every counter, named group and counter in one word as nstat does, into {@code into}. */
    public void snapshot(Map<String, Long> into) {
        for (E counter : counters) {
            into.put(group + counter.mibName(), read(counter));
        }
    }
}
