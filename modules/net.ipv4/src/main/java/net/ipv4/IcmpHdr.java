package net.ipv4;

/**
 * The ICMP header, read and written in place by address, and its numbers.
 *
 * <pre>
 * +--------+--------+-----------------+
 * |  Type  |  Code  |    Checksum     |
 * +--------+--------+-----------------+
 * |   Identifier    | Sequence Number |   or gateway, or unused:16 and MTU:16, or pointer:8
 * +-----------------+-----------------+
 * </pre>
 *
 * <p>RFC 792, RFC 1191. Linux: struct icmphdr, include/uapi/linux/icmp.h
 */
public final class IcmpHdr {
    public static final int LENGTH = 8;
    public static final int TYPE_OFFSET = 0;
    public static final int CODE_OFFSET = 1;
    public static final int CHECK_OFFSET = 2;
    /** Identifier; also the first half of the second word. */
    public static final int ID_OFFSET = 4;
    /** Sequence number; also the MTU of a "fragmentation needed". */
    public static final int SEQUENCE_OFFSET = 6;
    /** The second word whole: gateway of a redirect. */
    public static final int INFO_OFFSET = 4;

    public static final int ICMP_ECHOREPLY = 0;
    public static final int ICMP_DEST_UNREACH = 3;
    public static final int ICMP_SOURCE_QUENCH = 4;
    public static final int ICMP_REDIRECT = 5;
    public static final int ICMP_ECHO = 8;
    public static final int ICMP_TIME_EXCEEDED = 11;
    public static final int ICMP_PARAMETERPROB = 12;
    public static final int ICMP_TIMESTAMP = 13;
    public static final int ICMP_TIMESTAMPREPLY = 14;
    public static final int ICMP_INFO_REQUEST = 15;
    public static final int ICMP_INFO_REPLY = 16;
    public static final int ICMP_ADDRESS = 17;
    public static final int ICMP_ADDRESSREPLY = 18;
    public static final int NR_ICMP_TYPES = 18;

    public static final int ICMP_NET_UNREACH = 0;
    public static final int ICMP_HOST_UNREACH = 1;
    public static final int ICMP_PROT_UNREACH = 2;
    public static final int ICMP_PORT_UNREACH = 3;
    public static final int ICMP_FRAG_NEEDED = 4;
    public static final int ICMP_SR_FAILED = 5;
    public static final int ICMP_NET_UNKNOWN = 6;
    public static final int ICMP_HOST_UNKNOWN = 7;
    public static final int ICMP_HOST_ISOLATED = 8;
    public static final int ICMP_NET_ANO = 9;
    public static final int ICMP_HOST_ANO = 10;
    public static final int ICMP_PKT_FILTERED = 13;
    public static final int NR_ICMP_UNREACH = 15;

    public static final int ICMP_REDIR_NET = 0;
    public static final int ICMP_REDIR_HOST = 1;
    public static final int ICMP_REDIR_NETTOS = 2;
    public static final int ICMP_REDIR_HOSTTOS = 3;

    public static final int ICMP_EXC_TTL = 0;
    public static final int ICMP_EXC_FRAGTIME = 1;

    private IcmpHdr() {}

    public static int type(long h) {
        return Wire.u8(h);
    }

    public static void type(long h, int type) {
        Wire.put8(h, type);
    }

    public static int code(long h) {
        return Wire.u8(h + CODE_OFFSET);
    }

    public static void code(long h, int code) {
        Wire.put8(h + CODE_OFFSET, code);
    }

    public static int check(long h) {
        return Wire.u16(h + CHECK_OFFSET);
    }

    public static void check(long h, int check) {
        Wire.put16(h + CHECK_OFFSET, check);
    }

    public static int id(long h) {
        return Wire.u16(h + ID_OFFSET);
    }

    public static void id(long h, int id) {
        Wire.put16(h + ID_OFFSET, id);
    }

    public static int sequence(long h) {
        return Wire.u16(h + SEQUENCE_OFFSET);
    }

    /** MTU of the next hop in a "fragmentation needed", 0 from routers older than RFC 1191. */
    public static int mtu(long h) {
        return Wire.u16(h + SEQUENCE_OFFSET);
    }

    /** The second word. */
    public static int info(long h) {
        return Wire.u32(h + INFO_OFFSET);
    }

    public static void info(long h, int word) {
        Wire.put32(h + INFO_OFFSET, word);
    }
}
