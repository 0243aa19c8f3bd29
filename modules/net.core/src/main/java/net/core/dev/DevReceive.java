package net.core.dev;

import net.core.Cpu;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.SkbTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The way of a packet from a driver to the protocols.
 *
 * <p>Context: softirq, CPU word held, no lock.
 *
 * <p>Linux: __netif_receive_skb_core(), net/core/dev.c
 */
final class DevReceive {
    private DevReceive() {}

    /** Steers the packet to another CPU, or processes it here. */
    @HotPath
    static int netifReceiveSkb(Cpu cpu, SkBuff skb) {
        netTimestampCheck(cpu, skb);
        if (cpu.sd.globals().rpsNeeded) {
            NetDevice dev = (NetDevice) skb.dev;
            int target = dev == null ? -1 : Rps.getRpsCpu(cpu, dev, skb);
            if (target >= 0) {
                return cpu.kernel().cpu(target).sd.enqueueToBacklog(cpu, skb);
            }
        }
        return netifReceiveSkbCore(cpu, skb);
    }

    /** Stamps a packet on arrival if anybody wants to know. Linux: net_timestamp_check() */
    @HotPath
    private static void netTimestampCheck(Cpu cpu, SkBuff skb) {
        if (cpu.sd.globals().netstampNeeded() && skb.tstampNs == 0) {
            skb.tstampNs = cpu.kernel().clock().realTimeNs();
        }
    }

    /** A list linked by next, from GRO. */
    @HotPath
    static void netifReceiveSkbList(Cpu cpu, SkBuff first) {
        SkBuff skb = first;
        while (skb != null) {
            SkBuff next = skb.next;
            skb.next = null;
            netifReceiveSkb(cpu, skb);
            skb = next;
        }
    }

    /** To this CPU's backlog, or the one RPS names. Linux: netif_rx(). */
    @HotPath
    static int netifRx(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.NETIF_RX);
        netTimestampCheck(cpu, skb);
        if (cpu.sd.globals().rpsNeeded) {
            NetDevice dev = (NetDevice) skb.dev;
            int target = dev == null ? -1 : Rps.getRpsCpu(cpu, dev, skb);
            if (target >= 0) {
                return cpu.kernel().cpu(target).sd.enqueueToBacklog(cpu, skb);
            }
        }
        return cpu.sd.enqueueToBacklog(cpu, skb);
    }

    /** In order: VLAN tag off, taps, tc ingress, rx handler, protocols by ethertype. */
    @HotPath
    static int netifReceiveSkbCore(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.NETIF_RECEIVE_SKB);
        if (cpu.tracing) {
            SkbTrace.netifReceiveSkb(cpu, skb);
        }
        NetDevice origDev = (NetDevice) skb.dev;
        if (origDev == null) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return NetXmit.NET_RX_DROP;
        }
        skb.resetNetworkHeader();
        if (!skb.transportHeaderWasSet()) {
            skb.resetTransportHeader();
        }
        skb.resetMacLen();
        DevGlobals g = cpu.sd.globals();
        NetDevice dev = origDev;
        boolean exact = false;
        for (int round = 0; ; round++) {
            skb.skbIif = dev.ifindex;
            cpu.sd.processed++;
            if (SkbVlan.isVlan(skb.protocol) && !SkbVlan.untag(cpu, skb)) {
                skb.kfree(cpu, SkbDropReason.PKT_TOO_SMALL);
                return NetXmit.NET_RX_DROP;
            }
            if (skb.tcSkipClassify) { // from an ifb: taps and filters have seen it
                skb.tcSkipClassify = false;
            } else {
                PacketType[] all = g.ptypeAll();
                if (all.length != 0 || dev.ptypeAll.length != 0) {
                    tap(cpu, skb, dev, origDev, all);
                    tap(cpu, skb, dev, origDev, dev.ptypeAll);
                }
                TcHook hook = dev.tcIngress;
                if (hook != null) {
                    int tc = ingress(cpu, skb, hook);
                    if (tc != TcHook.PASS) {
                        return tc == TcHook.DROPPED ? NetXmit.NET_RX_DROP : NetXmit.NET_RX_SUCCESS;
                    }
                }
                skb.redirected = false;
            }
            NetDevice.RxHandler handler = dev.rxHandler;
            if (handler == null) {
                break;
            }
            int verdict = handler.handle(cpu, skb);
            if (verdict == NetDevice.RxHandler.RX_HANDLER_CONSUMED) {
                return NetXmit.NET_RX_SUCCESS;
            }
            if (verdict != NetDevice.RxHandler.RX_HANDLER_ANOTHER || round >= 8) {
                exact = verdict == NetDevice.RxHandler.RX_HANDLER_EXACT;
                break;
            }
            NetDevice next = (NetDevice) skb.dev;
            dev = next == null ? dev : next;
        }
        if (skb.vlanPresent) { // there is no device for a VLAN: priority tags only
            if ((skb.vlanTci & SkbVlan.VLAN_VID_MASK) != 0) {
                skb.pktType = SkBuff.PACKET_OTHERHOST;
            }
            SkbVlan.clearTag(skb);
        }
        if (skb.orphanFragsRx(cpu) != 0) { // a program's own memory must not wait in a receive queue
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return NetXmit.NET_RX_DROP;
        }
        return deliver(cpu, skb, dev, origDev, exact, g.ptypesFor(skb.protocol));
    }

    private static int ingress(Cpu cpu, SkBuff skb, TcHook hook) {
        QdiscSkbCb.setPktLen(skb, skb.len); // as in Linux, here without headers for each segment
        return hook.pass(cpu, skb);
    }

    private static void tap(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev, PacketType[] taps) {
        for (PacketType pt : taps) {
            if (pt.dev == null || pt.dev == dev || pt.dev == origDev) {
                pt.func(cpu, skb, dev, origDev);
            }
        }
    }

    /** Every handler but the last gets a clone. */
    private static int deliver(
            Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev, boolean exact, PacketType[] handlers) {
        int type = skb.protocol;
        PacketType prev = null;
        for (PacketType pt : handlers) {
            boolean forDevice = pt.dev == dev || pt.dev == origDev;
            if (pt.type != type || !(forDevice || (pt.dev == null && !exact))) {
                continue;
            }
            if (prev != null) {
                deliverClone(cpu, skb, dev, origDev, prev);
            }
            prev = pt;
        }
        if (prev == null) {
            if (exact) {
                dev.stats(cpu).rxNohandler++;
            } else {
                dev.stats(cpu).rxDropped++;
            }
            skb.kfree(cpu, SkbDropReason.UNHANDLED_PROTO);
            return NetXmit.NET_RX_DROP;
        }
        return prev.func(cpu, skb, dev, origDev);
    }

    private static void deliverClone(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev, PacketType pt) {
        @Nullable SkBuff c = skb.clone(cpu);
        if (c != null) {
            pt.func(cpu, c, dev, origDev);
        }
    }
}
