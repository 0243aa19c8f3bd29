package net.ipv4;

import net.core.sock.SockAddrIn;

/**
 * Numbers and small decisions of the Internet family that everything here shares. IPv4 addresses are host-order ints.
 *
 * <p>Linux: include/linux/in.h, include/net/inet_ecn.h, include/uapi/linux/in.h
 */
public final class Inet {
    public static final int ETH_P_IP = 0x0800;
    public static final int ETH_P_ARP = 0x0806;

    public static final int IPPROTO_IP = 0;
    public static final int IPPROTO_ICMP = 1;
    public static final int IPPROTO_IGMP = 2;
    public static final int IPPROTO_TCP = 6;
    public static final int IPPROTO_UDP = 17;
    public static final int IPPROTO_UDPLITE = 136;
    public static final int IPPROTO_RAW = 255;

    public static final int INADDR_ANY = 0;
    public static final int INADDR_BROADCAST = -1;
    public static final int INADDR_LOOPBACK = 0x7f000001;

    public static final int ECN_NOT_ECT = 0;
    public static final int ECN_ECT_1 = 1;
    public static final int ECN_ECT_0 = 2;
    public static final int ECN_CE = 3;
    public static final int ECN_MASK = 3;

    /** The type-of-service bits that routing looks at. */
    public static final int DSCP_MASK = 0xfc;

    /** Smallest MTU that any link must carry. RFC 791. */
    public static final int IPV4_MIN_MTU = 68;
    /** Largest datagram. */
    public static final int IP_MAX_MTU = 0xffff;

    public static final int IPDEFTTL = 64;

    private Inet() {}

    /** 127.0.0.0/8. */
    public static boolean isLoopback(int addr) {
        return addr >>> 24 == 127;
    }

    /** 224.0.0.0/4. */
    public static boolean isMulticast(int addr) {
        return addr >>> 28 == 0xe;
    }

    /** 224.0.0.0/24: never forwarded. */
    public static boolean isLocalMulticast(int addr) {
        return addr >>> 8 == 0xe00000;
    }

    /** 255.255.255.255. */
    public static boolean isLbcast(int addr) {
        return addr == INADDR_BROADCAST;
    }

    /** 0.0.0.0/8. */
    public static boolean isZeronet(int addr) {
        return addr >>> 24 == 0;
    }

    /** Netmask of a prefix length. */
    public static int mask(int prefixLen) {
        return prefixLen == 0 ? 0 : -1 << 32 - prefixLen;
    }

    /** Dotted-quad text. */
    public static String text(int addr) {
        return SockAddrIn.text(addr);
    }

    /** Parses a dotted quad; returns -1 if it is none. */
    public static long parse(String text) {
        long value = 0;
        int parts = 0;
        int i = 0;
        int n = text.length();
        while (i < n) {
            int start = i;
            int part = 0;
            while (i < n && text.charAt(i) >= '0' && text.charAt(i) <= '9' && i - start < 3) {
                part = part * 10 + text.charAt(i++) - '0';
            }
            if (i == start || part > 255 || ++parts > 4) {
                return -1;
            }
            value = value << 8 | part;
            if (i < n && (text.charAt(i) != '.' || ++i == n)) {
                return -1;
            }
        }
        return parts == 4 ? value : -1;
    }
}
