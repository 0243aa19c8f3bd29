package net.core;

import org.jspecify.annotations.Nullable;

/** One setting. Linux: struct ctl_table, include/linux/sysctl.h. */
public abstract sealed class SysctlEntry permits IntSysctl, LongSysctl, StringSysctl, LongVecSysctl {
    /** Hears of changes, after the value is in force. Context: process. */
    @FunctionalInterface
    public interface Listener {
        /** {@code entry} has a new value. */
        void changed(SysctlEntry entry);
    }

    private final String name;
    private final @Nullable Listener listener;

    SysctlEntry(String name, @Nullable Listener listener) {
        this.name = name;
        this.listener = listener;
    }

    /** The whole dotted name. */
    public final String name() {
        return name;
    }

    /** The value as {@code sysctl} prints it. */
    public abstract String text();

    /** Parses and stores; throws {@link UserError} with one line if it cannot be. */
    final void set(String text) {
        parse(text.trim());
        if (listener != null) {
            listener.changed(this);
        }
    }

    abstract void parse(String text);

    final UserError wants(String text, String what) {
        return new UserError("sysctl " + name + "=" + text + ": wants " + what);
    }

    final long number(String text, long min, long max) {
        try {
            long n = Long.decode(text);
            if (n >= min && n <= max) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw wants(text, "a number from " + min + " to " + max);
    }
}
