package net.sched;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class QdiscGraftTest {
    private static void send(Cpu cpu, NetDevice dev, int mark) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(96));
        skb.reserve(32);
        skb.put(60);
        org.agrona.UnsafeApi.setMemory(skb.dataAddress(), 60, (byte) 0);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        skb.mark = mark;
        Dev.devQueueXmit(cpu, skb);
    }

    private static String drops(Kernel kernel) {
        StringBuilder text = new StringBuilder();
        for (SkbDropReason reason : SkbDropReason.values()) {
            long count = kernel.cpu(0).dropCounts[reason.ordinal()] + kernel.cpu(1).dropCounts[reason.ordinal()];
            if (count != 0) {
                text.append(reason).append(' ').append(count).append(' ');
            }
        }
        return text.toString();
    }

    /** A backlog behind a stopped card outlives a change of qdisc, in its order, also that which the driver sent back. */
    @Test
    void shouldHandTheBacklogOver() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            List<Integer> sent = new ArrayList<>();
            boolean[] busy = {true};
            NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
                if (busy[0]) {
                    txq.stop();
                    return NetDeviceOps.NETDEV_TX_BUSY;
                }
                sent.add(skb.mark);
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, 1, 1);
            EthHdr.etherSetup(dev);
            dev.register();
            dev.open();
            Cpu cpu = kernel.localBhDisable(0);
            for (int i = 0; i < 50; i++) {
                send(cpu, dev, i);
            }
            cpu.localBhEnable();
            for (String spec : List.of("pfifo", "pfifo_fast", "bfifo limit 1mb", "pfifo_head_drop", "pfifo")) {
                DevGlobals.of(kernel).qdiscs.attachRoot(dev, spec);
                assertThat(dev.qdisc.currentQlen()).as(spec).isEqualTo(50);
                assertThat(dev.qdisc.currentBacklog()).as(spec).isEqualTo(3000);
            }
            busy[0] = false;
            cpu = kernel.localBhDisable(0);
            dev.wakeAllQueues(cpu);
            cpu.localBhEnable();
            kernel.scheduler().sleep(1_000_000);
            assertThat(sent).hasSize(50).isSorted();
            DevGlobals.of(kernel).qdiscs.attachRoot(dev, "noqueue");
            cpu = kernel.localBhDisable(0);
            send(cpu, dev, 50);
            cpu.localBhEnable();
            assertThat(sent).hasSize(51);
        }
    }

    /** Real threads send while the qdisc changes under them: nothing is lost and no thread's packets overtake. */
    @Test
    @Timeout(60)
    void shouldLoseAndReorderNothingUnderTraffic() throws InterruptedException {
        try (Kernel kernel = Kernel.boot("clock=live", "cpus=2")) {
            AtomicLong sent = new AtomicLong();
            AtomicIntegerArray last = new AtomicIntegerArray(2);
            AtomicBoolean disorder = new AtomicBoolean();
            NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
                int thread = skb.mark >>> 24;
                int n = skb.mark & 0xffffff;
                if (n <= last.getPlain(thread)) {
                    disorder.set(true);
                }
                last.setRelease(thread, n);
                sent.incrementAndGet();
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, 1, 1);
            EthHdr.etherSetup(dev);
            dev.txQueueLen = 1_000_000;
            dev.register();
            dev.open();
            AtomicBoolean stop = new AtomicBoolean();
            AtomicLong offered = new AtomicLong();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 2; t++) {
                int id = t;
                threads.add(Thread.ofPlatform().start(() -> {
                    int n = 0;
                    while (!stop.get() && n < 0xfffffe) {
                        if (n - last.getAcquire(id)
                                > 10_000) { // far below every limit: a packet that is missing was lost
                            Thread.onSpinWait();
                            continue;
                        }
                        Cpu cpu = kernel.localBhDisable(id);
                        send(cpu, dev, id << 24 | ++n);
                        cpu.localBhEnable();
                    }
                    offered.addAndGet(n);
                }));
            }
            String[] specs = {"pfifo", "pfifo_fast", "bfifo limit 100mb", "noqueue", "pfifo_head_drop"};
            for (int i = 0; i < 30; i++) {
                DevGlobals.of(kernel).qdiscs.attachRoot(dev, specs[i % specs.length]);
            }
            stop.set(true);
            for (Thread t : threads) {
                t.join();
            }
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (sent.get() < offered.get() && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(sent.get()).as(() -> "dropped for " + drops(kernel)).isEqualTo(offered.get());
            assertThat(disorder).isFalse();
            assertThat(dev.qdisc.currentQlen()).isZero();
        }
    }
}
