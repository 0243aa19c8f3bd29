package net.core.dev;

import net.core.Cpu;
import net.skbuff.Errno;
import net.skbuff.SkBuff;

/**
 * What a driver must do for its device.
 *
 * <p>Context: {@link #ndoStartXmit} under the queue's transmit lock (unless the device is LLTX) with the CPU word held;
 * the others under rtnl in process context, unless they say otherwise.
 *
 * <p>Linux: struct net_device_ops
 */
public interface NetDeviceOps {
    /** The driver took the packet (even if it dropped it later). */
    int NETDEV_TX_OK = 0;
    /** The driver could not take the packet: the stack keeps it. A stopped queue should have prevented this. */
    int NETDEV_TX_BUSY = 0x10;

    /** Brings the device up. Returns 0 or a negative errno. */
    default int ndoOpen(NetDevice dev) {
        return 0;
    }

    /** Brings the device down. */
    default int ndoStop(NetDevice dev) {
        return 0;
    }

    /**
     * Sends one packet.
     *
     * @param xmitMore another packet for the same queue follows at once: the doorbell may wait for it
     * @return {@link #NETDEV_TX_OK} or {@link #NETDEV_TX_BUSY}
     */
    int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore);

    /** Picks a transmit queue; -1 leaves it to the stack (XPS, then hash). Context: CPU word. */
    default int ndoSelectQueue(Cpu cpu, NetDevice dev, SkBuff skb) {
        return -1;
    }

    /** May take features away for one packet. Context: CPU word. */
    default long ndoFeaturesCheck(SkBuff skb, NetDevice dev, long features) {
        return features;
    }

    /** Changes the MTU, bytes; sets {@code dev.mtu} itself. */
    default int ndoChangeMtu(NetDevice dev, int newMtu) {
        dev.mtu = newMtu;
        return 0;
    }

    /** Changes the address. */
    default int ndoSetMacAddress(NetDevice dev, byte[] addr) {
        dev.devAddr = addr.clone();
        return 0;
    }

    /** Promiscuity or multicast flags changed. */
    default void ndoSetRxMode(NetDevice dev) {}

    /** A queue was stopped longer than {@code dev.watchdogTimeoJiffies}. Context: softirq (timer). */
    default void ndoTxTimeout(Cpu cpu, NetDevice dev, NetdevQueue txq) {}

    /** Adds what the driver counts itself to {@code stats}. Context: any. */
    default void ndoGetStats(NetDevice dev, RtnlLinkStats stats) {}

    /** Restricts requested features. */
    default long ndoFixFeatures(NetDevice dev, long features) {
        return features;
    }

    /** Puts features in force; returns 0 or a negative errno. {@code dev.features} is set by the caller. */
    default int ndoSetFeatures(NetDevice dev, long features) {
        return 0;
    }

    /** ifindex of the other end for devices in pairs, else the device's own. */
    default int ndoGetIflink(NetDevice dev) {
        return dev.ifindex;
    }

    /** Last chance after unregistration. */
    default void ndoUninit(NetDevice dev) {}

    // ethtool

    /** Driver's name, as ethtool -i. */
    default String driverName() {
        return getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
    }

    /** Names of the driver's own counters, as ethtool -S. */
    default String[] ethtoolStatNames(NetDevice dev) {
        return new String[0];
    }

    /** Values in the order of {@link #ethtoolStatNames}. Context: any. */
    default long[] ethtoolStats(NetDevice dev) {
        return new long[0];
    }

    /** Ring sizes, as ethtool -g: rxMax, txMax, rx, tx; empty if there are no rings. */
    default int[] ethtoolRingParam(NetDevice dev) {
        return new int[0];
    }

    /** Sets ring sizes, as ethtool -G. */
    default int ethtoolSetRingParam(NetDevice dev, int rx, int tx) {
        return -Errno.EOPNOTSUPP;
    }

    /** Coalescing, as ethtool -c: rxUsecs, rxFrames, txUsecs, txFrames; empty if unsupported. */
    default int[] ethtoolCoalesce(NetDevice dev) {
        return new int[0];
    }

    /** Sets coalescing, as ethtool -C. */
    default int ethtoolSetCoalesce(NetDevice dev, int rxUsecs, int rxFrames, int txUsecs, int txFrames) {
        return -Errno.EOPNOTSUPP;
    }
}
