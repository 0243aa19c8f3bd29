package net.core.dev;

import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The doors of the device layer, under the kernel's names.
 *
 * <p>Context: CPU word held. Each takes the packet over.
 *
 * <p>Linux: net/core/dev.c
 */
public final class Dev {
    private Dev() {}

    /**
     * Sends a packet by {@code skb.dev}: data at the link header.
     *
     * @return {@code NET_XMIT_*} or a negative errno; the packet is gone in any case
     *     <p>Linux: dev_queue_xmit()
     */
    @HotPath
    public static int devQueueXmit(Cpu cpu, SkBuff skb) {
        return DevXmit.devQueueXmit(cpu, skb);
    }

    /** Receives a packet from a driver's poll: data at the network header. Linux: netif_receive_skb(). */
    @HotPath
    public static int netifReceiveSkb(Cpu cpu, SkBuff skb) {
        return DevReceive.netifReceiveSkb(cpu, skb);
    }

    /** Receives packets linked by next. Linux: netif_receive_skb_list(). */
    @HotPath
    public static void netifReceiveSkbList(Cpu cpu, SkBuff first) {
        DevReceive.netifReceiveSkbList(cpu, first);
    }

    /** Receives a packet from anywhere: it is processed later, in NET_RX. Linux: netif_rx(). */
    @HotPath
    public static int netifRx(Cpu cpu, SkBuff skb) {
        return DevReceive.netifRx(cpu, skb);
    }

    /** Queues a packet on the backlog of {@code to}. Linux: enqueue_to_backlog(). */
    @HotPath
    public static int enqueueToBacklog(Cpu from, Cpu to, SkBuff skb) {
        return to.sd.enqueueToBacklog(from, skb);
    }

    /** Gives packets to the driver, transmit lock held; see {@link DevXmit#devHardStartXmit}. */
    @HotPath
    public static @Nullable SkBuff devHardStartXmit(Cpu cpu, SkBuff first, NetDevice dev, NetdevQueue txq) {
        return DevXmit.devHardStartXmit(cpu, first, dev, txq);
    }

    /** Does in software what the device cannot. Linux: validate_xmit_skb(). */
    @HotPath
    public static @Nullable SkBuff validateXmitSkb(Cpu cpu, SkBuff skb, NetDevice dev) {
        return DevXmit.validateXmitSkb(cpu, skb, dev);
    }

    /** What the device can do for this packet. Linux: netif_skb_features(). */
    @HotPath
    public static long netifSkbFeatures(SkBuff skb, NetDevice dev) {
        return DevXmit.netifSkbFeatures(skb, dev);
    }

    /** Frees a sent packet from interrupt context, in NET_TX. Linux: dev_consume_skb_irq(). */
    @HotPath
    public static void devConsumeSkbIrq(Cpu cpu, SkBuff skb) {
        cpu.sd.completionQueueAdd(skb);
    }

    /**
     * Hands a packet to another device's receive path as if it came from its wire: the last owner and everything that
     * belongs to the sender's namespace is taken off. Returns the ethertype via {@code skb.protocol}.
     *
     * <p>Linux: ____dev_forward_skb(), skb_scrub_packet()
     *
     * @return false if the packet does not fit; it stays the caller's
     */
    @HotPath
    public static boolean prepareForwardSkb(Cpu cpu, NetDevice dev, SkBuff skb) {
        if (!dev.isRunning() || !isSkbForwardable(dev, skb) || skb.orphanFragsRx(cpu) != 0) {
            return false;
        }
        scrubPacket(skb, skb.dev instanceof NetDevice from && from.net != dev.net);
        skb.priority = 0;
        return true;
    }

    /** Fits the MTU, or will after segmentation. Linux: __is_skb_forwardable(). */
    @HotPath
    public static boolean isSkbForwardable(NetDevice dev, SkBuff skb) {
        return dev.isUp() && (skb.len <= dev.mtu + dev.hardHeaderLen + 4 || skb.isGso());
    }

    /** Forgets what only concerns the sender's side. Linux: skb_scrub_packet(). */
    @HotPath
    public static void scrubPacket(SkBuff skb, boolean crossNamespace) {
        skb.pktType = SkBuff.PACKET_HOST;
        skb.skbIif = 0;
        skb.dst = null;
        skb.nfct = null;
        skb.csumValid = false;
        skb.oooOkay = false;
        skb.dstPendingConfirm = false;
        skb.queueMapping = 0;
        skb.napiId = 0;
        skb.redirected = false;
        skb.tcSkipClassify = false; // what came back from an ifb over there is new here
        if (crossNamespace) {
            skb.orphan();
            skb.mark = 0;
            skb.tstampNs = 0;
            skb.skbMstampNs = 0;
        }
    }

    /** Adds a protocol's receiver or a tap. Linux: dev_add_pack(). */
    public static void addPack(Kernel kernel, PacketType pt) {
        DevGlobals.of(kernel).addPack(pt);
    }

    /** Removes a receiver or tap. Linux: dev_remove_pack(). */
    public static void removePack(Kernel kernel, PacketType pt) {
        DevGlobals.of(kernel).removePack(pt);
    }
}
