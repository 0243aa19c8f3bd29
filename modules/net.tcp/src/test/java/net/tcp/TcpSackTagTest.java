package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TcpSackTagTest {
    private static final int MSS = TcpBench.MSS;
    private static final long SEED = 4711;

    private static int sackedInQueue(TcpSock tp) {
        int n = 0;
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            if ((TcpSkbCb.sacked(skb) & TcpSkbCb.TCPCB_SACKED_ACKED) != 0) {
                n += TcpSkbCb.pcount(skb);
            }
        }
        return n;
    }

    private static void ack(TcpBench b, int... blocks) {
        SkBuff ack = b.sack(b.tp.sndUna, blocks);
        TcpScratch s = TcpScratch.of(b.cpu);
        s.sack.reset();
        s.rate.reset();
        TcpSackTag.tcpSacktagWriteQueue(b.cpu, b.tp, ack, b.tp.sndUna, s);
        ack.consume(b.cpu);
    }

    @Test
    void shouldMarkWhatABlockCovers() {
        try (TcpBench b = new TcpBench()) {
            int base = b.tp.sndUna;
            for (int i = 0; i < 10; i++) {
                b.sent(base + i * MSS, 1, 900_000 + i);
            }
            ack(b, base + 3 * MSS, base + 5 * MSS);
            assertThat(b.tp.sackedOut).isEqualTo(2);
            assertThat(TcpSackTag.highestSackSeq(b.tp)).isEqualTo(base + 5 * MSS);
            ack(b, base + 3 * MSS, base + 7 * MSS, base + MSS, base + 2 * MSS);
            assertThat(b.tp.sackedOut).isEqualTo(5);
            assertThat(TcpSackTag.highestSackSeq(b.tp)).isEqualTo(base + 7 * MSS);
        }
    }

    @Test
    void shouldSplitAPacketThatIsCoveredInPart() {
        try (TcpBench b = new TcpBench()) {
            int base = b.tp.sndUna;
            b.sent(base, 10, 900_000);
            ack(b, base + 4 * MSS, base + 6 * MSS);
            assertThat(b.tp.sackedOut).isEqualTo(2);
            assertThat(sackedInQueue(b.tp)).isEqualTo(2);
            assertThat(b.tp.packetsOut).isEqualTo(10);
        }
    }

    /** Reference: one flag per segment. Receivers report random growing blocks, whole segments, in random order. */
    @Test
    void shouldAgreeWithOneFlagPerSegment() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        for (int round = 0; round < 60; round++) {
            try (TcpBench b = new TcpBench()) {
                int base = random.nextInt();
                b.tp.sndUna = base;
                b.tp.sndNxt = base;
                int n = 0;
                while (n < 60) {
                    int segs = 1 + random.nextInt(6);
                    b.sent(base + n * MSS, segs, 900_000 + n);
                    n += segs;
                }
                boolean[] sacked = new boolean[n];
                int acks = 1 + random.nextInt(40);
                for (int a = 0; a < acks; a++) {
                    int count = 1 + random.nextInt(3);
                    int[] blocks = new int[2 * count];
                    for (int i = 0; i < count; i++) {
                        int from = 1 + random.nextInt(n - 1);
                        int to = Math.min(n, from + 1 + random.nextInt(8));
                        // A receiver reports whole runs: widen over what is known already.
                        while (from > 1 && sacked[from - 1]) {
                            from--;
                        }
                        while (to < n && sacked[to]) {
                            to++;
                        }
                        blocks[2 * i] = base + from * MSS;
                        blocks[2 * i + 1] = base + to * MSS;
                    }
                    if (count > 1 && inside(blocks)) {
                        continue; // would be a D-SACK
                    }
                    for (int i = 0; i < count; i++) {
                        for (int s = (blocks[2 * i] - base) / MSS; s < (blocks[2 * i + 1] - base) / MSS; s++) {
                            sacked[s] = true;
                        }
                    }
                    ack(b, blocks);
                    int expected = 0;
                    int highest = 0;
                    for (int s = 0; s < n; s++) {
                        if (sacked[s]) {
                            expected++;
                            highest = s + 1;
                        }
                    }
                    assertThat(b.tp.sackedOut).as("round %d ack %d", round, a).isEqualTo(expected);
                    assertThat(sackedInQueue(b.tp)).isEqualTo(expected);
                    assertThat(TcpSackTag.highestSackSeq(b.tp)).isEqualTo(base + highest * MSS);
                    checkQueue(b.tp, base, n);
                }
            }
        }
    }

    private static boolean inside(int[] blocks) {
        return !TcpSeq.after(blocks[1], blocks[3]) && !TcpSeq.before(blocks[0], blocks[2]);
    }

    private static void checkQueue(TcpSock tp, int base, int n) {
        int seq = base;
        int segs = 0;
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            assertThat(TcpSkbCb.seq(skb)).isEqualTo(seq);
            assertThat(skb.len).isEqualTo(TcpSkbCb.endSeq(skb) - seq);
            assertThat(TcpSkbCb.pcount(skb)).isEqualTo((skb.len + MSS - 1) / MSS);
            seq = TcpSkbCb.endSeq(skb);
            segs += TcpSkbCb.pcount(skb);
        }
        assertThat(segs).isEqualTo(n);
        assertThat(tp.packetsOut).isEqualTo(n);
    }
}
