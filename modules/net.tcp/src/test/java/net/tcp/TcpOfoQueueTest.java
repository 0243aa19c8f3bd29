package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Random;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TcpOfoQueueTest {
    private static final long SEED = 31;
    private static final int STREAM = 40_000;

    /** Reference: one flag per byte. Random overlapping segments in random order; FIN at the end. */
    @Test
    void shouldReassembleAnything() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        for (int round = 0; round < 40; round++) {
            try (TcpBench b = new TcpBench()) {
                TcpSock tp = b.tp;
                int base = random.nextInt();
                tp.rcvNxt = base;
                tp.copiedSeq = base;
                tp.rcvWup = base;
                tp.rcvbuf = 1 << 24;
                boolean[] have = new boolean[STREAM + 1];
                while (tp.rcvNxt != base + STREAM) {
                    int from = random.nextInt(STREAM);
                    if (random.nextInt(4) == 0) {
                        from = tp.rcvNxt - base;
                    }
                    int length = Math.min(STREAM - from, 1 + random.nextInt(2500));
                    for (int i = from; i < from + length; i++) {
                        have[i] = true;
                    }
                    tp.rcvWup = tp.rcvNxt;
                    TcpDataQueue.tcpDataQueue(b.cpu, tp, b.segment(base + from, length, 0, TcpHdr.ACK, 0));
                    int next = 0;
                    while (have[next]) {
                        next++;
                    }
                    assertThat(tp.rcvNxt - base).isEqualTo(next);
                    checkOfo(tp, base, have);
                    checkSacks(tp, base, have);
                }
                checkStream(tp, base);
                assertThat(tp.outOfOrderQueue.isEmpty()).isTrue();
                assertThat(tp.bytesReceived).isEqualTo(STREAM);
            }
        }
    }

    private static void checkOfo(TcpSock tp, int base, boolean[] have) {
        SkBuff last = null;
        for (SkBuff skb = tp.outOfOrderQueue.first(); skb != null; skb = tp.outOfOrderQueue.next(skb)) {
            assertThat(TcpSeq.after(TcpSkbCb.endSeq(skb), tp.rcvNxt)).isTrue();
            if (last != null) {
                assertThat(TcpSeq.after(TcpSkbCb.seq(skb), TcpSkbCb.seq(last))).isTrue();
            }
            last = skb;
        }
        assertThat(tp.oooLastSkb).isSameAs(last);
    }

    /** Each reported block is a range that is really there, and ends where the data does. */
    private static void checkSacks(TcpSock tp, int base, boolean[] have) {
        for (int i = 0; i < tp.rxOpt.numSacks; i++) {
            int from = tp.selectiveAcks[2 * i] - base;
            int to = tp.selectiveAcks[2 * i + 1] - base;
            assertThat(from).isLessThan(to);
            for (int j = from; j < to; j++) {
                assertThat(have[j]).isTrue();
            }
            assertThat(from).isGreaterThan(tp.rcvNxt - base);
        }
    }

    private static void checkStream(TcpSock tp, int base) {
        int seq = base;
        SkBuff skb = tp.receiveQueue.peek();
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocate(1 << 17).address();
            while (skb != null) {
                int offset = seq - TcpSkbCb.seq(skb);
                assertThat(offset).isGreaterThanOrEqualTo(0);
                int n = skb.len - offset;
                if (n > 0) {
                    skb.copyBits(offset, address, n);
                    for (int i = 0; i < n; i++) {
                        assertThat(UnsafeApi.getByte(address + i)).isEqualTo(TcpBench.streamByte(seq + i));
                    }
                    seq += n;
                }
                skb = tp.receiveQueue.peekNext(skb);
            }
        }
        assertThat(seq).isEqualTo(base + STREAM);
    }
}
