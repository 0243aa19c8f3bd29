package net.sched;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.Qdisc;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.SkBuff;

/** A device with several transmit queues in virtual time, which notes what leaves by which queue, and when. */
final class MultiQueueRig implements AutoCloseable {
    /** One packet at the driver. */
    record Sent(int mark, int queue, long ns, int len, long tstampNs) {}

    final Kernel kernel;
    final NetDevice dev;
    final List<Sent> sent = new ArrayList<>();
    private int nextMark = 1;

    MultiQueueRig(int queues, String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 2);
        all[words.length] = "clock=virtual";
        all[words.length + 1] = "debug";
        kernel = Kernel.boot(all);
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            sent.add(new Sent(skb.mark, txq.index, cpu.nowNs(), skb.len, skb.tstampNs));
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        dev = new NetDevice(kernel.initNet(), "eth0", ops, queues, queues);
        EthHdr.etherSetup(dev);
        dev.register();
        dev.open();
    }

    Qdisc root(String spec) {
        List<String> words = List.of(spec.split(" "));
        return SchApi.modify(
                dev, SchApi.Verb.REPLACE, TcHandle.ROOT, 0x10000, words.getFirst(), words.subList(1, words.size()));
    }

    /** A packet with a priority and a flow; returns its mark. */
    int send(int priority, int flow, int len) {
        int mark = nextMark++;
        Cpu cpu = kernel.localBhDisable(0);
        cpu.refreshClock();
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 32));
        skb.reserve(32);
        skb.put(len);
        org.agrona.UnsafeApi.setMemory(skb.dataAddress(), len, (byte) 0);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        skb.mark = mark;
        skb.priority = priority;
        skb.hash = (flow + 1) * 0x61C88647;
        skb.l4Hash = true;
        Dev.devQueueXmit(cpu, skb);
        cpu.localBhEnable();
        return mark;
    }

    void sleep(long ns) {
        kernel.scheduler().sleep(ns);
    }

    String show(boolean json) {
        TcPrint p = new TcPrint(json);
        SchApi.show(dev, p, false);
        return p.toString();
    }

    String classes() {
        TcPrint p = new TcPrint(false);
        SchApi.showClasses(dev, p, false);
        return p.toString();
    }

    @Override
    public void close() {
        dev.unregister();
        kernel.close();
    }
}
