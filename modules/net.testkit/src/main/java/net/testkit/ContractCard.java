package net.testkit;

import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevQueue;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/** A driver with a small ring, which stops its queue and at times answers busy. */
final class ContractCard implements NetDeviceOps {
    final SkBuffHead ring = new SkBuffHead();
    long sent;

    private final SplittableRandom random;
    private @Nullable NetDevice dev;

    ContractCard(SplittableRandom random) {
        this.random = random;
    }

    @Override
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice d, NetdevQueue txq, boolean more) {
        if (random.nextInt(50) == 0) {
            txq.stop();
            return NETDEV_TX_BUSY;
        }
        ring.addTail(skb);
        sent++;
        if (ring.qlen >= 8) {
            txq.stop();
        }
        return NETDEV_TX_OK;
    }

    void complete(Cpu cpu) {
        NetDevice d = null;
        for (SkBuff skb = ring.dequeue(); skb != null; skb = ring.dequeue()) {
            d = (NetDevice) skb.dev;
            skb.consume(cpu);
        }
        NetDevice on = d != null ? d : dev;
        if (on != null) {
            on.wakeAllQueues(cpu);
        }
    }

    @Override
    public int ndoOpen(NetDevice d) {
        dev = d;
        return 0;
    }

    @Override
    public int ndoStop(NetDevice d) {
        Cpu cpu = d.kernel().localBhDisable(0);
        ring.purge(cpu, SkbDropReason.NOT_SPECIFIED);
        cpu.localBhEnable();
        return 0;
    }
}
