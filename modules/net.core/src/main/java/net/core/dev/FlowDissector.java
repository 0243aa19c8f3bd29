package net.core.dev;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * Finds out which flow a packet belongs to, and hashes it under the kernel's secret: RPS, XPS and fair queueing spread
 * packets by it.
 *
 * <p>Knows Ethernet VLAN tags, ARP, IPv4, IPv6 with its extension headers, GRE, IP in IP, TCP, UDP, SCTP, DCCP and ICMP
 * echo. Of a fragment only the addresses count, so that all fragments of a packet hash alike.
 *
 * <p>Linux: __skb_flow_dissect(), net/core/flow_dissector.c
 */
public final class FlowDissector {
    private static final int MAX_HEADERS = 15;
    private static final int IPPROTO_HOPOPTS = 0;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_IPIP = 4;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int IPPROTO_DCCP = 33;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPPROTO_ROUTING = 43;
    private static final int IPPROTO_FRAGMENT = 44;
    private static final int IPPROTO_GRE = 47;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int IPPROTO_DSTOPTS = 60;
    private static final int IPPROTO_SCTP = 132;

    private FlowDissector() {}

    /**
     * The packet's hash: the one it carries, else computed from its headers and kept.
     *
     * <p>Context: CPU word held.
     *
     * <p>Linux: skb_get_hash()
     */
    @HotPath
    public static int getHash(Cpu cpu, SkBuff skb) {
        return skb.l4Hash || skb.swHash ? skb.hash : hash(cpu, skb);
    }

    /** Computes and stores the packet's hash. Linux: __skb_get_hash(). */
    @HotPath
    public static int hash(Cpu cpu, SkBuff skb) {
        FlowKeys keys = cpu.sd.flowKeys;
        dissect(cpu, skb, keys);
        int h = hashFromKeys(keys, cpu.sd.globals().flowHash);
        skb.setHash(h, keys.haveL4(), true);
        return h;
    }

    /** Never 0. Linux: __flow_hash_from_keys(). */
    static int hashFromKeys(FlowKeys k, SipHash sip) {
        k.consistentify();
        long ports = (long) k.srcPort << 48 | (long) k.dstPort << 32 | (long) k.ipProto << 16 | k.nProto & 0xffff;
        long tag = (long) k.vlanId << 52 | (long) k.flowLabel << 32 | k.greKey & 0xffffffffL;
        long h = k.addrType == FlowKeys.ADDRS_IPV6
                ? sip.hash(k.srcHi ^ Long.rotateLeft(tag, 17), k.srcLo, k.dstHi ^ ports, k.dstLo)
                : sip.hash(k.srcLo << 32 | k.dstLo & 0xffffffffL, ports, tag);
        int v = (int) h;
        return v == 0 ? 1 : v;
    }

    private static boolean have(Cpu cpu, SkBuff skb, int n) {
        return n <= skb.headlen() || (!skb.cloned && !skb.shared() && skb.mayPull(cpu, n));
    }

    private static int u8(SkBuff skb, int off) {
        return UnsafeApi.getByte(skb.dataAddress() + off) & 0xff;
    }

    private static int u16(SkBuff skb, int off) {
        return EthHdr.be16(skb.dataAddress() + off);
    }

    private static int u32(SkBuff skb, int off) {
        return EthHdr.be32(skb.dataAddress() + off);
    }

    private static long u64(SkBuff skb, int off) {
        return (long) u32(skb, off) << 32 | u32(skb, off + 4) & 0xffffffffL;
    }

    /**
     * Reads the headers from the network header on.
     *
     * @return false if the packet ended too soon or is of an unknown kind; what was found so far stands
     */
    @HotPath
    public static boolean dissect(Cpu cpu, SkBuff skb, FlowKeys k) {
        k.clear();
        int off = skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        int proto = skb.protocol;
        int headers = 0;
        while (headers++ < MAX_HEADERS) {
            k.nProto = proto;
            switch (proto) {
                case EthHdr.ETH_P_IP -> {
                    int next = ipv4(cpu, skb, k, off);
                    if (next < 0) {
                        return next == STOP;
                    }
                    off = next;
                }
                case EthHdr.ETH_P_IPV6 -> {
                    int next = ipv6(cpu, skb, k, off);
                    if (next < 0) {
                        return next == STOP;
                    }
                    off = next;
                }
                case EthHdr.ETH_P_8021Q, EthHdr.ETH_P_8021AD -> {
                    if (!have(cpu, skb, off + 4)) {
                        return false;
                    }
                    k.vlanId = u16(skb, off) & 0xfff;
                    proto = u16(skb, off + 2);
                    off += 4;
                    continue;
                }
                case EthHdr.ETH_P_ARP -> {
                    return arp(cpu, skb, k, off);
                }
                default -> {
                    return false;
                }
            }
            k.thoff = off;
            switch (k.ipProto) {
                case IPPROTO_GRE -> {
                    long r = gre(cpu, skb, k, off);
                    if (r < 0) {
                        return r == STOP;
                    }
                    proto = (int) (r >>> 32);
                    off = (int) r;
                }
                case IPPROTO_IPIP -> proto = EthHdr.ETH_P_IP;
                case IPPROTO_IPV6 -> proto = EthHdr.ETH_P_IPV6;
                default -> {
                    return ports(cpu, skb, k, off);
                }
            }
            k.encapsulation = true;
        }
        return false;
    }

    private static final int BAD = -1;
    private static final int STOP = -2;

    private static int ipv4(Cpu cpu, SkBuff skb, FlowKeys k, int off) {
        if (!have(cpu, skb, off + 20)) {
            return BAD;
        }
        int ihl = (u8(skb, off) & 15) * 4;
        if (ihl < 20) {
            return BAD;
        }
        k.ipProto = u8(skb, off + 9);
        k.addrType = FlowKeys.ADDRS_IPV4;
        k.srcHi = 0;
        k.dstHi = 0;
        k.srcLo = u32(skb, off + 12) & 0xffffffffL;
        k.dstLo = u32(skb, off + 16) & 0xffffffffL;
        int frag = u16(skb, off + 6);
        if ((frag & 0x3fff) != 0) {
            k.fragment = true;
            k.firstFragment = (frag & 0x1fff) == 0;
            k.thoff = off + ihl;
            return STOP;
        }
        return off + ihl;
    }

    private static int ipv6(Cpu cpu, SkBuff skb, FlowKeys k, int at) {
        int off = at;
        if (!have(cpu, skb, off + 40)) {
            return BAD;
        }
        k.addrType = FlowKeys.ADDRS_IPV6;
        k.srcHi = u64(skb, off + 8);
        k.srcLo = u64(skb, off + 16);
        k.dstHi = u64(skb, off + 24);
        k.dstLo = u64(skb, off + 32);
        k.flowLabel = u32(skb, off) & 0xfffff;
        int next = u8(skb, off + 6);
        off += 40;
        for (int i = 0; i < MAX_HEADERS; i++) {
            switch (next) {
                case IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS -> {
                    if (!have(cpu, skb, off + 8)) {
                        return BAD;
                    }
                    next = u8(skb, off);
                    off += (u8(skb, off + 1) + 1) * 8;
                }
                case IPPROTO_FRAGMENT -> {
                    if (!have(cpu, skb, off + 8)) {
                        return BAD;
                    }
                    k.ipProto = u8(skb, off);
                    k.fragment = true;
                    k.firstFragment = (u16(skb, off + 2) & 0xfff8) == 0;
                    k.thoff = off + 8;
                    return STOP;
                }
                default -> {
                    k.ipProto = next;
                    return off;
                }
            }
        }
        return BAD;
    }

    private static boolean arp(Cpu cpu, SkBuff skb, FlowKeys k, int off) {
        if (!have(cpu, skb, off + 28) || u16(skb, off + 2) != EthHdr.ETH_P_IP) {
            return false;
        }
        k.addrType = FlowKeys.ADDRS_IPV4;
        k.ipProto = u16(skb, off + 6) & 0xff;
        k.srcLo = u32(skb, off + 14) & 0xffffffffL;
        k.dstLo = u32(skb, off + 24) & 0xffffffffL;
        return true;
    }

    /** Inner ethertype in the upper half, its offset in the lower; or BAD or STOP. */
    private static long gre(Cpu cpu, SkBuff skb, FlowKeys k, int at) {
        int off = at;
        if (!have(cpu, skb, off + 4)) {
            return BAD;
        }
        int flags = u16(skb, off);
        int proto = u16(skb, off + 2);
        if ((flags & 7) != 0 || (flags & 0x4000) != 0) {
            return STOP;
        }
        off += 4;
        if ((flags & 0x8000) != 0) {
            off += 4;
        }
        if ((flags & 0x2000) != 0) {
            if (!have(cpu, skb, off + 4)) {
                return BAD;
            }
            k.greKey = u32(skb, off);
            off += 4;
        }
        if ((flags & 0x1000) != 0) {
            off += 4;
        }
        return (long) proto << 32 | off;
    }

    private static boolean ports(Cpu cpu, SkBuff skb, FlowKeys k, int off) {
        switch (k.ipProto) {
            case IPPROTO_TCP -> {
                if (!have(cpu, skb, off + 14)) {
                    return false;
                }
                k.tcpFlags = u8(skb, off + 13);
            }
            case IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP -> {
                if (!have(cpu, skb, off + 4)) {
                    return false;
                }
            }
            case IPPROTO_ICMP, IPPROTO_ICMPV6 -> {
                if (!have(cpu, skb, off + 8)) {
                    return false;
                }
                int type = u8(skb, off);
                // Echo and its reply carry an identifier: one flow per ping.
                if (type == 8 || type == 0 || type == 128 || type == 129) {
                    k.srcPort = u16(skb, off + 4);
                    k.dstPort = k.srcPort;
                }
                return true;
            }
            default -> {
                return true;
            }
        }
        k.srcPort = u16(skb, off);
        k.dstPort = u16(skb, off + 2);
        return true;
    }
}
