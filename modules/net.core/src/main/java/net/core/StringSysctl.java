package net.core;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A setting that is a word, such as the name of a congestion control. */
public final class StringSysctl extends SysctlEntry {
    private final @Nullable Predicate<String> check;
    private final String wants;

    /** The value in force. Written by {@link Sysctl#set} only. */
    public volatile String value;

    StringSysctl(
            String name, String value, @Nullable Predicate<String> check, String wants, @Nullable Listener listener) {
        super(name, listener);
        this.value = value;
        this.check = check;
        this.wants = wants;
    }

    @Override
    public String text() {
        return value;
    }

    @Override
    void parse(String text) {
        if (check != null && !check.test(text)) {
            throw wants(text, wants);
        }
        value = text;
    }
}
