package net.core.dev;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Feature bits of a device, with the kernel's numbers: a GSO type bit shifted by {@link #GSO_SHIFT} is the feature that
 * a device needs to take it whole.
 *
 * <p>Linux: include/linux/netdev_features.h
 */
public final class NetdevFeatures {
    /** Scatter/gather: page fragments. */
    public static final long NETIF_F_SG = 1L;
    /** TCP and UDP checksums over IPv4 only. */
    public static final long NETIF_F_IP_CSUM = 1L << 1;
    /** Any checksum by start and offset. */
    public static final long NETIF_F_HW_CSUM = 1L << 3;
    /** TCP and UDP checksums over IPv6 only. */
    public static final long NETIF_F_IPV6_CSUM = 1L << 4;
    /** Any memory can be reached. */
    public static final long NETIF_F_HIGHDMA = 1L << 5;
    /** Fragment lists. */
    public static final long NETIF_F_FRAGLIST = 1L << 6;
    /** Software GSO above the driver. */
    public static final long NETIF_F_GSO = 1L << 11;
    /** GRO. */
    public static final long NETIF_F_GRO = 1L << 14;
    /** First GSO bit. */
    public static final int GSO_SHIFT = 16;
    /** TCPv4 segmentation. */
    public static final long NETIF_F_TSO = 1L << 16;
    /** Packets from untrusted sources. */
    public static final long NETIF_F_GSO_ROBUST = 1L << 17;
    /** TSO with ECN's CWR bit. */
    public static final long NETIF_F_TSO_ECN = 1L << 18;
    /** TSO may leave the IP id alone. */
    public static final long NETIF_F_TSO_MANGLEID = 1L << 19;
    /** TCPv6 segmentation. */
    public static final long NETIF_F_TSO6 = 1L << 20;
    /** GSO partial. */
    public static final long NETIF_F_GSO_PARTIAL = 1L << 28;
    /** UDP fragmentation, legacy. */
    public static final long NETIF_F_GSO_UDP = 1L << 32;
    /** UDP segmentation (USO). */
    public static final long NETIF_F_GSO_UDP_L4 = 1L << 33;
    /** Fragment list GSO. */
    public static final long NETIF_F_GSO_FRAGLIST = 1L << 34;
    /** GSO that leaves CWR on all segments: accurate ECN. */
    public static final long NETIF_F_GSO_ACCECN = 1L << 35;
    /** Receive hash from the device. */
    public static final long NETIF_F_RXHASH = 1L << 38;
    /** Receive checksum. */
    public static final long NETIF_F_RXCSUM = 1L << 39;
    /** Forwarding from here must not loop back. */
    public static final long NETIF_F_LOOPBACK = 1L << 41;

    /** Any transmit checksum. */
    public static final long NETIF_F_CSUM_MASK = NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | NETIF_F_HW_CSUM;
    /** All TSO flavours. */
    public static final long NETIF_F_ALL_TSO = NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN | NETIF_F_TSO_MANGLEID;
    /** What software GSO can split: advertised to protocols when GSO is on. */
    public static final long NETIF_F_GSO_SOFTWARE =
            NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4 | NETIF_F_GSO_FRAGLIST | NETIF_F_GSO_ACCECN;
    /** All GSO type bits. */
    public static final long NETIF_F_GSO_MASK = 0xfffffL << GSO_SHIFT;

    private NetdevFeatures() {}

    /** Tells whether a packet of {@code gsoType} may stay whole. Linux: net_gso_ok(). */
    @HotPath
    public static boolean gsoOk(long features, int gsoType) {
        long need = (gsoType & 0xffffffffL) << GSO_SHIFT;
        return (features & need) == need;
    }

    /** Tells whether {@code skb} must be split in software before the driver. Linux: netif_needs_gso(). */
    @HotPath
    public static boolean needsGso(SkBuff skb, long features) {
        if (skb.shinfo().gsoSize == 0) {
            return false;
        }
        return !gsoOk(features, skb.shinfo().gsoType)
                || (skb.shinfo().fragList != null && (features & NETIF_F_FRAGLIST) == 0)
                || (skb.ipSummed != SkBuff.CHECKSUM_PARTIAL && skb.ipSummed != SkBuff.CHECKSUM_UNNECESSARY);
    }

    /** Tells whether the device can checksum a packet of this ethertype. Linux: can_checksum_protocol(). */
    @HotPath
    public static boolean canChecksumProtocol(long features, int protocol) {
        if ((features & NETIF_F_HW_CSUM) != 0) {
            return true;
        }
        return switch (protocol) {
            case EthHdr.ETH_P_IP -> (features & NETIF_F_IP_CSUM) != 0;
            case EthHdr.ETH_P_IPV6 -> (features & NETIF_F_IPV6_CSUM) != 0;
            default -> false;
        };
    }

    /** Removes features that need others that are missing. Linux: netdev_fix_features(). */
    public static long fix(long features) {
        long f = features;
        if ((f & NETIF_F_ALL_TSO) != 0 && (f & NETIF_F_SG) == 0) {
            f &= ~NETIF_F_ALL_TSO;
        }
        if ((f & NETIF_F_TSO) != 0 && (f & (NETIF_F_HW_CSUM | NETIF_F_IP_CSUM)) == 0) {
            f &= ~(NETIF_F_TSO | NETIF_F_TSO_ECN | NETIF_F_TSO_MANGLEID);
        }
        if ((f & NETIF_F_TSO6) != 0 && (f & (NETIF_F_HW_CSUM | NETIF_F_IPV6_CSUM)) == 0) {
            f &= ~NETIF_F_TSO6;
        }
        if ((f & NETIF_F_ALL_TSO) == NETIF_F_TSO_ECN) {
            f &= ~NETIF_F_TSO_ECN;
        }
        if ((f & NETIF_F_GSO_UDP_L4) != 0 && (f & NETIF_F_CSUM_MASK) == 0) {
            f &= ~NETIF_F_GSO_UDP_L4;
        }
        if ((f & NETIF_F_GSO) != 0 && (f & NETIF_F_SG) == 0) {
            f &= ~NETIF_F_GSO;
        }
        return f;
    }

    /** Names as ethtool -k prints them, in its order; index-aligned with {@link #ETHTOOL_BITS}. */
    private static final String[] ETHTOOL_NAMES = {
        "rx-checksumming",
        "tx-checksum-ipv4",
        "tx-checksum-ip-generic",
        "tx-checksum-ipv6",
        "scatter-gather",
        "tx-scatter-gather-fraglist",
        "tx-tcp-segmentation",
        "tx-tcp-ecn-segmentation",
        "tx-tcp-mangleid-segmentation",
        "tx-tcp6-segmentation",
        "generic-segmentation-offload",
        "generic-receive-offload",
        "tx-udp-segmentation"
    };

    private static final long[] ETHTOOL_BITS = {
        NETIF_F_RXCSUM,
        NETIF_F_IP_CSUM,
        NETIF_F_HW_CSUM,
        NETIF_F_IPV6_CSUM,
        NETIF_F_SG,
        NETIF_F_FRAGLIST,
        NETIF_F_TSO,
        NETIF_F_TSO_ECN,
        NETIF_F_TSO_MANGLEID,
        NETIF_F_TSO6,
        NETIF_F_GSO,
        NETIF_F_GRO,
        NETIF_F_GSO_UDP_L4
    };

    /** The feature called {@code name} by ethtool, or 0. Short names rx, tx, sg, tso, gso, gro are understood too. */
    public static long byName(String name) {
        for (int i = 0; i < ETHTOOL_NAMES.length; i++) {
            if (ETHTOOL_NAMES[i].equals(name)) {
                return ETHTOOL_BITS[i];
            }
        }
        return switch (name) {
            case "rx" -> NETIF_F_RXCSUM;
            case "tx" -> NETIF_F_CSUM_MASK;
            case "sg" -> NETIF_F_SG;
            case "tso" -> NETIF_F_ALL_TSO;
            case "gso" -> NETIF_F_GSO;
            case "gro" -> NETIF_F_GRO;
            default -> 0;
        };
    }

    /** One "name: on|off" line per feature. */
    public static String describe(long features) {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < ETHTOOL_NAMES.length; i++) {
            b.append(ETHTOOL_NAMES[i]).append((features & ETHTOOL_BITS[i]) != 0 ? ": on\n" : ": off\n");
        }
        return b.toString();
    }
}
