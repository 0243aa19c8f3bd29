package net.sched.act;

import net.core.Cpu;
import net.core.dev.EthHdr;
import net.core.dev.SkbVlan;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;

/**
 * Computes the checksums of one packet. A sum that the device or the segmenter is going to complete stays partial: only its
 * pseudo header is summed anew. {@code Deviation:} Linux sums such a packet in full, and leaves a GSO packet with the pseudo
 * header of its old addresses.
 *
 * <p>Linux: tcf_csum(), net/sched/act_csum.c
 */
final class CsumUpdate {
    static final int IPV4HDR = 1;
    static final int ICMP = 2;
    static final int IGMP = 4;
    static final int TCP = 8;
    static final int UDP = 16;
    static final int UDPLITE = 32;

    private static final int IPPROTO_HOPOPTS = 0;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_IGMP = 2;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int IPPROTO_ROUTING = 43;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int IPPROTO_DSTOPTS = 60;
    private static final int IPPROTO_UDPLITE = 136;

    private static final int IPV4_HLEN = 20;
    private static final int IPV6_HLEN = 40;
    private static final int UDP_HLEN = 8;
    private static final int TCP_CHECK = 16;
    private static final int UDP_CHECK = 6;
    private static final int ICMP_CHECK = 2;

    private CsumUpdate() {}

    /** Does so; false if the packet is too short for its own headers. A protocol that was not asked for is left alone. */
    @HotPath
    static boolean update(Cpu cpu, SkBuff skb, int what) {
        if (skb.networkHeader < 0) {
            return skb.protocol != EthHdr.ETH_P_IP && skb.protocol != EthHdr.ETH_P_IPV6;
        }
        int at = skb.networkOffset();
        int net = at;
        int proto = skb.protocol;
        while (SkbVlan.isVlan(proto)) { // tags in the bytes; one in the fields is not in the way
            if (!skb.mayPull(cpu, net + SkbVlan.VLAN_HLEN)) {
                return false;
            }
            proto = u16(skb.dataAddress() + net + 2);
            net += SkbVlan.VLAN_HLEN;
        }
        if (proto != EthHdr.ETH_P_IP && proto != EthHdr.ETH_P_IPV6) {
            return true;
        }
        skb.setNetworkHeader(net);
        boolean done = proto == EthHdr.ETH_P_IP ? ipv4(cpu, skb, what) : ipv6(cpu, skb, what);
        skb.setNetworkHeader(at);
        return done;
    }

    private static boolean ipv4(Cpu cpu, SkBuff skb, int what) {
        int net = skb.networkOffset();
        if (!skb.mayPull(cpu, net + IPV4_HLEN)) {
            return false;
        }
        long ip = skb.networkAddress();
        int ihl = (u8(ip) & 0xF) * 4;
        int total = u16(ip + 2);
        int proto = (u16(ip + 6) & 0x1FFF) != 0 ? -1 : u8(ip + 9);
        if (ihl < IPV4_HLEN || total < ihl && skb.shinfo().gsoSize == 0) {
            return false;
        }
        // A GSO packet may be longer than its header can say.
        int len = skb.shinfo().gsoSize != 0 ? skb.len - net - ihl : total - ihl;
        if (!upper(cpu, skb, what, proto, net + ihl, len, false)) {
            return false;
        }
        if ((what & IPV4HDR) != 0) {
            if (skb.ensureWritable(cpu, net + ihl) != 0) {
                return false;
            }
            ip = skb.networkAddress();
            put16(ip + 10, 0);
            put16(ip + 10, Checksum.ipFast(ip, ihl / 4));
        }
        return true;
    }

    private static boolean ipv6(Cpu cpu, SkBuff skb, int what) {
        int net = skb.networkOffset();
        if (!skb.mayPull(cpu, net + IPV6_HLEN)) {
            return false;
        }
        long ip = skb.networkAddress();
        int end = skb.shinfo().gsoSize != 0 ? skb.len - net : IPV6_HLEN + u16(ip + 4);
        int proto = u8(ip + 6);
        int off = IPV6_HLEN;
        while (proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS) {
            if (!skb.mayPull(cpu, net + off + 8)) {
                return false;
            }
            long ext = skb.networkAddress() + off;
            proto = u8(ext);
            off += (u8(ext + 1) + 1) * 8;
        }
        return upper(cpu, skb, what, proto, net + off, end - off, true);
    }

    /** The protocol over IP, {@code len} bytes at {@code off} from data. */
    private static boolean upper(Cpu cpu, SkBuff skb, int what, int proto, int off, int len, boolean v6) {
        int bit = switch (proto) {
            case IPPROTO_ICMP -> v6 ? 0 : ICMP;
            case IPPROTO_ICMPV6 -> v6 ? ICMP : 0;
            case IPPROTO_IGMP -> IGMP;
            case IPPROTO_TCP -> TCP;
            case IPPROTO_UDP -> UDP;
            case IPPROTO_UDPLITE -> UDPLITE;
            default -> 0;
        };
        if ((what & bit) == 0) {
            return true;
        }
        int hdr = proto == IPPROTO_TCP ? 20 : UDP_HLEN;
        int field = proto == IPPROTO_TCP
                ? TCP_CHECK
                : proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ? UDP_CHECK : ICMP_CHECK;
        if (len < hdr || off + len > skb.len || skb.ensureWritable(cpu, off + hdr) != 0) {
            return false;
        }
        long th = skb.dataAddress() + off;
        int sumLen = len;
        if (proto == IPPROTO_UDP) {
            if (u16(th + UDP_CHECK) == 0 && skb.ipSummed != SkBuff.CHECKSUM_PARTIAL) {
                return true; // the sender wants none
            }
            if (u16(th + 4) != len && skb.shinfo().gsoSize == 0) {
                return true; // says another length than IP does
            }
        } else if (proto == IPPROTO_UDPLITE) {
            int coverage = u16(th + 4);
            sumLen = coverage == 0 ? len : coverage;
            if (sumLen < UDP_HLEN || sumLen > len) {
                return true;
            }
        }
        int pseudo = proto == IPPROTO_ICMP || proto == IPPROTO_IGMP ? 0 : pseudo(skb, len, proto, v6);
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL || isGso(skb)) {
            put16(th + field, ~Checksum.fold(pseudo) & 0xFFFF);
            return true;
        }
        put16(th + field, 0);
        int check = Checksum.fold(skb.checksum(off, sumLen, pseudo));
        boolean neverZero = proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE;
        put16(skb.dataAddress() + off + field, check == 0 && neverZero ? 0xFFFF : check);
        skb.ipSummed = SkBuff.CHECKSUM_NONE;
        return true;
    }

    private static boolean isGso(SkBuff skb) {
        return skb.isGso()
                && (skb.shinfo().gsoType
                                & (SkbSharedInfo.SKB_GSO_TCPV4
                                        | SkbSharedInfo.SKB_GSO_TCPV6
                                        | SkbSharedInfo.SKB_GSO_UDP_L4))
                        != 0;
    }

    private static int pseudo(SkBuff skb, int len, int proto, boolean v6) {
        long ip = skb.networkAddress();
        if (v6) {
            return Checksum.ipv6Nofold(ip + 8, ip + 24, len, proto, 0);
        }
        return Checksum.tcpUdpNofold(u32(ip + 12), u32(ip + 16), len, proto, 0);
    }

    private static int u8(long a) {
        return UnsafeApi.getByte(a) & 0xFF;
    }

    private static int u16(long a) {
        return u8(a) << 8 | u8(a + 1);
    }

    private static int u32(long a) {
        return u16(a) << 16 | u16(a + 2);
    }

    private static void put16(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 8));
        UnsafeApi.putByte(a + 1, (byte) v);
    }
}
