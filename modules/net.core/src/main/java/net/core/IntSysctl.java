package net.core;

import org.jspecify.annotations.Nullable;

/** A setting that is a number. Readers take {@link #value} as it is: a change is seen soon, not at once. */
public final class IntSysctl extends SysctlEntry {
    private final int min;
    private final int max;

    /** The value in force. Written by {@link Sysctl#set} only. */
    public int value;

    IntSysctl(String name, int value, int min, int max, @Nullable Listener listener) {
        super(name, listener);
        this.value = value;
        this.min = min;
        this.max = max;
    }

    /** Whether it is not 0. */
    public boolean isSet() {
        return value != 0;
    }

    @Override
    public String text() {
        return Integer.toString(value);
    }

    @Override
    void parse(String text) {
        value = (int) number(text, min, max);
    }
}
