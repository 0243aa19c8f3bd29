package net.sched;

import net.core.dev.EthHdr;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * The two ECN bits and the DSCP of a packet's IP header, at its network header.
 *
 * <p>The header is written in place: on the way out it belongs to this packet alone, clones included, since the layers
 * below TCP push their headers into space that no other clone reads.
 *
 * <p>Linux: include/net/inet_ecn.h, include/net/dsfield.h. RFC 3168
 */
public final class InetEcn {
    /** Not capable. */
    public static final int NOT_ECT = 0;
    /** Capable, and of L4S. RFC 9331 */
    public static final int ECT_1 = 1;
    /** Capable. */
    public static final int ECT_0 = 2;
    /** Congestion experienced. */
    public static final int CE = 3;

    private static final int NONE = -1;
    private static final int IPV4_HLEN = 20;
    private static final int IPV6_HLEN = 40;

    private InetEcn() {}

    private static boolean has(SkBuff skb, int n) {
        return skb.networkHeader >= 0 && skb.networkHeader + n <= skb.tail;
    }

    private static int u8(long a) {
        return UnsafeApi.getByte(a) & 0xff;
    }

    /** The former type of service byte, -1 of a packet that is not IP. */
    @HotPath
    public static int dsfield(SkBuff skb) {
        if (skb.protocol == EthHdr.ETH_P_IP && has(skb, IPV4_HLEN)) {
            return u8(skb.networkAddress() + 1);
        }
        if (skb.protocol == EthHdr.ETH_P_IPV6 && has(skb, IPV6_HLEN)) {
            long a = skb.networkAddress();
            return (u8(a) << 4 | u8(a + 1) >> 4) & 0xff;
        }
        return NONE;
    }

    /** The ECN bits, {@link #NOT_ECT} of a packet that is not IP. */
    @HotPath
    public static int ecn(SkBuff skb) {
        int ds = dsfield(skb);
        return ds == NONE ? NOT_ECT : ds & 3;
    }

    /** Marks congestion; false if the packet cannot carry the mark. Linux: INET_ECN_set_ce(). */
    @HotPath
    public static boolean setCe(SkBuff skb) {
        int ds = dsfield(skb);
        if (ds == NONE || (ds & 3) == NOT_ECT) {
            return false;
        }
        if ((ds & 3) != CE) {
            setDsfield(skb, ds | CE);
        }
        return true;
    }

    /** Writes the byte; the packet must be IP, as {@link #dsfield} says. */
    @HotPath
    public static void setDsfield(SkBuff skb, int ds) {
        long a = skb.networkAddress();
        if (skb.protocol == EthHdr.ETH_P_IP) {
            int old = u8(a + 1);
            // RFC 1624: the checksum changes by the difference.
            int sum = (u8(a + 10) << 8 | u8(a + 11)) + old - ds;
            sum = (sum & 0xffff) + (sum >> 16);
            if (sum == 0xffff && old != ds) {
                sum = 0;
            }
            UnsafeApi.putByte(a + 1, (byte) ds);
            UnsafeApi.putByte(a + 10, (byte) (sum >> 8));
            UnsafeApi.putByte(a + 11, (byte) sum);
        } else {
            UnsafeApi.putByte(a, (byte) (u8(a) & 0xf0 | ds >> 4));
            UnsafeApi.putByte(a + 1, (byte) (ds << 4 & 0xf0 | u8(a + 1) & 0x0f));
        }
    }
}
