package net.testkit.packetdrill;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import net.testkit.packetdrill.lang.IcmpNames;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.TcpOption;

/** Makes the bytes of a script's packet, with the script's own sequence numbers: IP id 0, DF clear, payload of zeros. */
final class PacketBuilder {
    private static final int TTL = 255;
    private static final int IP = 20;
    private static final int RAW = 255;
    private static final int MAX_OPTIONS = 40;

    private PacketBuilder() {}

    /** Two ends of a flow. */
    record Flow(int saddr, int sport, int daddr, int dport) {
        Flow reversed() {
            return new Flow(daddr, dport, saddr, sport);
        }
    }

    /**
     * The packet as bytes; ports that the script wrote go before those of the flow. Checksums are not filled in: numbers
     * are mapped first.
     *
     * @param echoedSeqOffset added to the sequence number that an ICMP message quotes
     */
    static LivePacket build(Packet p, Flow flow, int echoedSeqOffset, long atNs) {
        if (!p.encapsulation().isEmpty()) {
            throw new ScriptFailure("encapsulated packets are not supported: " + p.encapsulation());
        }
        if (p.ip().flowLabel() >= 0) {
            throw new ScriptFailure("IPv4 has no flow label");
        }
        Packet.Ports ports = p.ports();
        Flow f = ports == null
                ? flow
                : new Flow(
                        flow.saddr,
                        ports.source() != 0 ? ports.source() : flow.sport,
                        flow.daddr,
                        ports.destination() != 0 ? ports.destination() : flow.dport);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        try {
            int protocol = switch (p) {
                case Packet.Tcp t -> tcp(out, t, f);
                case Packet.Udp u -> udp(out, u, f);
                case Packet.Icmp i -> icmp(out, i, f, echoedSeqOffset);
            };
            return LivePacket.parse(atNs, ip(f, protocol, p.ip(), bytes.toByteArray()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] ip(Flow f, int protocol, Packet.IpInfo info, byte[] payload) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        int tos = info.check() == Packet.Tos.ECT01 ? 0 : info.tos();
        ipHeader(out, f, protocol, tos, info.ttl() >= 0 ? info.ttl() : TTL, payload.length);
        out.write(payload);
        return bytes.toByteArray();
    }

    private static void ipHeader(DataOutputStream out, Flow f, int protocol, int tos, int ttl, int payload)
            throws IOException {
        out.writeByte(0x45);
        out.writeByte(tos);
        out.writeShort(IP + payload);
        out.writeInt(0);
        out.writeByte(ttl);
        out.writeByte(protocol);
        out.writeShort(0);
        out.writeInt(f.saddr);
        out.writeInt(f.daddr);
    }

    private static int tcp(DataOutputStream out, Packet.Tcp t, Flow f) throws IOException {
        byte[] options = options(t.options() == null ? List.of() : t.options());
        out.writeShort(f.sport);
        out.writeShort(f.dport);
        out.writeInt(t.seq());
        out.writeInt(t.ack());
        out.writeShort(5 + options.length / 4 << 12 | t.flags());
        out.writeShort(Math.max(t.window(), 0));
        out.writeShort(0);
        out.writeShort(t.urgent());
        out.write(options);
        out.write(new byte[t.payload()]);
        return LivePacket.TCP;
    }

    private static int udp(DataOutputStream out, Packet.Udp u, Flow f) throws IOException {
        out.writeShort(f.sport);
        out.writeShort(f.dport);
        out.writeShort(8 + u.payload());
        out.writeShort(0);
        out.write(new byte[u.payload()]);
        return LivePacket.UDP;
    }

    private static int icmp(DataOutputStream out, Packet.Icmp i, Flow f, int echoedSeqOffset) throws IOException {
        int type = IcmpNames.type(i.type(), false);
        int code = IcmpNames.code(i.code(), false);
        if (type < 0 || code < 0) {
            throw new ScriptFailure("no such ICMP type or code: " + i.type() + " " + i.code());
        }
        out.writeByte(type);
        out.writeByte(code);
        out.writeShort(0);
        out.writeShort(i.mtu() >= 0 ? 0 : i.echoId());
        out.writeShort(i.mtu() >= 0 ? (int) i.mtu() : 0);
        Packet.Echoed e = i.echoed();
        if (e.protocol() == RAW) {
            out.write(new byte[e.payload()]);
            return LivePacket.ICMP;
        }
        // What is quoted went the other way.
        Flow quoted = f.reversed();
        int header = e.protocol() == LivePacket.TCP ? 20 : 8;
        ipHeader(out, quoted, e.protocol(), 0, TTL, header + e.payload());
        out.writeShort(quoted.sport);
        out.writeShort(quoted.dport);
        if (e.protocol() == LivePacket.TCP) {
            out.writeInt(e.seq() + echoedSeqOffset);
        } else {
            out.writeShort(8 + e.payload());
            out.writeShort(0);
        }
        out.write(new byte[e.payload()]);
        return LivePacket.ICMP;
    }

    /** The options one after the other, as the script wrote them. */
    private static byte[] options(List<TcpOption> options) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (TcpOption o : options) {
            option(out, o);
        }
        if (bytes.size() % 4 != 0) {
            throw new ScriptFailure("TCP options are " + bytes.size() + " bytes long; want a multiple of 4");
        }
        if (bytes.size() > MAX_OPTIONS) {
            throw new ScriptFailure("TCP options are " + bytes.size() + " bytes long; there is room for 40");
        }
        return bytes.toByteArray();
    }

    private static void option(DataOutputStream out, TcpOption option) throws IOException {
        switch (option) {
            case TcpOption.Nop n -> out.writeByte(1);
            case TcpOption.Eol n -> out.writeByte(0);
            case TcpOption.Mss mss -> {
                out.writeShort(LivePacket.KIND_MSS << 8 | 4);
                out.writeShort(mss.bytes());
            }
            case TcpOption.WScale w -> {
                out.writeShort(LivePacket.KIND_WSCALE << 8 | 3);
                out.writeByte(w.shift());
            }
            case TcpOption.SackOk s -> out.writeShort(LivePacket.KIND_SACK_OK << 8 | 2);
            case TcpOption.Sack s -> {
                out.writeShort(LivePacket.KIND_SACK << 8 | 2 + 8 * s.blocks().size());
                for (TcpOption.Block b : s.blocks()) {
                    out.writeInt(b.left());
                    out.writeInt(b.right());
                }
            }
            case TcpOption.Timestamp ts -> {
                out.writeShort(LivePacket.KIND_TIMESTAMP << 8 | 10);
                out.writeInt(ts.val());
                out.writeInt(ts.ecr());
            }
            case TcpOption.Md5 md5 -> {
                out.writeShort(19 << 8 | 18);
                out.write(md5.digest());
            }
            case TcpOption.Md5Secret md5 -> {
                out.writeShort(19 << 8 | 18);
                out.write(new byte[16]); // see Signature
            }
            case TcpOption.FastOpen fo -> fastOpen(out, fo);
            case TcpOption.AccEcn e -> {
                out.writeShort(
                        (e.e1First() ? 174 : 172) << 8 | 2 + 3 * e.counters().size());
                for (int counter : e.counters()) {
                    out.writeByte(counter >>> 16);
                    out.writeShort(counter);
                }
            }
        }
    }

    private static void fastOpen(DataOutputStream out, TcpOption.FastOpen fo) throws IOException {
        byte[] cookie = fo.cookie();
        if (fo.experimental()) {
            out.writeShort(254 << 8 | 4 + cookie.length);
            out.writeShort(0xf989);
        } else {
            out.writeShort(34 << 8 | 2 + cookie.length);
        }
        out.write(cookie);
    }
}
