package net.testkit;

/** Checks a frame as a suspicious receiver would: lengths that agree and every IPv4, TCP, UDP and ICMP checksum. */
public final class PacketCheck {
    private PacketCheck() {}

    /** Fails with the frame's text unless it is well formed. */
    public static void frame(byte[] f) {
        String wrong = wrong(f);
        if (wrong != null) {
            throw new AssertionError(wrong + ": " + PacketText.of(f));
        }
    }

    /** What is wrong with a frame, or null. */
    public static @org.jspecify.annotations.Nullable String wrong(byte[] f) {
        if (f.length < Frames.ETH) {
            return "shorter than an Ethernet header";
        }
        return switch (Wires.be16(f, 12)) {
            case Frames.ETH_P_IP -> ip(f);
            case Frames.ETH_P_ARP -> f.length < Frames.ETH + 28 ? "ARP packet of " + (f.length - 14) + " bytes" : null;
            default -> null;
        };
    }

    private static @org.jspecify.annotations.Nullable String ip(byte[] f) {
        int at = Frames.ETH;
        if (f.length < at + 20 || f[at] >>> 4 != 4) {
            return "no IPv4 header";
        }
        int ihl = (f[at] & 15) * 4;
        int total = Wires.be16(f, at + 2);
        if (ihl < 20 || total < ihl || f.length < at + total) {
            return "header of " + ihl + ", datagram of " + total + ", frame of " + f.length + " bytes";
        }
        if (Wires.fold(Wires.sum(f, at, ihl)) != 0) {
            return "IPv4 header checksum";
        }
        if ((Wires.be16(f, at + 6) & 0x3fff) != 0) {
            return null;
        }
        return transport(f, at, at + ihl, total - ihl);
    }

    private static @org.jspecify.annotations.Nullable String transport(byte[] f, int ip, int l4, int len) {
        long pseudo = Wires.pseudo(Wires.be32(f, ip + 12), Wires.be32(f, ip + 16), f[ip + 9] & 0xff, len);
        switch (f[ip + 9]) {
            case Frames.IPPROTO_TCP -> {
                if (len < 20 || (f[l4 + 12] >> 4 & 15) * 4 < 20 || (f[l4 + 12] >> 4 & 15) * 4 > len) {
                    return "TCP header does not fit in " + len + " bytes";
                }
                return Wires.fold(pseudo + Wires.sum(f, l4, len)) == 0 ? null : "TCP checksum";
            }
            case Frames.IPPROTO_UDP -> {
                if (len < 8 || Wires.be16(f, l4 + 4) != len) {
                    return "UDP length of " + (len < 6 ? "none" : Wires.be16(f, l4 + 4)) + " in " + len + " bytes";
                }
                boolean none = Wires.be16(f, l4 + 6) == 0;
                return none || Wires.fold(pseudo + Wires.sum(f, l4, len)) == 0 ? null : "UDP checksum";
            }
            case Frames.IPPROTO_ICMP -> {
                if (len < 8) {
                    return "ICMP message of " + len + " bytes";
                }
                return Wires.fold(Wires.sum(f, l4, len)) == 0 ? null : "ICMP checksum";
            }
            default -> {
                return null;
            }
        }
    }
}
