package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.Checksum;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbCache;
import net.skbuff.SkbDropReason;
import net.skbuff.UbufInfo;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GroGsoTest {
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue");
    private final List<byte[]> up = new ArrayList<>();
    private final List<Integer> gsoSizes = new ArrayList<>();
    private final List<Integer> gsoSegs = new ArrayList<>();
    private StubDevice nic;
    private Napi napi;

    private static final class Napi extends NapiStruct {
        Napi(NetDevice dev) {
            super(dev, 64);
        }

        @Override
        protected int poll(Cpu cpu, int budget) {
            completeDone(cpu, 0);
            return 0;
        }
    }

    /** IP and TCP in one: merges segments that follow each other, splits by skbSegment. */
    private static final class ToyTcp implements OffloadCallbacks {
        @Override
        public SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) {
            skb.pull(40);
            SkBuff segs = SkbSegment.skbSegment(cpu, skb, features);
            skb.push(40);
            int seq = Frames.seq(skb);
            for (SkBuff s = segs; s != null; s = s.next) {
                long ip = s.networkAddress();
                EthHdr.putBe16(ip + 2, s.len - 14);
                EthHdr.putBe16(ip + 10, 0);
                EthHdr.putBe16(ip + 10, Checksum.ipFast(ip, 5));
                long th = s.transportAddress();
                Frames.put32(th + 4, seq);
                seq += s.len - Frames.HEADERS;
                int pseudo = Checksum.tcpUdpNofold(EthHdr.be32(ip + 12), EthHdr.be32(ip + 16), s.len - 34, 6, 0);
                EthHdr.putBe16(th + 16, Checksum.fold(pseudo) ^ 0xffff);
                if (s.ipSummed != SkBuff.CHECKSUM_PARTIAL) {
                    EthHdr.putBe16(th + 16, Gso.makeChecksum(s, pseudo));
                }
            }
            return segs;
        }

        @Override
        public SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) {
            long h = Gro.groHeader(cpu, skb, 40, 0);
            if (h == 0) {
                NapiGroCb.orFlush(skb, 1);
                return null;
            }
            int seq = EthHdr.be32(h + 24);
            int ports = EthHdr.be32(h + 20);
            Gro.groPull(skb, 40);
            SkBuff match = null;
            for (SkBuff p = held.first; p != null; p = p.next) {
                if (NapiGroCb.sameFlow(p)) {
                    if (EthHdr.be32(p.networkAddress() + 20) == ports) {
                        match = p;
                    } else {
                        NapiGroCb.setSameFlow(p, false);
                    }
                }
            }
            if (match == null) {
                return null;
            }
            int expected = EthHdr.be32(match.networkAddress() + 24) + match.len - 40;
            int mss = match.shinfo().gsoSize;
            int len = Gro.groLen(skb);
            if (seq != expected || len > mss || Gro.skbGroReceive(cpu, match, skb) != 0) {
                return match;
            }
            return len < mss ? match : null;
        }

        @Override
        public int groComplete(Cpu cpu, SkBuff skb, int nhoff) {
            skb.shinfo().gsoSegs = NapiGroCb.count(skb);
            return 0;
        }
    }

    @BeforeEach
    void setUp() {
        nic = StubDevice.up(kernel.initNet(), "eth0");
        napi = new Napi(nic.dev);
        napi.enable();
        DevGlobals.of(kernel).addOffload(EthHdr.ETH_P_IP, new ToyTcp());
        Dev.addPack(kernel, new PacketType(EthHdr.ETH_P_IP) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                up.add(Frames.bytes(skb, 40));
                gsoSizes.add(skb.shinfo().gsoSize);
                gsoSegs.add(skb.shinfo().gsoSegs);
                skb.consume(cpu);
                return 0;
            }
        });
    }

    @AfterEach
    void tearDown() {
        napi.disable();
        kernel.close();
    }

    private static byte[] payload(int seq, int len) {
        byte[] b = new byte[len];
        for (int i = 0; i < len; i++) {
            b[i] = (byte) (seq + i);
        }
        return b;
    }

    private int rx(Cpu cpu, int sport, int seq, int len) {
        return napi.groReceive(cpu, Frames.received(cpu, nic.dev, 1, 2, sport, 80, seq, len));
    }

    @Test
    void shouldMergeSegmentsThatFollowEachOther() {
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(rx(cpu, 5, 1000, 1000)).isEqualTo(Gro.GRO_HELD);
        for (int i = 1; i < 30; i++) {
            // Its page becomes a fragment; once there are too many, the packet goes on a list whole.
            assertThat(rx(cpu, 5, 1000 + i * 1000, 1000)).isIn(Gro.GRO_MERGED_FREE, Gro.GRO_MERGED);
        }
        assertThat(up).isEmpty();
        napi.gro().flush(cpu, false);
        napi.gro().normalList(cpu);
        cpu.localBhEnable();
        assertThat(up).hasSize(1);
        assertThat(up.getFirst()).isEqualTo(payload(1000, 30_000));
        assertThat(gsoSizes).containsExactly(1000);
        assertThat(gsoSegs).containsExactly(30);
        assertThat(napi.gro().merged).isEqualTo(29);
    }

    @Test
    void shouldHandUpBeforeAGapAndAfterAShortSegment() {
        Cpu cpu = kernel.localBhDisable(0);
        rx(cpu, 5, 0, 100);
        rx(cpu, 5, 100, 100);
        rx(cpu, 5, 300, 100); // gap: the first two go, this one is held
        rx(cpu, 5, 400, 40); // short: goes with it
        napi.gro().normalList(cpu);
        assertThat(up).hasSize(2);
        assertThat(up.get(0)).isEqualTo(payload(0, 200));
        assertThat(up.get(1)).isEqualTo(payload(300, 140));
        assertThat(napi.gro().heldCount()).isZero();
        cpu.localBhEnable();
    }

    @Test
    void shouldKeepFlowsApartAndBoundTheirNumber() {
        Cpu cpu = kernel.localBhDisable(0);
        for (int round = 0; round < 3; round++) {
            for (int flow = 0; flow < 8; flow++) {
                rx(cpu, flow, round * 100, 100);
            }
        }
        assertThat(napi.gro().heldCount()).isEqualTo(8);
        rx(cpu, 99, 0, 100);
        assertThat(napi.gro().heldCount()).isEqualTo(8);
        napi.gro().flush(cpu, false);
        napi.gro().normalList(cpu);
        cpu.localBhEnable();
        assertThat(up).hasSize(9);
        assertThat(up.subList(0, 8)).allSatisfy(b -> assertThat(b).isEqualTo(payload(0, 300)));
    }

    @Test
    void shouldKeepWhatIsOfThisJiffyWhenOnlyOldOnesAreFlushed() {
        Cpu cpu = kernel.localBhDisable(0);
        rx(cpu, 1, 0, 100);
        napi.gro().flush(cpu, true);
        assertThat(napi.gro().heldCount()).isEqualTo(1);
        cpu.localBhEnable();
        kernel.scheduler().sleep(2_000_000);
        cpu = kernel.localBhDisable(0);
        napi.gro().flush(cpu, true);
        assertThat(napi.gro().heldCount()).isZero();
        napi.gro().normalList(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldHandUpAtOnceWithoutGro() {
        nic.dev.setFeatures(NetdevFeatures.NETIF_F_GRO, false);
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(rx(cpu, 1, 0, 100)).isEqualTo(Gro.GRO_NORMAL);
        napi.gro().normalList(cpu);
        cpu.localBhEnable();
        assertThat(up).hasSize(1);
    }

    @Test
    void shouldStopAtTheLargestPacket() {
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 60; i++) {
            rx(cpu, 5, i * 1400, 1400);
        }
        napi.gro().flush(cpu, false);
        napi.gro().normalList(cpu);
        cpu.localBhEnable();
        assertThat(up.size()).isGreaterThan(1);
        assertThat(up).allSatisfy(b -> assertThat(b.length).isLessThan(65536));
        int total = up.stream().mapToInt(b -> b.length).sum();
        assertThat(total).isEqualTo(60 * 1400);
    }

    // ---- GSO

    /** Linear part, fragments and a fragment list, cut at random places. */
    private SkBuff random(Cpu cpu, Random r, int len) {
        int linear = r.nextInt(3) == 0 ? 0 : r.nextInt(Math.min(len, 3000) + 1);
        SkBuff skb = Frames.tcp(cpu, nic.dev, 1, 2, 3, 4, 0, linear);
        int rest = len - linear;
        int inFrags = r.nextBoolean() ? rest : r.nextInt(rest + 1);
        inFrags = Math.min(inFrags, 15 * 4000);
        if (inFrags > 0) {
            Frames.addFrags(cpu, skb, linear, inFrags, Math.max(inFrags / 15 + 1, 1 + r.nextInt(4000)));
        }
        int at = linear + inFrags;
        SkBuff tail = null;
        while (at < len) {
            int n = Math.min(len - at, 1 + r.nextInt(3000));
            SkBuff f = Objects.requireNonNull(cpu.allocSkb(n + 10));
            int lin = r.nextInt(n + 1);
            int t = f.put(lin);
            for (int i = 0; i < lin; i++) {
                org.agrona.UnsafeApi.putByte(f.head() + t + i, (byte) (at + i));
            }
            if (n > lin) {
                Frames.addFrags(cpu, f, at + lin, n - lin, Math.max(1, (n - lin + 3) / 4));
            }
            if (tail == null) {
                skb.shinfo().fragList = f;
            } else {
                tail.next = f;
            }
            tail = f;
            skb.len += n;
            skb.dataLen += n;
            skb.truesize += f.truesize;
            at += n;
        }
        EthHdr.putBe16(skb.networkAddress() + 2, Math.min(65535, skb.len - 14));
        return skb;
    }

    @Test
    void shouldSegmentAnyGeometryAsTheReferenceDoes() {
        long seed = 20251122;
        Random r = new Random(seed);
        Cpu cpu = kernel.localBhDisable(0);
        for (int round = 0; round < 400; round++) {
            int len = 1 + r.nextInt(40_000);
            int mss = 1 + r.nextInt(round % 4 == 0 ? 9000 : 1500) + (len > 20_000 ? 500 : 20);
            SkBuff skb = Frames.gso(random(cpu, r, len), mss);
            long features = switch (round % 3) {
                case 0 -> 0;
                case 1 -> NetdevFeatures.NETIF_F_HW_CSUM;
                default -> NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_SG;
            };
            byte[] headers = Arrays.copyOf(Frames.bytes(skb, 0), 14 + 12);
            byte[] expected = payload(0, len);
            SkBuff segs = Gso.skbGsoSegment(cpu, skb, features, true);
            assertThat(segs).as("seed %d round %d", seed, round).isNotNull().isNotSameAs(skb);
            int at = 0;
            for (SkBuff s = segs; s != null; s = s.next) {
                int n = Math.min(mss, len - at);
                byte[] all = Frames.bytes(s, 0);
                assertThat(all.length).as("seed %d round %d", seed, round).isEqualTo(Frames.HEADERS + n);
                assertThat(Frames.seq(s)).isEqualTo(at);
                assertThat(Arrays.copyOf(all, 14)).isEqualTo(Arrays.copyOf(headers, 14));
                assertThat(Arrays.copyOfRange(all, Frames.HEADERS, all.length))
                        .as("seed %d round %d at %d", seed, round, at)
                        .isEqualTo(Arrays.copyOfRange(expected, at, at + n));
                if (features == 0) {
                    assertThat(s.ipSummed).isEqualTo(SkBuff.CHECKSUM_NONE);
                    assertThat(Frames.checksumRight(s)).isTrue();
                } else {
                    assertThat(s.ipSummed).isEqualTo(SkBuff.CHECKSUM_PARTIAL);
                    assertThat(Gso.skbChecksumHelp(cpu, s)).isZero();
                    assertThat(Frames.checksumRight(s)).isTrue();
                }
                at += n;
            }
            assertThat(at).isEqualTo(len);
            skb.consume(cpu);
            SkBuff.freeList(cpu, segs, SkbDropReason.CONSUMED);
        }
        cpu.localBhEnable();
        assertThat(kernel.memory().outstandingPages()).isZero();
    }

    @Test
    void shouldSegmentAndSumForADeviceWithoutOffloads() {
        nic.dev.setFeatures(nic.dev.features, false);
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Frames.gso(Frames.tcpFrags(cpu, nic.dev, 0, 10_000, 3000), 1460);
        assertThat(Dev.devQueueXmit(cpu, skb)).isZero();
        assertThat(nic.sent).containsExactly(0, 1460, 2920, 4380, 5840, 7300, 8760);
        assertThat(nic.ring).allSatisfy(s -> {
            assertThat(Frames.checksumRight(s)).isTrue();
            assertThat(s.isNonlinear()).isFalse();
        });
        nic.complete(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldPassALargePacketWholeToADeviceThatTakesIt() {
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Frames.gso(Frames.tcpFrags(cpu, nic.dev, 0, 10_000, 3000), 1460);
        Dev.devQueueXmit(cpu, skb);
        assertThat(nic.lengths).containsExactly(10_054);
        nic.complete(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldGatherAndSumAPlainPacketWhereNeeded() {
        nic.dev.setFeatures(nic.dev.features, false);
        Cpu cpu = kernel.localBhDisable(0);
        Dev.devQueueXmit(cpu, Frames.partial(Frames.tcpFrags(cpu, nic.dev, 0, 1000, 300)));
        SkBuff s = nic.ring.getFirst();
        assertThat(s.isNonlinear()).isFalse();
        assertThat(Frames.checksumRight(s)).isTrue();
        nic.complete(cpu);
        cpu.localBhEnable();
    }

    /** Segments that point into a program's memory keep it from being given back, though the whole packet is gone. */
    @Test
    void shouldHoldAProgramsMemoryUntilTheLastSegmentIsGone() {
        boolean[] complete = {false};
        UbufInfo ubuf = new UbufInfo() {
            @Override
            protected void complete(@Nullable SkbCache here, @Nullable SkBuff skb, boolean success) {
                complete[0] = true;
            }
        };
        Cpu cpu = kernel.localBhDisable(0);
        Page page = Objects.requireNonNull(cpu.allocPage(8000));
        SkBuff skb = Frames.tcp(cpu, nic.dev, 1, 2, 3, 4, 0, 0);
        skb.addFrag(page, 0, 8000, 8000);
        skb.zcopySet(ubuf);
        ubuf.put(skb, true);
        Frames.gso(skb, 1460);
        SkBuff segs = Gso.skbGsoSegment(cpu, skb, NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_SG, true);
        skb.consume(cpu);
        assertThat(complete[0]).as("with six segments under way").isFalse();
        SkBuff.freeList(cpu, segs, SkbDropReason.CONSUMED);
        assertThat(complete[0]).isTrue();
        cpu.localBhEnable();
    }
}
