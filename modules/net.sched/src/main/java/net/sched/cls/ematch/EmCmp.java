package net.sched.cls.ematch;

import net.core.Cpu;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code cmp(u16 at 2 layer network mask 0xff gt 5)}: a number in the packet, compared unsigned. {@code trans} reads it in
 * the other byte order.
 *
 * <p>Linux: net/sched/em_cmp.c; tc/em_cmp.c
 */
record EmCmp(int bytes, int off, int layer, int mask, boolean trans, Order order, int val) implements Ematch {
    /** How two numbers stand. Linux: TCF_EM_OPND_* */
    enum Order {
        EQ,
        GT,
        LT;

        @HotPath
        boolean holds(int comparison) {
            return switch (this) {
                case EQ -> comparison == 0;
                case GT -> comparison > 0;
                case LT -> comparison < 0;
            };
        }

        /** Reads one. */
        static Order parse(EmatchArgs a) {
            return a.take("eq") ? EQ : a.take("gt") ? GT : a.take("lt") ? LT : bad(a);
        }

        private static Order bad(EmatchArgs a) {
            throw a.error("invalid operand");
        }

        String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    static EmCmp parse(EmatchArgs a) {
        int bytes = a.take("u8") ? 1 : a.take("u16") ? 2 : a.take("u32") ? 4 : 0;
        if (bytes == 0) {
            throw a.error("invalid alignment");
        }
        long off = -1;
        int layer = EmatchArgs.NETWORK;
        long mask = 0;
        boolean trans = false;
        Order order = null;
        long val = 0;
        while (a.more()) {
            if (a.take("at")) {
                off = a.number("offset") & 0xFFFF;
            } else if (a.take("layer")) {
                layer = a.layer();
            } else if (a.take("mask")) {
                mask = a.number("mask");
            } else if (a.take("trans")) {
                trans = true;
            } else {
                order = Order.parse(a);
                val = a.number("value");
            }
        }
        if (off < 0 || order == null) {
            throw a.error("offset and value required");
        }
        return new EmCmp(bytes, (int) off, layer, (int) mask, trans, order, (int) val);
    }

    @Override
    public String kind() {
        return "cmp";
    }

    @Override
    @HotPath
    public boolean match(Cpu cpu, SkBuff skb) {
        int at = EmatchArgs.base(skb, layer) + off;
        long v = switch (bytes) {
            case 1 -> SkbBytes.u8(skb, at);
            case 2 -> SkbBytes.u16(skb, at);
            default -> SkbBytes.u32(skb, at);
        };
        if (v < 0) {
            return false;
        }
        int n = (int) v;
        if (trans && bytes > 1) {
            n = bytes == 2 ? Short.reverseBytes((short) n) & 0xFFFF : Integer.reverseBytes(n);
        }
        return order.holds(Integer.compareUnsigned(mask == 0 ? n : n & mask, val));
    }

    @Override
    public String args() {
        return "u" + bytes * 8 + " at " + off + " layer " + layer + " "
                + (mask == 0 ? "" : "mask 0x" + Integer.toHexString(mask) + " ")
                + (trans ? "trans " : "")
                + order.word() + " " + val;
    }
}
