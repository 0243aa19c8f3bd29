package net.sched.cls.ematch;

import net.core.Cpu;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code nbyte("GET " at 0 layer transport)}: these bytes at that place.
 *
 * <p>Linux: net/sched/em_nbyte.c; tc/em_nbyte.c
 */
final class EmNbyte implements Ematch {
    private final byte[] needle;
    private final int off;
    private final int layer;

    private EmNbyte(byte[] needle, int off, int layer) {
        this.needle = needle;
        this.off = off;
        this.layer = layer;
    }

    static EmNbyte parse(EmatchArgs a) {
        byte[] needle = a.next("arguments").bytes();
        if (needle.length == 0) {
            throw a.error("needle length is 0");
        }
        long off = -1;
        int layer = EmatchArgs.NETWORK;
        while (a.more()) {
            if (a.take("at")) {
                off = a.number("offset") & 0xFFFF;
            } else if (a.take("layer")) {
                layer = a.layer();
            } else {
                throw a.error("unknown parameter");
            }
        }
        if (off < 0) {
            throw a.error("offset required");
        }
        return new EmNbyte(needle, (int) off, layer);
    }

    @Override
    public String kind() {
        return "nbyte";
    }

    @Override
    @HotPath
    public boolean match(Cpu cpu, SkBuff skb) {
        int at = EmatchArgs.base(skb, layer) + off;
        if (!SkbBytes.has(skb, at, needle.length)) {
            return false;
        }
        for (int i = 0; i < needle.length; i++) {
            if (SkbBytes.u8(skb, at + i) != (needle[i] & 0xFF)) {
                return false;
            }
        }
        return true;
    }

    /** Bytes as text, with a dot for what cannot be shown. */
    static String shown(byte[] bytes) {
        StringBuilder b = new StringBuilder();
        for (byte c : bytes) {
            b.append(c >= ' ' && c < 127 ? (char) c : '.');
        }
        return b.toString();
    }

    static String hex(byte[] bytes) {
        StringBuilder b = new StringBuilder();
        for (byte c : bytes) {
            b.append(String.format(java.util.Locale.ROOT, "%02x ", c & 0xFF));
        }
        return b.toString();
    }

    @Override
    public String args() {
        return hex(needle) + "\"" + shown(needle) + "\" at " + off + " layer " + layer;
    }
}
