package net.ipv4;

import java.util.Arrays;

/** Makes and reads packets as arrays, independently of the code under test. */
public final class Frames {
    private Frames() {}

    public static int u8(byte[] b, int i) {
        return b[i] & 255;
    }

    public static int u16(byte[] b, int i) {
        return u8(b, i) << 8 | u8(b, i + 1);
    }

    public static int u32(byte[] b, int i) {
        return u16(b, i) << 16 | u16(b, i + 2);
    }

    public static void put16(byte[] b, int i, int v) {
        b[i] = (byte) (v >> 8);
        b[i + 1] = (byte) v;
    }

    public static void put32(byte[] b, int i, int v) {
        put16(b, i, v >>> 16);
        put16(b, i + 2, v);
    }

    /** The Internet checksum of a range, as it goes on the wire. RFC 1071. */
    public static int sum(byte[] b, int from, int to, long start) {
        long s = start;
        for (int i = from; i < to; i += 2) {
            s += u8(b, i) << 8 | (i + 1 < to ? u8(b, i + 1) : 0);
        }
        while (s >>> 16 != 0) {
            s = (s & 0xffff) + (s >>> 16);
        }
        return (int) ~s & 0xffff;
    }

    public static byte[] ether(byte[] to, byte[] from, int type, byte[] payload) {
        byte[] f = new byte[14 + payload.length];
        System.arraycopy(to, 0, f, 0, 6);
        System.arraycopy(from, 0, f, 6, 6);
        put16(f, 12, type);
        System.arraycopy(payload, 0, f, 14, payload.length);
        return f;
    }

    public static byte[] ip(int saddr, int daddr, int proto, byte[] payload) {
        return ip(saddr, daddr, proto, 0x1234, 0, 64, new byte[0], payload);
    }

    public static byte[] ip(
            int saddr, int daddr, int proto, int id, int fragOff, int ttl, byte[] options, byte[] payload) {
        int hlen = 20 + options.length;
        byte[] p = new byte[hlen + payload.length];
        p[0] = (byte) (0x40 | hlen / 4);
        put16(p, 2, p.length);
        put16(p, 4, id);
        put16(p, 6, fragOff);
        p[8] = (byte) ttl;
        p[9] = (byte) proto;
        put32(p, 12, saddr);
        put32(p, 16, daddr);
        System.arraycopy(options, 0, p, 20, options.length);
        System.arraycopy(payload, 0, p, hlen, payload.length);
        return fixed(p);
    }

    /** Sets the header checksum. */
    public static byte[] fixed(byte[] p) {
        put16(p, 10, 0);
        put16(p, 10, sum(p, 0, (p[0] & 15) * 4, 0));
        return p;
    }

    public static long pseudo(int saddr, int daddr, int proto, int len) {
        return (saddr >>> 16) + (saddr & 0xffff) + (long) (daddr >>> 16) + (daddr & 0xffff) + proto + len;
    }

    public static byte[] udp(int saddr, int sport, int daddr, int dport, byte[] data) {
        byte[] u = new byte[8 + data.length];
        put16(u, 0, sport);
        put16(u, 2, dport);
        put16(u, 4, u.length);
        System.arraycopy(data, 0, u, 8, data.length);
        int check = sum(u, 0, u.length, pseudo(saddr, daddr, 17, u.length));
        put16(u, 6, check == 0 ? 0xffff : check);
        return u;
    }

    public static byte[] icmp(int type, int code, int info, byte[] data) {
        byte[] m = new byte[8 + data.length];
        m[0] = (byte) type;
        m[1] = (byte) code;
        put32(m, 4, info);
        System.arraycopy(data, 0, m, 8, data.length);
        put16(m, 2, sum(m, 0, m.length, 0));
        return m;
    }

    public static byte[] payload(byte[] packet) {
        return Arrays.copyOfRange(packet, (packet[0] & 15) * 4, packet.length);
    }

    public static byte[] arp(int op, byte[] sha, int sip, byte[] tha, int tip) {
        byte[] a = new byte[28];
        put16(a, 0, 1);
        put16(a, 2, 0x0800);
        a[4] = 6;
        a[5] = 4;
        put16(a, 6, op);
        System.arraycopy(sha, 0, a, 8, 6);
        put32(a, 14, sip);
        System.arraycopy(tha, 0, a, 18, 6);
        put32(a, 24, tip);
        return a;
    }
}
