package net.sched;

import java.util.List;
import java.util.Locale;
import net.core.UserError;

/**
 * Reads a qdisc's options, word by word, in tc's grammar and units.
 *
 * <p>Linux: iproute2, tc/tc_util.c
 */
public final class TcOptions {
    private final String kind;
    private final List<String> words;
    private int at;

    /** The words after a qdisc's name. */
    public TcOptions(String kind, List<String> words) {
        this.kind = kind;
        this.words = words;
    }

    /** Tells whether words are left. */
    public boolean hasNext() {
        return at < words.size();
    }

    /** The next option's name. */
    public String next() {
        return words.get(at++);
    }

    /** The value of the option just read. */
    private String value(String option, String what) {
        if (at >= words.size()) {
            throw new UserError("qdisc " + kind + ": " + option + " wants " + what);
        }
        return words.get(at++);
    }

    /** A plain number, at least {@code min}. */
    public int number(String option, int min) {
        String v = value(option, "a number");
        try {
            int n = Integer.parseInt(v);
            if (n >= min) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("qdisc " + kind + ": " + option + " wants a number from " + min + ", got \"" + v + "\"");
    }

    /** A number of bytes: plain, or with b, k, kb, m, mb, g, gb, kbit, mbit, gbit. Linux: get_size(). */
    public int size(String option) {
        String v = value(option, "a size in bytes");
        String s = v.toLowerCase(Locale.ROOT);
        int end = 0;
        while (end < s.length() && (Character.isDigit(s.charAt(end)) || s.charAt(end) == '.')) {
            end++;
        }
        double unit = switch (s.substring(end)) {
            case "", "b" -> 1;
            case "k", "kb" -> 1024;
            case "m", "mb" -> 1024 * 1024;
            case "g", "gb" -> 1024 * 1024 * 1024;
            case "kbit" -> 1024 / 8.0;
            case "mbit" -> 1024 * 1024 / 8.0;
            case "gbit" -> 1024 * 1024 * 1024 / 8.0;
            default -> -1;
        };
        try {
            double n = Double.parseDouble(s.substring(0, end)) * unit;
            if (n >= 0 && n <= Integer.MAX_VALUE) {
                return (int) n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("qdisc " + kind + ": " + option + " wants a size such as 64kb, got \"" + v + "\"");
    }

    /** An option that is not known. */
    public UserError unknown(String option, String known) {
        return new UserError("qdisc " + kind + ": unknown option \"" + option + "\": known is " + known);
    }
}
