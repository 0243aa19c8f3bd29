package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.UserError;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeviceTest {
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue");
    private final Net net = kernel.initNet();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void shouldNumberAndNameDevices() {
        StubDevice a = new StubDevice(net, "eth%d", 1, 0);
        StubDevice b = new StubDevice(net, "eth%d", 1, 0);
        a.dev.register();
        b.dev.register();
        assertThat(a.dev.name()).isEqualTo("eth0");
        assertThat(b.dev.name()).isEqualTo("eth1");
        assertThat(net.devices.byName("eth1")).isSameAs(b.dev);
        assertThat(net.devices.byIndex(a.dev.ifindex)).isSameAs(a.dev);
        assertThat(net.devices.byIndex(99)).isNull();
        assertThatThrownBy(() -> new StubDevice(net, "eth1", 1, 0).dev.register())
                .isInstanceOf(UserError.class)
                .hasMessageContaining("already a device \"eth1\"");
        b.dev.unregister();
        assertThat(net.devices.byName("eth1")).isNull();
    }

    @Test
    void shouldTellListenersWhatHappens() {
        List<Integer> events = new ArrayList<>();
        StubDevice a = new StubDevice(net, "eth0", 1, 0);
        DevGlobals.of(kernel).netdevChain.register((event, dev) -> {
            if (dev == a.dev) {
                events.add(event);
            }
            return 0;
        });
        a.dev.register();
        assertThat(a.dev.open()).isZero();
        assertThat(a.dev.setMtu(1400)).isZero();
        assertThat(a.dev.setMtu(9000)).isEqualTo(-Errno.EINVAL);
        a.dev.carrierOff();
        a.dev.carrierOff();
        a.dev.unregister();
        assertThat(events)
                .containsExactly(
                        NetdevEvent.NETDEV_REGISTER,
                        NetdevEvent.NETDEV_PRE_UP,
                        NetdevEvent.NETDEV_UP,
                        NetdevEvent.NETDEV_CHANGEMTU,
                        NetdevEvent.NETDEV_CHANGE,
                        NetdevEvent.NETDEV_GOING_DOWN,
                        NetdevEvent.NETDEV_DOWN,
                        NetdevEvent.NETDEV_UNREGISTER);
    }

    @Test
    void shouldKeepFeaturesThatGoTogether() {
        long all = NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_ALL_TSO;
        StubDevice a = new StubDevice(net, "eth0", 1, all);
        a.dev.register();
        assertThat(a.dev.features & all).isEqualTo(all);
        a.dev.setFeatures(NetdevFeatures.NETIF_F_HW_CSUM, false);
        assertThat(a.dev.features & NetdevFeatures.NETIF_F_ALL_TSO).isZero();
        a.dev.setFeatures(NetdevFeatures.NETIF_F_HW_CSUM, true);
        assertThat(a.dev.features & all).isEqualTo(all);
        a.dev.setFeatures(NetdevFeatures.NETIF_F_SG, false);
        assertThat(a.dev.features & (NetdevFeatures.NETIF_F_ALL_TSO | NetdevFeatures.NETIF_F_GSO))
                .isZero();
        assertThat(a.dev.setFeatures(NetdevFeatures.NETIF_F_RXHASH, true)).isEqualTo(-Errno.EOPNOTSUPP);
        assertThat(NetdevFeatures.describe(a.dev.features)).contains("scatter-gather: off\n");
    }

    @Test
    void shouldClassifyFramesByTheirDestination() {
        StubDevice a = StubDevice.up(net, "eth0");
        Cpu cpu = kernel.localBhDisable(0);
        byte[][] dest = {a.dev.devAddr, {2, 0, 0, 0, 0, 7}, {1, 0, 0x5e, 0, 0, 1}, {-1, -1, -1, -1, -1, -1}};
        int[] expected = {SkBuff.PACKET_HOST, SkBuff.PACKET_OTHERHOST, SkBuff.PACKET_MULTICAST, SkBuff.PACKET_BROADCAST
        };
        for (int i = 0; i < dest.length; i++) {
            SkBuff skb = Frames.tcp(cpu, a.dev, 1, 2, 3, 4, 5, 6);
            EthHdr.putAddr(skb.dataAddress(), dest[i]);
            assertThat(EthHdr.ethTypeTrans(skb, a.dev)).isEqualTo(EthHdr.ETH_P_IP);
            assertThat(skb.pktType).isEqualTo(expected[i]);
            assertThat(skb.len).isEqualTo(46);
            skb.consume(cpu);
        }
        cpu.localBhEnable();
    }

    @Test
    void shouldHashBothDirectionsAndAllFragmentsOfAFlowAlike() {
        StubDevice a = StubDevice.up(net, "eth0");
        Cpu cpu = kernel.localBhDisable(0);
        int there = hash(cpu, a, 1, 2, 3, 4, 0);
        assertThat(hash(cpu, a, 2, 1, 4, 3, 0)).isEqualTo(there);
        assertThat(hash(cpu, a, 1, 2, 3, 5, 0)).isNotEqualTo(there);
        assertThat(hash(cpu, a, 1, 2, 4, 3, 0)).isNotEqualTo(there);
        int first = hash(cpu, a, 1, 2, 3, 4, 0x2000);
        assertThat(hash(cpu, a, 1, 2, 77, 78, 0x2005)).isEqualTo(first);
        assertThat(first).isNotEqualTo(there);
        cpu.localBhEnable();
    }

    private static int hash(Cpu cpu, StubDevice a, int s, int d, int sp, int dp, int frag) {
        SkBuff skb = Frames.tcp(cpu, a.dev, s, d, sp, dp, 0, 0);
        EthHdr.putBe16(skb.networkAddress() + 6, frag);
        int h = FlowDissector.getHash(cpu, skb);
        assertThat(skb.l4Hash).isEqualTo(frag == 0);
        assertThat(h).isNotZero();
        skb.consume(cpu);
        return h;
    }

    @Test
    void shouldSurviveRandomBytesInTheDissector() {
        StubDevice a = StubDevice.up(net, "eth0");
        long seed = 7;
        Random r = new Random(seed);
        Cpu cpu = kernel.localBhDisable(0);
        int[] types = {EthHdr.ETH_P_IP, EthHdr.ETH_P_IPV6, EthHdr.ETH_P_8021Q, EthHdr.ETH_P_ARP};
        for (int i = 0; i < 20_000; i++) {
            int len = r.nextInt(120);
            SkBuff skb = java.util.Objects.requireNonNull(cpu.allocSkb(len + 1));
            skb.put(len);
            for (int j = 0; j < len; j++) {
                org.agrona.UnsafeApi.putByte(skb.dataAddress() + j, (byte) r.nextInt());
            }
            if (len > 10 && r.nextBoolean()) {
                org.agrona.UnsafeApi.putByte(skb.dataAddress() + 9, (byte) new int[] {4, 41, 47, 6, 17}[r.nextInt(5)]);
                org.agrona.UnsafeApi.putByte(skb.dataAddress(), (byte) 0x45);
                EthHdr.putBe16(skb.dataAddress() + 6, 0);
            }
            skb.dev = a.dev;
            skb.protocol = types[r.nextInt(4)];
            skb.resetNetworkHeader();
            assertThat(FlowDissector.getHash(cpu, skb)).isNotZero();
            skb.consume(cpu);
        }
        cpu.localBhEnable();
    }

    @Test
    void shouldPickATransmitQueueByCpuOrHash() {
        StubDevice a = new StubDevice(net, "eth0", 4, 0);
        a.dev.register();
        a.dev.open();
        Cpu cpu = kernel.localBhDisable(0);
        boolean[] seen = new boolean[4];
        for (int i = 0; i < 64; i++) {
            SkBuff skb = Frames.tcp(cpu, a.dev, 1, 2, i, 80, i, 0);
            Dev.devQueueXmit(cpu, skb);
            seen[skb.queueMapping] = true;
        }
        assertThat(seen).containsOnly(true);
        a.dev.xpsCpus = new int[] {3};
        SkBuff skb = Frames.tcp(cpu, a.dev, 1, 2, 3, 80, 4, 0);
        Dev.devQueueXmit(cpu, skb);
        assertThat(skb.queueMapping).isEqualTo(3);
        a.complete(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldLearnHowManyBytesKeepTheRingBusy() {
        Dql dql = new Dql();
        // A device that sends 3000 bytes between completions; the stack always has more.
        long now = 0;
        for (int round = 0; round < 2000; round++) {
            while (dql.avail() >= 0) {
                dql.queued(1500);
            }
            now += 1_000_000;
            dql.completed(Math.min(dql.inflight(), 3000), now);
        }
        assertThat(dql.limit()).isBetween(1500, 12_000);
        assertThat(dql.inflight()).isBetween(1500, 15_000);
    }
}
