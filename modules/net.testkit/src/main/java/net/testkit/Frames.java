package net.testkit;

import java.util.Arrays;

/** Builds whole Ethernet frames, checksums filled in, by code of the tests' own. */
public final class Frames {
    public static final int ETH_P_IP = 0x0800;
    static final int ETH_P_ARP = 0x0806;
    static final int IPPROTO_ICMP = 1;
    public static final int IPPROTO_TCP = 6;
    static final int IPPROTO_UDP = 17;
    /** Bytes of an Ethernet header. */
    static final int ETH = 14;

    private Frames() {}

    /** An Ethernet frame around a payload. */
    public static byte[] ethernet(byte[] dst, byte[] src, int type, byte[] payload) {
        byte[] f = new byte[ETH + payload.length];
        System.arraycopy(dst, 0, f, 0, 6);
        System.arraycopy(src, 0, f, 6, 6);
        Wires.be16(f, 12, type);
        System.arraycopy(payload, 0, f, ETH, payload.length);
        return f;
    }

    /** An IPv4 datagram without options. @param fragment flags and offset, as in the header */
    public static byte[] ipv4(
            int saddr, int daddr, int protocol, int tos, int id, int fragment, int ttl, byte[] payload) {
        byte[] p = new byte[20 + payload.length];
        p[0] = 0x45;
        p[1] = (byte) tos;
        Wires.be16(p, 2, p.length);
        Wires.be16(p, 4, id);
        Wires.be16(p, 6, fragment);
        p[8] = (byte) ttl;
        p[9] = (byte) protocol;
        Wires.be32(p, 12, saddr);
        Wires.be32(p, 16, daddr);
        Wires.be16(p, 10, Wires.fold(Wires.sum(p, 0, 20)));
        System.arraycopy(payload, 0, p, 20, payload.length);
        return p;
    }

    /** A TCP header, options (padded to words) and payload, summed. */
    public static byte[] tcp(
            int saddr,
            int daddr,
            int sport,
            int dport,
            int seq,
            int ack,
            int flags,
            int window,
            int urgent,
            byte[] options,
            byte[] payload) {
        int head = 20 + (options.length + 3) / 4 * 4;
        byte[] t = new byte[head + payload.length];
        Wires.be16(t, 0, sport);
        Wires.be16(t, 2, dport);
        Wires.be32(t, 4, seq);
        Wires.be32(t, 8, ack);
        t[12] = (byte) (head / 4 << 4);
        t[12] |= (byte) (flags >> 8 & 1); // AE
        t[13] = (byte) flags;
        Wires.be16(t, 14, window);
        Wires.be16(t, 18, urgent);
        System.arraycopy(options, 0, t, 20, options.length);
        System.arraycopy(payload, 0, t, head, payload.length);
        Wires.be16(t, 16, Wires.fold(Wires.pseudo(saddr, daddr, IPPROTO_TCP, t.length) + Wires.sum(t, 0, t.length)));
        return t;
    }

    /** A UDP datagram, summed. */
    public static byte[] udp(int saddr, int daddr, int sport, int dport, byte[] payload) {
        byte[] u = new byte[8 + payload.length];
        Wires.be16(u, 0, sport);
        Wires.be16(u, 2, dport);
        Wires.be16(u, 4, u.length);
        System.arraycopy(payload, 0, u, 8, payload.length);
        int sum = Wires.fold(Wires.pseudo(saddr, daddr, IPPROTO_UDP, u.length) + Wires.sum(u, 0, u.length));
        Wires.be16(u, 6, sum == 0 ? 0xffff : sum);
        return u;
    }

    /** An ICMP message, summed. @param rest the four bytes after the checksum */
    public static byte[] icmp(int type, int code, int rest, byte[] payload) {
        byte[] m = new byte[8 + payload.length];
        m[0] = (byte) type;
        m[1] = (byte) code;
        Wires.be32(m, 4, rest);
        System.arraycopy(payload, 0, m, 8, payload.length);
        Wires.be16(m, 2, Wires.fold(Wires.sum(m, 0, m.length)));
        return m;
    }

    /** An ARP packet for Ethernet and IPv4. @param op 1 asks, 2 answers */
    public static byte[] arp(int op, byte[] sha, int spa, byte[] tha, int tpa) {
        byte[] a = new byte[28];
        Wires.be16(a, 0, 1);
        Wires.be16(a, 2, ETH_P_IP);
        a[4] = 6;
        a[5] = 4;
        Wires.be16(a, 6, op);
        System.arraycopy(sha, 0, a, 8, 6);
        Wires.be32(a, 14, spa);
        System.arraycopy(tha, 0, a, 18, 6);
        Wires.be32(a, 24, tpa);
        return a;
    }

    /** Makes the checksums of a frame right, as far as its headers can be read: for mutated frames. */
    public static void fixChecksums(byte[] f) {
        if (f.length < ETH + 20 || Wires.be16(f, 12) != ETH_P_IP) {
            return;
        }
        int ihl = (f[ETH] & 15) * 4;
        if (ihl < 20 || f.length < ETH + ihl) {
            return;
        }
        Wires.be16(f, ETH + 10, 0);
        Wires.be16(f, ETH + 10, Wires.fold(Wires.sum(f, ETH, ihl)));
        int l4 = ETH + ihl;
        int len = Math.min(Wires.be16(f, ETH + 2), f.length - ETH) - ihl;
        boolean fragment = (Wires.be16(f, ETH + 6) & 0x3fff) != 0;
        if (len < 8 || fragment) {
            return;
        }
        int saddr = Wires.be32(f, ETH + 12);
        int daddr = Wires.be32(f, ETH + 16);
        switch (f[ETH + 9]) {
            case IPPROTO_TCP -> {
                if (len >= 20) {
                    put(f, l4 + 16, Wires.pseudo(saddr, daddr, IPPROTO_TCP, len), l4, len);
                }
            }
            case IPPROTO_UDP -> put(f, l4 + 6, Wires.pseudo(saddr, daddr, IPPROTO_UDP, len), l4, len);
            case IPPROTO_ICMP -> put(f, l4 + 2, 0, l4, len);
            default -> {
                // No checksum that we know of.
            }
        }
    }

    private static void put(byte[] f, int at, long pseudo, int l4, int len) {
        Wires.be16(f, at, 0);
        Wires.be16(f, at, Wires.fold(pseudo + Wires.sum(f, l4, len)));
    }

    /** A datagram cut into fragments of at most {@code size} payload bytes (rounded down to eights). */
    public static byte[][] fragment(byte[] ip, int size) {
        int unit = Math.max(8, size & ~7);
        int payload = ip.length - 20;
        int count = (payload + unit - 1) / unit;
        byte[][] all = new byte[count][];
        for (int i = 0; i < count; i++) {
            int from = i * unit;
            int len = Math.min(unit, payload - from);
            byte[] p = Arrays.copyOf(ip, 20 + len);
            System.arraycopy(ip, 20 + from, p, 20, len);
            Wires.be16(p, 2, p.length);
            Wires.be16(p, 6, (i < count - 1 ? 0x2000 : 0) | from / 8);
            Wires.be16(p, 10, 0);
            Wires.be16(p, 10, Wires.fold(Wires.sum(p, 0, 20)));
            all[i] = p;
        }
        return all;
    }
}
