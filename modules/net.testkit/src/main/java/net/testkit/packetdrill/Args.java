package net.testkit.packetdrill;

import java.util.List;
import net.core.sock.OptVal;
import net.testkit.packetdrill.lang.Escapes;
import net.testkit.packetdrill.lang.Expr;
import net.testkit.packetdrill.lang.Symbols;
import net.testkit.packetdrill.lang.Syscall;

/** A call's arguments as values, with the errors of a person who wrote other ones. */
final class Args {
    private final ScriptWorld world;
    private final Syscall call;

    Args(ScriptWorld world, Syscall call) {
        this.world = world;
        this.call = call;
    }

    Args count(int min, int max) {
        int n = call.args().size();
        if (n < min || n > max) {
            throw new ScriptFailure(
                    call.name() + " expected " + min + (max > min ? " to " + max : "") + " args but got " + n);
        }
        return this;
    }

    int count() {
        return call.args().size();
    }

    Expr at(int i) {
        return call.args().get(i);
    }

    boolean isEllipsis(int i) {
        return at(i) instanceof Expr.Ellipsis;
    }

    /** An address or a length that only the runner knows. */
    void ellipsisOrNull(int i) {
        if (!isEllipsis(i) && number(i) != 0) {
            throw wrong(i, "... or NULL");
        }
    }

    int integer(int i) {
        return (int) number(i);
    }

    long number(int i) {
        return value(at(i), "argument " + (i + 1));
    }

    /** {@code [n]} as n. */
    long inBrackets(int i) {
        if (at(i) instanceof Expr.Array a && a.items().size() == 1) {
            return value(a.items().getFirst(), "argument " + (i + 1));
        }
        throw wrong(i, "[number]");
    }

    /** The script's descriptor. */
    ScriptWorld.Fd fd(int i) {
        return world.fd(integer(i));
    }

    /** {@code ...} or NULL with a length. */
    ScriptBuffer buffer(int i, int length) {
        if (isEllipsis(i)) {
            return new ScriptBuffer(length, false);
        }
        if (number(i) == 0) {
            return new ScriptBuffer(length, true);
        }
        throw wrong(i, "... or NULL");
    }

    /** {@code [{..., n}, ...]} as one buffer. */
    ScriptBuffer iovec(Expr.Array list, int count) {
        List<Expr> items = list.items();
        if (items.size() != count) {
            throw new ScriptFailure("iovec of " + items.size() + " elements, but the count says " + count);
        }
        int[] pieces = new int[count];
        for (int i = 0; i < count; i++) {
            if (!(items.get(i) instanceof Expr.Iovec v)) {
                throw new ScriptFailure("wants {..., n} as an element of an iovec");
            }
            pieces[i] = Math.toIntExact(v.length());
        }
        return new ScriptBuffer(pieces);
    }

    ScriptFailure wrong(int i, String want) {
        return new ScriptFailure(call.name() + ": wants " + want + " as argument " + (i + 1));
    }

    // ---- values

    /** A number, a named constant, or an or of them. */
    static long value(Expr e, String what) {
        return switch (e) {
            case Expr.Int n -> n.value();
            case Expr.Word w -> {
                Long v = w.name().equals("NULL") ? Long.valueOf(0) : Symbols.value(w.name());
                if (v == null) {
                    throw new ScriptFailure("unknown symbol: '" + w.name() + "'");
                }
                yield v;
            }
            case Expr.Or or -> value(or.left(), what) | value(or.right(), what);
            default -> throw new ScriptFailure("wants a number as " + what);
        };
    }

    static byte[] bytes(Expr.Str s) {
        return Escapes.bytes(s.raw());
    }

    /** What setsockopt takes, padded or cut to what the call says is its length. */
    OptVal option(int i, int length) {
        OptVal v = switch (at(i)) {
            case Expr.Array a when a.items().size() == 1 -> OptVal.ofInt((int) inBrackets(i));
            case Expr.Linger l -> OptVal.ofInts(l.onoff(), l.linger());
            case Expr.Str s -> new OptVal(bytes(s));
            case Expr.Braces b -> Md5Sig.optval(b);
            default -> throw wrong(i, "[number], {onoff=,linger=}, {tcpm_addr=,...} or a string");
        };
        if (length > v.data.length) {
            v.data = java.util.Arrays.copyOf(v.data, length);
        }
        v.len = length;
        return v;
    }
}
