package net.sched.cls.ematch;

import net.core.dev.EthHdr;
import net.sched.cls.SkbBytes;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The addresses and ports of one packet, outermost header. IPv6 addresses are folded to 32 bits.
 *
 * <p>Context: one CPU's; filled anew for each packet.
 *
 * <p>Linux: skb_flow_dissect_flow_keys(), flow_get_u32_src()
 */
final class FlowHeaders {
    int src;
    int dst;
    int proto;
    /** Source port in the upper half. */
    int ports;

    int vlan;

    FlowHeaders() {}

    @HotPath
    void read(SkBuff skb) {
        src = 0;
        dst = 0;
        proto = 0;
        ports = 0;
        vlan = 0;
        int off = skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        int type = skb.protocol;
        for (int tags = 0; (type == EthHdr.ETH_P_8021Q || type == EthHdr.ETH_P_8021AD) && tags < 4; tags++) {
            long tag = SkbBytes.u32(skb, off);
            if (tag < 0) {
                return;
            }
            if (tags == 0) {
                vlan = (int) (tag >>> 16) & 0xFFF;
            }
            type = (int) tag & 0xFFFF;
            off += 4;
        }
        if (type == EthHdr.ETH_P_IP && SkbBytes.has(skb, off, 20)) {
            src = (int) SkbBytes.u32(skb, off + 12);
            dst = (int) SkbBytes.u32(skb, off + 16);
            proto = SkbBytes.u8(skb, off + 9);
            int ihl = (SkbBytes.u8(skb, off) & 15) * 4;
            if (ihl >= 20 && (SkbBytes.u16(skb, off + 6) & 0x3FFF) == 0) {
                ports(skb, off + ihl);
            }
        } else if (type == EthHdr.ETH_P_IPV6 && SkbBytes.has(skb, off, 40)) {
            src = fold(skb, off + 8);
            dst = fold(skb, off + 24);
            proto = SkbBytes.u8(skb, off + 6);
            ports(skb, off + 40);
        }
    }

    private static int fold(SkBuff skb, int off) {
        return (int) (SkbBytes.u32(skb, off)
                ^ SkbBytes.u32(skb, off + 4)
                ^ SkbBytes.u32(skb, off + 8)
                ^ SkbBytes.u32(skb, off + 12));
    }

    private void ports(SkBuff skb, int off) {
        if (proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136) {
            long p = SkbBytes.u32(skb, off);
            ports = p < 0 ? 0 : (int) p;
        }
    }
}
