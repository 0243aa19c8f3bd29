package drivers.veth;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NapiStruct;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetXmit;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.RtnlLinkStats;
import net.core.sock.SockTimestamp;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Two devices joined by a virtual wire, usually in two namespaces: what one sends the other receives, GSO packets whole.
 *
 * <p>A packet goes to the sending CPU's backlog, or, with GRO on at the receiver, into the receiver's ring for its NAPI
 * instance; the receiver never runs inside the sender's transmit. Offloads can be turned off
 * ({@link NetDevice#setFeatures}): then the stack segments and sums before the wire.
 *
 * <p>Context: transmit with the CPU word and no lock of ours (LLTX); poll in softirq; administration under rtnl.
 *
 * <p>Linux: drivers/net/veth.c
 */
public final class Veth implements NetDeviceOps {
    /** Packets in the ring of a receive queue with NAPI. */
    static final int VETH_RING_SIZE = 256;

    private static final long FEATURES = NetdevFeatures.NETIF_F_SG
            | NetdevFeatures.NETIF_F_FRAGLIST
            | NetdevFeatures.NETIF_F_HW_CSUM
            | NetdevFeatures.NETIF_F_RXCSUM
            | NetdevFeatures.NETIF_F_HIGHDMA
            | NetdevFeatures.NETIF_F_GSO_SOFTWARE;

    private final Rq[] rq;
    private @Nullable NetDevice peer;
    private boolean napiEnabled;

    private Veth(int queues) {
        rq = new Rq[queues];
    }

    /**
     * Two registered devices, down, with random addresses of their own.
     *
     * <p>Linux: veth_newlink()
     *
     * @return the end in {@code netA}; the other is its {@link #peerOf}
     */
    public static NetDevice create(Net netA, String nameA, Net netB, String nameB) {
        return create(netA, nameA, netB, nameB, 1);
    }

    /** As {@link #create(Net, String, Net, String)} with several queues at each end. */
    public static NetDevice create(Net netA, String nameA, Net netB, String nameB, int queues) {
        NetDevice a = setup(netA, nameA, queues);
        NetDevice b = setup(netB, nameB, queues);
        veth(a).peer = b;
        veth(b).peer = a;
        b.register();
        a.register();
        disableGro(a);
        disableGro(b);
        a.carrierOff();
        b.carrierOff();
        return a;
    }

    /** The other end, or null if it is gone. */
    public static @Nullable NetDevice peerOf(NetDevice dev) {
        return veth(dev).peer;
    }

    private static Veth veth(NetDevice dev) {
        return (Veth) java.util.Objects.requireNonNull(dev.priv);
    }

    private static NetDevice setup(Net net, String name, int queues) {
        Veth v = new Veth(queues);
        NetDevice dev = new NetDevice(net, name, v, queues, queues);
        EthHdr.etherSetup(dev);
        dev.priv = v; // not dev.ops, which a decorator may replace
        dev.privFlags |= NetDevice.IFF_LIVE_ADDR_CHANGE | NetDevice.IFF_NO_QUEUE;
        dev.lltx = true;
        dev.features = FEATURES;
        dev.hwFeatures = FEATURES;
        dev.maxMtu = 65535;
        dev.devAddr = randomAddr(net);
        for (int i = 0; i < queues; i++) {
            v.rq[i] = new Rq(dev);
        }
        return dev;
    }

    /** A locally administered unicast address. Linux: eth_hw_addr_random(). */
    private static byte[] randomAddr(Net net) {
        int hi = net.kernel().getRandomU32();
        int lo = net.kernel().getRandomU32();
        return new byte[] {
            (byte) (hi >> 8 & 0xfe | 2), (byte) hi, (byte) (lo >> 24), (byte) (lo >> 16), (byte) (lo >> 8), (byte) lo
        };
    }

    private static void disableGro(NetDevice dev) {
        dev.wantedFeatures &= ~NetdevFeatures.NETIF_F_GRO;
        dev.updateFeatures();
    }

    // ---- transmit

    /** Linux: veth_xmit(). */
    @Override
    @HotPath
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore) {
        NetDevice rcv = peer;
        if (rcv == null || !skb.mayPull(cpu, EthHdr.ETH_HLEN)) {
            return drop(cpu, dev, skb, SkbDropReason.DEV_READY);
        }
        Veth to = veth(rcv);
        int queue = skb.queueMapping < to.rq.length ? skb.queueMapping : 0;
        Rq rq = to.rq[queue];
        // Large packets gain nothing from GRO: they pass its queue by.
        boolean useNapi = rq.active && eligibleForGro(dev, rcv, skb);
        int len = skb.len;
        if (useNapi && rq.ring.size() >= VETH_RING_SIZE && (txq.qdisc.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
            return holdBack(cpu, txq, rq);
        }
        SockTimestamp.skbTxTimestamp(cpu, skb);
        if (!Dev.prepareForwardSkb(cpu, rcv, skb)) {
            return drop(cpu, dev, skb, SkbDropReason.DEV_READY);
        }
        skb.protocol = EthHdr.ethTypeTrans(skb, rcv);
        skb.postpullRcsum(skb.macAddress(), EthHdr.ETH_HLEN);
        skb.queueMapping = queue + 1;
        if (useNapi) {
            if (!rq.ring.offer(skb)) {
                return drop(cpu, dev, skb, SkbDropReason.FULL_RING);
            }
            rq.kick(cpu);
        } else {
            if (Dev.netifRx(cpu, skb) != NetXmit.NET_RX_SUCCESS) {
                dev.stats(cpu).txDropped++;
                return NETDEV_TX_OK;
            }
            countRx(cpu, rcv, len);
        }
        RtnlLinkStats s = dev.stats(cpu);
        s.txPackets++;
        s.txBytes += len;
        return NETDEV_TX_OK;
    }

    /** The peer's ring is full and a qdisc can wait: stops the queue until the peer has polled. */
    private static int holdBack(Cpu cpu, NetdevQueue txq, Rq rq) {
        txq.stop();
        rq.waiting = txq;
        java.lang.invoke.VarHandle.fullFence();
        if (rq.ring.size() < VETH_RING_SIZE) {
            txq.wake(cpu);
        }
        rq.kick(cpu);
        return NETDEV_TX_BUSY;
    }

    private static int drop(Cpu cpu, NetDevice dev, SkBuff skb, SkbDropReason reason) {
        dev.stats(cpu).txDropped++;
        skb.kfree(cpu, reason);
        return NETDEV_TX_OK;
    }

    /** Linux: veth_skb_is_eligible_for_gro(). */
    private static boolean eligibleForGro(NetDevice dev, NetDevice rcv, SkBuff skb) {
        return (dev.features & NetdevFeatures.NETIF_F_ALL_TSO) == 0
                || (!skb.isGso() && (rcv.features & NetdevFeatures.NETIF_F_GRO) != 0);
    }

    @HotPath
    private static void countRx(Cpu cpu, NetDevice rcv, int len) {
        RtnlLinkStats r = rcv.stats(cpu);
        r.rxPackets++;
        r.rxBytes += len;
    }

    // ---- receive with NAPI

    /** A receive queue: a ring that any CPU fills and one NAPI instance empties. Linux: struct veth_rq */
    private static final class Rq extends NapiStruct {
        final ManyToOneConcurrentArrayQueue<SkBuff> ring = new ManyToOneConcurrentArrayQueue<>(VETH_RING_SIZE);
        /** A sender stopped until there is room. */
        volatile @Nullable NetdevQueue waiting;

        volatile boolean active;

        Rq(NetDevice dev) {
            super(dev, NAPI_POLL_WEIGHT);
        }

        /** Linux: __veth_xdp_flush(). */
        @HotPath
        void kick(Cpu cpu) {
            schedule(cpu);
        }

        @Override
        @HotPath
        protected int poll(Cpu cpu, int budget) {
            int work = 0;
            while (work < budget) {
                SkBuff skb = ring.poll();
                if (skb == null) {
                    break;
                }
                countRx(cpu, (NetDevice) java.util.Objects.requireNonNull(skb.dev), skb.len + EthHdr.ETH_HLEN);
                groReceive(cpu, skb);
                work++;
            }
            NetdevQueue w = waiting;
            if (w != null && ring.size() < VETH_RING_SIZE / 2) {
                waiting = null;
                java.lang.invoke.VarHandle.fullFence();
                w.wake(cpu);
            }
            if (work < budget && completeDone(cpu, work) && !ring.isEmpty()) {
                // Filled between the last look and completion.
                schedule(cpu);
            }
            return work;
        }

        void drain(Cpu cpu) {
            for (SkBuff skb = ring.poll(); skb != null; skb = ring.poll()) {
                skb.kfree(cpu, SkbDropReason.DEV_READY);
            }
            NetdevQueue w = waiting;
            if (w != null) { // there is room now, and no poll that would say so
                waiting = null;
                w.wake(cpu);
            }
        }
    }

    private void napiUp() {
        for (Rq q : rq) {
            q.enable();
            q.active = true;
        }
        napiEnabled = true;
    }

    private void napiDown(NetDevice dev) {
        napiEnabled = false;
        for (Rq q : rq) {
            q.active = false;
            q.disable();
            Cpu cpu = dev.kernel().localBhDisable(-1);
            q.drain(cpu);
            cpu.localBhEnable();
        }
    }

    // ---- administration

    @Override
    public int ndoOpen(NetDevice dev) {
        NetDevice p = peer;
        if (p == null) {
            return -net.skbuff.Errno.ENOTCONN;
        }
        if ((dev.wantedFeatures & NetdevFeatures.NETIF_F_GRO) != 0) {
            napiUp();
        }
        if (p.isUp()) {
            dev.carrierOn();
            p.carrierOn();
        }
        return 0;
    }

    @Override
    public int ndoStop(NetDevice dev) {
        dev.carrierOff();
        NetDevice p = peer;
        if (p != null) {
            p.carrierOff();
        }
        if (napiEnabled) {
            napiDown(dev);
        }
        return 0;
    }

    @Override
    public int ndoSetFeatures(NetDevice dev, long features) {
        boolean gro = (features & NetdevFeatures.NETIF_F_GRO) != 0;
        if (dev.isUp() && gro != napiEnabled) {
            if (gro) {
                napiUp();
            } else {
                napiDown(dev);
            }
        }
        return 0;
    }

    /** One end goes: so does the other, as with {@code ip link del}. */
    @Override
    public void ndoUninit(NetDevice dev) {
        NetDevice p = peer;
        peer = null;
        for (Rq q : rq) {
            q.delete();
        }
        if (p != null) {
            veth(p).peer = null;
            p.unregister();
        }
    }

    @Override
    public int ndoGetIflink(NetDevice dev) {
        NetDevice p = peer;
        return p == null ? 0 : p.ifindex;
    }

    @Override
    public String driverName() {
        return "veth";
    }

    @Override
    public String[] ethtoolStatNames(NetDevice dev) {
        return new String[] {"peer_ifindex"};
    }

    @Override
    public long[] ethtoolStats(NetDevice dev) {
        return new long[] {ndoGetIflink(dev)};
    }
}
