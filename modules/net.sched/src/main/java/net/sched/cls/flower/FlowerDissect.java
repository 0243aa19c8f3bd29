package net.sched.cls.flower;

import static net.sched.cls.flower.FlowerKey.*;

import java.util.Arrays;
import net.core.dev.EthHdr;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Reads a packet's headers into a key, without touching the packet. Stops in front of tunnels, and reads no transport
 * header of a fragment.
 *
 * <p>Linux: __skb_flow_dissect() with FLOW_DISSECTOR_F_STOP_BEFORE_ENCAP
 */
@HotPath
final class FlowerDissect {
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int IPPROTO_DCCP = 33;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int IPPROTO_SCTP = 132;
    private static final int IPPROTO_UDPLITE = 136;
    private static final int MAX_HEADERS = 15;
    private static final int ETH_P_RARP = 0x8035;

    private FlowerDissect() {}

    /** Fills {@code k} with what {@code skb} has. */
    static void dissect(SkBuff skb, long[] k) {
        Arrays.fill(k, 0);
        k[META] = (long) skb.skbIif << IIF_SHIFT;
        if (skb.macHeaderWasSet()) {
            ethernet(skb, k, skb.macOffset());
        }
        int off = skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        boolean tagBeside = skb.vlanPresent;
        int proto = tagBeside ? skb.vlanProto : skb.protocol;
        int vlans = 0;
        while (proto == EthHdr.ETH_P_8021Q || proto == EthHdr.ETH_P_8021AD) {
            int tci;
            int inner;
            if (tagBeside) {
                tagBeside = false;
                tci = skb.vlanTci;
                inner = skb.protocol;
            } else {
                long tag = SkbBytes.u32(skb, off);
                if (tag < 0) {
                    break;
                }
                tci = (int) (tag >>> 16);
                inner = (int) tag & 0xFFFF;
                off += 4;
            }
            if (vlans < 2) {
                k[VLAN + vlans] = tci & 0xEFFF | (long) proto << TPID_SHIFT | (long) inner << VLAN_TYPE_SHIFT;
                k[META] |= vlans == 0 ? HAS_VLAN : HAS_CVLAN;
            }
            vlans++;
            proto = inner;
        }
        k[TYPE] = proto | (long) Math.min(vlans, 255) << VLANS_SHIFT;
        switch (proto) {
            case EthHdr.ETH_P_IP -> ipv4(skb, k, off);
            case EthHdr.ETH_P_IPV6 -> ipv6(skb, k, off);
            case EthHdr.ETH_P_ARP, ETH_P_RARP -> arp(skb, k, off);
            default -> {
                // Nothing more is known of it.
            }
        }
    }

    private static void ethernet(SkBuff skb, long[] k, int off) {
        if (SkbBytes.has(skb, off, EthHdr.ETH_HLEN)) {
            k[ETH_DST] = mac(skb, off);
            k[ETH_SRC] = mac(skb, off + 6);
            k[META] |= HAS_ETH;
        }
    }

    private static long mac(SkBuff skb, int off) {
        return (long) SkbBytes.u16(skb, off) << 32 | SkbBytes.u32(skb, off + 2);
    }

    private static void ipv4(SkBuff skb, long[] k, int off) {
        int ihl = (SkbBytes.u8(skb, off) & 15) * 4;
        if (!SkbBytes.has(skb, off, 20) || ihl < 20) {
            return;
        }
        int proto = SkbBytes.u8(skb, off + 9);
        k[META] |= HAS_IPV4;
        k[IPV4] = SkbBytes.u32(skb, off + 12) << 32 | SkbBytes.u32(skb, off + 16);
        k[TYPE] |= (long) proto << IP_PROTO_SHIFT
                | (long) SkbBytes.u8(skb, off + 1) << TOS_SHIFT
                | (long) SkbBytes.u8(skb, off + 8) << TTL_SHIFT;
        int frag = SkbBytes.u16(skb, off + 6);
        if ((frag & 0x3FFF) != 0) {
            fragment(k, proto, (frag & 0x1FFF) == 0);
        } else {
            transport(skb, k, proto, off + ihl);
        }
    }

    private static void ipv6(SkBuff skb, long[] k, int at) {
        int off = at;
        if (!SkbBytes.has(skb, off, 40)) {
            return;
        }
        k[META] |= HAS_IPV6;
        for (int i = 0; i < 4; i++) {
            k[IPV6 + i] = SkbBytes.u32(skb, off + 8 + 8 * i) << 32 | SkbBytes.u32(skb, off + 12 + 8 * i);
        }
        k[TYPE] |= (long) (SkbBytes.u16(skb, off) >>> 4 & 0xFF) << TOS_SHIFT
                | (long) SkbBytes.u8(skb, off + 7) << TTL_SHIFT;
        int proto = SkbBytes.u8(skb, off + 6);
        off += 40;
        for (int i = 0; i < MAX_HEADERS; i++) {
            if (proto == 44) {
                if (SkbBytes.has(skb, off, 8)) {
                    proto = SkbBytes.u8(skb, off);
                    fragment(k, proto, (SkbBytes.u16(skb, off + 2) & 0xFFF8) == 0);
                }
                k[TYPE] |= (long) proto << IP_PROTO_SHIFT;
                return;
            }
            if (proto != 0 && proto != 43 && proto != 60) {
                k[TYPE] |= (long) proto << IP_PROTO_SHIFT;
                transport(skb, k, proto, off);
                return;
            }
            if (!SkbBytes.has(skb, off, 8)) {
                return;
            }
            proto = SkbBytes.u8(skb, off);
            off += (SkbBytes.u8(skb, off + 1) + 1) * 8;
        }
    }

    /** All fragments have ports, flags and ICMP types of 0. */
    private static void fragment(long[] k, int proto, boolean first) {
        k[META] |= FRAGMENT | (first ? FIRST_FRAGMENT : 0);
        if (hasPorts(proto)) {
            k[META] |= HAS_PORTS;
        }
        if (proto == IPPROTO_TCP) {
            k[META] |= HAS_TCP;
        }
        if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
            k[META] |= HAS_ICMP;
        }
    }

    private static boolean hasPorts(int proto) {
        return proto == IPPROTO_TCP
                || proto == IPPROTO_UDP
                || proto == IPPROTO_SCTP
                || proto == IPPROTO_DCCP
                || proto == IPPROTO_UDPLITE;
    }

    private static void transport(SkBuff skb, long[] k, int proto, int off) {
        if (hasPorts(proto)) {
            long ports = SkbBytes.u32(skb, off);
            if (ports < 0) {
                return;
            }
            k[L4] = ports << DPORT_SHIFT;
            k[META] |= HAS_PORTS;
            if (proto == IPPROTO_TCP && SkbBytes.has(skb, off, 20) && SkbBytes.u8(skb, off + 12) >>> 4 >= 5) {
                k[L4] |= (long) (SkbBytes.u16(skb, off + 12) & 0xFFF) << TCP_FLAGS_SHIFT;
                k[META] |= HAS_TCP;
            }
        } else if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
            int typeCode = SkbBytes.u16(skb, off);
            if (typeCode >= 0 && SkbBytes.has(skb, off, 8)) {
                k[L4] = typeCode;
                k[META] |= HAS_ICMP;
            }
        }
    }

    private static void arp(SkBuff skb, long[] k, int off) {
        if (!SkbBytes.has(skb, off, 28)
                || SkbBytes.u32(skb, off) != 0x00010800L
                || SkbBytes.u16(skb, off + 4) != 0x0604) {
            return;
        }
        int op = SkbBytes.u16(skb, off + 6);
        if (op != 1 && op != 2) {
            return;
        }
        k[META] |= HAS_ARP;
        k[ARP_SHA] = mac(skb, off + 8) | (long) op << ARP_OP_SHIFT;
        k[ARP_THA] = mac(skb, off + 18);
        k[ARP_IP] = SkbBytes.u32(skb, off + 14) << 32 | SkbBytes.u32(skb, off + 24);
    }
}
