package net.sched;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Options as {@link TcGrammar} read them: only those that were given, so that a change leaves the others alone. Numbers,
 * sizes and rates as they are, times in nanoseconds, flags as what the grammar sets.
 *
 * <p>Linux: struct nlattr *tb[]
 */
public final class TcAttrs {
    private static final TcAttrs NONE = new TcAttrs();

    private final Map<String, Object> values = new LinkedHashMap<>();

    /** Nothing given yet. */
    public TcAttrs() {}

    /** What {@link net.core.dev.Qdisc#init} got; none for null. */
    public static TcAttrs of(@Nullable Object opt) {
        return opt instanceof TcAttrs a ? a : NONE;
    }

    /** Sets an option. */
    public TcAttrs put(String name, Object value) {
        values.put(name, value);
        return this;
    }

    /** Tells whether an option was given. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** Its number, or {@code otherwise}. */
    public long get(String name, long otherwise) {
        return values.get(name) instanceof Number n ? n.longValue() : otherwise;
    }

    /** Its number as an int, cut to the greatest, or {@code otherwise}. */
    public int get(String name, int otherwise) {
        return (int) Math.min(get(name, (long) otherwise), Integer.MAX_VALUE);
    }

    /** Its flag, or {@code otherwise}. */
    public boolean get(String name, boolean otherwise) {
        return get(name, otherwise ? 1L : 0L) != 0;
    }

    /** Its fraction, or {@code otherwise}. */
    public double get(String name, double otherwise) {
        return values.get(name) instanceof Number n ? n.doubleValue() : otherwise;
    }

    /** Its word, or {@code otherwise}. */
    public String get(String name, String otherwise) {
        return values.get(name) instanceof String s ? s : otherwise;
    }

    /** Its list of fractions, empty if not given. */
    public double[] reals(String name) {
        return values.get(name) instanceof double[] a ? a.clone() : new double[0];
    }

    /** Its list of numbers; null if not given. */
    public long @Nullable [] list(String name) {
        return values.get(name) instanceof long[] a ? Arrays.copyOf(a, a.length) : null;
    }
}
