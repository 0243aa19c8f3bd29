package net.sched.cls.ematch;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import net.core.Cpu;
import net.sched.cls.ClsWords;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code meta(OBJECT eq|gt|lt OBJECT)}: a number, a name in quotes, or what is known of the packet; see {@link MetaId}.
 *
 * <p>Linux: net/sched/em_meta.c; tc/em_meta.c
 */
final class EmMeta implements Ematch {
    /** One side: {@code id} or a constant. A name if {@code text}, then {@code shift} cuts off its end. */
    private record Side(@Nullable MetaId id, long number, byte[] name, boolean text, int shift, int mask) {
        @HotPath
        long value(Cpu cpu, SkBuff skb) {
            if (id == null) {
                return number;
            }
            long v = id.of(cpu, skb);
            if (v == MetaId.ABSENT) {
                return v;
            }
            v >>>= shift;
            return mask == 0 ? v : v & mask & 0xFFFFFFFFL;
        }

        Side asText() {
            return new Side(id, number, name, true, shift, mask);
        }

        String print() {
            if (id == null) {
                return text ? printName(name) : Integer.toString((int) number);
            }
            return id.word
                    + (shift == 0 ? "" : " shift " + shift)
                    + (mask == 0 || text ? "" : String.format(Locale.ROOT, " mask 0x%08x", mask));
        }
    }

    private static final byte[] NO_NAME = {};

    private final Side left;
    private final EmCmp.Order order;
    private final Side right;

    private EmMeta(Side left, EmCmp.Order order, Side right) {
        this.left = left;
        this.order = order;
        this.right = right;
    }

    static EmMeta parse(EmatchArgs a) {
        Side left = side(a);
        EmCmp.Order order = EmCmp.Order.parse(a);
        Side right = side(a);
        if (a.more()) {
            throw a.error("unexpected trailer");
        }
        if (left.text != right.text) {
            if (!left.text && left.id != null && left.id.isName()) {
                left = left.asText();
            } else if (!right.text && right.id != null && right.id.isName()) {
                right = right.asText();
            } else {
                throw a.error("lvalue and rvalue are not compatible.");
            }
        }
        return new EmMeta(left, order, right);
    }

    private static Side side(EmatchArgs a) {
        EmatchParser.Token t = a.next("operand");
        if (t.quoted()) {
            return new Side(null, 0, t.bytes(), true, 0, 0);
        }
        long n = ClsWords.unsigned(t.text(), 0);
        if (n >= 0) {
            return new Side(null, n, NO_NAME, false, 0, 0);
        }
        MetaId id = MetaId.of(t.text());
        if (id == null) {
            throw a.error("unknown meta id \"" + t.text() + "\"");
        }
        int shift = 0;
        long mask = 0;
        while (true) {
            if (a.take("shift")) {
                shift = (int) a.number("shift") & 0xFF;
            } else if (a.take("mask")) {
                mask = a.number("mask");
            } else {
                return new Side(id, 0, NO_NAME, false, shift, (int) mask);
            }
        }
    }

    @Override
    public String kind() {
        return "meta";
    }

    @Override
    @HotPath
    public boolean match(Cpu cpu, SkBuff skb) {
        if (left.text) {
            return matchNames(skb);
        }
        long l = left.value(cpu, skb);
        long r = right.value(cpu, skb);
        return l != MetaId.ABSENT && r != MetaId.ABSENT && order.holds(Long.compareUnsigned(l, r));
    }

    @HotPath
    private boolean matchNames(SkBuff skb) {
        String l = left.id == null ? null : left.id.nameOf(skb);
        String r = right.id == null ? null : right.id.nameOf(skb);
        if (left.id != null && l == null || right.id != null && r == null) {
            return false;
        }
        int ln = length(left, l);
        int rn = length(right, r);
        int c = Integer.compare(ln, rn);
        for (int i = 0; c == 0 && i < ln; i++) {
            c = Integer.compare(at(left, l, i), at(right, r, i));
        }
        return order.holds(c);
    }

    @HotPath
    private static int length(Side s, @Nullable String name) {
        int n = name == null ? s.name.length : name.length();
        return s.shift < n ? n - s.shift : n;
    }

    @HotPath
    private static int at(Side s, @Nullable String name, int i) {
        return name == null ? s.name[i] & 0xFF : name.charAt(i);
    }

    private static String printName(byte[] name) {
        String shown = EmNbyte.shown(name);
        boolean plain = Arrays.equals(shown.getBytes(StandardCharsets.ISO_8859_1), name);
        return plain ? shown : EmNbyte.hex(name) + "\"" + shown + "\"";
    }

    @Override
    public String args() {
        return left.print() + " " + order.word() + " " + right.print();
    }
}
