package net.sched.ifb;

import net.core.Cpu;
import net.core.Net;
import net.core.Tasklet;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetDeviceTable;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.RtnlLinkStats;
import net.core.task.SpinLock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;

/**
 * A device {@code ifbN} without a wire: what {@code mirred} redirects to it passes its qdisc and then goes on where it was
 * taken, in or out. So one qdisc shapes what comes in, or several devices together.
 *
 * <p>Packets that come from elsewhere are dropped: they have no place to go on. Those that go on are not shown to taps and
 * filters a second time.
 *
 * <p>Context: transmit as any driver; going on in TASKLET softirq, so that neither side runs inside the other.
 *
 * <p>Linux: drivers/net/ifb.c
 */
public final class Ifb implements NetDeviceOps {
    /** Packets in a queue of the device before its qdisc has to wait. Linux: TX_Q_LIMIT */
    static final int TX_Q_LIMIT = 32;

    private static final long FEATURES = NetdevFeatures.NETIF_F_SG
            | NetdevFeatures.NETIF_F_FRAGLIST
            | NetdevFeatures.NETIF_F_HW_CSUM
            | NetdevFeatures.NETIF_F_HIGHDMA
            | NetdevFeatures.NETIF_F_GSO_SOFTWARE;

    private final Queue[] queues;

    private Ifb(int queues) {
        this.queues = new Queue[queues];
    }

    /** A registered device, down. Linux: ifb_setup() */
    public static NetDevice create(Net net, String name, int queues) {
        Ifb ifb = new Ifb(queues);
        NetDevice dev = new NetDevice(net, name, ifb, queues, queues);
        EthHdr.etherSetup(dev);
        dev.maxMtu = 0;
        dev.flags = dev.flags & ~NetDevice.IFF_MULTICAST | NetDevice.IFF_NOARP;
        dev.txQueueLen = TX_Q_LIMIT;
        dev.privFlags &= ~NetDevice.IFF_XMIT_DST_RELEASE; // the packet may go on to its destination
        dev.features = FEATURES;
        dev.hwFeatures = FEATURES;
        int r = net.kernel().getRandomU32();
        dev.devAddr = new byte[] {2, 0x1F, (byte) (r >>> 24), (byte) (r >>> 16), (byte) (r >>> 8), (byte) r};
        for (int i = 0; i < queues; i++) {
            ifb.queues[i] = new Queue(dev, dev.tx[i]);
        }
        dev.register();
        return dev;
    }

    /** Linux: ifb_xmit() */
    @Override
    @HotPath
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore) {
        RtnlLinkStats s = dev.stats(cpu);
        s.rxPackets++;
        s.rxBytes += skb.len;
        if (!skb.redirected || skb.skbIif == 0) {
            s.rxDropped++;
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return NETDEV_TX_OK;
        }
        queues[txq.index].add(cpu, skb, dev.txQueueLen);
        return NETDEV_TX_OK;
    }

    @Override
    public int ndoStop(NetDevice dev) {
        Cpu cpu = dev.kernel().localBhDisable(-1);
        try {
            for (Queue q : queues) {
                q.purge(cpu);
            }
        } finally {
            cpu.localBhEnable();
        }
        return 0;
    }

    @Override
    public String driverName() {
        return "ifb";
    }

    /** One queue's packets between transmit and going on. Linux: struct ifb_q_private, ifb_ri_tasklet() */
    private static final class Queue extends Tasklet {
        private final NetDevice dev;
        private final NetdevQueue txq;
        private final SpinLock lock = new SpinLock();
        /** Waiting, under the lock. */
        private final SkBuffHead rq = new SkBuffHead();
        /** The tasklet's own. */
        private final SkBuffHead tq = new SkBuffHead();

        Queue(NetDevice dev, NetdevQueue txq) {
            this.dev = dev;
            this.txq = txq;
        }

        @HotPath
        void add(Cpu cpu, SkBuff skb, int limit) {
            lock.lock();
            try {
                rq.addTail(skb);
                if (rq.qlen >= limit) {
                    txq.stop();
                }
            } finally {
                lock.unlock();
            }
            cpu.taskletSchedule(this);
        }

        @Override
        @HotPath
        protected void run(Cpu cpu) {
            lock.lock();
            try {
                for (SkBuff skb = rq.dequeue(); skb != null; skb = rq.dequeue()) {
                    tq.addTail(skb);
                }
                if (txq.stopped()) {
                    txq.wake(cpu);
                }
            } finally {
                lock.unlock();
            }
            for (SkBuff skb = tq.dequeue(); skb != null; skb = tq.dequeue()) {
                goOn(cpu, skb);
            }
        }

        private void goOn(Cpu cpu, SkBuff skb) {
            skb.redirected = false;
            skb.tcSkipClassify = true;
            RtnlLinkStats s = dev.stats(cpu);
            NetDevice to = NetDeviceTable.of(dev.net).byIndex(skb.skbIif);
            if (to == null) {
                s.txDropped++;
                skb.kfree(cpu, SkbDropReason.DEV_READY);
                return;
            }
            s.txPackets++;
            s.txBytes += skb.len;
            skb.dev = to;
            skb.skbIif = dev.ifindex;
            if (skb.fromIngress) {
                skb.pullRcsum(skb.macLen);
                Dev.netifReceiveSkb(cpu, skb);
            } else {
                Dev.devQueueXmit(cpu, skb);
            }
        }

        void purge(Cpu cpu) {
            lock.lock();
            SkBuff first = null;
            try {
                for (SkBuff skb = rq.dequeue(); skb != null; skb = rq.dequeue()) {
                    skb.next = first;
                    first = skb;
                }
            } finally {
                lock.unlock();
            }
            SkBuff.freeList(cpu, first, SkbDropReason.DEV_READY);
        }
    }
}
