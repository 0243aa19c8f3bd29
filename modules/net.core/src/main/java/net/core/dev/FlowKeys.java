package net.core.dev;

/**
 * What identifies a packet's flow. Filled by {@link FlowDissector#dissect}; reused.
 *
 * <p>Linux: struct flow_keys
 */
public final class FlowKeys {
    /** No addresses found. */
    public static final int ADDRS_NONE = 0;
    /** IPv4 addresses in the low halves. */
    public static final int ADDRS_IPV4 = 4;
    /** IPv6 addresses. */
    public static final int ADDRS_IPV6 = 6;

    /** One of {@code ADDRS_*}. */
    public int addrType;
    /** Ethertype. */
    public int nProto;
    /** IP protocol. */
    public int ipProto;
    /** Source address, upper half. */
    public long srcHi;
    /** Source address, lower half. */
    public long srcLo;
    /** Destination address, upper half. */
    public long dstHi;
    /** Destination address, lower half. */
    public long dstLo;
    /** Source port, or ICMP identifier for echo. */
    public int srcPort;
    /** Destination port. */
    public int dstPort;
    /** VLAN tag. */
    public int vlanId;
    /** IPv6 flow label. */
    public int flowLabel;
    /** GRE key. */
    public int greKey;
    /** Is a fragment. */
    public boolean fragment;
    /** Is the first fragment. */
    public boolean firstFragment;
    /** Was inside a tunnel. */
    public boolean encapsulation;
    /** Offset of the transport header from {@code skb.data}. */
    public int thoff;
    /** TCP flags, if TCP. */
    public int tcpFlags;

    /** Creates empty keys. */
    public FlowKeys() {}

    /** Forgets everything. */
    public void clear() {
        addrType = ADDRS_NONE;
        nProto = 0;
        ipProto = 0;
        srcHi = 0;
        srcLo = 0;
        dstHi = 0;
        dstLo = 0;
        srcPort = 0;
        dstPort = 0;
        vlanId = 0;
        flowLabel = 0;
        greKey = 0;
        fragment = false;
        firstFragment = false;
        encapsulation = false;
        thoff = 0;
        tcpFlags = 0;
    }

    /** Ports are known, so the hash tells connections apart. */
    public boolean haveL4() {
        return (srcPort | dstPort) != 0 && (ipProto == 6 || ipProto == 17 || ipProto == 132 || ipProto == 33);
    }

    /** Orders the two ends, so that both directions hash alike. Linux: __flow_hash_consistentify(). */
    void consistentify() {
        int c = Long.compareUnsigned(srcHi, dstHi);
        if (c == 0) {
            c = Long.compareUnsigned(srcLo, dstLo);
        }
        if (c == 0) {
            c = Integer.compare(srcPort, dstPort);
        }
        if (c > 0) {
            long t = srcHi;
            srcHi = dstHi;
            dstHi = t;
            t = srcLo;
            srcLo = dstLo;
            dstLo = t;
            int p = srcPort;
            srcPort = dstPort;
            dstPort = p;
        }
    }
}
