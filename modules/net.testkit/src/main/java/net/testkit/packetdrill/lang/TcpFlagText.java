package net.testkit.packetdrill.lang;

import net.testkit.packetdrill.lang.Token.Kind;

/**
 * TCP flags as scripts write them: {@code F S R P . E W A U}, {@code -} for none. One digit stands for the three ACE bits
 * (AE, CWR, ECE) and excludes E, W and A; it may stand before or behind the dot.
 */
public final class TcpFlagText {
    private static final String LETTERS = "FSRP.UEWA";

    private TcpFlagText() {}

    /** The flags at this place. They may be several tokens ({@code P} and {@code .5}), which touch. */
    static int parse(TokenStream in) throws ScriptException {
        Token first = in.peek();
        if (in.take('-')) {
            return 0;
        }
        StringBuilder text = new StringBuilder();
        while (flagToken(in.peek()) && (text.isEmpty() || in.touches() || in.isChar('.'))) {
            text.append(in.next().text());
        }
        if (text.isEmpty()) {
            throw in.expected("TCP flags (of F S R P . E W A U, or -)");
        }
        int flags = 0;
        boolean ace = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int bit = LETTERS.indexOf(c);
            if (c >= '0' && c <= '7') {
                if (ace || (flags & (Packet.AE | Packet.CWR | Packet.ECE)) != 0) {
                    throw in.error(first, "flags '" + text + "' say the ACE bits twice");
                }
                ace = true;
                flags |= (c & 1) != 0 ? Packet.ECE : 0;
                flags |= (c & 2) != 0 ? Packet.CWR : 0;
                flags |= (c & 4) != 0 ? Packet.AE : 0;
            } else if (bit < 0) {
                throw in.error(first, "'" + c + "' in '" + text + "' is no TCP flag (F S R P . E W A U or 0 to 7)");
            } else if (ace && bit >= 6) {
                throw in.error(first, "flags '" + text + "' say the ACE bits twice");
            } else {
                flags |= 1 << bit;
            }
        }
        return flags;
    }

    private static boolean flagToken(Token t) {
        return t.kind() == Kind.WORD || t.kind() == Kind.INT || t.kind() == Kind.FLOAT || t.isChar('.');
    }

    /** Back to letters, in the order scripts write them. @param ace with the ACE bits as a digit */
    public static String of(int flags, boolean ace) {
        StringBuilder s = new StringBuilder();
        append(s, flags, Packet.SYN, 'S');
        append(s, flags, Packet.FIN, 'F');
        append(s, flags, Packet.RST, 'R');
        append(s, flags, Packet.PSH, 'P');
        append(s, flags, Packet.URG, 'U');
        if (!ace) {
            append(s, flags, Packet.ECE, 'E');
            append(s, flags, Packet.CWR, 'W');
            append(s, flags, Packet.AE, 'A');
        }
        append(s, flags, Packet.ACK, '.');
        int digit = ((flags & Packet.AE) != 0 ? 4 : 0)
                | ((flags & Packet.CWR) != 0 ? 2 : 0)
                | ((flags & Packet.ECE) != 0 ? 1 : 0);
        if (ace && digit != 0) {
            s.append(digit);
        }
        return s.isEmpty() ? "-" : s.toString();
    }

    private static void append(StringBuilder s, int flags, int bit, char c) {
        if ((flags & bit) != 0) {
            s.append(c);
        }
    }
}
