package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** Real threads: packets pushed from other CPUs while the target falls asleep and wakes. */
class BacklogLiveTest {
    private static final int CPUS = 4;
    private static final int PER_THREAD = 30_000;

    @Test
    void shouldLoseNoPacketAndNoWakeUpBetweenCpus() throws InterruptedException {
        try (Kernel kernel = Kernel.boot(
                "clock=live",
                "cpus=" + CPUS,
                "net.core.netdev_max_backlog=1000000",
                "net.core.default_qdisc=noqueue")) {
            NetDevice lo = kernel.initNet().devices.loopback();
            lo.open();
            // Written by the target CPU alone.
            int[] last = new int[CPUS];
            AtomicLong got = new AtomicLong();
            boolean[] disorder = {false};
            Dev.addPack(kernel, new PacketType(0x88B5) {
                @Override
                public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                    disorder[0] |= cpu.id != 0 || skb.mark != last[skb.tcIndex] + 1;
                    last[skb.tcIndex] = skb.mark;
                    skb.consume(cpu);
                    got.incrementAndGet();
                    return 0;
                }
            });
            List<Thread> threads = new ArrayList<>();
            for (int t = 1; t < CPUS; t++) {
                int id = t;
                threads.add(Thread.ofPlatform().start(() -> {
                    Cpu here = kernel.cpu(id);
                    for (int i = 1; i <= PER_THREAD; i++) {
                        here.localBhDisable();
                        SkBuff skb = here.allocSkb(64);
                        if (skb == null) {
                            throw new IllegalStateException("no memory");
                        }
                        skb.put(20);
                        skb.dev = lo;
                        skb.protocol = 0x88B5;
                        skb.tcIndex = id;
                        skb.mark = i;
                        Dev.enqueueToBacklog(here, kernel.cpu(0), skb);
                        here.localBhEnable();
                        if (i % 64 == 0) {
                            // Let the target go to sleep now and then.
                            Thread.yield();
                        }
                    }
                }));
            }
            for (Thread t : threads) {
                t.join();
            }
            long want = (CPUS - 1L) * PER_THREAD;
            long deadline = System.nanoTime() + 10_000_000_000L;
            long seen = 0;
            // Only looking: the worker must find everything by itself.
            while (seen < want && System.nanoTime() < deadline) {
                Thread.onSpinWait();
                seen = got.get();
            }
            assertThat(seen).isEqualTo(want);
            assertThat(disorder[0]).isFalse();
            assertThat(kernel.cpu(0).sd.dropped()).isZero();
        }
    }
}
