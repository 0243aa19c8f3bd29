package drivers.veth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.dev.PacketType;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDestructor;
import net.skbuff.SkbOwner;
import net.skbuff.SkbSharedInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VethTest {
    private static final int TYPE = 0x88B5; // local experimental

    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue");
    private final Net left = kernel.newNet("left");
    private final Net right = kernel.newNet("right");
    private final List<Integer> marks = new ArrayList<>();
    private final List<Integer> lens = new ArrayList<>();
    private final List<String> devs = new ArrayList<>();
    private final List<Integer> gso = new ArrayList<>();
    private final List<Boolean> softirq = new ArrayList<>();
    private NetDevice a;
    private NetDevice b;

    @BeforeEach
    void setUp() {
        a = Veth.create(left, "veth0", right, "veth0");
        b = Objects.requireNonNull(Veth.peerOf(a));
        Dev.addPack(kernel, new PacketType(TYPE) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                marks.add(skb.tcIndex);
                lens.add(skb.len);
                devs.add(dev.toString());
                gso.add(skb.shinfo().gsoSize);
                softirq.add(cpu.inSoftirq());
                assertThat(skb.sk).isNull();
                assertThat(skb.dst).isNull();
                assertThat(skb.pktType).isEqualTo(SkBuff.PACKET_HOST);
                skb.consume(cpu);
                return 0;
            }
        });
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private void up() {
        assertThat(a.open()).isZero();
        assertThat(b.open()).isZero();
    }

    private int send(Cpu cpu, NetDevice from, int id, int len) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(64 + 14 + len));
        skb.reserve(64);
        skb.put(14 + len);
        long eth = skb.dataAddress();
        EthHdr.putAddr(eth, Objects.requireNonNull(Veth.peerOf(from)).devAddr);
        EthHdr.putAddr(eth + 6, from.devAddr);
        EthHdr.setType(eth, TYPE);
        skb.setNetworkHeader(14);
        skb.dev = from;
        skb.protocol = TYPE;
        skb.tcIndex = id;
        skb.mark = 77;
        return Dev.devQueueXmit(cpu, skb);
    }

    @Test
    void shouldHaveACarrierOnlyWhenBothEndsAreUp() {
        assertThat(a.carrierOk()).isFalse();
        a.open();
        assertThat(a.carrierOk()).isFalse();
        b.open();
        assertThat(a.carrierOk()).isTrue();
        assertThat(b.carrierOk()).isTrue();
        b.close();
        assertThat(a.carrierOk()).isFalse();
    }

    @Test
    void shouldCarryFramesAcrossNamespacesAndNeverInline() {
        up();
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 100; i++) {
            assertThat(send(cpu, a, i, 100)).isZero();
        }
        send(cpu, b, 1000, 50);
        assertThat(marks).isEmpty();
        cpu.localBhEnable();
        assertThat(marks).hasSize(101).isSorted();
        assertThat(softirq).containsOnly(true);
        assertThat(devs).startsWith("veth0@right").endsWith("veth0@left");
        assertThat(a.getStats().txPackets).isEqualTo(100);
        assertThat(a.getStats().txBytes).isEqualTo(11_400);
        assertThat(b.getStats().rxPackets).isEqualTo(100);
        assertThat(b.getStats().rxBytes).isEqualTo(11_400);
        assertThat(b.getStats().txPackets).isEqualTo(1);
    }

    @Test
    void shouldPassLargePacketsWhole() {
        up();
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(200));
        skb.reserve(64);
        skb.put(54);
        EthHdr.setType(skb.dataAddress(), TYPE);
        EthHdr.putAddr(skb.dataAddress(), b.devAddr);
        EthHdr.putAddr(skb.dataAddress() + 6, a.devAddr);
        org.agrona.UnsafeApi.putByte(skb.dataAddress() + 34 + 12, (byte) 0x50);
        skb.setNetworkHeader(14);
        skb.setTransportHeader(34);
        for (int i = 0; i < 4; i++) {
            Page p = Objects.requireNonNull(cpu.allocPage(16_000));
            skb.addFrag(p, 0, 15_000, 16_000);
        }
        SkbSharedInfo info = skb.shinfo();
        info.gsoSize = 1460;
        info.gsoSegs = 42;
        info.gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = 16;
        skb.dev = a;
        skb.protocol = TYPE;
        assertThat(Dev.devQueueXmit(cpu, skb)).isZero();
        cpu.localBhEnable();
        assertThat(lens).containsExactly(60_040);
        assertThat(gso).containsExactly(1460);
    }

    @Test
    void shouldReleaseTheSenderWhenThePacketLeavesItsNamespace() {
        up();
        int[] released = {0};
        SkbDestructor d = skb -> released[0]++;
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(200));
        skb.reserve(64);
        skb.put(60);
        EthHdr.setType(skb.dataAddress(), TYPE);
        EthHdr.putAddr(skb.dataAddress(), b.devAddr);
        skb.setNetworkHeader(14);
        skb.dev = a;
        skb.protocol = TYPE;
        skb.setOwner(new SkbOwner() {}, d);
        Dev.devQueueXmit(cpu, skb);
        assertThat(released[0]).isEqualTo(1);
        cpu.localBhEnable();
        assertThat(marks).hasSize(1);
    }

    @Test
    void shouldDropWhenThePeerIsDown() {
        a.open();
        Cpu cpu = kernel.localBhDisable(0);
        send(cpu, a, 1, 100);
        cpu.localBhEnable();
        assertThat(a.getStats().txDropped).isEqualTo(1);
        assertThat(marks).isEmpty();
    }

    @Test
    void shouldDropWhatIsLargerThanThePeersMtu() {
        up();
        a.setMtu(9000);
        Cpu cpu = kernel.localBhDisable(0);
        send(cpu, a, 1, 1500);
        send(cpu, a, 2, 3000);
        cpu.localBhEnable();
        assertThat(marks).containsExactly(1);
    }

    @Test
    void shouldPollItsRingWhenGroIsOn() {
        b.setFeatures(NetdevFeatures.NETIF_F_GRO, true);
        up();
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 300; i++) {
            send(cpu, a, i, 60);
        }
        assertThat(marks).isEmpty();
        cpu.localBhEnable();
        // The ring holds 256; without a qdisc the rest is lost.
        assertThat(marks).hasSize(256).isSorted();
        assertThat(a.getStats().txDropped).isEqualTo(44);
        assertThat(b.getStats().rxPackets).isEqualTo(256);
        assertThat(b.getStats().rxBytes).isEqualTo(256 * 74);
    }

    @Test
    void shouldHoldBackInAQdiscWhenTheRingIsFull() {
        b.setFeatures(NetdevFeatures.NETIF_F_GRO, true);
        up();
        DevGlobals.of(kernel).qdiscs.register(new TestFifo());
        DevGlobals.of(kernel).qdiscs.attachRoot(a, "fifo");
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 900; i++) {
            send(cpu, a, i, 60);
        }
        cpu.localBhEnable();
        kernel.scheduler().sleep(50_000_000);
        assertThat(marks).hasSize(900).isSorted();
        assertThat(a.getStats().txDropped).isZero();
    }

    @Test
    void shouldTurnNapiOnAndOffWhileUp() {
        up();
        b.setFeatures(NetdevFeatures.NETIF_F_GRO, true);
        Cpu cpu = kernel.localBhDisable(0);
        send(cpu, a, 1, 60);
        cpu.localBhEnable();
        b.setFeatures(NetdevFeatures.NETIF_F_GRO, false);
        cpu = kernel.localBhDisable(0);
        send(cpu, a, 2, 60);
        cpu.localBhEnable();
        assertThat(marks).containsExactly(1, 2);
    }

    @Test
    void shouldTakeItsPeerAlong() {
        up();
        a.unregister();
        assertThat(left.devices.byName("veth0")).isNull();
        assertThat(right.devices.byName("veth0")).isNull();
        assertThat(b.open()).isEqualTo(-Errno.ENODEV);
    }

    @Test
    void shouldBeOfAnotherAddressEach() {
        assertThat(EthHdr.isValidAddr(a.devAddr)).isTrue();
        assertThat(a.devAddr).isNotEqualTo(b.devAddr);
        assertThat(a.devAddr[0] & 2).isEqualTo(2);
    }
}
