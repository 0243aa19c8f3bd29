package net.core;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A setting of several numbers, such as {@code net.ipv4.tcp_rmem}. Replaced as a whole. */
public final class LongVecSysctl extends SysctlEntry {
    private final long min;
    private final long max;

    /** The values in force; never changed in place. */
    public volatile long[] value;

    LongVecSysctl(String name, long[] value, long min, long max, @Nullable Listener listener) {
        super(name, listener);
        this.value = value.clone();
        this.min = min;
        this.max = max;
    }

    /** The {@code i}-th value. */
    public long at(int i) {
        return value[i];
    }

    @Override
    public String text() {
        return Arrays.stream(value).mapToObj(Long::toString).collect(Collectors.joining("\t"));
    }

    @Override
    void parse(String text) {
        String[] words = text.split("[\\s,]+", -1);
        if (words.length != value.length) {
            throw wants(text, value.length + " numbers");
        }
        long[] next = new long[words.length];
        for (int i = 0; i < next.length; i++) {
            next[i] = number(words[i], min, max);
        }
        value = next;
    }
}
