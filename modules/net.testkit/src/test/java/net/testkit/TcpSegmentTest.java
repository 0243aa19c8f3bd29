package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.Gso;
import net.core.dev.NetdevFeatures;
import net.skbuff.Checksum;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Software segmentation of packets that come with another checksum state than those of our own TCP. */
class TcpSegmentTest {
    private static final int HEADERS = 14 + 20 + 20;
    private static final int MSS = 1000;
    private static final int BYTES = 3500;

    @ParameterizedTest
    @CsvSource({"0, true", "1, true", "3, true", "0, false", "1, false", "3, false"})
    void shouldGiveEachSegmentItsChecksum(int ipSummed, boolean deviceSums) {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            Cpu cpu = kernel.localBhDisable(0);
            SkBuff skb = large(cpu, ipSummed);
            long features = deviceSums ? NetdevFeatures.NETIF_F_HW_CSUM | NetdevFeatures.NETIF_F_SG : 0;
            SkBuff first = Objects.requireNonNull(Gso.skbGsoSegment(cpu, skb, features, true));
            int segments = 0;
            for (SkBuff seg = first; seg != null; seg = seg.next) {
                if (seg.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
                    assertThat(Gso.skbChecksumHelp(cpu, seg)).isZero();
                }
                assertThat(seg.ipSummed).as("left to nobody").isEqualTo(SkBuff.CHECKSUM_NONE);
                long ip = seg.networkAddress();
                int length = seg.len - 34;
                int pseudo = Checksum.tcpUdpNofold(be32(ip + 12), be32(ip + 16), length, 6, 0);
                assertThat(Checksum.fold(seg.checksum(34, length, pseudo)))
                        .as("segment %d", segments)
                        .isZero();
                segments++;
            }
            assertThat(segments).isEqualTo(4);
            skb.consume(cpu);
            SkBuff.freeList(cpu, first, SkbDropReason.CONSUMED);
            cpu.localBhEnable();
        }
    }

    private static SkBuff large(Cpu cpu, int ipSummed) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(HEADERS + BYTES));
        skb.put(HEADERS + BYTES);
        long eth = skb.dataAddress();
        UnsafeApi.setMemory(eth, HEADERS, (byte) 0);
        for (int i = 0; i < BYTES; i++) {
            UnsafeApi.putByte(eth + HEADERS + i, (byte) (i * 7));
        }
        EthHdr.setType(eth, EthHdr.ETH_P_IP);
        long ip = eth + 14;
        UnsafeApi.putByte(ip, (byte) 0x45);
        putBe16(ip + 2, 40 + BYTES);
        UnsafeApi.putByte(ip + 8, (byte) 64);
        UnsafeApi.putByte(ip + 9, (byte) 6);
        putBe16(ip + 14, 0x0102);
        putBe16(ip + 18, 0x0304);
        UnsafeApi.putByte(ip + 32, (byte) 0x50);
        UnsafeApi.putByte(ip + 33, (byte) 0x18);
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(14);
        skb.setTransportHeader(34);
        skb.ipSummed = ipSummed;
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = 16;
        // What an earlier layer left in the control block is no checksum.
        skb.cb1 = 0x5a5a5a5a;
        skb.cb2 = 0x33333333;
        skb.cb3 = 77;
        skb.shinfo().gsoSize = MSS;
        skb.shinfo().gsoSegs = 4;
        skb.shinfo().gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
        return skb;
    }

    private static int be32(long at) {
        return Integer.reverseBytes(UnsafeApi.getInt(at));
    }

    private static void putBe16(long at, int value) {
        UnsafeApi.putShort(at, Short.reverseBytes((short) value));
    }
}
