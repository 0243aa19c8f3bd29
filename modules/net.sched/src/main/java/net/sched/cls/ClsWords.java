package net.sched.cls;

import java.util.List;
import net.core.UserError;
import net.core.tc.TcHandle;
import net.sched.TcOptions;
import net.skbuff.Errno;

/**
 * The words of a filter's options, one after the other, with iproute2's way of reading numbers and its complaints.
 *
 * <p>Context: one thread's own.
 *
 * <p>Linux: NEXT_ARG(), matches(), get_u32(), get_integer(), iproute2
 */
public final class ClsWords {
    private final TcOptions in;

    /** Reads {@code words}, those after {@code kind}, from the first on. */
    public ClsWords(String kind, List<String> words) {
        in = new TcOptions(kind, words);
    }

    /** The same words for somebody else to read on; what he takes is taken here. */
    public TcOptions options() {
        return in;
    }

    /** Tells whether words are left. */
    public boolean more() {
        return in.hasNext();
    }

    /** The next word, not taken; empty at the end. */
    public String peek() {
        return in.peek();
    }

    /** The next word. @throws UserError if there is none */
    public String next() {
        if (!more()) {
            throw new UserError("Command line is not complete. Try option \"help\"");
        }
        return in.next();
    }

    /** Takes the next word if it is {@code word}. */
    public boolean take(String word) {
        if (more() && peek().equals(word)) {
            in.next();
            return true;
        }
        return false;
    }

    /** Tells whether {@code word} is {@code whole} or its beginning, as tc lets one abbreviate. */
    public static boolean matches(String word, String whole) {
        return !word.isEmpty() && whole.startsWith(word);
    }

    /** The class after {@code classid} or {@code flowid}. */
    public int classid() {
        long id = TcHandle.parseClassid(next());
        if (id < 0) {
            throw illegal("classid");
        }
        return (int) id;
    }

    /** An unsigned number of up to {@code bits}, in base 0 as in C; {@code what} names it in the complaint. */
    public long number(String what, int base, int bits) {
        long v = unsigned(next(), base);
        if (v < 0 || v >>> bits != 0) {
            throw illegal(what);
        }
        return v;
    }

    /** The complaint about a value: {@code Illegal "what"}. */
    public static UserError illegal(String what) {
        return new UserError("Illegal \"" + what + "\"");
    }

    /** The answer to {@code skip_sw}: no device here takes filters over. */
    public static UserError noOffload() {
        return new UserError("RTNETLINK answers: " + Errno.text(Errno.EOPNOTSUPP));
    }

    /** The complaint about a word: what it is, and how it should have been. */
    public static UserError unknown(String word, String usage) {
        return new UserError("What is \"" + word + "\"? " + usage);
    }

    /** A number as C's strtoul reads it, base 0, 10 or 16; -1 if it is none or has more than 32 bits. */
    public static long unsigned(String s, int base) {
        String digits = s;
        int radix = base == 0 ? 10 : base;
        if (base != 10 && (s.startsWith("0x") || s.startsWith("0X"))) {
            digits = s.substring(2);
            radix = 16;
        } else if (base == 0 && s.length() > 1 && s.startsWith("0")) {
            digits = s.substring(1);
            radix = 8;
        }
        if (digits.isEmpty() || Character.digit(digits.charAt(0), radix) < 0) {
            return -1;
        }
        try {
            long v = Long.parseLong(digits, radix);
            return v > 0xFFFFFFFFL ? -1 : v;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** A signed number in base 0; Long.MIN_VALUE if it is none. Linux: get_integer(). */
    public static long signed(String s) {
        boolean minus = s.startsWith("-");
        long v = unsigned(minus ? s.substring(1) : s, 0);
        return v < 0 || v > Integer.MAX_VALUE ? Long.MIN_VALUE : minus ? -v : v;
    }
}
