package net.testkit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A TCP segment read from an Ethernet frame, by code of the tests' own. Absent options are -1 or empty. */
public final class TcpFrame {
    public final int saddr;
    public final int daddr;
    public final int tos;
    public final int sport;
    public final int dport;
    public final int seq;
    public final int ack;
    public final int flags;
    public final int window;
    public final int urgent;
    public final byte[] payload;

    public int mss = -1;
    public int wscale = -1;
    public boolean sackOk;
    public boolean timestamps;
    public int tsVal;
    public int tsEcr;
    /** Start and end of each SACK block. */
    public int[] sacks = {};

    private final byte[] rawOptions;

    private TcpFrame(byte[] f, int ip, int tcp, int end) {
        tos = Wires.u8(f, ip + 1);
        saddr = Wires.be32(f, ip + 12);
        daddr = Wires.be32(f, ip + 16);
        sport = Wires.be16(f, tcp);
        dport = Wires.be16(f, tcp + 2);
        seq = Wires.be32(f, tcp + 4);
        ack = Wires.be32(f, tcp + 8);
        flags = Wires.u8(f, tcp + 13);
        window = Wires.be16(f, tcp + 14);
        urgent = Wires.be16(f, tcp + 18);
        int data = Math.min(end, tcp + (f[tcp + 12] >> 4 & 15) * 4);
        payload = Arrays.copyOfRange(f, data, end);
        rawOptions = Arrays.copyOfRange(f, tcp + 20, data);
        options(f, tcp + 20, data);
    }

    /** The segment in a frame; null if it holds none or is cut. */
    public static @Nullable TcpFrame parse(byte[] f) {
        int ip = 14;
        if (f.length < ip + 40 || Wires.be16(f, 12) != Frames.ETH_P_IP || f[ip + 9] != Frames.IPPROTO_TCP) {
            return null;
        }
        int tcp = ip + (f[ip] & 15) * 4;
        int end = ip + Wires.be16(f, ip + 2);
        boolean fragment = (Wires.be16(f, ip + 6) & 0x1fff) != 0;
        if (fragment || end > f.length || tcp + 20 > end || (f[tcp + 12] >> 4 & 15) < 5) {
            return null;
        }
        return new TcpFrame(f, ip, tcp, end);
    }

    private void options(byte[] f, int from, int end) {
        int at = from;
        while (at < end && f[at] != 0) {
            if (f[at] == 1) {
                at++;
                continue;
            }
            if (at + 1 >= end || f[at + 1] < 2 || at + f[at + 1] > end) {
                return;
            }
            switch (f[at]) {
                case 2 -> mss = Wires.be16(f, at + 2);
                case 3 -> wscale = f[at + 2];
                case 4 -> sackOk = true;
                case 5 -> {
                    sacks = new int[(f[at + 1] - 2) / 4];
                    for (int i = 0; i < sacks.length; i++) {
                        sacks[i] = Wires.be32(f, at + 2 + 4 * i);
                    }
                }
                case 8 -> {
                    timestamps = true;
                    tsVal = Wires.be32(f, at + 2);
                    tsEcr = Wires.be32(f, at + 6);
                }
                default -> {
                    // Unknown: skipped, as a receiver would.
                }
            }
            at += f[at + 1];
        }
    }

    /** The options' bytes, padding included: for their order. */
    public byte[] options() {
        return rawOptions.clone();
    }

    /** Sequence number after the segment, SYN and FIN counted. */
    public int endSeq() {
        return seq + payload.length + ((flags & Segment.SYN) != 0 ? 1 : 0) + ((flags & Segment.FIN) != 0 ? 1 : 0);
    }

    @Override
    public String toString() {
        StringBuilder s = new StringBuilder(96);
        s.append(Wires.address(saddr))
                .append(':')
                .append(sport)
                .append(" > ")
                .append(Wires.address(daddr))
                .append(':')
                .append(dport);
        s.append(' ').append(Segment.flagText(flags)).append(" seq ").append(Integer.toUnsignedString(seq));
        if (payload.length > 0) {
            s.append('+').append(payload.length);
        }
        s.append(" ack ").append(Integer.toUnsignedString(ack)).append(" win ").append(window);
        if (mss >= 0) {
            s.append(" mss ").append(mss);
        }
        if (wscale >= 0) {
            s.append(" wscale ").append(wscale);
        }
        if (sackOk) {
            s.append(" sackOK");
        }
        if (timestamps) {
            s.append(" ts ")
                    .append(Integer.toUnsignedString(tsVal))
                    .append('/')
                    .append(Integer.toUnsignedString(tsEcr));
        }
        for (int i = 0; i + 1 < sacks.length; i += 2) {
            s.append(" sack ")
                    .append(Integer.toUnsignedString(sacks[i]))
                    .append(':')
                    .append(Integer.toUnsignedString(sacks[i + 1]));
        }
        return s.toString();
    }
}
