package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import net.core.dev.QdiscClassOps;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.sched.cls.TcfFilters;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

/** The hooks on a device's way in and out. */
class ClsactTest {
    private static final int IN = 0xFFFFFFF2;
    private static final int OUT = 0xFFFFFFF3;

    private static SkBuff packet(Cpu cpu, NetDevice dev) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(128));
        skb.reserve(32);
        skb.put(60);
        UnsafeApi.setMemory(skb.dataAddress(), 60, (byte) 0);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        return skb;
    }

    /** Each verdict does to a packet what its name says, on the way out; without filters nothing is asked. */
    @Test
    void shouldFilterWhatGoesOut() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            int[] sent = {0};
            NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
                sent[0]++;
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, 1, 1);
            EthHdr.etherSetup(dev);
            dev.register();
            dev.open();
            Qdisc q = SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "clsact", List.of());
            assertThat(q.describe(false)).startsWith("qdisc clsact ffff: parent ffff:fff1 ");
            int[] verdict = {TcfBlock.TC_ACT_UNSPEC};
            QdiscClassOps cops = Objects.requireNonNull(q.classOps());
            cops.setFilters(Objects.requireNonNull(cops.find(OUT)), (cpu, skb) -> {
                assertThat(skb.tcAtIngress).isFalse();
                return verdict[0];
            });
            int[] verdicts = {TcfBlock.TC_ACT_UNSPEC, TcfBlock.TC_ACT_OK, TcfBlock.TC_ACT_SHOT, TcfBlock.TC_ACT_STOLEN};
            for (int v : verdicts) {
                verdict[0] = v;
                Cpu cpu = kernel.localBhDisable(0);
                Dev.devQueueXmit(cpu, packet(cpu, dev));
                cpu.localBhEnable();
            }
            assertThat(sent[0]).isEqualTo(2);
            assertThat(q.currentPackets()).isEqualTo(4);
            assertThat(q.currentDrops()).isOne();
            assertThatThrownBy(() -> SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "ingress", List.of()))
                    .isInstanceOf(UserError.class);
            SchApi.delete(dev, TcHandle.INGRESS);
            assertThat(dev.tcEgress).isNull();
            dev.unregister();
        }
    }

    /** On the way in a packet that is shot never reaches its protocol; matchall lets it by. */
    @Test
    void shouldFilterWhatComesIn() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            NetDevice dev = new NetDevice(kernel.initNet(), "eth0", ops, 1, 1);
            EthHdr.etherSetup(dev);
            dev.register();
            dev.open();
            int[] arrived = {0};
            dev.rxHandler = (cpu, skb) -> {
                assertThat(skb.tcIndex).isEqualTo(0x10);
                arrived[0]++;
                skb.consume(cpu);
                return NetDevice.RxHandler.RX_HANDLER_CONSUMED;
            };
            Qdisc q = SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "ingress", List.of());
            QdiscClassOps cops = Objects.requireNonNull(q.classOps());
            assertThat(cops.find(OUT)).isNull();
            TcfFilters filters = new TcfFilters();
            filters.change(kernel.initNet(), 0, 0, TcfFilters.ETH_P_ALL, "matchall", 0, List.of("flowid", "ffff:10"));
            boolean[] shoot = {false};
            cops.setFilters(
                    Objects.requireNonNull(cops.find(IN)),
                    (cpu, skb) -> shoot[0] ? TcfBlock.TC_ACT_SHOT : filters.classify(cpu, skb));
            for (int i = 0; i < 2; i++) {
                Cpu cpu = kernel.localBhDisable(0);
                SkBuff skb = packet(cpu, dev);
                skb.pull(14);
                Dev.netifReceiveSkb(cpu, skb);
                cpu.localBhEnable();
                shoot[0] = true;
            }
            assertThat(arrived[0]).isOne();
            assertThat(q.currentDrops()).isOne();
            dev.unregister();
        }
    }
}
