package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

/** Splitting, trimming and joining keep every byte, every number and every count. */
class TcpFragmentTest {
    private static void checkBytes(TcpBench b, SkBuff skb) {
        Page page = b.cpu.allocPage(32768);
        assertThat(skb.copyBits(0, page.address(), skb.len)).isZero();
        for (int i = 0; i < skb.len; i++) {
            assertThat(UnsafeApi.getByte(page.address() + i)).isEqualTo(TcpBench.streamByte(TcpSkbCb.seq(skb) + i));
        }
        page.put(b.cpu);
    }

    private static int truesize(TcpSock tp) {
        int sum = 0;
        for (SkBuff skb = tp.rtxQueueHead(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            sum += skb.truesize;
        }
        return sum;
    }

    @Test
    void shouldSplitASentSegment() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.sent(1, 5, 10);
            TcpSkbCb.orTcpFlags(skb, TcpSkbCb.TCPHDR_PSH);
            TcpSkbCb.sacked(skb, TcpSkbCb.TCPCB_LOST);
            b.tp.lostOut = 5;
            assertThat(TcpFragment.tcpFragment(b.cpu, b.tp, true, skb, 2000, 1000))
                    .isZero();
            SkBuff rest = b.tp.tcpRtxQueue.next(skb);
            assertThat(skb.len).isEqualTo(2000);
            assertThat(TcpSkbCb.pcount(skb)).isEqualTo(2);
            assertThat(TcpSkbCb.endSeq(skb)).isEqualTo(2001);
            assertThat(TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_PSH).isZero();
            assertThat(rest.len).isEqualTo(3000);
            assertThat(TcpSkbCb.seq(rest)).isEqualTo(2001);
            assertThat(TcpSkbCb.pcount(rest)).isEqualTo(3);
            assertThat(TcpSkbCb.tcpFlags(rest) & TcpSkbCb.TCPHDR_PSH).isNotZero();
            assertThat(TcpSkbCb.sacked(rest)).isEqualTo(TcpSkbCb.TCPCB_LOST);
            assertThat(b.tp.tsortedTail).isSameAs(rest);
            assertThat(b.tp.packetsOut).isEqualTo(5);
            assertThat(b.tp.lostOut).isEqualTo(5);
            checkBytes(b, skb);
            checkBytes(b, rest);
        }
    }

    @Test
    void shouldCountSegmentsAnewWhenTheMssChanges() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.sent(1, 4, 10);
            TcpSkbCb.sacked(skb, TcpSkbCb.TCPCB_LOST | TcpSkbCb.TCPCB_SACKED_RETRANS);
            b.tp.lostOut = 4;
            b.tp.retransOut = 4;
            TcpFragment.tcpFragment(b.cpu, b.tp, true, skb, 2000, 500);
            assertThat(b.tp.packetsOut).isEqualTo(8);
            assertThat(b.tp.lostOut).isEqualTo(8);
            assertThat(b.tp.retransOut).isEqualTo(8);
        }
    }

    @Test
    void shouldTrimWhatWasAcknowledged() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.sent(1, 9, 10);
            int queued = b.tp.wmemQueued;
            assertThat(TcpFragment.tcpTrimHead(b.cpu, b.tp, skb, 4500)).isZero();
            assertThat(TcpSkbCb.seq(skb)).isEqualTo(4501);
            assertThat(skb.len).isEqualTo(4500);
            assertThat(TcpSkbCb.pcount(skb)).isEqualTo(5);
            assertThat(b.tp.wmemQueued).isEqualTo(queued - 4500);
            checkBytes(b, skb);
        }
    }

    @Test
    void shouldJoinSmallSegmentsWhenRetransmitting() {
        try (TcpBench b = new TcpBench()) {
            SkBuff first = small(b, 1, 100);
            small(b, 101, 200);
            SkBuff last = small(b, 301, 900);
            TcpFragment.retransTryCollapse(b.cpu, b.tp, first, 1000);
            assertThat(first.len).isEqualTo(300);
            assertThat(TcpSkbCb.endSeq(first)).isEqualTo(301);
            assertThat(b.tp.tcpRtxQueue.next(first)).isSameAs(last);
            assertThat(b.tp.packetsOut).isEqualTo(2);
            assertThat(b.tp.wmemQueued).isEqualTo(truesize(b.tp));
            checkBytes(b, first);
        }
    }

    private static SkBuff small(TcpBench b, int seq, int length) {
        SkBuff skb = b.data(seq, length);
        TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_ACK);
        TcpSkbCb.pcount(skb, 1);
        TcpQueues.charge(b.tp, skb);
        TcpQueues.rtxInsert(b.tp, skb);
        TcpTsorted.addTail(b.tp, skb);
        b.tp.packetsOut++;
        b.tp.sndNxt = seq + length;
        return skb;
    }

    /** Against a plain model: a stream cut at random places stays the same stream, and every charge is accounted for. */
    @Test
    void shouldKeepTheStreamUnderRandomCuts() {
        long seed = 7;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 30; round++) {
            try (TcpBench b = new TcpBench()) {
                for (int i = 0; i < 4; i++) {
                    b.sent(1 + i * 8000, 8, 10);
                }
                for (int cut = 0; cut < 20; cut++) {
                    SkBuff skb = b.tp.rtxQueueHead();
                    for (int skip = random.nextInt(4 + cut); skip > 0 && b.tp.tcpRtxQueue.next(skb) != null; skip--) {
                        skb = b.tp.tcpRtxQueue.next(skb);
                    }
                    if (skb.len > 1) {
                        TcpFragment.tcpFragment(b.cpu, b.tp, true, skb, 1 + random.nextInt(skb.len - 1), 1000);
                    }
                }
                int seq = 1;
                int segs = 0;
                for (SkBuff skb = b.tp.rtxQueueHead(); skb != null; skb = b.tp.tcpRtxQueue.next(skb)) {
                    assertThat(TcpSkbCb.seq(skb)).as("seed " + seed).isEqualTo(seq);
                    assertThat(TcpSkbCb.endSeq(skb)).isEqualTo(seq + skb.len);
                    checkBytes(b, skb);
                    seq += skb.len;
                    segs += TcpSkbCb.pcount(skb);
                }
                assertThat(seq).isEqualTo(32_001);
                assertThat(b.tp.packetsOut).isEqualTo(segs);
                assertThat(b.tp.wmemQueued).isEqualTo(truesize(b.tp));
            }
        }
    }
}
