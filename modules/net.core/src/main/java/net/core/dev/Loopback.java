package net.core.dev;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.SockTimestamp;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The device {@code lo}: what is sent comes back through the CPU's backlog, whole and unsummed.
 *
 * <p>Linux: drivers/net/loopback.c
 */
public final class Loopback implements NetDeviceOps {
    private static final int MTU = 65536;

    private Loopback() {}

    /** Makes and registers a namespace's {@code lo}, down. */
    static NetDevice create(Net net) {
        NetDevice dev = new NetDevice(net, "lo", new Loopback(), 1, 1);
        dev.mtu = MTU;
        dev.hardHeaderLen = EthHdr.ETH_HLEN;
        dev.addrLen = EthHdr.ETH_ALEN;
        dev.type = NetDevice.ARPHRD_LOOPBACK;
        dev.flags = NetDevice.IFF_LOOPBACK;
        dev.privFlags |= NetDevice.IFF_LIVE_ADDR_CHANGE | NetDevice.IFF_NO_QUEUE;
        // The route stays on the packet: input need not look it up again.
        dev.privFlags &= ~NetDevice.IFF_XMIT_DST_RELEASE;
        dev.lltx = true;
        dev.features = NetdevFeatures.NETIF_F_SG
                | NetdevFeatures.NETIF_F_FRAGLIST
                | NetdevFeatures.NETIF_F_GSO_SOFTWARE
                | NetdevFeatures.NETIF_F_HW_CSUM
                | NetdevFeatures.NETIF_F_RXCSUM
                | NetdevFeatures.NETIF_F_HIGHDMA
                | NetdevFeatures.NETIF_F_LOOPBACK;
        dev.hwFeatures =
                NetdevFeatures.NETIF_F_GSO_SOFTWARE | NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HW_CSUM;
        dev.headerOps = EthHdr.OPS;
        dev.txQueueLen = NetDevice.DEFAULT_TX_QUEUE_LEN;
        NetDeviceTable.of(net).setLoopback(dev);
        dev.register();
        return dev;
    }

    /** Linux: loopback_xmit(). */
    @Override
    @HotPath
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore) {
        SockTimestamp.skbTxTimestamp(cpu, skb);
        skb.tstampNs = 0;
        skb.skbMstampNs = 0;
        // The sender's buffer is free again: the packet has left its hands.
        skb.orphan();
        int len = skb.len;
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        if (Dev.netifRx(cpu, skb) == NetXmit.NET_RX_SUCCESS) {
            RtnlLinkStats s = dev.stats(cpu);
            s.txPackets++;
            s.txBytes += len;
            s.rxPackets++;
            s.rxBytes += len;
        }
        return NETDEV_TX_OK;
    }

    @Override
    public String driverName() {
        return "loopback";
    }
}
