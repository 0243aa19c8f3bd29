package net.sched.cls.flower;

/**
 * Places of the fields in a key, which is an array of longs; a mask is one too. Fields that a packet does not have are 0,
 * and {@code HAS_*} bits tell them from fields that are 0.
 *
 * <p>{@code Deviation:} Linux has such a bit for addresses only, so that there a filter for port 0 matches a packet that
 * is cut off in front of its ports.
 *
 * <p>Linux: struct fl_flow_key
 */
final class FlowerKey {
    /** What is there, and in the upper half the number of the device it came by. */
    static final int META = 0;
    /** Destination and source of the link layer, 48 bits each. */
    static final int ETH_DST = 1;

    static final int ETH_SRC = 2;
    /** Ethertype, behind all tags, and more of IP. */
    static final int TYPE = 3;
    /** Outer tag, inner tag. */
    static final int VLAN = 4;

    static final int CVLAN = 5;
    /** Source in the upper half. */
    static final int IPV4 = 6;
    /** Halves of the source, then of the destination. */
    static final int IPV6 = 7;
    /** Ports and what else is in transport headers. */
    static final int L4 = 11;
    /** ARP: sender's address in the upper half, target's. */
    static final int ARP_IP = 12;

    static final int ARP_SHA = 13;
    static final int ARP_THA = 14;
    static final int WORDS = 15;

    // In META.
    static final long HAS_IPV4 = 1;
    static final long HAS_IPV6 = 2;
    static final long HAS_PORTS = 4;
    static final long HAS_TCP = 8;
    static final long HAS_ICMP = 16;
    static final long HAS_ARP = 32;
    static final long HAS_VLAN = 64;
    static final long HAS_CVLAN = 128;
    static final long HAS_ETH = 256;
    static final long FRAGMENT = 1 << 16;
    static final long FIRST_FRAGMENT = 1 << 17;
    static final int IIF_SHIFT = 32;

    // In TYPE; the ethertype has no shift.
    static final int IP_PROTO_SHIFT = 16;
    static final int TOS_SHIFT = 24;
    static final int TTL_SHIFT = 32;
    static final int VLANS_SHIFT = 40;

    // In VLAN and CVLAN; the number has no shift.
    static final int VLAN_PRIO_SHIFT = 13;
    static final int TPID_SHIFT = 16;
    static final int VLAN_TYPE_SHIFT = 32;

    // In L4; the ICMP code has no shift.
    static final int SPORT_SHIFT = 48;
    static final int DPORT_SHIFT = 32;
    static final int TCP_FLAGS_SHIFT = 16;
    static final int ICMP_TYPE_SHIFT = 8;

    // In ARP_SHA.
    static final int ARP_OP_SHIFT = 48;

    private FlowerKey() {}

    static int sport(long[] key) {
        return (int) (key[L4] >>> SPORT_SHIFT);
    }

    static int dport(long[] key) {
        return (int) (key[L4] >>> DPORT_SHIFT) & 0xFFFF;
    }
}
