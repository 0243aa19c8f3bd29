package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

class QdiscTest {
    /** A ring of {@code room} packets. */
    private static final class Nic implements NetDeviceOps {
        final NetDevice dev;
        final List<SkBuff> ring = new ArrayList<>();
        final List<Integer> sent = new ArrayList<>();
        int room = Integer.MAX_VALUE;

        Nic(Kernel kernel, int queues) {
            dev = new NetDevice(kernel.initNet(), "eth0", this, queues, queues);
            EthHdr.etherSetup(dev);
            dev.register();
        }

        @Override
        public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice d, NetdevQueue txq, boolean more) {
            sent.add(skb.mark);
            ring.add(skb);
            if (ring.size() >= room) {
                txq.stop();
            }
            return NETDEV_TX_OK;
        }

        void complete(Cpu cpu) {
            ring.forEach(s -> s.consume(cpu));
            ring.clear();
            dev.wakeAllQueues(cpu);
        }
    }

    private static int send(Cpu cpu, NetDevice dev, int mark, int priority, int len) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 32));
        skb.reserve(32);
        skb.put(len);
        org.agrona.UnsafeApi.setMemory(skb.dataAddress(), len, (byte) 0);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        skb.mark = mark;
        skb.priority = priority;
        return Dev.devQueueXmit(cpu, skb);
    }

    private static Kernel boot(String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 2);
        all[words.length] = "clock=virtual";
        all[words.length + 1] = "debug";
        return Kernel.boot(all);
    }

    private static void drain(Kernel kernel, Nic nic) {
        nic.room = Integer.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            Cpu cpu = kernel.localBhDisable(0);
            nic.complete(cpu);
            cpu.localBhEnable();
            // What softirqs left to the worker.
            kernel.scheduler().sleep(10_000_000);
        }
    }

    @Test
    void shouldGiveNewDevicesPfifoFast() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            assertThat(nic.dev.qdisc.id()).isEqualTo("pfifo_fast");
            assertThat(nic.dev.qdisc.describe(false))
                    .isEqualTo("qdisc pfifo_fast 0: root refcnt 2 bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1\n");
        }
    }

    @Test
    void shouldTakeTheDefaultFromTheBootWords() {
        try (Kernel kernel = boot("net.core.default_qdisc=pfifo")) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            assertThat(nic.dev.qdisc.id()).isEqualTo("pfifo");
            assertThat(nic.dev.qdisc.limit).isEqualTo(1000);
        }
        assertThatThrownBy(() -> boot("net.core.default_qdisc=nonsense"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("default_qdisc=nonsense")
                .hasMessageContaining("pfifo_fast");
    }

    @Test
    void shouldServeUrgentBandsFirst() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            nic.room = 1;
            Cpu cpu = kernel.localBhDisable(0);
            send(cpu, nic.dev, 0, 0, 60); // into the ring
            send(cpu, nic.dev, 1, 0, 60); // refused by the full ring, stays first
            send(cpu, nic.dev, 2, 2, 60); // band 2
            send(cpu, nic.dev, 3, 0, 60); // band 1
            send(cpu, nic.dev, 4, 6, 60); // band 0
            send(cpu, nic.dev, 5, 7, 60); // band 0
            assertThat(nic.dev.qdisc.currentQlen()).isEqualTo(5);
            assertThat(nic.dev.qdisc.currentBacklog()).isEqualTo(300);
            cpu.localBhEnable();
            drain(kernel, nic);
            assertThat(nic.sent).containsExactly(0, 1, 4, 5, 3, 2);
            assertThat(nic.dev.qdisc.currentQlen()).isZero();
            assertThat(nic.dev.qdisc.currentBacklog()).isZero();
            assertThat(nic.dev.qdisc.currentPackets()).isEqualTo(6);
        }
    }

    @Test
    void shouldDropWhenABandIsFull() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.txQueueLen = 10;
            nic.dev.open();
            nic.room = 1;
            Cpu cpu = kernel.localBhDisable(0);
            int drops = 0;
            for (int i = 0; i < 20; i++) {
                drops += send(cpu, nic.dev, i, 0, 60) == NetXmit.NET_XMIT_DROP ? 1 : 0;
            }
            assertThat(drops).isEqualTo(8);
            assertThat(nic.dev.qdisc.currentDrops()).isEqualTo(8);
            cpu.localBhEnable();
            drain(kernel, nic);
            assertThat(nic.sent).hasSize(12).isSorted();
        }
    }

    @Test
    void shouldResizeItsBands() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            assertThat(nic.dev.setTxQueueLen(5000)).isZero();
            nic.room = 1;
            Cpu cpu = kernel.localBhDisable(0);
            for (int i = 0; i < 3000; i++) {
                assertThat(send(cpu, nic.dev, i, 0, 60)).isZero();
            }
            cpu.localBhEnable();
            drain(kernel, nic);
            assertThat(nic.sent).hasSize(3000).isSorted();
        }
    }

    @Test
    void shouldLimitPfifoByPacketsAndBfifoByBytes() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            DevGlobals g = DevGlobals.of(kernel);
            Qdisc p = g.qdiscs.attachRoot(nic.dev, "pfifo limit 3");
            assertThat(p.describe(false)).contains("qdisc pfifo 80").contains("root refcnt 2 limit 3p\n");
            assertThat(fill(kernel, nic, 100, 10)).isEqualTo(5);
            Qdisc b = g.qdiscs.attachRoot(nic.dev, "bfifo limit 1kb");
            assertThat(b.limit).isEqualTo(1024);
            assertThat(fill(kernel, nic, 100, 20)).isEqualTo(11);
            Qdisc bd = g.qdiscs.attachRoot(nic.dev, "bfifo");
            assertThat(bd.limit).isEqualTo(1000 * 1514);
            assertThat((bd.flags & Qdisc.TCQ_F_CAN_BYPASS)).isNotZero();
            assertThat((b.flags & Qdisc.TCQ_F_CAN_BYPASS)).isZero();
        }
    }

    /** How many of {@code n} packets a stopped device and its qdisc take. */
    private static int fill(Kernel kernel, Nic nic, int len, int n) {
        nic.room = 1;
        int ok = 0;
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < n; i++) {
            ok += send(cpu, nic.dev, i, 0, len) == 0 ? 1 : 0;
        }
        cpu.localBhEnable();
        drain(kernel, nic);
        return ok;
    }

    @Test
    void shouldDropTheOldestWithHeadDrop() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            DevGlobals.of(kernel).qdiscs.attachRoot(nic.dev, "pfifo_head_drop limit 2");
            nic.room = 1;
            Cpu cpu = kernel.localBhDisable(0);
            List<Integer> rcs = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                rcs.add(send(cpu, nic.dev, i, 0, 60));
            }
            cpu.localBhEnable();
            drain(kernel, nic);
            assertThat(rcs).endsWith(NetXmit.NET_XMIT_CN, NetXmit.NET_XMIT_CN);
            assertThat(nic.sent).containsExactly(0, 1, 4, 5);
        }
    }

    @Test
    void shouldExplainWrongSpecifications() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.open();
            var q = DevGlobals.of(kernel).qdiscs;
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "pfofo"))
                    .hasMessageStartingWith("unknown qdisc \"pfofo\": known are ")
                    .isInstanceOf(UserError.class);
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "pfifo limit")).hasMessageContaining("limit wants a number");
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "pfifo limit x")).hasMessageContaining("got \"x\"");
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "bfifo limit 10mph")).hasMessageContaining("10mph");
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "pfifo speed 3")).hasMessageContaining("known is limit");
            assertThatThrownBy(() -> q.attachRoot(nic.dev, "pfifo_fast limit 3"))
                    .hasMessageContaining("takes no option");
            assertThat(nic.dev.qdisc.id()).isEqualTo("pfifo_fast");
        }
    }

    @Test
    void shouldPutADefaultQdiscBeforeEachQueueUnderMq() {
        try (Kernel kernel = boot("net.core.default_qdisc=pfifo")) {
            Nic nic = new Nic(kernel, 4);
            nic.dev.open();
            assertThat(nic.dev.qdisc.id()).isEqualTo("mq");
            for (NetdevQueue q : nic.dev.tx) {
                assertThat(q.qdisc.id()).isEqualTo("pfifo");
                assertThat(q.qdisc.describe(false)).contains("parent :" + (q.index + 1) + " ");
            }
            nic.dev.xpsCpus = new int[] {2};
            Cpu cpu = kernel.localBhDisable(0);
            send(cpu, nic.dev, 1, 0, 60);
            cpu.localBhEnable();
            assertThat(nic.dev.tx[2].qdisc.currentPackets()).isEqualTo(1);
            assertThat(nic.dev.qdisc.currentPackets()).isEqualTo(1);
            drain(kernel, nic);
            DevGlobals.of(kernel).qdiscs.attachRoot(nic.dev, "pfifo limit 7");
            assertThat(nic.dev.tx[3].qdisc).isSameAs(nic.dev.tx[0].qdisc);
            cpu = kernel.localBhDisable(0);
            send(cpu, nic.dev, 2, 0, 60);
            cpu.localBhEnable();
            drain(kernel, nic);
            DevGlobals.of(kernel).qdiscs.attachRoot(nic.dev, "mq");
            assertThat(nic.dev.tx[3].qdisc).isNotSameAs(nic.dev.tx[0].qdisc);
            assertThat(nic.sent).containsExactly(1, 2);
        }
    }

    @Test
    void shouldLeaveVirtualDevicesWithoutAQueueUntilAsked() {
        try (Kernel kernel = boot()) {
            Nic nic = new Nic(kernel, 1);
            nic.dev.privFlags |= NetDevice.IFF_NO_QUEUE;
            nic.dev.open();
            assertThat(nic.dev.qdisc.id()).isEqualTo("noqueue");
            Cpu cpu = kernel.localBhDisable(0);
            send(cpu, nic.dev, 1, 0, 60);
            cpu.localBhEnable();
            DevGlobals.of(kernel).qdiscs.attachRoot(nic.dev, "pfifo");
            cpu = kernel.localBhDisable(0);
            send(cpu, nic.dev, 2, 0, 60);
            cpu.localBhEnable();
            assertThat(nic.dev.qdisc.currentPackets()).isEqualTo(1);
            drain(kernel, nic);
            assertThat(nic.sent).containsExactly(1, 2);
        }
    }

    /** Real threads: whoever wins runs, losers leave, nothing stays behind and each thread's packets keep their order. */
    @Test
    void shouldLoseNothingWhenManyCpusSendAtOnce() throws InterruptedException {
        for (String spec : List.of("pfifo_fast", "pfifo limit 100000")) {
            try (Kernel kernel = Kernel.boot("clock=live", "cpus=4")) {
                AtomicLong sent = new AtomicLong();
                int[] last = new int[8];
                boolean[] disorder = {false};
                NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
                    int thread = skb.mark >>> 24;
                    int n = skb.mark & 0xffffff;
                    disorder[0] |= n <= last[thread];
                    last[thread] = n;
                    sent.incrementAndGet();
                    skb.consume(cpu);
                    return NetDeviceOps.NETDEV_TX_OK;
                };
                NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, 1, 1);
                EthHdr.etherSetup(dev);
                dev.txQueueLen = 100_000;
                dev.register();
                dev.open();
                DevGlobals.of(kernel).qdiscs.attachRoot(dev, spec);
                int per = 20_000;
                List<Thread> threads = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    int id = t;
                    threads.add(Thread.ofPlatform().start(() -> {
                        for (int i = 1; i <= per; i++) {
                            Cpu cpu = kernel.localBhDisable(id);
                            send(cpu, dev, id << 24 | i, 0, 60);
                            cpu.localBhEnable();
                        }
                    }));
                }
                for (Thread t : threads) {
                    t.join();
                }
                long deadline = System.nanoTime() + 5_000_000_000L;
                while (sent.get() < 4L * per && System.nanoTime() < deadline) {
                    Thread.onSpinWait();
                }
                assertThat(sent.get()).as(spec).isEqualTo(4L * per);
                assertThat(disorder[0]).as(spec).isFalse();
                assertThat(dev.qdisc.currentQlen()).isZero();
            }
        }
    }
}
