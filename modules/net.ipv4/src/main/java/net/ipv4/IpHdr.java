package net.ipv4;

import net.skbuff.Checksum;
import net.skbuff.HotPath;

/**
 * The IPv4 header, read and written in place by address.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Version|  IHL  |      DSCP |ECN|          Total Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Identification        |0|D|M|     Fragment Offset     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Time to Live |    Protocol   |         Header Checksum       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Source Address                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Destination Address                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                            Options                            |
 * </pre>
 *
 * <p>All values are in host order. RFC 791 3.1, RFC 2474, RFC 3168.
 *
 * <p>Linux: struct iphdr, include/uapi/linux/ip.h
 */
public final class IpHdr {
    /** Bytes without options. */
    public static final int LENGTH = 20;
    /** Bytes of the longest header. */
    public static final int MAX_LENGTH = 60;

    public static final int VERSION_IHL_OFFSET = 0;
    public static final int TOS_OFFSET = 1;
    public static final int TOT_LEN_OFFSET = 2;
    public static final int ID_OFFSET = 4;
    public static final int FRAG_OFF_OFFSET = 6;
    public static final int TTL_OFFSET = 8;
    public static final int PROTOCOL_OFFSET = 9;
    public static final int CHECK_OFFSET = 10;
    public static final int SADDR_OFFSET = 12;
    public static final int DADDR_OFFSET = 16;

    /** Reserved flag. */
    public static final int IP_CE = 0x8000;
    /** Don't fragment. */
    public static final int IP_DF = 0x4000;
    /** More fragments. */
    public static final int IP_MF = 0x2000;
    /** Offset part of the fragment field, in units of 8 bytes. */
    public static final int IP_OFFSET = 0x1fff;

    private IpHdr() {}

    @HotPath
    public static int version(long iph) {
        return Wire.u8(iph) >>> 4;
    }

    /** Header length in words. */
    @HotPath
    public static int ihl(long iph) {
        return Wire.u8(iph) & 0xf;
    }

    /** Header length in bytes, options included. */
    @HotPath
    public static int headerLength(long iph) {
        return (Wire.u8(iph) & 0xf) << 2;
    }

    @HotPath
    public static int tos(long iph) {
        return Wire.u8(iph + TOS_OFFSET);
    }

    public static void tos(long iph, int tos) {
        Wire.put8(iph + TOS_OFFSET, tos);
    }

    @HotPath
    public static int totLen(long iph) {
        return Wire.u16(iph + TOT_LEN_OFFSET);
    }

    @HotPath
    public static void totLen(long iph, int bytes) {
        Wire.put16(iph + TOT_LEN_OFFSET, bytes);
    }

    @HotPath
    public static int id(long iph) {
        return Wire.u16(iph + ID_OFFSET);
    }

    @HotPath
    public static void id(long iph, int id) {
        Wire.put16(iph + ID_OFFSET, id);
    }

    /** Flags and fragment offset together. */
    @HotPath
    public static int fragOff(long iph) {
        return Wire.u16(iph + FRAG_OFF_OFFSET);
    }

    @HotPath
    public static void fragOff(long iph, int flagsAndOffset) {
        Wire.put16(iph + FRAG_OFF_OFFSET, flagsAndOffset);
    }

    /** Tells a fragment from a whole datagram. Linux: ip_is_fragment(). */
    @HotPath
    public static boolean isFragment(long iph) {
        return (fragOff(iph) & (IP_MF | IP_OFFSET)) != 0;
    }

    @HotPath
    public static int ttl(long iph) {
        return Wire.u8(iph + TTL_OFFSET);
    }

    @HotPath
    public static void ttl(long iph, int ttl) {
        Wire.put8(iph + TTL_OFFSET, ttl);
    }

    @HotPath
    public static int protocol(long iph) {
        return Wire.u8(iph + PROTOCOL_OFFSET);
    }

    @HotPath
    public static void protocol(long iph, int protocol) {
        Wire.put8(iph + PROTOCOL_OFFSET, protocol);
    }

    @HotPath
    public static int check(long iph) {
        return Wire.u16(iph + CHECK_OFFSET);
    }

    @HotPath
    public static void check(long iph, int check) {
        Wire.put16(iph + CHECK_OFFSET, check);
    }

    @HotPath
    public static int saddr(long iph) {
        return Wire.u32(iph + SADDR_OFFSET);
    }

    @HotPath
    public static void saddr(long iph, int address) {
        Wire.put32(iph + SADDR_OFFSET, address);
    }

    @HotPath
    public static int daddr(long iph) {
        return Wire.u32(iph + DADDR_OFFSET);
    }

    @HotPath
    public static void daddr(long iph, int address) {
        Wire.put32(iph + DADDR_OFFSET, address);
    }

    /** Writes the first two bytes: version 4, length of the header in words, and the type of service. */
    @HotPath
    public static void versionIhlTos(long iph, int ihlWords, int tos) {
        Wire.put16(iph, 0x4000 | ihlWords << 8 | tos & 0xff);
    }

    /** Computes the header checksum anew. Linux: ip_send_check(). */
    @HotPath
    public static void sendCheck(long iph) {
        check(iph, 0);
        check(iph, Checksum.ipFast(iph, ihl(iph)));
    }

    /**
     * Takes one from the time to live and mends the checksum; returns what is left.
     *
     * <p>Linux: ip_decrease_ttl(). RFC 1624.
     */
    @HotPath
    public static int decreaseTtl(long iph) {
        int check = check(iph) + 0x0100;
        check(iph, check + (check >= 0xffff ? 1 : 0));
        int ttl = ttl(iph) - 1;
        ttl(iph, ttl);
        return ttl;
    }

    /** The Explicit Congestion Notification bits. */
    @HotPath
    public static int ecn(long iph) {
        return tos(iph) & Inet.ECN_MASK;
    }

    /** Marks congestion experienced and mends the checksum; the packet must be ECN capable. Linux: IP_ECN_set_ce(). */
    public static void setCe(long iph) {
        int tos = tos(iph);
        if ((tos & Inet.ECN_MASK) == 0 || (tos & Inet.ECN_MASK) == Inet.ECN_CE) {
            return;
        }
        tos(iph, tos | Inet.ECN_CE);
        sendCheck(iph);
    }
}
