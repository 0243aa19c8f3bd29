package net.core.dev;

import net.core.Cpu;
import net.core.neigh.HhCache;
import net.core.neigh.Neighbour;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * The Ethernet header: constants, reading and writing, and the header operations of Ethernet devices.
 *
 * <pre>
 *  0                   6                   12      14
 * +-------------------+-------------------+-------+------- - -
 * | destination       | source            | type  | payload
 * +-------------------+-------------------+-------+------- - -
 * </pre>
 *
 * <p>Linux: net/ethernet/eth.c
 */
public final class EthHdr implements HeaderOps {
    /** Header length, bytes. */
    public static final int ETH_HLEN = 14;
    /** Address length, bytes. */
    public static final int ETH_ALEN = 6;
    /** Shortest frame without FCS, bytes. */
    public static final int ETH_ZLEN = 60;
    /** Largest payload, bytes. */
    public static final int ETH_DATA_LEN = 1500;
    /** IPv4. */
    public static final int ETH_P_IP = 0x0800;
    /** ARP. */
    public static final int ETH_P_ARP = 0x0806;
    /** VLAN tag. */
    public static final int ETH_P_8021Q = 0x8100;
    /** Provider VLAN tag. */
    public static final int ETH_P_8021AD = 0x88A8;
    /** IPv6. */
    public static final int ETH_P_IPV6 = 0x86DD;
    /** Types from here on are ethertypes, below are lengths. */
    public static final int ETH_P_802_3_MIN = 0x0600;
    /** Frames with a length field. */
    public static final int ETH_P_802_3 = 0x0001;
    /** Offset of the source address. */
    public static final int SOURCE_OFFSET = 6;
    /** Offset of the ethertype. */
    public static final int TYPE_OFFSET = 12;

    /** The header operations of Ethernet; stateless. */
    public static final EthHdr OPS = new EthHdr();

    private EthHdr() {}

    // Reading and writing at an address whose 14 bytes the caller has checked.

    /** Ethertype of the header at {@code addr}, host order. */
    @HotPath
    public static int type(long addr) {
        return be16(addr + TYPE_OFFSET);
    }

    /** Writes the ethertype. */
    public static void setType(long addr, int type) {
        putBe16(addr + TYPE_OFFSET, type);
    }

    /** An address as the low 48 bits of a long, first byte highest. */
    @HotPath
    public static long addr48(long addr) {
        return (long) be16(addr) << 32 | be32(addr + 2) & 0xffffffffL;
    }

    /** As {@link #addr48(long)}, of an array. */
    public static long addr48(byte[] a) {
        long v = 0;
        for (int i = 0; i < ETH_ALEN; i++) {
            v = v << 8 | a[i] & 0xff;
        }
        return v;
    }

    /** Writes an address. */
    @HotPath
    public static void putAddr(long addr, byte[] a) {
        for (int i = 0; i < ETH_ALEN; i++) {
            UnsafeApi.putByte(addr + i, a[i]);
        }
    }

    /** Copies an address out. */
    public static void getAddr(long addr, byte[] a) {
        for (int i = 0; i < ETH_ALEN; i++) {
            a[i] = UnsafeApi.getByte(addr + i);
        }
    }

    static int be16(long addr) {
        return (UnsafeApi.getByte(addr) & 0xff) << 8 | UnsafeApi.getByte(addr + 1) & 0xff;
    }

    static int be32(long addr) {
        int v = UnsafeApi.getInt(addr);
        return java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.LITTLE_ENDIAN ? Integer.reverseBytes(v) : v;
    }

    static void putBe16(long addr, int v) {
        UnsafeApi.putByte(addr, (byte) (v >> 8));
        UnsafeApi.putByte(addr + 1, (byte) v);
    }

    /** Tells whether {@code a} can be a device's own address: unicast and not zero. */
    public static boolean isValidAddr(byte[] a) {
        return a.length == ETH_ALEN && (a[0] & 1) == 0 && addr48(a) != 0;
    }

    /** {@code xx:xx:xx:xx:xx:xx}. */
    public static String format(byte[] a) {
        StringBuilder b = new StringBuilder(17);
        for (int i = 0; i < a.length; i++) {
            if (i > 0) {
                b.append(':');
            }
            b.append(Character.forDigit(a[i] >> 4 & 15, 16)).append(Character.forDigit(a[i] & 15, 16));
        }
        return b.toString();
    }

    /** Reads {@code xx:xx:xx:xx:xx:xx}. */
    public static byte[] parseAddr(String s) {
        String[] parts = s.split(":");
        if (parts.length != ETH_ALEN) {
            throw new net.core.UserError("not an Ethernet address: \"" + s + "\"");
        }
        byte[] a = new byte[ETH_ALEN];
        try {
            for (int i = 0; i < ETH_ALEN; i++) {
                int v = Integer.parseInt(parts[i], 16);
                if (v < 0 || v > 255) {
                    throw new NumberFormatException();
                }
                a[i] = (byte) v;
            }
        } catch (NumberFormatException e) {
            throw new net.core.UserError("not an Ethernet address: \"" + s + "\"", e);
        }
        return a;
    }

    /**
     * Takes the link header off a frame a driver received: sets device, mac header, pktType, and returns the ethertype,
     * which the driver puts into {@code skb.protocol}. The caller has checked that 14 bytes are in the linear part.
     *
     * <p>Linux: eth_type_trans(), net/ethernet/eth.c
     */
    @HotPath
    public static int ethTypeTrans(SkBuff skb, NetDevice dev) {
        skb.dev = dev;
        skb.resetMacHeader();
        long eth = skb.dataAddress();
        skb.pull(ETH_HLEN);
        long dest = addr48(eth);
        if (dest == dev.devAddr48()) {
            skb.pktType = SkBuff.PACKET_HOST;
        } else if ((dest >>> 40 & 1) != 0) {
            skb.pktType = dest == 0xffffffffffffL ? SkBuff.PACKET_BROADCAST : SkBuff.PACKET_MULTICAST;
        } else {
            skb.pktType = SkBuff.PACKET_OTHERHOST;
        }
        int type = be16(eth + TYPE_OFFSET);
        return type >= ETH_P_802_3_MIN ? type : ETH_P_802_3;
    }

    // HeaderOps.

    @Override
    public int create(
            Cpu cpu, SkBuff skb, NetDevice dev, int type, byte @Nullable [] daddr, byte @Nullable [] saddr, int len) {
        skb.push(ETH_HLEN);
        long eth = skb.dataAddress();
        putBe16(eth + TYPE_OFFSET, type == ETH_P_802_3 ? len : type);
        putAddr(eth + SOURCE_OFFSET, saddr == null ? dev.devAddr : saddr);
        if (daddr != null) {
            putAddr(eth, daddr);
            return ETH_HLEN;
        }
        if ((dev.flags & (NetDevice.IFF_LOOPBACK | NetDevice.IFF_NOARP)) != 0) {
            UnsafeApi.setMemory(eth, ETH_ALEN, (byte) 0);
            return ETH_HLEN;
        }
        return -ETH_HLEN;
    }

    @Override
    public int parse(SkBuff skb, byte[] haddr) {
        getAddr(skb.macAddress() + SOURCE_OFFSET, haddr);
        return ETH_ALEN;
    }

    @Override
    public @Nullable HhCache cache(Neighbour neigh, int type) {
        byte[] ha = neigh.ha();
        return type == ETH_P_802_3 || ha.length != ETH_ALEN ? null : new HhCache(ha, neigh.dev.devAddr, type);
    }

    @Override
    public int parseProtocol(SkBuff skb) {
        return be16(skb.macAddress() + TYPE_OFFSET);
    }

    /** Makes {@code dev} an Ethernet device. Linux: ether_setup(). */
    public static void etherSetup(NetDevice dev) {
        dev.headerOps = OPS;
        dev.type = NetDevice.ARPHRD_ETHER;
        dev.hardHeaderLen = ETH_HLEN;
        dev.mtu = ETH_DATA_LEN;
        dev.minMtu = 68;
        dev.maxMtu = ETH_DATA_LEN;
        dev.addrLen = ETH_ALEN;
        dev.txQueueLen = NetDevice.DEFAULT_TX_QUEUE_LEN;
        dev.flags = NetDevice.IFF_BROADCAST | NetDevice.IFF_MULTICAST;
        dev.broadcast = new byte[] {-1, -1, -1, -1, -1, -1};
    }
}
