package net.ipv4;

/**
 * An ARP packet for IPv4 over Ethernet, read and written in place by address.
 *
 * <pre>
 * +----------------+----------------+
 * | hardware type  | protocol type  |
 * +-------+--------+----------------+
 * | hlen 6| plen 4 |   operation    |
 * +-------+--------+----------------+
 * | sender hardware address (6)     |
 * | sender protocol address (4)     |
 * | target hardware address (6)     |
 * | target protocol address (4)     |
 * </pre>
 *
 * <p>RFC 826. Linux: struct arphdr, include/uapi/linux/if_arp.h
 */
public final class ArpHdr {
    public static final int LENGTH = 28;
    public static final int OP_OFFSET = 6;
    public static final int SHA_OFFSET = 8;
    public static final int SIP_OFFSET = 14;
    public static final int THA_OFFSET = 18;
    public static final int TIP_OFFSET = 24;

    public static final int ARPHRD_ETHER = 1;
    public static final int ARPOP_REQUEST = 1;
    public static final int ARPOP_REPLY = 2;

    private ArpHdr() {}

    public static int hardwareType(long h) {
        return Wire.u16(h);
    }

    public static int protocolType(long h) {
        return Wire.u16(h + 2);
    }

    public static int hardwareLength(long h) {
        return Wire.u8(h + 4);
    }

    public static int protocolLength(long h) {
        return Wire.u8(h + 5);
    }

    public static int op(long h) {
        return Wire.u16(h + OP_OFFSET);
    }

    public static int sip(long h) {
        return Wire.u32(h + SIP_OFFSET);
    }

    public static int tip(long h) {
        return Wire.u32(h + TIP_OFFSET);
    }
}
