package net.core;

import org.jspecify.annotations.Nullable;

/** A setting that is a large number. */
public final class LongSysctl extends SysctlEntry {
    private final long min;
    private final long max;

    /** The value in force. Written by {@link Sysctl#set} only. */
    public long value;

    LongSysctl(String name, long value, long min, long max, @Nullable Listener listener) {
        super(name, listener);
        this.value = value;
        this.min = min;
        this.max = max;
    }

    @Override
    public String text() {
        return Long.toString(value);
    }

    @Override
    void parse(String text) {
        value = number(text, min, max);
    }
}
