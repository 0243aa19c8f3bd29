package net.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.Deque;
import net.core.Cpu;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.sock.SockTimestamp;
import net.core.task.WaitQueueHead;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import net.skbuff.UserBytes;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A device of IP packets whose wire is a script: no link header, no ARP, all offloads a TUN has. What the stack sends is
 * kept with its time; what the script sends goes to the stack at once, without GRO, as from a write to a TUN.
 *
 * <p>A checksum that was left to the device is completed from what the stack put there, so that a wrong pseudo-header sum
 * shows; a packet longer than the MTU that is not marked for segmentation is an error.
 *
 * <p>Context: {@link #receive} in process context without a CPU; transmit as any device.
 *
 * <p>Linux: drivers/net/tun.c
 */
final class TunDevice implements NetDeviceOps {
    /** Queue length of a TUN, packets. */
    private static final int TX_QUEUE_LEN = 500;

    private static final int HEADROOM = 64;
    private static final int MAX_MTU = 65535;

    /** What passed, in time order; inbound too. */
    interface Tap {
        void packet(long atNs, boolean inbound, byte[] bytes);
    }

    final NetDevice dev;
    /** Packets that the stack sent and nobody has looked at. */
    final Deque<LivePacket> sent = new ArrayDeque<>();
    /** Woken for each packet sent. */
    final WaitQueueHead arrived = new WaitQueueHead();

    private final Tap tap;
    private @Nullable ScriptFailure bad;

    private TunDevice(Net net, String name, int mtu, Tap tap) {
        this.tap = tap;
        dev = new NetDevice(net, name, this, 1, 1);
        dev.type = NetDevice.ARPHRD_NONE;
        dev.mtu = mtu;
        dev.minMtu = 68;
        dev.maxMtu = MAX_MTU;
        dev.flags = NetDevice.IFF_POINTOPOINT | NetDevice.IFF_NOARP | NetDevice.IFF_MULTICAST;
        dev.txQueueLen = TX_QUEUE_LEN;
        long offloads = NetdevFeatures.NETIF_F_SG
                | NetdevFeatures.NETIF_F_FRAGLIST
                | NetdevFeatures.NETIF_F_HW_CSUM
                | NetdevFeatures.NETIF_F_ALL_TSO
                | NetdevFeatures.NETIF_F_GSO_UDP_L4;
        dev.hwFeatures = offloads;
        dev.features = offloads;
    }

    /** A registered device, down. */
    static TunDevice create(Net net, String name, int mtu, Tap tap) {
        TunDevice d = new TunDevice(net, name, mtu, tap);
        d.dev.register();
        return d;
    }

    @Override
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice device, NetdevQueue txq, boolean xmitMore) {
        if (skb.orphanFragsRx(cpu) != 0) {
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return NETDEV_TX_OK;
        }
        SockTimestamp.skbTxTimestamp(cpu, skb);
        skb.orphan();
        byte[] bytes = bytes(skb);
        int mtu = skb.shinfo().gsoSize == 0 ? dev.mtu : MAX_MTU;
        skb.consume(cpu);
        try {
            LivePacket p = LivePacket.parse(cpu.nowNs(), bytes);
            if (bytes.length > mtu) {
                throw new ScriptFailure("packet of " + bytes.length + " bytes over an MTU of " + mtu);
            }
            sent.add(p);
        } catch (ScriptFailure e) {
            bad = bad == null ? e : bad;
        }
        tap.packet(cpu.nowNs(), false, bytes);
        arrived.wakeAll(cpu);
        return NETDEV_TX_OK;
    }

    private static byte[] bytes(SkBuff skb) {
        byte[] bytes = new byte[skb.len];
        skb.copyDatagram(0, new UserBytes().wrap(bytes, 0, bytes.length), bytes.length);
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
            int start = skb.csumStart - skb.data;
            long sum = 0;
            for (int i = start; i < bytes.length; i++) {
                sum += (i - start & 1) == 0 ? (bytes[i] & 0xff) << 8 : bytes[i] & 0xff;
            }
            int folded = LivePacket.fold(sum);
            bytes[start + skb.csumOffset] = (byte) (folded >> 8);
            bytes[start + skb.csumOffset + 1] = (byte) folded;
        }
        return bytes;
    }

    /** The oldest packet sent, or null; throws what was wrong with the packets so far. */
    @Nullable
    LivePacket poll() {
        ScriptFailure e = bad;
        bad = null;
        if (e != null) {
            throw e;
        }
        return sent.poll();
    }

    /** Whether {@link #poll} has something to give or to say. */
    boolean pending() {
        return !sent.isEmpty() || bad != null;
    }

    /**
     * A packet arrives.
     *
     * @param gsoSize 0, or the segment size of which a larger TCP packet was merged before it came here
     * @throws ScriptFailure if there was no memory for it
     */
    void receive(LivePacket packet, int gsoSize) {
        byte[] bytes = packet.bytes();
        Cpu cpu = dev.kernel().localBhDisable(0);
        try {
            tap.packet(cpu.nowNs(), true, bytes);
            SkBuff skb = build(cpu, bytes);
            if (skb == null) {
                throw new ScriptFailure("no memory for an inbound packet of " + bytes.length + " bytes");
            }
            if (gsoSize > 0 && packet.isTcp() && packet.payloadLength() > gsoSize) {
                SkbSharedInfo info = skb.shinfo();
                info.gsoSize = gsoSize;
                info.gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
                info.gsoSegs = (packet.payloadLength() + gsoSize - 1) / gsoSize;
            }
            Dev.netifReceiveSkb(cpu, skb);
        } finally {
            cpu.localBhEnable();
        }
    }

    private @Nullable SkBuff build(Cpu cpu, byte[] bytes) {
        int linear = TunTruesize.linear(HEADROOM, bytes.length);
        int room = TunTruesize.room(HEADROOM + linear);
        SkBuff skb = cpu.allocSkb(room);
        if (skb == null) {
            return null;
        }
        skb.end = Math.min(skb.end, room); // what follows may be copied into the rest
        skb.reserve(HEADROOM);
        skb.put(linear);
        copy(bytes, 0, skb.dataAddress(), linear);
        skb.truesize = TunTruesize.head(HEADROOM + linear);
        skb.shinfo().headKept = true; // a TUN's heads are no pages
        for (int at = linear; at < bytes.length; ) {
            int size = TunTruesize.chunk(bytes.length - at);
            Page page = cpu.allocPage(size);
            if (page == null) {
                skb.kfree(cpu, SkbDropReason.NOMEM);
                return null;
            }
            int n = Math.min(size, bytes.length - at);
            copy(bytes, at, page.address(), n);
            skb.addFrag(page, 0, n, size);
            at += n;
        }
        skb.dev = dev;
        skb.resetMacHeader();
        skb.pktType = SkBuff.PACKET_HOST;
        skb.protocol = EthHdr.ETH_P_IP;
        return skb;
    }

    @SuppressWarnings("NullAway") // a null base means an absolute address
    private static void copy(byte[] from, int at, long to, int n) {
        UnsafeApi.copyMemory(from, UnsafeApi.arrayBaseOffset(byte[].class) + at, null, to, n);
    }

    @Override
    public String driverName() {
        return "tun";
    }
}
