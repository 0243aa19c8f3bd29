package net.testkit;

/** An Ethernet frame as one line, as tcpdump would say it. Damaged frames are said as far as they can be read. */
public final class PacketText {
    private PacketText() {}

    public static String of(byte[] frame) {
        if (frame.length < 14) {
            return "runt of " + frame.length;
        }
        int type = Wires.be16(frame, 12);
        return switch (type) {
            case Frames.ETH_P_IP -> ip(frame, 14);
            case Frames.ETH_P_ARP -> arp(frame, 14);
            default -> "ethertype 0x" + Integer.toHexString(type) + " length " + (frame.length - 14);
        };
    }

    private static String arp(byte[] f, int at) {
        if (f.length < at + 28) {
            return "ARP, cut";
        }
        String sender = Wires.address(Wires.be32(f, at + 14));
        String target = Wires.address(Wires.be32(f, at + 24));
        return Wires.be16(f, at + 6) == 1
                ? "ARP who has " + target + " tell " + sender
                : "ARP " + sender + " is at " + mac(f, at + 8);
    }

    private static String mac(byte[] f, int at) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            s.append(i == 0 ? "" : ":").append(String.format("%02x", f[at + i]));
        }
        return s.toString();
    }

    private static String ip(byte[] f, int at) {
        if (f.length < at + 20) {
            return "IP, cut";
        }
        int ihl = (f[at] & 15) * 4;
        int total = Wires.be16(f, at + 2);
        int frag = Wires.be16(f, at + 6);
        String from = Wires.address(Wires.be32(f, at + 12));
        String to = Wires.address(Wires.be32(f, at + 16));
        int l4 = at + ihl;
        if ((frag & 0x3fff) != 0) {
            return "IP " + from + " > " + to + " id " + Wires.be16(f, at + 4) + " proto " + f[at + 9] + " frag "
                    + (frag & 0x1fff) * 8 + "+" + (total - ihl) + ((frag & 0x2000) != 0 ? " more" : " last");
        }
        int len = total - ihl;
        if (ihl < 20 || len < 8 || f.length < l4 + 8) {
            return "IP " + from + " > " + to + " proto " + f[at + 9] + " length " + len;
        }
        return switch (f[at + 9]) {
            case Frames.IPPROTO_TCP -> {
                TcpFrame tcp = TcpFrame.parse(f);
                yield tcp == null ? "IP " + from + " > " + to + " TCP, cut" : tcp.toString();
            }
            case Frames.IPPROTO_UDP ->
                "UDP " + from + ":" + Wires.be16(f, l4) + " > " + to + ":" + Wires.be16(f, l4 + 2) + " length "
                        + (Wires.be16(f, l4 + 4) - 8);
            case Frames.IPPROTO_ICMP ->
                "ICMP " + from + " > " + to + " type " + f[l4] + " code " + f[l4 + 1] + " length " + len;
            default -> "IP " + from + " > " + to + " proto " + f[at + 9] + " length " + len;
        };
    }
}
