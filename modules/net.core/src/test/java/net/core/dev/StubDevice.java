package net.core.dev;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.skbuff.SkBuff;

/** A device with a ring of {@code room} packets that the test empties. */
public final class StubDevice implements NetDeviceOps {
    public final NetDevice dev;
    /** What is in the ring; sequence numbers of TCP frames in order of arrival are in {@link #sent}. */
    public final List<SkBuff> ring = new ArrayList<>();

    public final List<Integer> sent = new ArrayList<>();
    public final List<Integer> lengths = new ArrayList<>();
    public final List<Boolean> more = new ArrayList<>();
    public int room = Integer.MAX_VALUE;
    public boolean busy;
    public int timeouts;
    /** Called for each packet, to do something nasty in the middle of a transmit. */
    public Runnable onXmit = () -> {};

    public StubDevice(Net net, String name, int queues, long features) {
        dev = new NetDevice(net, name, this, queues, queues);
        EthHdr.etherSetup(dev);
        dev.devAddr = new byte[] {2, 0, 0, 0, 0, 2};
        dev.features = features;
        dev.hwFeatures = features;
    }

    public static StubDevice up(Net net, String name) {
        StubDevice d = new StubDevice(
                net,
                name,
                1,
                NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_ALL_TSO);
        d.dev.register();
        d.dev.open();
        return d;
    }

    @Override
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice d, NetdevQueue txq, boolean xmitMore) {
        onXmit.run();
        if (busy) {
            return NETDEV_TX_BUSY;
        }
        sent.add(skb.protocol == EthHdr.ETH_P_IP ? Frames.seq(skb) : -1);
        lengths.add(skb.len);
        more.add(xmitMore);
        ring.add(skb);
        if (ring.size() >= room) {
            txq.stop();
        }
        return NETDEV_TX_OK;
    }

    @Override
    public void ndoTxTimeout(Cpu cpu, NetDevice d, NetdevQueue txq) {
        timeouts++;
    }

    /** The device has sent everything. */
    public void complete(Cpu cpu) {
        ring.forEach(s -> s.consume(cpu));
        ring.clear();
        for (NetdevQueue q : dev.tx) {
            q.wake(cpu);
        }
    }
}
