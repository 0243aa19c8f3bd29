package net.core.dev;

import net.core.Cpu;
import net.core.sock.Sock;
import net.core.sock.SockTimestamp;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * The way of a packet from the protocols to the driver.
 *
 * <p>Context: CPU word held; no socket's, qdisc's or transmit lock.
 *
 * <p>Linux: __dev_queue_xmit(), net/core/dev.c
 */
final class DevXmit {
    private static final int XMIT_RECURSION_LIMIT = 8;
    /** Answer of a qdisc that is not in force any more; the packet is still the caller's. */
    private static final int REPLACED = Integer.MIN_VALUE;

    private DevXmit() {}

    @HotPath
    static int devQueueXmit(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.DEV_QUEUE_XMIT);
        NetDevice dev = (NetDevice) skb.dev;
        if (dev == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return -Errno.ENETDOWN;
        }
        skb.resetMacHeader();
        if (cpu.tracing) {
            SkbTrace.netDevQueue(cpu, skb);
        }
        SockTimestamp.skbSchedTimestamp(cpu, skb);
        QdiscSkbCb.pktLenInit(skb);
        skb.tcAtIngress = false;
        TcHook hook = dev.tcEgress;
        boolean queueChosen = false;
        if (hook != null) {
            cpu.sd.skipTxqueue = false;
            int verdict = hook.pass(cpu, skb);
            if (verdict != TcHook.PASS) {
                return verdict == TcHook.DROPPED ? NetXmit.NET_XMIT_DROP : NetXmit.NET_XMIT_SUCCESS;
            }
            queueChosen = cpu.sd.skipTxqueue;
        }
        if ((dev.privFlags & NetDevice.IFF_XMIT_DST_RELEASE) != 0) {
            skb.dst = null;
        }
        NetdevQueue txq = queueChosen
                ? dev.tx[skb.queueMapping < dev.tx.length ? skb.queueMapping : 0]
                : netdevCorePickTx(cpu, dev, skb);
        Qdisc q = txq.qdisc;
        if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
            return devXmitSkb(cpu, skb, q, dev, txq);
        }
        if (q == dev.globals().noop) {
            dev.stats(cpu).txDropped++;
            skb.kfree(cpu, SkbDropReason.DEV_READY);
            return dev.isUp() ? NetXmit.NET_XMIT_DROP : -Errno.ENETDOWN;
        }
        return xmitWithoutQueue(cpu, skb, dev, txq);
    }

    // ---- with a qdisc

    /** Enqueues, or passes an empty qdisc by. Linux: __dev_xmit_skb(). */
    @HotPath
    private static int devXmitSkb(Cpu cpu, SkBuff skb, Qdisc q, NetDevice dev, NetdevQueue txq) {
        SkBuffHead toFree = cpu.sd.toFree;
        QdiscSizeTable stab = q.stab;
        if (stab != null) {
            QdiscSkbCb.setPktLen(skb, stab.calculate(QdiscSkbCb.pktLen(skb)));
        }
        int rc;
        if ((q.flags & Qdisc.TCQ_F_NOLOCK) != 0) {
            rc = xmitLockless(cpu, skb, q, dev, txq, toFree);
        } else {
            rc = xmitLocked(cpu, skb, q, dev, txq, toFree);
        }
        if (toFree.qlen != 0) {
            freeDropped(cpu, toFree);
        }
        return rc == REPLACED ? xmitAgain(cpu, skb, dev, txq) : rc & NetXmit.NET_XMIT_MASK;
    }

    /** The qdisc was taken out of force before the packet was in: asks the one that is in force now. */
    private static int xmitAgain(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq) {
        Qdisc q = txq.qdisc;
        if ((q.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
            return devXmitSkb(cpu, skb, q, dev, txq);
        }
        if (q == dev.globals().noop) {
            dev.stats(cpu).txDropped++;
            skb.kfree(cpu, SkbDropReason.DEV_READY);
            return NetXmit.NET_XMIT_DROP;
        }
        return xmitWithoutQueue(cpu, skb, dev, txq);
    }

    private static void freeDropped(Cpu cpu, SkBuffHead toFree) {
        for (SkBuff skb = toFree.dequeue(); skb != null; skb = toFree.dequeue()) {
            skb.kfree(cpu, SkbDropReason.QDISC_DROP);
        }
    }

    private static int xmitLockless(Cpu cpu, SkBuff skb, Qdisc q, NetDevice dev, NetdevQueue txq, SkBuffHead toFree) {
        if (q.isDeactivated()) {
            toFree.addTail(skb);
            return NetXmit.NET_XMIT_DROP;
        }
        if ((q.flags & Qdisc.TCQ_F_CAN_BYPASS) != 0 && q.isEmpty() && q.runBegin()) {
            try {
                // Somebody may have enqueued between the look and the claim: then keep the order.
                if (!q.isEmpty()) {
                    int rc = enqueue(cpu, skb, q, txq, toFree);
                    SchGeneric.qdiscRunCore(cpu, q);
                    return rc;
                }
                q.bstatsUpdate(skb);
                if (SchGeneric.schDirectXmit(cpu, skb, q, dev, txq, false, true) && !q.isEmpty()) {
                    SchGeneric.qdiscRunCore(cpu, q);
                }
                return NetXmit.NET_XMIT_SUCCESS;
            } finally {
                q.runEnd(cpu);
            }
        }
        PathTrace.hit(cpu, skb, Landmark.QDISC_ENQUEUE);
        int rc = enqueue(cpu, skb, q, txq, toFree);
        // If it is taken out of force just now, devDeactivate() waits for our word before it empties the queue.
        SchGeneric.qdiscRun(cpu, q);
        return rc;
    }

    private static int xmitLocked(Cpu cpu, SkBuff skb, Qdisc q, NetDevice dev, NetdevQueue txq, SkBuffHead toFree) {
        if (q.enqueuer == cpu) { // mirred, in a filter of this qdisc: we hold the lock
            skb.kfree(cpu, SkbDropReason.TC_RECLASSIFY_LOOP);
            return NetXmit.NET_XMIT_DROP;
        }
        q.rootLock().lock();
        try {
            if (q.isDeactivated()) {
                if (txq.qdisc != q) {
                    return REPLACED;
                }
                toFree.addTail(skb);
                return NetXmit.NET_XMIT_DROP;
            }
            if ((q.flags & Qdisc.TCQ_F_CAN_BYPASS) != 0 && q.qlen == 0 && q.runBegin()) {
                try {
                    q.bstatsUpdate(skb);
                    if (SchGeneric.schDirectXmit(cpu, skb, q, dev, txq, true, true)) {
                        SchGeneric.qdiscRunCore(cpu, q);
                    }
                } finally {
                    q.runEnd(cpu);
                }
                return NetXmit.NET_XMIT_SUCCESS;
            }
            PathTrace.hit(cpu, skb, Landmark.QDISC_ENQUEUE);
            q.enqueuer = cpu;
            int rc;
            try {
                rc = enqueue(cpu, skb, q, txq, toFree);
            } finally {
                q.enqueuer = null;
            }
            SchGeneric.qdiscRun(cpu, q);
            return rc;
        } finally {
            q.rootLock().unlock();
        }
    }

    private static int enqueue(Cpu cpu, SkBuff skb, Qdisc q, NetdevQueue txq, SkBuffHead toFree) {
        int rc = q.enqueue(cpu, skb, toFree);
        if (cpu.tracing) {
            SkbTrace.qdiscEnqueue(cpu, skb, txq, q.id(), q.handle, rc);
        }
        return rc;
    }

    // ---- without

    /** Loopback, tunnels, pairs: to the driver at once. */
    static int xmitWithoutQueue(Cpu cpu, SkBuff first, NetDevice dev, NetdevQueue txq) {
        if (!dev.isUp()) {
            first.kfree(cpu, SkbDropReason.DEV_READY);
            return -Errno.ENETDOWN;
        }
        // A transmit lock we hold already, or eight devices stacked: the devices form a loop.
        if (txq.xmitLockOwner == cpu.id || cpu.xmitRecursion >= XMIT_RECURSION_LIMIT) {
            cpu.sd.xmitRecursionDrops++;
            dev.stats(cpu).txDropped++;
            first.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return -Errno.ENETDOWN;
        }
        SkBuff skb = validateXmitSkb(cpu, first, dev);
        if (skb == null) {
            return -Errno.ENOMEM;
        }
        hardTxLock(cpu, dev, txq);
        cpu.xmitRecursion++;
        try {
            if (!txq.xmitStopped()) {
                skb = devHardStartXmit(cpu, skb, dev, txq);
            }
        } finally {
            cpu.xmitRecursion--;
            hardTxUnlock(dev, txq);
        }
        if (skb == null) {
            return cpu.sd.hardXmitRc;
        }
        // A device that may be busy needs a queue.
        dev.stats(cpu).txDropped++;
        SkBuff.freeList(cpu, skb, SkbDropReason.FULL_RING);
        return -Errno.ENETDOWN;
    }

    // ---- the transmit lock

    @HotPath
    static void hardTxLock(Cpu cpu, NetDevice dev, NetdevQueue txq) {
        if (!dev.lltx) {
            txq.txLock(cpu);
        }
    }

    @HotPath
    static void hardTxUnlock(NetDevice dev, NetdevQueue txq) {
        if (!dev.lltx) {
            txq.txUnlock();
        }
    }

    // ---- to the driver

    /**
     * Gives a list of packets to the driver; the result code is in {@code cpu.sd.hardXmitRc}.
     *
     * @return what is left when the driver is busy or stopped the queue
     *     <p>Linux: dev_hard_start_xmit()
     */
    @HotPath
    static @Nullable SkBuff devHardStartXmit(Cpu cpu, SkBuff first, NetDevice dev, NetdevQueue txq) {
        SkBuff skb = first;
        PathTrace.hit(cpu, first, Landmark.DEV_HARD_START_XMIT);
        int rc = NetDeviceOps.NETDEV_TX_OK;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = null;
            rc = xmitOne(cpu, skb, dev, txq, next != null);
            if (!NetXmit.devXmitComplete(rc)) {
                skb.next = next;
                break;
            }
            skb = next;
            if (skb != null && txq.xmitStopped()) {
                rc = NetDeviceOps.NETDEV_TX_BUSY;
                break;
            }
        }
        cpu.sd.hardXmitRc = rc;
        return skb;
    }

    private static int xmitOne(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean more) {
        DevGlobals g = dev.globals();
        if (g.ptypeAll().length != 0 || dev.ptypeAll.length != 0) {
            devQueueXmitNit(cpu, skb, dev, g);
        }
        PathTrace.hit(cpu, skb, Landmark.NDO_START_XMIT);
        int len = skb.len; // the driver may free it
        int rc = dev.ops.ndoStartXmit(cpu, skb, dev, txq, more);
        if (cpu.tracing) {
            SkbTrace.netDevXmit(cpu, skb, len, dev, rc);
        }
        if (rc == NetDeviceOps.NETDEV_TX_OK) {
            txq.transStart = cpu.jiffies();
        }
        return rc;
    }

    /** Shows an outgoing packet to the taps. Linux: dev_queue_xmit_nit(). */
    private static void devQueueXmitNit(Cpu cpu, SkBuff skb, NetDevice dev, DevGlobals g) {
        int type = skb.pktType;
        skb.pktType = SkBuff.PACKET_OUTGOING;
        tap(cpu, skb, dev, g.ptypeAll());
        tap(cpu, skb, dev, dev.ptypeAll);
        skb.pktType = type;
    }

    private static void tap(Cpu cpu, SkBuff skb, NetDevice dev, PacketType[] taps) {
        for (PacketType pt : taps) {
            if (!pt.ignoreOutgoing && (pt.dev == null || pt.dev == dev)) {
                pt.func(cpu, skb, dev, dev);
            }
        }
    }

    // ---- validation

    /** Validates each packet of a list; those that fail are gone. Linux: validate_xmit_skb_list(). */
    @HotPath
    static @Nullable SkBuff validateXmitSkbList(Cpu cpu, SkBuff list, NetDevice dev) {
        if (list.next == null) {
            return validateXmitSkb(cpu, list, dev);
        }
        SkBuff head = null;
        SkBuff tail = null;
        for (SkBuff skb = list; skb != null; ) {
            SkBuff next = skb.next;
            skb.next = null;
            SkBuff ok = validateXmitSkb(cpu, skb, dev);
            if (ok != null) {
                if (tail == null) {
                    head = ok;
                } else {
                    tail.next = ok;
                }
                tail = ok;
                while (tail.next != null) {
                    tail = tail.next;
                }
            }
            skb = next;
        }
        return head;
    }

    /**
     * Does in software what the device cannot: segments, gathers, sums.
     *
     * @return the packet, or the list of segments that replace it, or null if it was dropped
     *     <p>Linux: validate_xmit_skb()
     */
    @HotPath
    static @Nullable SkBuff validateXmitSkb(Cpu cpu, SkBuff skb, NetDevice dev) {
        SkbSharedInfo info = skb.shinfo();
        if (skb.vlanPresent) {
            return validateTagged(cpu, skb, dev);
        }
        if (info.gsoSize == 0 && skb.ipSummed != SkBuff.CHECKSUM_PARTIAL && skb.dataLen == 0) {
            return skb;
        }
        return validate(cpu, skb, dev, netifSkbFeatures(skb, dev));
    }

    private static @Nullable SkBuff validate(Cpu cpu, SkBuff skb, NetDevice dev, long features) {
        if (NetdevFeatures.needsGso(skb, features)) {
            return segment(cpu, skb, dev, features);
        }
        if (skb.dataLen != 0 && needsLinearize(skb, features) && skb.linearize(cpu) != 0) {
            return drop(cpu, skb, dev, SkbDropReason.NOMEM);
        }
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
            if (skb.encapsulation) {
                skb.setInnerTransportHeader(skb.checksumStartOffset());
            } else {
                skb.setTransportHeader(skb.checksumStartOffset());
            }
            if (csumHwoffloadHelp(cpu, skb, features) != 0) {
                return drop(cpu, skb, dev, SkbDropReason.SKB_CSUM);
            }
        }
        return skb;
    }

    /** Segments first and then writes the tag into each, since no device here does. Linux: validate_xmit_vlan() */
    private static @Nullable SkBuff validateTagged(Cpu cpu, SkBuff skb, NetDevice dev) {
        SkBuff list = validate(cpu, skb, dev, netifSkbFeatures(skb, dev) & ~NetdevFeatures.NETIF_F_GSO_MASK);
        SkBuff first = null;
        SkBuff last = null;
        while (list != null) {
            SkBuff s = list;
            list = s.next;
            s.next = null;
            if (SkbVlan.pushInside(cpu, s) != 0) {
                drop(cpu, s, dev, SkbDropReason.NOMEM);
            } else if (last == null) {
                first = s;
                last = s;
            } else {
                last.next = s;
                last = s;
            }
        }
        return first;
    }

    private static @Nullable SkBuff segment(Cpu cpu, SkBuff skb, NetDevice dev, long features) {
        SkBuff segs = Gso.skbGsoSegment(cpu, skb, features, true);
        if (segs == null) {
            return drop(cpu, skb, dev, SkbDropReason.SKB_GSO_SEG);
        }
        if (segs == skb) {
            return skb;
        }
        for (SkBuff s = segs; s != null; s = s.next) {
            s.cb0 = s.len;
        }
        skb.consume(cpu);
        return segs;
    }

    private static @Nullable SkBuff drop(Cpu cpu, SkBuff skb, NetDevice dev, SkbDropReason reason) {
        dev.stats(cpu).txDropped++;
        skb.kfree(cpu, reason);
        return null;
    }

    /** Linux: skb_needs_linearize(). */
    private static boolean needsLinearize(SkBuff skb, long features) {
        SkbSharedInfo info = skb.shinfo();
        return (info.fragList != null && (features & NetdevFeatures.NETIF_F_FRAGLIST) == 0)
                || (info.nrFrags != 0 && (features & NetdevFeatures.NETIF_F_SG) == 0);
    }

    /** Linux: skb_csum_hwoffload_help(). */
    private static int csumHwoffloadHelp(Cpu cpu, SkBuff skb, long features) {
        if ((features & NetdevFeatures.NETIF_F_HW_CSUM) != 0
                || ((features & (NetdevFeatures.NETIF_F_IP_CSUM | NetdevFeatures.NETIF_F_IPV6_CSUM)) != 0
                        && (skb.csumOffset == 16 || skb.csumOffset == 6)
                        && NetdevFeatures.canChecksumProtocol(features, skb.protocol))) {
            return 0;
        }
        return Gso.skbChecksumHelp(cpu, skb);
    }

    /** What the device can do for this very packet. Linux: netif_skb_features(). */
    @HotPath
    static long netifSkbFeatures(SkBuff skb, NetDevice dev) {
        long features = dev.features;
        SkbSharedInfo info = skb.shinfo();
        if (info.gsoSize != 0) {
            if (info.gsoSegs > dev.gsoMaxSegs || skb.len >= dev.gsoMaxSize) {
                features &= ~NetdevFeatures.NETIF_F_GSO_MASK;
            }
            // Segments of one IP identification may only leave as such if the packet asked for it.
            if ((features & NetdevFeatures.NETIF_F_TSO_MANGLEID) == 0
                    && (info.gsoType & SkbSharedInfo.SKB_GSO_TCP_FIXEDID) != 0) {
                features &= ~NetdevFeatures.NETIF_F_TSO;
            }
        }
        features = dev.ops.ndoFeaturesCheck(skb, dev, features);
        if (skb.ipSummed != SkBuff.CHECKSUM_NONE && !NetdevFeatures.canChecksumProtocol(features, skb.protocol)) {
            features &= ~(NetdevFeatures.NETIF_F_CSUM_MASK | NetdevFeatures.NETIF_F_GSO_MASK);
        }
        return features;
    }

    // ---- queue selection

    /** Linux: netdev_core_pick_tx(). */
    @HotPath
    private static NetdevQueue netdevCorePickTx(Cpu cpu, NetDevice dev, SkBuff skb) {
        int n = dev.tx.length;
        int q = 0;
        if (n != 1) {
            q = dev.ops.ndoSelectQueue(cpu, dev, skb);
            if (q < 0) {
                q = netdevPickTx(cpu, dev, skb, n);
            }
            if (q >= n) {
                q = 0;
            }
        }
        skb.queueMapping = q;
        return dev.tx[q];
    }

    /**
     * A socket's packets keep their queue unless none is in flight; else XPS, else the hash; all within the queues of the
     * packet's traffic class.
     *
     * <p>{@code Deviation:} a queue that is not of the packet's class is not kept: on Linux a socket whose priority changes
     * stays in the old class until nothing is in flight.
     *
     * <p>Linux: netdev_pick_tx(), skb_tx_hash()
     */
    private static int netdevPickTx(Cpu cpu, NetDevice dev, SkBuff skb, int n) {
        int first = 0;
        int count = n;
        TrafficClasses tcs = dev.trafficClasses;
        if (tcs != null) {
            int tc = tcs.tcOf(skb.priority);
            first = tcs.offset(tc);
            count = tcs.count(tc);
        }
        Sock owner = skb.sk instanceof Sock o ? o : null;
        int q = owner == null ? -1 : owner.txQueueMapping;
        if (q >= first && q < first + count && !skb.oooOkay) {
            return q;
        }
        int[] xps = dev.xpsCpus;
        int pick = xps != null && cpu.id < xps.length ? xps[cpu.id] : -1;
        if (pick < first || pick >= first + count) {
            pick = first + (int) ((FlowDissector.getHash(cpu, skb) & 0xffffffffL) * count >>> 32);
        }
        if (owner != null && pick != q) {
            owner.txQueueMapping = pick;
        }
        return pick;
    }
}
