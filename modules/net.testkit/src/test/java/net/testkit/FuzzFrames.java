package net.testkit;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Frames for a fuzzed host, from a seed: segments that fit its connections, or nearly; handshakes, datagrams, fragments,
 * ICMP errors about what it sent, ARP, noise; a third of all damaged.
 */
final class FuzzFrames {
    private static final byte[] PEER_MAC = {2, 0, 0, 0, 0, 9};
    private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};
    private static final int[] ICMP_ERRORS = {3, 4, 5, 11, 12};

    private final FuzzHost host;
    private final SplittableRandom random;
    private final FrameMutator mutator;
    /** Answers to what the host sent, and fragments still to come. */
    private final Deque<byte[]> pending = new ArrayDeque<>();

    private byte @Nullable [] lastSent;
    private int ipId;

    FuzzFrames(FuzzHost host, SplittableRandom random) {
        this.host = host;
        this.random = random;
        mutator = new FrameMutator(random);
        host.device.wire((cpu, frame) -> sent(frame));
    }

    /** The host sent a frame: ARP and SYNs are mostly answered. */
    private void sent(byte[] frame) {
        int type = Wires.be16(frame, 12);
        if (type == Frames.ETH_P_ARP) {
            if (Wires.be16(frame, 20) == 1 && random.nextInt(10) != 0) {
                pending.add(arp(2, Wires.be32(frame, 38), FuzzHost.HOST));
            }
            return;
        }
        lastSent = frame;
        TcpFrame t = TcpFrame.parse(frame);
        if (t == null || (t.flags & Segment.SYN) == 0 || pending.size() > 100) {
            return;
        }
        if ((t.flags & Segment.ACK) != 0) {
            pending.add(tcp(
                    t.daddr,
                    t.dport,
                    t.sport,
                    t.ack,
                    t.seq + 1,
                    Segment.ACK,
                    options(t.timestamps, t.tsVal),
                    random.nextInt(3) * 100));
        } else {
            int flags = random.nextInt(20) == 0 ? Segment.SYN : Segment.SYN | Segment.ACK;
            pending.add(tcp(t.daddr, t.dport, t.sport, random.nextInt(), t.seq + 1, flags, synOptions(), 0));
        }
    }

    /** The next frame. */
    byte[] next() {
        byte[] answer = random.nextInt(4) != 0 ? pending.poll() : null;
        byte[] f = answer != null ? answer : fresh();
        return random.nextInt(3) == 0 ? mutator.mutate(f) : f;
    }

    private byte[] fresh() {
        int dice = random.nextInt(100);
        if (dice < 62) {
            return segment();
        }
        if (dice < 71) {
            return random.nextInt(3) == 0 ? stray() : syn();
        }
        if (dice < 75) {
            return fragments();
        }
        if (dice < 85) {
            return icmpError();
        }
        if (dice < 92) {
            return datagram();
        }
        if (dice < 96) {
            return arp(1 + random.nextInt(2), peer(), random.nextInt(4) == 0 ? peer() : FuzzHost.HOST);
        }
        return mutator.noise(random.nextInt(4) == 0 ? BROADCAST : FuzzHost.HOST_MAC, PEER_MAC);
    }

    // ---- TCP

    /** A segment for one of the host's connections: mostly what its peer could send. */
    private byte[] segment() {
        FuzzHost.Conn c = pick();
        if (c == null) {
            return syn();
        }
        int seq = c.tp().rcvNxt + near(1500);
        int ack = c.tp().sndUna + (random.nextInt(3) == 0 ? near(3000) : inFlight(c));
        int flags = Segment.ACK;
        switch (random.nextInt(24)) {
            case 0 -> flags |= Segment.FIN;
            case 1 -> flags = Segment.RST | random.nextInt(2) * Segment.ACK;
            case 2 -> flags |= Segment.SYN;
            case 3 -> flags = random.nextInt(256);
            case 4 -> flags |= Segment.URG | Segment.PSH;
            default -> flags |= random.nextInt(2) * Segment.PSH;
        }
        int tsEcr = c.tp().timeStampTs() - random.nextInt(100);
        byte[] options = random.nextInt(6) == 0 ? noiseOptions() : options(c.tp().rxOpt.tstampOk, tsEcr);
        if (random.nextInt(5) == 0) {
            options = withSack(options, ack);
        }
        int len = random.nextInt(3) == 0 ? 0 : random.nextInt(1400);
        return tcp(c.peer(), c.peerPort(), c.port(), seq, ack, flags, options, len);
    }

    private int inFlight(FuzzHost.Conn c) {
        int out = c.tp().sndNxt - c.tp().sndUna;
        return out > 0 ? random.nextInt(out + 1) : 0;
    }

    private FuzzHost.@Nullable Conn pick() {
        List<FuzzHost.Conn> from = random.nextInt(5) == 0 && !host.closed.isEmpty() ? host.closed : host.conns;
        return from.isEmpty() ? null : from.get(random.nextInt(from.size()));
    }

    private byte[] syn() {
        int port = random.nextInt(10) == 0 ? random.nextInt(65536) : FuzzHost.HTTP;
        int flags = Segment.SYN | (random.nextInt(20) == 0 ? random.nextInt(256) : 0);
        return tcp(peer(), 1024 + random.nextInt(5000), port, random.nextInt(), 0, flags, synOptions(), 0);
    }

    /** A segment to the listener or a port nobody listens on. */
    private byte[] stray() {
        return tcp(
                peer(),
                1024 + random.nextInt(5000),
                random.nextBoolean() ? FuzzHost.HTTP : random.nextInt(65536),
                random.nextInt(),
                random.nextInt(),
                random.nextInt(256),
                noiseOptions(),
                random.nextInt(50));
    }

    private byte[] tcp(int peer, int peerPort, int port, int seq, int ack, int flags, byte[] options, int len) {
        byte[] payload = new byte[len];
        int window = random.nextInt(8) == 0 ? random.nextInt(65536) : 60000;
        byte[] t = Frames.tcp(
                peer, FuzzHost.HOST, peerPort, port, seq, ack, flags, window, random.nextInt(500), options, payload);
        return ip(peer, Frames.IPPROTO_TCP, t);
    }

    private byte[] options(boolean timestamps, int ecr) {
        if (!timestamps) {
            return new byte[0];
        }
        byte[] o = new byte[12];
        o[0] = 1;
        o[1] = 1;
        o[2] = 8;
        o[3] = 10;
        Wires.be32(o, 4, (int) (host.lab.nowNs() / 1_000_000) - (random.nextInt(10) == 0 ? random.nextInt(5000) : 0));
        Wires.be32(o, 8, ecr);
        return o;
    }

    private byte[] synOptions() {
        byte[] ts = options(random.nextInt(3) != 0, 0);
        byte[] o = new byte[12 + ts.length];
        o[0] = 2;
        o[1] = 4;
        Wires.be16(o, 2, random.nextInt(5) == 0 ? random.nextInt(65536) : 1460);
        o[4] = 1;
        o[5] = 3;
        o[6] = 3;
        o[7] = (byte) random.nextInt(random.nextInt(10) == 0 ? 256 : 15);
        o[8] = 4;
        o[9] = 2;
        o[10] = 1;
        o[11] = 1;
        System.arraycopy(ts, 0, o, 12, ts.length);
        return random.nextInt(4) == 0 ? new byte[0] : o;
    }

    private byte[] withSack(byte[] before, int ack) {
        int blocks = 1 + random.nextInt(before.length == 0 ? 4 : 3);
        byte[] o = java.util.Arrays.copyOf(before, before.length + 4 + 8 * blocks);
        int at = before.length;
        o[at] = 1;
        o[at + 1] = 1;
        o[at + 2] = 5;
        o[at + 3] = (byte) (2 + 8 * blocks);
        for (int i = 0; i < blocks; i++) {
            int start = ack + near(4000);
            Wires.be32(o, at + 4 + 8 * i, start);
            Wires.be32(o, at + 8 + 8 * i, start + near(3000));
        }
        return o;
    }

    private byte[] noiseOptions() {
        byte[] o = new byte[random.nextInt(41)];
        random.nextBytes(o);
        if (o.length > 1) {
            o[0] = (byte) random.nextInt(35);
            o[1] = (byte) random.nextInt(o.length + 2);
        }
        return o;
    }

    /** A small distance, mostly 0 or forward. */
    private int near(int range) {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(range);
            case 1 -> -random.nextInt(range);
            case 2 -> random.nextInt(20) == 0 ? random.nextInt() : 1;
            default -> 0;
        };
    }

    // ---- the others

    private byte[] datagram() {
        int peer = peer();
        byte[] payload = new byte[random.nextInt(1400)];
        return switch (random.nextInt(4)) {
            case 0 ->
                ip(
                        peer,
                        Frames.IPPROTO_ICMP,
                        Frames.icmp(random.nextBoolean() ? 8 : random.nextInt(20), 0, random.nextInt(), payload));
            case 1 -> ip(peer, random.nextInt(256), payload);
            default ->
                ip(
                        peer,
                        Frames.IPPROTO_UDP,
                        Frames.udp(
                                peer,
                                FuzzHost.HOST,
                                random.nextInt(65536),
                                random.nextInt(4) == 0 ? random.nextInt(65536) : FuzzHost.ECHO,
                                payload));
        };
    }

    /** A datagram in pieces: in any order, some missing, some doubled, some cut otherwise. */
    private byte[] fragments() {
        int peer = peer();
        byte[] inner = Frames.udp(
                peer,
                FuzzHost.HOST,
                9,
                FuzzHost.ECHO,
                new byte[random.nextInt(random.nextInt(100) == 0 ? 65500 : 3000)]);
        if (random.nextInt(4) == 0) {
            inner = Frames.icmp(8, 0, random.nextInt(), new byte[random.nextInt(3000)]);
        }
        int protocol = inner.length > 8 && inner[0] == 8 && inner[1] == 0 ? Frames.IPPROTO_ICMP : Frames.IPPROTO_UDP;
        byte[] whole = Frames.ipv4(peer, FuzzHost.HOST, protocol, random.nextInt(4), ipId++, 0, 64, inner);
        byte[][] pieces = Frames.fragment(whole, 8 + random.nextInt(whole.length > 10_000 ? 1400 : 700));
        boolean lossy = random.nextBoolean();
        for (byte[] piece : pieces) {
            if (lossy && random.nextInt(10) == 0) {
                continue;
            }
            if (lossy && random.nextInt(20) == 0) {
                Wires.be16(piece, 6, Wires.be16(piece, 6) + random.nextInt(3) - 1);
                Wires.be16(piece, 10, 0);
                Wires.be16(piece, 10, Wires.fold(Wires.sum(piece, 0, 20)));
            }
            byte[] frame = Frames.ethernet(FuzzHost.HOST_MAC, PEER_MAC, Frames.ETH_P_IP, piece);
            if (random.nextInt(3) == 0) {
                pending.addFirst(frame);
            } else {
                pending.addLast(frame);
            }
        }
        byte[] first = pending.poll();
        return first != null ? first : arp(1, peer, FuzzHost.HOST);
    }

    /** An error about a packet that the host sent, or about one of its connections. */
    private byte[] icmpError() {
        byte[] quoted = lastSent;
        FuzzHost.Conn c = pick();
        if (c != null && random.nextInt(3) != 0) {
            byte[] t = Frames.tcp(
                    FuzzHost.HOST,
                    c.peer(),
                    c.port(),
                    c.peerPort(),
                    c.tp().sndUna + near(1000),
                    0,
                    Segment.ACK,
                    0,
                    0,
                    new byte[0],
                    new byte[0]);
            quoted = Frames.ethernet(
                    PEER_MAC,
                    FuzzHost.HOST_MAC,
                    Frames.ETH_P_IP,
                    Frames.ipv4(FuzzHost.HOST, c.peer(), Frames.IPPROTO_TCP, 0, 1, 0, 60, t));
        }
        if (quoted == null || quoted.length < 42) {
            return datagram();
        }
        int keep = Math.min(quoted.length, 14 + 28 + random.nextInt(60));
        byte[] quote = java.util.Arrays.copyOfRange(quoted, 14, keep);
        if (random.nextInt(8) == 0) {
            quote[random.nextInt(quote.length)] ^= (byte) (1 << random.nextInt(8));
        }
        int type = ICMP_ERRORS[random.nextInt(ICMP_ERRORS.length)];
        int code = type == 3 && random.nextBoolean() ? 4 : random.nextInt(type == 3 ? 17 : 4);
        int rest = random.nextInt(3) == 0 ? random.nextInt() : 68 + random.nextInt(1500);
        return ip(
                random.nextBoolean() ? peer() : Lab.address("10.0.0.254"),
                Frames.IPPROTO_ICMP,
                Frames.icmp(type, code, rest, quote));
    }

    private byte[] arp(int op, int sender, int target) {
        byte[] mac = PEER_MAC.clone();
        mac[5] = (byte) (random.nextInt(5) == 0 ? random.nextInt(256) : 9);
        byte[] a = Frames.arp(op, mac, sender, FuzzHost.HOST_MAC, target);
        return Frames.ethernet(op == 1 ? BROADCAST : FuzzHost.HOST_MAC, mac, Frames.ETH_P_ARP, a);
    }

    private byte[] ip(int peer, int protocol, byte[] payload) {
        int to = random.nextInt(100) == 0 ? random.nextInt() : FuzzHost.HOST;
        byte[] p = Frames.ipv4(
                peer, to, protocol, random.nextInt(10) == 0 ? random.nextInt(256) : 0, ipId++, 0x4000, 64, payload);
        return Frames.ethernet(FuzzHost.HOST_MAC, PEER_MAC, Frames.ETH_P_IP, p);
    }

    /** Neighbours, hosts beyond the gateway, and a few addresses that make no sense. */
    private int peer() {
        int dice = random.nextInt(20);
        if (dice < 12) {
            return Lab.address("10.0.0.2") + random.nextInt(8);
        }
        return dice < 19 ? Lab.address("192.0.2.0") + random.nextInt(256) : random.nextInt();
    }
}
