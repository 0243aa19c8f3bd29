package net.testkit.packetdrill;

import java.util.HexFormat;
import java.util.Locale;
import net.testkit.packetdrill.lang.Packet;

/** A packet as tcpdump used to say it, which is how scripts write it: {@code S. 0:0(0) ack 1 win 65535 <mss 1460>}. */
final class PacketDump {
    private static final String FLAGS = "FSRP.UEWA";

    private PacketDump() {}

    static String of(LivePacket p) {
        StringBuilder s = new StringBuilder();
        if (p.tos() != 0) {
            s.append("[tos 0x").append(Integer.toHexString(p.tos())).append("] ");
        }
        switch (p.protocol()) {
            case LivePacket.TCP -> tcp(s, p);
            case LivePacket.UDP -> s.append("udp (").append(p.payloadLength()).append(')');
            default ->
                s.append("icmp type_").append(p.b.get(p.l4)).append(" code_").append(p.b.get(p.l4 + 1));
        }
        return s.toString();
    }

    /** With a time in seconds and a direction before it. */
    static String line(double seconds, boolean inbound, LivePacket p) {
        return String.format(Locale.ROOT, "%10.6f %s %s", seconds, inbound ? "<" : ">", of(p));
    }

    private static void tcp(StringBuilder s, LivePacket p) {
        int flags = p.flags();
        for (int i = 0; i < FLAGS.length(); i++) {
            if ((flags & 1 << i) != 0) {
                s.append(FLAGS.charAt(i));
            }
        }
        if (flags == 0) {
            s.append('-');
        }
        int len = p.payloadLength();
        s.append(' ')
                .append(Integer.toUnsignedString(p.seq()))
                .append(':')
                .append(Integer.toUnsignedString(p.seq() + len))
                .append('(')
                .append(len)
                .append(')');
        if (p.has(Packet.ACK)) {
            s.append(" ack ").append(Integer.toUnsignedString(p.ackSeq()));
        }
        s.append(" win ").append(p.window());
        if (p.has(Packet.URG)) {
            s.append(" urg ").append(p.urgent());
        }
        if (p.optionsFrom() < p.payloadFrom()) {
            s.append(' ').append(options(p));
        }
    }

    /** The options in their brackets, as far as they can be read. */
    static String options(LivePacket p) {
        StringBuilder s = new StringBuilder("<");
        int at = p.optionsFrom();
        try {
            while (at < p.payloadFrom()) {
                if (s.length() > 1) {
                    s.append(',');
                }
                int len = p.optionLength(at);
                option(s, p, at, len);
                at += len;
            }
        } catch (ScriptFailure e) {
            s.append("bad option at byte ").append(at - p.optionsFrom());
        }
        return s.append('>').toString();
    }

    private static void option(StringBuilder s, LivePacket p, int at, int len) {
        int kind = p.b.get(at) & 0xff;
        switch (kind) {
            case 0 -> s.append("eol");
            case 1 -> s.append("nop");
            case LivePacket.KIND_MSS -> s.append("mss ").append(number(p, at + 2, len - 2));
            case LivePacket.KIND_WSCALE -> s.append("wscale ").append(number(p, at + 2, len - 2));
            case LivePacket.KIND_SACK_OK -> s.append("sackOK");
            case LivePacket.KIND_SACK -> {
                s.append("sack");
                for (int i = at + 2; i + 8 <= at + len; i += 8) {
                    s.append(' ').append(number(p, i, 4)).append(':').append(number(p, i + 4, 4));
                }
            }
            case LivePacket.KIND_TIMESTAMP ->
                s.append("TS val ").append(number(p, at + 2, 4)).append(" ecr ").append(number(p, at + 6, 4));
            case 19 -> s.append("md5 ").append(hex(p, at + 2, len - 2));
            case 34 -> s.append("FO ").append(hex(p, at + 2, len - 2));
            case 254 -> s.append("FOEXP ").append(hex(p, at + 4, len - 4));
            case 172, 174 -> {
                s.append("ECN");
                String[] names = kind == 172 ? new String[] {"e0b", "ceb", "e1b"} : new String[] {"e1b", "ceb", "e0b"};
                for (int i = 0; i < 3 && 2 + 3 * i + 3 <= len; i++) {
                    s.append(' ').append(names[i]).append(' ').append(number(p, at + 2 + 3 * i, 3));
                }
            }
            default -> s.append("kind ").append(kind).append(' ').append(hex(p, at + 2, len - 2));
        }
    }

    private static long number(LivePacket p, int at, int bytes) {
        long v = 0;
        for (int i = 0; i < bytes; i++) {
            v = v << 8 | p.b.get(at + i) & 0xff;
        }
        return v;
    }

    private static String hex(LivePacket p, int at, int len) {
        return len <= 0 ? "" : HexFormat.of().formatHex(p.bytes(), at, at + len);
    }
}
