package net.sched.act;

import net.core.UserError;
import net.core.tc.TcUnits;
import net.sched.TcOptions;

/**
 * The words of an action, taken from those of its filter. Words may be abbreviated where iproute2 lets them.
 *
 * <p>Linux: NEXT_ARG(), matches(), get_u32(), iproute2
 */
public final class TcActionWords {
    private static final long U32 = 0xFFFFFFFFL;

    private final TcOptions in;

    /** Goes on where {@code in} is, and moves it. */
    public TcActionWords(TcOptions in) {
        this.in = in;
    }

    /** Tells whether words are left. */
    public boolean hasNext() {
        return in.hasNext();
    }

    /** The next word, not taken; empty at the end. */
    public String peek() {
        return in.peek();
    }

    /** The next word; it has to be there. */
    public String next() {
        if (!in.hasNext()) {
            throw new UserError("Command line is not complete. Try option \"help\"");
        }
        return in.next();
    }

    /** Takes the next word if it is {@code whole}. */
    public boolean take(String whole) {
        if (!in.peek().equals(whole)) {
            return false;
        }
        in.next();
        return true;
    }

    /** Takes the next word if it is {@code whole} or its beginning. Linux: matches() */
    public boolean takeAbbreviated(String whole) {
        if (in.peek().isEmpty() || !whole.startsWith(in.peek())) {
            return false;
        }
        in.next();
        return true;
    }

    /** {@code index N}, if that comes next, into {@code to}. */
    public void index(TcActionParms to) {
        if (takeAbbreviated("index")) {
            to.index = (int) u32("index", U32);
        }
    }

    /** The next word as an unsigned number up to {@code max}: decimal, or hexadecimal after 0x. */
    public long u32(String what, long max) {
        return number(what, next(), max);
    }

    /** A word as an unsigned 32-bit number. */
    static int u32(String what, String word) {
        return (int) number(what, word, U32);
    }

    private static long number(String what, String word, long max) {
        try {
            long v = Long.decode(word);
            if (v >= 0 && v <= max) {
                return v;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("Illegal \"" + what + "\"");
    }

    /** Bytes; see {@link TcUnits#parseSize}. */
    public long size(String what) {
        return size(what, next());
    }

    static long size(String what, String word) {
        return known(what, word, TcUnits.parseSize(word));
    }

    /** Bytes per second; see {@link TcUnits#parseRate}. */
    public long rate(String what) {
        String word = next();
        return known(what, word, TcUnits.parseRate(word));
    }

    private static long known(String what, String word, long v) {
        if (v < 0) {
            throw invalid(word, what);
        }
        return v;
    }

    /** A word with a value that cannot be. Linux: invarg() */
    public static UserError invalid(String word, String why) {
        return new UserError("Error: argument \"" + word + "\" is wrong: " + why);
    }
}
