package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.Qdisc;
import net.core.dev.SchApi;
import net.core.dev.SchApi.Verb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** Qdiscs by handle on a device, as tc asks for them. */
class SchApiTest {
    private static final int ROOT = TcHandle.ROOT;

    private final List<Integer> sent = new ArrayList<>();
    private boolean busy;

    private NetDevice device(Kernel kernel, int queues) {
        NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
            if (busy) {
                txq.stop();
                return NetDeviceOps.NETDEV_TX_BUSY;
            }
            sent.add(skb.mark);
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, queues, queues);
        EthHdr.etherSetup(dev);
        dev.register();
        dev.open();
        return dev;
    }

    private static void send(Kernel kernel, NetDevice dev, int mark) {
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(96));
        skb.reserve(32);
        skb.put(60);
        org.agrona.UnsafeApi.setMemory(skb.dataAddress(), 60, (byte) 0);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        skb.mark = mark;
        Dev.devQueueXmit(cpu, skb);
        cpu.localBhEnable();
    }

    private static Qdisc modify(NetDevice dev, Verb verb, int parent, int handle, String kind, String... args) {
        return SchApi.modify(dev, verb, parent, handle, kind, List.of(args));
    }

    private static String show(NetDevice dev) {
        TcPrint p = new TcPrint(false);
        SchApi.show(dev, p, false);
        return p.toString();
    }

    @Test
    void shouldAddChangeReplaceAndDelete() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            NetDevice dev = device(kernel, 1);
            Qdisc q = modify(dev, Verb.ADD, ROOT, 0x10000, "pfifo", "limit", "5");
            assertThat(show(dev)).isEqualTo("qdisc pfifo 1: dev eth0 root refcnt 2 limit 5p\n");
            assertThat(modify(dev, Verb.CHANGE, ROOT, 0, "pfifo", "limit", "7")).isSameAs(q);
            assertThat(q.limit).isEqualTo(7);
            assertThatThrownBy(() -> modify(dev, Verb.ADD, ROOT, 0, "fq"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("Error: Exclusivity flag on, cannot modify.");
            assertThatThrownBy(() -> modify(dev, Verb.CHANGE, ROOT, 0, "fq"))
                    .hasMessage("Error: Invalid qdisc name: must match existing qdisc.");
            assertThatThrownBy(() -> modify(dev, Verb.ADD, 0x50001, 0, "fq"))
                    .hasMessage("Error: Failed to find specified qdisc.");
            assertThatThrownBy(() -> modify(dev, Verb.REPLACE, ROOT, 0, "nonsense"))
                    .hasMessage("Error: Specified qdisc kind is unknown.");
            Qdisc fq = modify(dev, Verb.REPLACE, ROOT, 0, "fq");
            assertThat(fq.handle).isEqualTo(0x80010000);
            SchApi.delete(dev, ROOT);
            assertThat(dev.qdisc.id()).isEqualTo("pfifo_fast");
            assertThatThrownBy(() -> SchApi.delete(dev, ROOT))
                    .hasMessage("Error: Cannot delete qdisc with handle of zero.");
        }
    }

    /** Grafting under a class keeps what the leaf held, and the accounts above it. */
    @Test
    void shouldGraftALeafWithItsBacklog() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            NetDevice dev = device(kernel, 1);
            Qdisc red = modify(dev, Verb.ADD, ROOT, 0x10000, "red");
            busy = true;
            for (int i = 0; i < 20; i++) {
                send(kernel, dev, i);
            }
            assertThat(red.currentQlen()).isEqualTo(20);
            Qdisc leaf = modify(dev, Verb.ADD, 0x10001, 0x100000, "fq_codel");
            assertThat(show(dev))
                    .startsWith("qdisc red 1: dev eth0 root refcnt 2 ")
                    .contains("\nqdisc fq_codel 10: dev eth0 parent 1:1 limit 10240p ");
            assertThat(red.currentQlen()).isEqualTo(20);
            assertThat(leaf.currentQlen()).isPositive();
            modify(dev, Verb.REPLACE, 0x10001, 0x200000, "pfifo", "limit", "5");
            assertThat(red.currentBacklog()).isEqualTo(60L * red.currentQlen());
            int left = red.currentQlen();
            busy = false;
            Cpu cpu = kernel.localBhDisable(0);
            dev.wakeAllQueues(cpu);
            cpu.localBhEnable();
            kernel.scheduler().sleep(1_000_000);
            assertThat(sent).hasSize(left).isSorted();
            assertThat(red.currentQlen()).isZero();
            assertThat(red.currentBacklog()).isZero();
            TcPrint classes = new TcPrint(false);
            SchApi.showClasses(dev, classes, false);
            assertThat(classes.toString()).startsWith("class red 1:1 root leaf 20: ");
        }
    }

    @Test
    void shouldReplaceTheQdiscOfOneQueueUnderMq() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            NetDevice dev = device(kernel, 2);
            modify(dev, Verb.REPLACE, ROOT, 0x10000, "mq");
            modify(dev, Verb.ADD, 0x10002, 0x20000, "fq_codel");
            assertThat(dev.tx[1].qdisc.id()).isEqualTo("fq_codel");
            assertThat(dev.tx[0].qdisc.id()).isEqualTo("pfifo_fast");
            assertThat(SchApi.lookup(dev, 0x20000)).isSameAs(dev.tx[1].qdisc);
            assertThat(show(dev)).contains("qdisc fq_codel 2: dev eth0 parent 1:2 limit");
            SchApi.delete(dev, 0x10002);
            assertThat(dev.tx[1].qdisc.id()).isEqualTo("pfifo_fast");
        }
    }
}
