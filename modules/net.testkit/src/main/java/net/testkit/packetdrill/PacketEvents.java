package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.testkit.packetdrill.lang.Event;
import net.testkit.packetdrill.lang.Packet;
import org.jspecify.annotations.Nullable;

/** The packets of a script: gives the stack the inbound ones, and waits for the outbound ones and compares them. */
final class PacketEvents {
    private static final long PATIENCE_USECS = 2_000_000;
    /** An outbound packet at any time must come within an hour. */
    private static final long ANY_TIME_USECS = 3_600_000_000L;

    private final ScriptWorld world;

    PacketEvents(ScriptWorld world) {
        this.world = world;
    }

    // ---- to the stack

    void inbound(Packet packet) {
        ScriptSocket socket = socketFor(packet);
        if (packet instanceof Packet.Tcp t) {
            if (socket.state == ScriptSocket.State.SYNACK_SENT && t.has(Packet.ACK)) {
                socket.state = ScriptSocket.State.SYNACK_ACKED;
            } else if (socket.state == ScriptSocket.State.SYN_SENT && t.has(Packet.SYN | Packet.ACK)) {
                socket.state = ScriptSocket.State.SYN_ACKED;
                socket.remoteIsn = t.seq();
            }
        }
        LivePacket p = PacketBuilder.build(packet, flowIn(socket), socket.localOffset(false), world.host.nowNs());
        if (p.isTcp()) {
            socket.toLive(p, world.settings.tcpTsEcrScaled());
            socket.lastIn = p;
        }
        byte[] secret = Signature.secret(packet);
        if (secret != null) {
            Signature.sign(p, secret);
        }
        p.sum();
        world.host.receive(p, world.settings.mss());
    }

    private static PacketBuilder.Flow flowIn(ScriptSocket s) {
        return new PacketBuilder.Flow(s.remoteIp, s.remotePort, s.localIp, s.localPort);
    }

    /** The socket a script's packet belongs to; a SYN to a listener makes one. */
    private ScriptSocket socketFor(Packet packet) {
        ScriptSocket s = world.underTest;
        if (packet instanceof Packet.Tcp t) {
            if (t.inbound() && (s == null || s.state == ScriptSocket.State.LISTENING)) {
                return child(t);
            }
            if (s != null
                    && !t.inbound()
                    && (t.flags() & (Packet.SYN | Packet.ACK)) == Packet.SYN
                    && s.state == ScriptSocket.State.CONNECTING) {
                s.state = ScriptSocket.State.SYN_SENT;
                s.scriptLocalIsn = t.seq();
                return s;
            }
        }
        if (s == null || packet.ports() == null && !fits(packet, s)) {
            throw new ScriptFailure("no matching socket for script packet");
        }
        return s;
    }

    private static boolean fits(Packet packet, ScriptSocket s) {
        return switch (packet) {
            case Packet.Tcp t -> s.protocol == LivePacket.TCP;
            case Packet.Udp u -> s.protocol == LivePacket.UDP;
            case Packet.Icmp i -> true;
        };
    }

    private ScriptSocket child(Packet.Tcp syn) {
        ScriptSocket s = new ScriptSocket(1, LivePacket.TCP);
        s.state = ScriptSocket.State.SYN_RECEIVED;
        s.remoteIsn = syn.seq();
        s.remoteIp = world.remoteIp;
        s.remotePort = world.nextEphemeralPort();
        s.localIp = world.localIp;
        s.localPort = world.settings.bindPort();
        world.addChild(s);
        world.underTest = s;
        return s;
    }

    // ---- from the stack

    /** Waits for a packet and compares it. @param lastUsecs time of the event before */
    void outbound(Packet packet, ScriptTime time, long lastUsecs) {
        ScriptSocket socket = socketFor(packet);
        int want = payload(packet);
        boolean synAck = packet instanceof Packet.Tcp t
                && t.has(Packet.SYN | Packet.ACK)
                && socket.state == ScriptSocket.State.SYN_RECEIVED;
        if (synAck && packet instanceof Packet.Tcp t) {
            socket.scriptLocalIsn = t.seq();
        }
        long patience = time.kind() == Event.Kind.ANY
                ? ANY_TIME_USECS
                : Math.max(0, time.endUsecs() - world.nowUsecs()) + PATIENCE_USECS;
        List<LivePacket> parts = new ArrayList<>();
        LivePacket expected = null;
        try {
            collect(socket, want, synAck, patience, parts, Signature.secret(packet));
            expected = expected(packet, socket);
            compare(packet, time, lastUsecs, socket, parts, expected, want);
        } catch (ScriptFailure e) {
            throw new ScriptFailure(e.getMessage() + dump(packet, socket, time, expected, parts));
        }
    }

    private static int payload(Packet packet) {
        return switch (packet) {
            case Packet.Tcp t -> t.payload();
            case Packet.Udp u -> u.payload();
            case Packet.Icmp i -> 0;
        };
    }

    private LivePacket expected(Packet packet, ScriptSocket s) {
        PacketBuilder.Flow out = flowIn(s).reversed();
        return PacketBuilder.build(packet, out, 0, world.host.nowNs());
    }

    /** Takes packets of the socket until there is as much payload as expected. */
    private void collect(
            ScriptSocket socket,
            int want,
            boolean synAck,
            long patience,
            List<LivePacket> parts,
            byte @Nullable [] secret) {
        int have = 0;
        do {
            LivePacket live = next(socket, patience);
            LivePacket p = live.copy();
            String bad = p.badSum();
            if (synAck && parts.isEmpty()) {
                socket.state = ScriptSocket.State.SYNACK_SENT;
                socket.liveLocalIsn = p.seq();
            }
            if (p.isTcp()) {
                socket.lastOut = live;
                if (secret != null) {
                    Signature.verify(live, p, secret);
                }
                socket.toScript(p);
            }
            parts.add(p);
            if (bad != null) {
                throw new ScriptFailure(bad);
            }
            if (p.isIcmp()) {
                return;
            }
            if (parts.size() > 1) {
                PacketMatch.follows(parts.get(parts.size() - 2), p, have, want);
            }
            have += p.payloadLength();
        } while (have < want && !world.settings.strictSegments());
        if (have != want) {
            throw new ScriptFailure("live packet payload: expected " + want + " bytes, actual " + have);
        }
    }

    private LivePacket next(ScriptSocket socket, long patience) {
        long until = world.nowUsecs() + patience;
        while (true) {
            LivePacket p = world.nextSent(until);
            if (p == null) {
                throw new ScriptFailure("timed out waiting for packet");
            }
            if (socket.sends(p) || !isOfAnother(socket, p) && socket.begins(p)) {
                return p;
            }
        }
    }

    /** A socket that the script left behind still sends, perhaps a SYN again. */
    private boolean isOfAnother(ScriptSocket socket, LivePacket p) {
        for (ScriptWorld.Fd fd : world.fds) {
            ScriptSocket s = fd.socket;
            if (s != null && s != socket && s.localPort != 0 && s.sends(p)) {
                return true;
            }
        }
        return false;
    }

    private void compare(
            Packet packet,
            ScriptTime time,
            long lastUsecs,
            ScriptSocket socket,
            List<LivePacket> parts,
            LivePacket expected,
            int want) {
        LivePacket actual = parts.getLast();
        if (parts.size() > 1) {
            actual = PacketMatch.merge(parts.getFirst(), actual, want);
            for (LivePacket part : parts) {
                if (!part.payloadIsZero()) {
                    throw new ScriptFailure("incorrect outbound data payload: not all zeros");
                }
            }
            parts.clear();
            parts.add(actual);
        }
        if (actual.isTcp() && expected.isTcp()) {
            socket.mapTimestamp(expected, actual);
        }
        PacketMatch.check(world.settings, packet, expected, actual, time.usecs());
        time.check(world.settings, world.usecs(actual.atNs), lastUsecs, "outbound packet");
    }

    /** What was wanted and what came, one line each. */
    private String dump(
            Packet packet,
            ScriptSocket socket,
            ScriptTime time,
            @Nullable LivePacket expected,
            List<LivePacket> parts) {
        StringBuilder s = new StringBuilder();
        LivePacket want = expected;
        if (want == null) {
            want = expected(packet, socket);
        }
        String text = PacketDump.of(want);
        if (packet instanceof Packet.Tcp t && t.window() < 0) {
            text = text.replaceFirst(" win 0", "");
        }
        s.append(String.format(Locale.ROOT, "\n  expected %10.6f > %s", time.usecs() / 1e6, text));
        for (LivePacket p : parts) {
            s.append("\n  actual   ").append(PacketDump.line(world.usecs(p.atNs) / 1e6, false, p));
        }
        return s.toString();
    }

    // ---- the end

    /** A segment that resets the connection, if the numbers are right that the script saw last. */
    void reset(ScriptSocket s) {
        if (s.protocol != LivePacket.TCP || s.localPort == 0 || s.remotePort == 0) {
            return;
        }
        int seq = 0;
        int ack = 0;
        int window = 0;
        LivePacket in = s.lastIn;
        LivePacket out = s.lastOut;
        if (in != null && in.has(Packet.ACK)) {
            seq = in.seq() + (in.has(Packet.SYN) ? 1 : 0) + (in.has(Packet.FIN) ? 1 : 0) + in.payloadLength();
            ack = in.ackSeq();
            window = in.window();
        } else if (out != null) {
            boolean acked = out.has(Packet.ACK);
            seq = acked ? out.ackSeq() : 0;
            ack = acked ? out.seq() : out.seq() + 1;
        }
        Packet.Tcp rst = new Packet.Tcp(
                0,
                true,
                Packet.IpInfo.NONE,
                null,
                List.of(),
                Packet.RST | Packet.ACK,
                seq,
                0,
                ack,
                window,
                0,
                List.of());
        LivePacket p = PacketBuilder.build(rst, flowIn(s), 0, world.host.nowNs());
        p.sum();
        world.host.receive(p, 0);
    }
}
