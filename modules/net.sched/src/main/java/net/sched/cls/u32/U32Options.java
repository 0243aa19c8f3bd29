package net.sched.cls.u32;

import java.util.List;
import net.core.Net;
import net.core.UserError;
import net.sched.cls.ClsWords;
import net.sched.cls.Filter;

/**
 * What the words of one u32 filter say. Close it unless the filter was made.
 *
 * <p>Linux: u32_parse_opt(), iproute2
 */
final class U32Options implements AutoCloseable {
    static final String USAGE = "Usage: ... u32 [ match SELECTOR ... ] [ link HTID ] [ classid CLASSID ]"
            + " [ action ACTION_SPEC ] [ offset OFFSET_SPEC ] [ ht HTID ] [ hashkey HASHKEY_SPEC ]"
            + " [ sample SAMPLE ] [skip_hw | skip_sw] or u32 divisor DIVISOR";

    final Filter.Builder filter;
    final U32Selector selector = new U32Selector();
    boolean matches;
    int divisor;
    boolean linked;
    /** Table to go on in, 0 to unlink. */
    int link;
    /** Table and bucket it goes into; 0 for the root. */
    int ht;
    /** What {@code offset} says: a fixed part, and a field of the packet at {@code offOff}. */
    boolean fixedOffset;

    boolean varOffset;
    boolean eat;
    int off;
    int offOff;
    int offMask;
    int offShift;
    /** What {@code hashkey} says. */
    int hashMask;

    int hashOff;
    boolean skipHw;

    private boolean sampled;

    U32Options(Net net, List<String> args) {
        filter = new Filter.Builder(net);
        boolean done = false;
        try {
            read(new ClsWords("u32", args));
            done = true;
        } finally {
            if (!done) {
                filter.close();
            }
        }
    }

    /** Tells whether a match here is final; otherwise the filter only links. Linux: TC_U32_TERMINAL */
    boolean terminal() {
        return filter.hasClass() || filter.hasActions();
    }

    private void read(ClsWords in) {
        while (in.more()) {
            String word = in.next();
            if (ClsWords.matches(word, "match")) {
                selector.read(in, "match");
                matches = true;
            } else if (ClsWords.matches(word, "offset")) {
                offset(in);
            } else if (ClsWords.matches(word, "hashkey")) {
                hashkey(in);
            } else if (ClsWords.matches(word, "divisor")) {
                divisor = divisor(in, "Illegal \"divisor\"");
            } else if (ClsWords.matches(word, "order")) {
                in.number("order", 0, 32); // in the handle already
            } else if (word.equals("link")) {
                link = handle(in, "link", "\"link\" must be a hash table.");
                linked = true;
            } else if (word.equals("ht")) {
                int h = handle(in, "ht", "");
                ht = sampled ? ht & 0xFF000 | h & 0xFFF00000 : h & 0xFFFFF000;
            } else if (word.equals("sample")) {
                sample(in);
            } else if (word.equals("skip_hw")) {
                skipHw = true;
            } else if (word.equals("skip_sw")) {
                throw ClsWords.noOffload();
            } else if (!filter.read(word, in)) {
                throw ClsWords.unknown(word, USAGE);
            }
        }
    }

    private static int handle(ClsWords in, String what, String noNode) {
        long h = U32Handle.parse(in.next());
        if (h < 0) {
            throw ClsWords.illegal(what);
        }
        if (!noNode.isEmpty() && U32Handle.node((int) h) != 0) {
            throw new UserError(noNode);
        }
        return (int) h;
    }

    private static int divisor(ClsWords in, String complaint) {
        long d = ClsWords.unsigned(in.next(), 0);
        if (d <= 0 || d > 0x100 || (d & d - 1) != 0) {
            throw new UserError(complaint);
        }
        return (int) d;
    }

    private void sample(ClsWords in) {
        U32Selector one = new U32Selector();
        one.read(in, "sample");
        if (one.keys().size() != 1) {
            throw new UserError("\"sample\" must contain exactly ONE key.");
        }
        int of = in.take("divisor") ? divisor(in, "Illegal sample \"divisor\"") : 0x100;
        U32Key k = one.keys().getFirst();
        int hash = k.mask() == 0 ? k.val() : (k.val() & k.mask()) >>> Integer.numberOfTrailingZeros(k.mask());
        ht = Integer.remainderUnsigned(hash, of) << 12 | ht & 0xFFF00000;
        sampled = true;
    }

    private static int signed(ClsWords in, String what) {
        long v = ClsWords.signed(in.next());
        if (v == Long.MIN_VALUE) {
            throw ClsWords.illegal(what);
        }
        return (int) v;
    }

    private void offset(ClsWords in) {
        while (in.more()) {
            String word = in.peek();
            if (ClsWords.matches(word, "plus")) {
                in.next();
                off = signed(in, "offset") & 0xFFFF;
                fixedOffset = true;
            } else if (ClsWords.matches(word, "at")) {
                in.next();
                offOff = signed(in, "offset");
                if (offOff % 2 != 0) {
                    throw new UserError("offset \"at\" must be even");
                }
                varOffset = true;
            } else if (ClsWords.matches(word, "mask")) {
                in.next();
                offMask = (int) in.number("offset", 16, 16);
                varOffset = true;
            } else if (ClsWords.matches(word, "shift")) {
                in.next();
                offShift = signed(in, "offset") & 0xFF;
                varOffset = true;
            } else if (ClsWords.matches(word, "eat")) {
                in.next();
                eat = true;
            } else {
                return;
            }
        }
    }

    private void hashkey(ClsWords in) {
        while (in.more()) {
            if (ClsWords.matches(in.peek(), "mask")) {
                in.next();
                hashMask = (int) in.number("hashkey", 16, 32);
            } else if (ClsWords.matches(in.peek(), "at")) {
                in.next();
                hashOff = signed(in, "hashkey");
                if (hashOff % 4 != 0) {
                    throw ClsWords.illegal("hashkey");
                }
            } else {
                return;
            }
        }
    }

    @Override
    public void close() {
        filter.close();
    }
}
