package net.testkit.packetdrill;

import java.util.Arrays;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.Settings;

/**
 * Whether a live packet, its numbers turned into the script's, is the one the script wrote: field by field, and only what
 * was written where the language says so.
 */
final class PacketMatch {
    private PacketMatch() {}

    /**
     * Throws what differs first.
     *
     * @param expected the bytes of {@code script}
     * @param elapsedUsecs the event's time since the script's start: TS values may be off by a share of it
     */
    static void check(Settings settings, Packet script, LivePacket expected, LivePacket actual, long elapsedUsecs) {
        boolean anyOptions = script instanceof Packet.Tcp t && t.options() == null;
        int allowance = anyOptions && actual.isTcp() ? 4 * (actual.doff() - 5) : 0;
        field("ipv4 protocol", expected.protocol(), actual.protocol());
        field("ipv4 header length", expected.ihl(), actual.ihl());
        field("ipv4 total length", expected.totalLength() + allowance, actual.totalLength());
        tos(script.ip(), actual.tos());
        if (script.ip().ttl() >= 0) {
            field("ttl", script.ip().ttl(), actual.ttl());
        }
        if (!(script instanceof Packet.Icmp)) {
            field("source port", expected.sport(), actual.sport());
            field("destination port", expected.dport(), actual.dport());
        }
        switch (script) {
            case Packet.Tcp t -> {
                tcp(t, expected, actual, allowance);
                if (!anyOptions) {
                    options(settings, expected, actual, elapsedUsecs);
                }
            }
            case Packet.Udp u -> field("udp length", expected.b.getShort(24), actual.b.getShort(24));
            case Packet.Icmp i -> icmp(i, expected, actual);
        }
        if (!(script instanceof Packet.Icmp) && !actual.payloadIsZero()) {
            throw new ScriptFailure("incorrect outbound data payload: not all zeros");
        }
    }

    /** The numbers behind type and code are compared if they were written, the quoted packet as far as it says whose it is. */
    private static void icmp(Packet.Icmp i, LivePacket expected, LivePacket actual) {
        field("icmp type", expected.b.get(20), actual.b.get(20));
        field("icmp code", expected.b.get(21), actual.b.get(21));
        if (i.mtu() >= 0) {
            field("icmp mtu", (int) i.mtu(), actual.b.getShort(26) & 0xffff);
        } else if (i.echoId() != 0) {
            field("icmp id", i.echoId(), actual.b.getShort(24) & 0xffff);
        }
        int quoted = i.echoed().protocol();
        if (quoted != LivePacket.TCP && quoted != LivePacket.UDP) {
            return;
        }
        field("protocol that icmp quotes", quoted, actual.b.get(28 + 9) & 0xff);
        field("source that icmp quotes", expected.b.getInt(28 + 12), actual.b.getInt(28 + 12));
        field("destination that icmp quotes", expected.b.getInt(28 + 16), actual.b.getInt(28 + 16));
        field("ports that icmp quotes", expected.b.getInt(28 + 20), actual.b.getInt(28 + 20));
    }

    private static void tos(Packet.IpInfo ip, int actual) {
        switch (ip.check()) {
            case NONE -> {}
            case ECN -> field("ip ecn", ip.tos() & 3, actual & 3);
            case TOS -> field("tos", ip.tos(), actual);
            case ECT01 -> {
                if ((actual & 3) != 1 && (actual & 3) != 2) {
                    throw new ScriptFailure("live packet field ip ecn: expected ect0 or ect1, actual " + (actual & 3));
                }
            }
        }
    }

    private static void tcp(Packet.Tcp t, LivePacket expected, LivePacket actual, int allowance) {
        field("tcp data offset", expected.doff() + allowance / 4, actual.doff());
        flag("fin", Packet.FIN, expected, actual);
        flag("syn", Packet.SYN, expected, actual);
        flag("rst", Packet.RST, expected, actual);
        flag("psh", Packet.PSH, expected, actual);
        flag("ack", Packet.ACK, expected, actual);
        flag("urg", Packet.URG, expected, actual);
        flag("ece", Packet.ECE, expected, actual);
        flag("cwr", Packet.CWR, expected, actual);
        flag("ae", Packet.AE, expected, actual);
        field("tcp reserved bits", 0, actual.reserved());
        field("tcp seq", expected.seq(), actual.seq());
        field("tcp ack", expected.ackSeq(), actual.ackSeq());
        if (t.window() >= 0) {
            field("tcp window", t.window(), actual.window());
        }
        field("tcp urgent pointer", expected.urgent(), actual.urgent());
    }

    private static void flag(String name, int bit, LivePacket expected, LivePacket actual) {
        field("tcp " + name, (expected.flags() & bit) != 0 ? 1 : 0, (actual.flags() & bit) != 0 ? 1 : 0);
    }

    static void field(String name, int expected, int actual) {
        if (expected != actual) {
            throw new ScriptFailure(
                    "live packet field " + name + ": expected " + number(expected) + ", actual " + number(actual));
        }
    }

    private static String number(int v) {
        return Integer.toUnsignedString(v) + " (0x" + Integer.toHexString(v) + ")";
    }

    private static void options(Settings settings, LivePacket expected, LivePacket actual, long elapsedUsecs) {
        int e = expected.optionsFrom();
        int a = actual.optionsFrom();
        while (e < expected.payloadFrom() || a < actual.payloadFrom()) {
            if (e >= expected.payloadFrom() || a >= actual.payloadFrom() || expected.b.get(e) != actual.b.get(a)) {
                throw badOptions("bad outbound TCP options", expected, actual);
            }
            int el = expected.optionLength(e);
            int al = actual.optionLength(a);
            if ((actual.b.get(a) & 0xff) == LivePacket.KIND_TIMESTAMP) {
                timestamp(settings, expected.b.getInt(e + 2), actual.b.getInt(a + 2), elapsedUsecs);
            } else if (!Arrays.equals(expected.bytes(), e, e + el, actual.bytes(), a, a + al)) {
                throw badOptions("bad value in outbound TCP option", expected, actual);
            }
            e += el;
            a += al;
        }
    }

    private static ScriptFailure badOptions(String what, LivePacket expected, LivePacket actual) {
        return new ScriptFailure(
                what + ": expected " + PacketDump.options(expected) + ", actual " + PacketDump.options(actual));
    }

    private static void timestamp(Settings settings, int expected, int actual, long elapsedUsecs) {
        long tick = settings.tcpTsTickUsecs();
        if (tick == 0) {
            return;
        }
        long tolerance =
                Math.max(settings.toleranceUsecs(), (long) (settings.tolerancePercent() / 100.0 * elapsedUsecs));
        if (Math.abs((long) (actual - expected)) * tick > tolerance) {
            throw new ScriptFailure("bad outbound TCP timestamp value: expected "
                    + Integer.toUnsignedString(expected) + ", actual " + Integer.toUnsignedString(actual)
                    + "; tolerance " + tolerance + " us");
        }
    }

    /**
     * Throws unless {@code next} can follow {@code before} as a part of one segment of {@code expected} bytes.
     *
     * @param soFar payload up to and with {@code before}
     */
    static void follows(LivePacket before, LivePacket next, int soFar, int expected) {
        field("ipv4 protocol of the next part", before.protocol(), next.protocol());
        if (!next.isTcp()) {
            return;
        }
        if (before.payloadLength() == 0) {
            throw new ScriptFailure("a segment without data came before the " + expected + " bytes expected");
        }
        field("tos of the next part", before.tos(), next.tos());
        field("ttl of the next part", before.ttl(), next.ttl());
        // The last part may add FIN and PSH, the first alone has CWR.
        int fixed = ~(Packet.FIN | Packet.PSH | Packet.CWR);
        field("tcp data offset of the next part", before.doff(), next.doff());
        sameOptions(before, next);
        field("tcp flags of the next part", before.flags() & fixed, next.flags() & fixed);
        field("tcp seq of the next part", before.seq() + before.payloadLength(), next.seq());
        field("tcp ack of the next part", before.ackSeq(), next.ackSeq());
        field("tcp window of the next part", before.window(), next.window());
        field("tcp urgent pointer of the next part", before.urgent(), next.urgent());
        int length = next.payloadLength();
        if (length < expected - soFar && length != before.payloadLength()) {
            throw new ScriptFailure("part of a segment has " + length + " bytes, the one before "
                    + before.payloadLength() + "; expected " + expected + " in all, have " + (soFar + length));
        }
    }

    /** All but the time stamps, which may differ by a tick. */
    private static void sameOptions(LivePacket a, LivePacket b) {
        int ts = a.find(LivePacket.KIND_TIMESTAMP);
        for (int i = a.optionsFrom(); i < a.payloadFrom(); i++) {
            boolean stamp = ts >= 0 && i >= ts + 2 && i < ts + 10;
            if (!stamp && a.b.get(i) != b.b.get(i)) {
                throw new ScriptFailure(
                        "TCP options of the next part: " + PacketDump.options(b) + " after " + PacketDump.options(a));
            }
        }
    }

    /** One segment of several: sequence number and CWR of the first, all else of the last. */
    static LivePacket merge(LivePacket first, LivePacket last, int length) {
        LivePacket p = last.withPayload(length, last.atNs);
        int flags = last.flags() & ~Packet.CWR | first.flags() & Packet.CWR;
        p.seq(first.seq());
        p.b.putShort(p.l4 + 12, (short) (p.b.getShort(p.l4 + 12) & ~0x1ff | flags));
        return p;
    }
}
