package net.core.tc;

import java.util.Locale;

/**
 * Prints what tc shows, either as text or as JSON, from the same calls in the same order: each value has the key that
 * {@code tc -j} gives it and the words that stand around it in text. A discipline writes its options and its own
 * counters with it and never knows which of the two comes out.
 *
 * <p>Context: one thread's own.
 *
 * <p>Linux: iproute2, lib/json_print.c, print_*() in tc/tc_util.c
 */
public final class TcPrint {
    private final StringBuilder out = new StringBuilder(256);
    private final boolean json;
    private boolean details;
    private boolean pretty;
    /** JSON: a comma must come before the next value. */
    private boolean comma;

    /** A printer for text or, if {@code json}, JSON. */
    public TcPrint(boolean json) {
        this.json = json;
    }

    /** Shows what {@code tc -d} shows. */
    public TcPrint details(boolean on) {
        details = on;
        return this;
    }

    /** Tells whether {@code tc -d} was asked for. */
    public boolean details() {
        return details;
    }

    /** Shows what {@code tc -p} shows. */
    public TcPrint pretty(boolean on) {
        pretty = on;
        return this;
    }

    /** Tells whether {@code tc -p} was asked for. */
    public boolean isPretty() {
        return pretty;
    }

    /** Tells whether JSON comes out. */
    public boolean isJson() {
        return json;
    }

    private void key(String key) {
        if (comma) {
            out.append(',');
        }
        if (!key.isEmpty()) {
            quoted(key);
            out.append(':');
        }
        comma = true;
    }

    private void quoted(String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    /** An integer. */
    public TcPrint num(String key, String before, long v, String after) {
        if (json) {
            key(key);
            out.append(v);
        } else {
            out.append(before).append(v).append(after);
        }
        return this;
    }

    /** An integer of 64 bits without a sign. */
    public TcPrint unsigned(String key, String before, long v) {
        String digits = Long.toUnsignedString(v);
        if (json) {
            key(key);
            out.append(digits);
        } else {
            out.append(before).append(digits);
        }
        return this;
    }

    /** A number in hexadecimal: text {@code 0x..}, JSON as a string. */
    public TcPrint hex(String key, String before, long v, String after) {
        return str(key, before, "0x" + Long.toHexString(v), after);
    }

    /** A string. */
    public TcPrint str(String key, String before, String v, String after) {
        if (json) {
            key(key);
            quoted(v);
        } else {
            out.append(before).append(v).append(after);
        }
        return this;
    }

    /** A string with its text form apart. */
    public TcPrint word(String key, String v, String text) {
        return json ? str(key, "", v, "") : text(text);
    }

    /** A number with its text form apart. */
    public TcPrint value(String key, long v, String text) {
        if (json) {
            key(key);
            out.append(v);
        } else {
            out.append(text);
        }
        return this;
    }

    /** A fraction; text as {@code %g}. */
    public TcPrint real(String key, String before, double v, String after) {
        if (json) {
            key(key);
            out.append(TcUnits.general(v, 6));
        } else {
            out.append(before).append(TcUnits.general(v, 6)).append(after);
        }
        return this;
    }

    /** Bytes: {@code 32Mb}. */
    public TcPrint size(String key, String before, long bytes, String after) {
        return value(key, bytes, before + TcUnits.size(bytes) + after);
    }

    /** Bytes per second: {@code 10Mbit}. */
    public TcPrint rate(String key, String before, long bytesPerSec, String after) {
        return value(key, bytesPerSec, before + TcUnits.rate(bytesPerSec) + after);
    }

    /** Microseconds: {@code 5ms}. */
    public TcPrint timeUs(String key, String before, long us, String after) {
        return value(key, us, before + TcUnits.timeUs(us) + after);
    }

    /** Nanoseconds: {@code 5ms}. */
    public TcPrint timeNs(String key, String before, long ns, String after) {
        return value(key, ns, before + TcUnits.timeNs(ns) + after);
    }

    /** A word that is there or not: {@code true} in JSON; nothing if not {@code on}. */
    public TcPrint flag(String key, boolean on, String text) {
        if (on) {
            bool(key, true, text);
        }
        return this;
    }

    /** A truth value whose text is given. */
    public TcPrint bool(String key, boolean v, String text) {
        if (json) {
            key(key);
            out.append(v);
        } else {
            out.append(text);
        }
        return this;
    }

    /** A word that is there: null in JSON. */
    public TcPrint nul(String key, String text) {
        if (json) {
            key(key);
            out.append("null");
        } else {
            out.append(text);
        }
        return this;
    }

    /** Words of the text form only. */
    public TcPrint text(String s) {
        if (!json) {
            out.append(s);
        }
        return this;
    }

    /** Ends a line of text. */
    public TcPrint nl() {
        return text("\n");
    }

    /** Begins an object; an empty key for one in an array or on top. */
    public TcPrint open(String key) {
        if (json) {
            key(key);
            out.append('{');
            comma = false;
        }
        return this;
    }

    /** Ends an object. */
    public TcPrint close() {
        if (json) {
            out.append('}');
            comma = true;
        }
        return this;
    }

    /** Begins an array. */
    public TcPrint openArray(String key, String text) {
        if (json) {
            key(key);
            out.append('[');
            comma = false;
        } else {
            out.append(text);
        }
        return this;
    }

    /** Ends an array. */
    public TcPrint closeArray(String text) {
        if (json) {
            out.append(']');
            comma = true;
        } else {
            out.append(text);
        }
        return this;
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
