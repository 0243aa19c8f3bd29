package net.sched.cls.ematch;

import java.util.List;
import net.core.UserError;
import net.sched.cls.ClsWords;
import net.sched.cls.ematch.EmatchParser.Token;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/** The arguments of a match, one after the other. Linux: struct bstr, parse_layer(), iproute2 */
final class EmatchArgs {
    static final int LINK = 0;
    static final int NETWORK = 1;
    static final int TRANSPORT = 2;

    private final String kind;
    private final List<Token> args;
    private int at;

    EmatchArgs(String kind, List<Token> args) {
        this.kind = kind;
        this.args = args;
    }

    boolean more() {
        return at < args.size();
    }

    Token next(String what) {
        if (!more()) {
            throw error("missing " + what);
        }
        return args.get(at++);
    }

    UserError error(String what) {
        return EmatchParser.error(kind + ": " + what);
    }

    /** Takes the next if it is {@code word}. */
    boolean take(String word) {
        if (more() && args.get(at).is(word)) {
            at++;
            return true;
        }
        return false;
    }

    long number(String what) {
        long v = ClsWords.unsigned(next(what).text(), 0);
        if (v < 0) {
            throw error("invalid " + what + ", must be numeric");
        }
        return v;
    }

    /** {@code link}, {@code network}, {@code transport} or its number. */
    int layer() {
        String s = next("argument").text();
        long v = s.startsWith("l") ? LINK : s.startsWith("n") ? NETWORK : s.startsWith("t") ? TRANSPORT : -1;
        if (v < 0) {
            v = ClsWords.unsigned(s, 0);
        }
        if (v < 0 || v > TRANSPORT) {
            throw error("illegal layer, must be in 0..2");
        }
        return (int) v;
    }

    /** Where a layer's header is, from the packet's data; far outside if it has none. Linux: tcf_get_base_ptr() */
    @HotPath
    static int base(SkBuff skb, int layer) {
        int header = switch (layer) {
            case LINK -> skb.macHeader;
            case NETWORK -> skb.networkHeader;
            default -> skb.transportHeader == skb.networkHeader ? -1 : skb.transportHeader;
        };
        return header < 0 ? Integer.MIN_VALUE / 2 : header - skb.data;
    }
}
