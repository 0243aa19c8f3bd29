package net.testkit;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.RtnlLinkStats;
import net.core.time.HrTimer;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;

/**
 * Decorates a device so that what it transmits is lost, doubled, reordered, damaged or delayed from a seed. The device
 * stops advertising offloads: the stack segments and checksums first, so faults hit frames as a cable carries them.
 *
 * <p>Context: under the transmit lock of the device's only queue.
 */
public final class FaultDevice implements NetDeviceOps {
    /** A frame that waits to be overtaken goes on after this long, for nothing may follow it. */
    private static final long HOLD_NS = 10_000_000;

    private final NetDeviceOps inner;
    private final FaultPlan plan;
    private final SkBuffHead held = new SkBuffHead();
    private final SkBuffHead delayed = new SkBuffHead();
    private final Release release;

    private FaultDevice(NetDevice dev, FaultPlan plan) {
        this.inner = dev.ops;
        this.plan = plan;
        release = new Release(dev);
    }

    /** Puts faults in front of a device's transmit side; before the device is opened. */
    public static FaultDevice decorate(NetDevice dev, long seed, FaultPlan.Rates rates) {
        FaultDevice fault = new FaultDevice(dev, new FaultPlan(seed, rates));
        dev.ops = fault;
        long offloads = NetdevFeatures.NETIF_F_SG
                | NetdevFeatures.NETIF_F_HW_CSUM
                | NetdevFeatures.NETIF_F_TSO
                | NetdevFeatures.NETIF_F_TSO_ECN
                | NetdevFeatures.NETIF_F_TSO6
                | NetdevFeatures.NETIF_F_GSO_UDP_L4;
        dev.features &= ~offloads;
        dev.hwFeatures &= ~offloads;
        dev.lltx = false; // plan and held frames need the transmit lock
        return fault;
    }

    /** What was done so far. */
    public FaultPlan plan() {
        return plan;
    }

    @Override
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore) {
        if (plan.loses()) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return NETDEV_TX_OK;
        }
        SkBuff twin = plan.duplicates() ? skb.copy(cpu, 0) : null;
        int bit = plan.corruptBit(skb.len);
        SkBuff frame = bit >= 0 ? corrupted(cpu, skb, bit) : skb;
        int overtakenBy = plan.overtakenBy();
        if (overtakenBy > 0) {
            frame.cb0 = overtakenBy;
            frame.cbl0 = cpu.nowNs() + HOLD_NS;
            frame.orphan(); // it is on the cable: its sender's limits and its "still queued here" end
            held.addTail(frame);
            release.startBy(cpu, frame.cbl0);
        } else {
            pass(cpu, frame, dev, txq);
        }
        if (twin != null) {
            pass(cpu, twin, dev, txq);
        }
        return NETDEV_TX_OK;
    }

    private SkBuff corrupted(Cpu cpu, SkBuff skb, int bit) {
        SkBuff own = skb.copy(cpu, 0);
        if (own == null) {
            return skb;
        }
        long at = own.dataAddress() + 14 + bit / 8;
        UnsafeApi.putByte(at, (byte) (UnsafeApi.getByte(at) ^ (1 << (bit & 7))));
        skb.consume(cpu);
        return own;
    }

    private void pass(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq) {
        send(cpu, skb, dev, txq);
        for (SkBuff h = held.peek(); h != null; ) {
            SkBuff next = held.peekNext(h);
            if (--h.cb0 == 0) {
                held.unlink(h);
                send(cpu, h, dev, txq);
            }
            h = next;
        }
    }

    private void send(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq) {
        if (!plan.delays()) {
            transmit(cpu, skb, dev, txq);
            return;
        }
        skb.orphan(); // as netem does: the delay is the cable's
        skb.cbl0 = cpu.nowNs() + plan.delayNs();
        SkBuff after = delayed.peekTail();
        while (after != null && after.cbl0 > skb.cbl0) {
            after = after == delayed.peek() ? null : after.prev;
        }
        if (after == null) {
            delayed.addHead(skb);
            release.startBy(cpu, skb.cbl0);
        } else {
            delayed.insertAfter(after, skb);
        }
    }

    private void transmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq) {
        if (inner.ndoStartXmit(cpu, skb, dev, txq, false) != NETDEV_TX_OK) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        }
    }

    @Override
    public int ndoOpen(NetDevice dev) {
        return inner.ndoOpen(dev);
    }

    @Override
    public int ndoStop(NetDevice dev) {
        release.cancel();
        Cpu cpu = dev.net.kernel().localBhDisable(0);
        held.purge(cpu, SkbDropReason.NOT_SPECIFIED);
        delayed.purge(cpu, SkbDropReason.NOT_SPECIFIED);
        cpu.localBhEnable();
        return inner.ndoStop(dev);
    }

    @Override
    public int ndoSelectQueue(Cpu cpu, NetDevice dev, SkBuff skb) {
        return inner.ndoSelectQueue(cpu, dev, skb);
    }

    @Override
    public int ndoChangeMtu(NetDevice dev, int newMtu) {
        return inner.ndoChangeMtu(dev, newMtu);
    }

    @Override
    public int ndoSetMacAddress(NetDevice dev, byte[] addr) {
        return inner.ndoSetMacAddress(dev, addr);
    }

    @Override
    public void ndoSetRxMode(NetDevice dev) {
        inner.ndoSetRxMode(dev);
    }

    @Override
    public void ndoTxTimeout(Cpu cpu, NetDevice dev, NetdevQueue txq) {
        inner.ndoTxTimeout(cpu, dev, txq);
    }

    @Override
    public void ndoGetStats(NetDevice dev, RtnlLinkStats stats) {
        inner.ndoGetStats(dev, stats);
    }

    @Override
    public long ndoFixFeatures(NetDevice dev, long features) {
        return inner.ndoFixFeatures(dev, features);
    }

    @Override
    public int ndoSetFeatures(NetDevice dev, long features) {
        return inner.ndoSetFeatures(dev, features);
    }

    @Override
    public String[] ethtoolStatNames(NetDevice dev) {
        return inner.ethtoolStatNames(dev);
    }

    @Override
    public long[] ethtoolStats(NetDevice dev) {
        return inner.ethtoolStats(dev);
    }

    @Override
    public void ndoUninit(NetDevice dev) {
        inner.ndoUninit(dev);
    }

    @Override
    public int ndoGetIflink(NetDevice dev) {
        return inner.ndoGetIflink(dev);
    }

    @Override
    public String driverName() {
        return inner.driverName();
    }

    private final class Release extends HrTimer {
        private final NetDevice dev;

        Release(NetDevice dev) {
            this.dev = dev;
        }

        /** Fires at this time or before. */
        void startBy(Cpu cpu, long atNs) {
            if (!pending() || expiresNs > atNs) {
                start(cpu, atNs);
            }
        }

        @Override
        protected void expire(Cpu cpu, long nowNs) {
            NetdevQueue txq = dev.tx[0];
            txq.txLock(cpu);
            try {
                for (SkBuff skb = held.peek(); skb != null && skb.cbl0 <= nowNs; skb = held.peek()) {
                    held.unlink(skb);
                    transmit(cpu, skb, dev, txq);
                }
                for (SkBuff skb = delayed.peek(); skb != null && skb.cbl0 <= nowNs; skb = delayed.peek()) {
                    delayed.unlink(skb);
                    transmit(cpu, skb, dev, txq);
                }
                for (SkBuff next : new SkBuff[] {held.peek(), delayed.peek()}) {
                    if (next != null) {
                        startBy(cpu, next.cbl0);
                    }
                }
            } finally {
                txq.txUnlock();
            }
        }
    }
}
