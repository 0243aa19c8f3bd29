package net.sched;

import java.util.List;
import net.core.UserError;
import net.core.tc.TcUnits;

/**
 * Reads a qdisc's or class's options, word by word, in tc's grammar and units. For disciplines whose grammar
 * {@link TcGrammar} cannot say.
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

    /** The next word, not taken; empty at the end. */
    public String peek() {
        return at < words.size() ? words.get(at) : "";
    }

    /** The value of the option just read, {@code what} in words. */
    public String value(String option, String what) {
        if (at >= words.size()) {
            throw new UserError("qdisc " + kind + ": " + option + " wants " + what);
        }
        return words.get(at++);
    }

    /** A plain number, at least {@code min}. */
    public int number(String option, int min) {
        return (int) number(option, min, Integer.MAX_VALUE);
    }

    /** A plain number from {@code min} to {@code max}, in decimal or, after 0x, in hexadecimal. */
    public long number(String option, long min, long max) {
        String v = value(option, "a number");
        try {
            long n = Long.decode(v);
            if (n >= min && n <= max) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        String to = max == Integer.MAX_VALUE || max == Long.MAX_VALUE ? "" : " to " + max;
        throw new UserError(
                "qdisc " + kind + ": " + option + " wants a number from " + min + to + ", got \"" + v + "\"");
    }

    private long unit(String option, String v, long n, String what) {
        if (n < 0) {
            throw new UserError("qdisc " + kind + ": " + option + " wants " + what + ", got \"" + v + "\"");
        }
        return n;
    }

    /** Bytes; see {@link TcUnits#parseSize}. */
    public long size(String option) {
        String v = value(option, "a size in bytes");
        return unit(option, v, TcUnits.parseSize(v), "a size such as 64kb");
    }

    /** Bytes per second; see {@link TcUnits#parseRate}. */
    public long rate(String option) {
        String v = value(option, "a rate");
        return unit(option, v, TcUnits.parseRate(v), "a rate such as 10mbit");
    }

    /** Nanoseconds; a bare number is in microseconds. */
    public long time(String option) {
        String v = value(option, "a time");
        return unit(option, v, TcUnits.parseTime(v), "a time such as 10ms");
    }

    /** Nanoseconds; a bare number is in nanoseconds. */
    public long time64(String option) {
        String v = value(option, "a time");
        return unit(option, v, TcUnits.parseTime64(v), "a time such as 10ms");
    }

    /** A share from 0 to 1, of {@code 10%}. */
    public double percent(String option) {
        String v = value(option, "a percentage");
        double n = TcUnits.parsePercent(v);
        if (n < 0) {
            throw new UserError(
                    "qdisc " + kind + ": " + option + " wants a percentage such as 0.5%, got \"" + v + "\"");
        }
        return n;
    }

    /** A fraction from 0 to 1, of {@code 0.02}. */
    public double probability(String option) {
        String v = value(option, "a probability");
        try {
            double n = Double.parseDouble(v);
            if (n >= 0 && n <= 1) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("qdisc " + kind + ": " + option + " wants a number from 0 to 1, got \"" + v + "\"");
    }

    /** An option that is not known. */
    public UserError unknown(String option, String known) {
        return new UserError("qdisc " + kind + ": unknown option \"" + option + "\": known is " + known);
    }
}
