package net.sched;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.core.UserError;

/**
 * The options of one kind of qdisc, declared once: reads them and words the usage line.
 *
 * <pre>
 * TcGrammar.of("codel").number("limit", 1, MAX).time("target").time("interval").flag("ecn", "ecn", 1).flag("noecn", "ecn", 0)
 * </pre>
 *
 * <p>A wrong word gives tc's {@code What is "x"?} with the usage, a wrong value its {@code Illegal "limit"}.
 *
 * <p>Linux: iproute2, tc/q_*.c
 */
public final class TcGrammar {
    /** The greatest unsigned 32-bit number. */
    public static final long U32 = 0xFFFFFFFFL;

    private interface Reader {
        void read(TcOptions in, String word, TcAttrs to);
    }

    private final String kind;
    private final Map<String, Reader> readers = new LinkedHashMap<>();
    private final List<String> usage = new ArrayList<>();

    private TcGrammar(String kind) {
        this.kind = kind;
    }

    /** No options yet. */
    public static TcGrammar of(String kind) {
        return new TcGrammar(kind);
    }

    private TcGrammar add(String word, String says, Reader r) {
        readers.put(word, r);
        usage.add(says.isEmpty() ? "[ " + word + " ]" : "[ " + word + " " + says + " ]");
        return this;
    }

    /** {@code word NUMBER}. */
    public TcGrammar number(String word, long min, long max) {
        return add(word, "NUMBER", (in, w, to) -> to.put(word, in.number(w, min, max)));
    }

    /** {@code word NUMBER} in hexadecimal, with or without 0x, as minor numbers of classes are. */
    public TcGrammar hexNumber(String word) {
        return add(word, "MINOR", (in, w, to) -> {
            String v = in.value(w, "a minor number");
            try {
                to.put(word, Long.parseLong(v.startsWith("0x") ? v.substring(2) : v, 16));
            } catch (NumberFormatException e) {
                throw new UserError("Illegal \"" + w + "\"", e);
            }
        });
    }

    /** {@code word BYTES}. */
    public TcGrammar size(String word) {
        return add(word, "BYTES", (in, w, to) -> to.put(word, in.size(w)));
    }

    /** {@code word RATE}. */
    public TcGrammar rate(String word) {
        return add(word, "RATE", (in, w, to) -> to.put(word, in.rate(w)));
    }

    /** {@code word TIME}, kept in ns; a bare number is in microseconds. */
    public TcGrammar time(String word) {
        return add(word, "TIME", (in, w, to) -> to.put(word, in.time(w)));
    }

    /** {@code word TIME}, kept in ns; a bare number is in nanoseconds. */
    public TcGrammar time64(String word) {
        return add(word, "TIME", (in, w, to) -> to.put(word, in.time64(w)));
    }

    /** {@code word PERCENT}, kept as a share. */
    public TcGrammar percent(String word) {
        return add(word, "PERCENT", (in, w, to) -> to.put(word, in.percent(w)));
    }

    /** {@code word PROBABILITY}, from 0 to 1. */
    public TcGrammar probability(String word) {
        return add(word, "PROBABILITY", (in, w, to) -> to.put(word, in.probability(w)));
    }

    /** A word that sets {@code name} to {@code v}. */
    public TcGrammar flag(String word, String name, long v) {
        return add(word, "", (in, w, to) -> to.put(name, v));
    }

    /** {@code word N N N ...}, exactly {@code count} numbers. */
    public TcGrammar numbers(String word, int count, long min, long max) {
        return add(word, "NUMBER...", (in, w, to) -> {
            long[] a = new long[count];
            for (int i = 0; i < count; i++) {
                a[i] = in.number(w, min, max);
            }
            to.put(word, a);
        });
    }

    /** {@code word VALUE/MASK}: a list of the two. */
    public TcGrammar masked(String word) {
        return add(word, "VALUE/MASK", (in, w, to) -> {
            String v = in.value(w, "VALUE/MASK");
            int slash = v.indexOf('/');
            try {
                to.put(word, new long[] {Long.decode(v.substring(0, slash)), Long.decode(v.substring(slash + 1))});
            } catch (RuntimeException e) {
                throw new UserError("qdisc " + kind + ": " + w + " wants VALUE/MASK, got \"" + v + "\"", e);
            }
        });
    }

    /** {@code word on|off}. */
    public TcGrammar onOff(String word) {
        return add(word, "{on|off}", (in, w, to) -> {
            String v = in.value(w, "on or off");
            if (!v.equals("on") && !v.equals("off")) {
                throw new UserError("qdisc " + kind + ": " + w + " wants on or off, got \"" + v + "\"");
            }
            to.put(word, v.equals("on") ? 1L : 0L);
        });
    }

    /** {@code word A|B|...}, kept as the word. */
    public TcGrammar choice(String word, String... choices) {
        return add(word, "{" + String.join("|", choices) + "}", (in, w, to) -> {
            String v = in.value(w, String.join(" or ", choices));
            if (!List.of(choices).contains(v)) {
                throw new UserError(
                        "qdisc " + kind + ": " + w + " wants " + String.join(" or ", choices) + ", got \"" + v + "\"");
            }
            to.put(word, v);
        });
    }

    /** A second name for an option declared before. */
    public TcGrammar alias(String other, String word) {
        Reader r = readers.get(word);
        if (r == null) {
            throw new IllegalArgumentException(word);
        }
        readers.put(other, r);
        return this;
    }

    /** The usage in one line. */
    public String usage() {
        return "Usage: ... " + kind + " " + String.join(" ", usage);
    }

    /** Reads the words after the kind. @throws UserError in one line */
    public TcAttrs read(List<String> words) {
        TcAttrs attrs = new TcAttrs();
        TcOptions in = new TcOptions(kind, words);
        while (in.hasNext()) {
            String word = in.next();
            Reader r = readers.get(word);
            if (r == null) {
                throw new UserError("What is \"" + word + "\"? " + usage());
            }
            r.read(in, word, attrs);
        }
        return attrs;
    }
}
