package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.Packet.Echoed;
import net.testkit.packetdrill.lang.Packet.IpInfo;
import net.testkit.packetdrill.lang.Packet.Ports;
import net.testkit.packetdrill.lang.Packet.Tos;
import net.testkit.packetdrill.lang.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Packets: a direction sign, what is said of the IP header, then a TCP segment, a UDP datagram or an ICMP message. */
final class PacketParser {
    private static final long U32 = 0xffff_ffffL;

    private final TokenStream in;

    PacketParser(TokenStream in) {
        this.in = in;
    }

    Packet packet() throws ScriptException {
        Token direction = in.next();
        boolean inbound = direction.isChar('<');
        List<String> outer = new ArrayList<>();
        encapsulation(outer);
        IpInfo ip = in.isChar('(') || in.isChar('[') ? ipInfo() : IpInfo.NONE;
        if (inbound && ip.check() == Tos.ECT01) {
            throw in.error(direction, "ect01 is for outbound packets only: write ect0 or ect1");
        }
        if (in.takeWord("icmp")) {
            return icmp(direction.line(), inbound, ip, outer);
        }
        if (in.takeWord("udp")) {
            return udp(direction, inbound, ip, outer);
        }
        if (in.takeWord("encap")) {
            in.expectWord("psp");
            in.expectWord("spi");
            outer.add("psp spi " + in.anyInteger("an SPI", 0, U32));
        }
        return tcp(direction.line(), inbound, ip, outer);
    }

    /** Outer headers, kept as text: {@code ipv4 1.1.1.1 > 2.2.2.2:}, {@code gre:}, {@code mpls (...):}. */
    private void encapsulation(List<String> outer) throws ScriptException {
        while (in.is(Kind.WORD)
                && List.of("ipv4", "ipv6", "gre", "GREv0", "mpls")
                        .contains(in.peek().text())) {
            StringBuilder text = new StringBuilder();
            while (!in.take(':')) {
                if (in.is(Kind.EOF)) {
                    throw in.expected("':' behind an outer header");
                }
                text.append(text.isEmpty() ? "" : " ").append(in.next().text());
            }
            outer.add(text.toString());
        }
    }

    private IpInfo ipInfo() throws ScriptException {
        char close = in.take('(') ? ')' : ']';
        if (close == ']') {
            in.expect('[');
        }
        IpInfo info = IpInfo.NONE;
        do {
            Token t = in.expect(Kind.WORD, "noecn, ect0, ect1, ce, ect01, tos, flowlabel or ttl");
            info = switch (t.text()) {
                case "noecn" -> tos(info, Tos.ECN, 0);
                case "ect1" -> tos(info, Tos.ECN, 1);
                case "ect0" -> tos(info, Tos.ECN, 2);
                case "ce" -> tos(info, Tos.ECN, 3);
                case "ect01" -> tos(info, Tos.ECT01, 0);
                case "tos" -> tos(info, Tos.TOS, in.hex("a type of service", 0xff));
                case "flowlabel" -> new IpInfo(info.check(), info.tos(), in.hex("a flow label", 0xfffff), info.ttl());
                case "ttl" -> new IpInfo(info.check(), info.tos(), info.flowLabel(), (int) in.integer("a TTL", 0, 255));
                default ->
                    throw in.error(
                            t, "expected noecn, ect0, ect1, ce, ect01, tos, flowlabel or ttl, found " + t.shown());
            };
        } while (in.take(','));
        in.expect(close);
        return info;
    }

    private IpInfo tos(IpInfo info, Tos check, int value) throws ScriptException {
        if (info.check() != Tos.NONE) {
            throw in.error(in.peek(), "the type of service is said twice");
        }
        return new IpInfo(check, value, info.flowLabel(), info.ttl());
    }

    private @Nullable Ports ports() throws ScriptException {
        if (!in.is(Kind.INT) || !in.peek(1).isChar('>')) {
            return null;
        }
        int source = (int) in.integer("a port", 0, 0xffff);
        in.expect('>');
        return new Ports(source, (int) in.integer("a port", 0, 0xffff));
    }

    private Packet udp(Token direction, boolean inbound, IpInfo ip, List<String> outer) throws ScriptException {
        if (ip.check() == Tos.ECN || ip.check() == Tos.ECT01) {
            throw in.error(direction, "ECN is for TCP packets only: write tos 0x...");
        }
        Ports ports = ports();
        in.expect('(');
        int payload = (int) in.integer("a payload size", 0, 0xffff);
        in.expect(')');
        return new Packet.Udp(direction.line(), inbound, ip, ports, outer, payload);
    }

    private Packet icmp(int line, boolean inbound, IpInfo ip, List<String> outer) throws ScriptException {
        String type = in.expect(Kind.WORD, "an ICMP type").text();
        String code = null;
        if (in.is(Kind.WORD) && !in.peek().isWord("mtu") && !in.peek().isWord("id")) {
            code = in.next().text();
        }
        long mtu = in.takeWord("mtu") ? in.integer("an MTU", 0, U32) : -1;
        int id = in.takeWord("id") ? (int) in.integer("an echo id", 0, 0xffff) : 0;
        Echoed echoed = Echoed.DEFAULT;
        if (in.take('[')) {
            echoed = echoed();
            in.expect(']');
        }
        return new Packet.Icmp(line, inbound, ip, outer, type, code, mtu, id, echoed);
    }

    private Echoed echoed() throws ScriptException {
        int protocol = in.takeWord("udp") ? 17 : in.takeWord("raw") ? 255 : 6;
        if (protocol == 6) {
            Range range = range();
            return new Echoed(6, range.seq, range.payload);
        }
        in.expect('(');
        int payload = (int) in.integer("a payload size", 0, 0xffff);
        in.expect(')');
        return new Echoed(protocol, 0, payload);
    }

    private record Range(int seq, int payload) {}

    /** {@code start:end(length)}. */
    private Range range() throws ScriptException {
        Token at = in.peek();
        long start = in.integer("a sequence number", 0, U32);
        in.expect(':');
        long end = in.integer("the sequence number behind the data", 0, U32);
        in.expect('(');
        long length = in.integer("a payload size", 0, 0xffff);
        in.expect(')');
        if ((start + length & U32) != end) {
            throw in.error(at, start + ":" + end + "(" + length + ") does not add up: " + (end - start) + " bytes");
        }
        return new Range((int) start, (int) length);
    }

    private Packet tcp(int line, boolean inbound, IpInfo ip, List<String> outer) throws ScriptException {
        Ports ports = ports();
        int flags = TcpFlagText.parse(in);
        Range range = range();
        Token at = in.peek();
        int ack = in.takeWord("ack") ? (int) in.integer("an acknowledgment number", 0, U32) : 0;
        int window = in.takeWord("win") ? (int) in.integer("a window", 0, 0xffff) : -1;
        int urgent = in.takeWord("urg") ? (int) in.integer("an urgent pointer", 0, 0xffff) : 0;
        if (inbound && window < 0) {
            throw in.error(at, "an inbound packet says its window: win N");
        }
        List<TcpOption> options = List.of();
        if (in.isChar('<')) {
            at = in.peek();
            options = new TcpOptionParser(in).options();
            if (inbound && options == null) {
                throw in.error(at, "<...> is for outbound packets only");
            }
        }
        return new Packet.Tcp(
                line, inbound, ip, ports, outer, flags, range.seq, range.payload, ack, window, urgent, options);
    }
}
