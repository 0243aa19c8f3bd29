package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Random;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A buffer far too small for a peer that sends crumbs: data is collapsed and pruned, and none is corrupted. */
@Timeout(60)
class TcpRcvMemTest {
    private static final long SEED = 77;
    private static final int STREAM = 60_000;

    private static int read(TcpBench b, int from, long scratch) {
        TcpSock tp = b.tp;
        int seq = from;
        for (SkBuff skb = tp.receiveQueue.peek(); skb != null; skb = tp.receiveQueue.peek()) {
            int offset = seq - TcpSkbCb.seq(skb);
            assertThat(offset).isGreaterThanOrEqualTo(0);
            int n = skb.len - offset;
            if (n > 0) {
                skb.copyBits(offset, scratch, n);
                for (int i = 0; i < n; i++) {
                    assertThat(UnsafeApi.getByte(scratch + i)).isEqualTo(TcpBench.streamByte(seq + i));
                }
                seq += n;
            }
            tp.receiveQueue.unlink(skb);
            skb.kfree(b.cpu, SkbDropReason.CONSUMED);
        }
        tp.copiedSeq = seq;
        return seq;
    }

    @Test
    void shouldKeepEveryByteUnderPressure() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        long collapsed = 0;
        long pruned = 0;
        for (int round = 0; round < 20; round++) {
            try (TcpBench b = new TcpBench();
                    Arena arena = Arena.ofConfined()) {
                long scratch = arena.allocate(1 << 20).address();
                TcpSock tp = b.tp;
                int base = random.nextInt();
                tp.rcvNxt = base;
                tp.copiedSeq = base;
                tp.rcvWup = base;
                tp.rcvbuf = 50_000 + random.nextInt(100_000);
                tp.sysctl.tcpRmem[2] = tp.rcvbuf;
                int read = base;
                while (read != base + STREAM) {
                    int from = tp.rcvNxt - base;
                    if (random.nextInt(3) == 0) {
                        from = Math.min(STREAM - 1, from + random.nextInt(3000));
                    }
                    if (from < STREAM) {
                        int length = Math.min(STREAM - from, 1 + random.nextInt(300));
                        tp.rcvWup = tp.rcvNxt;
                        TcpDataQueue.tcpDataQueue(b.cpu, tp, b.segment(base + from, length, 0, TcpHdr.ACK, 0));
                    }
                    if (random.nextInt(200) == 0 || tp.rcvNxt == base + STREAM) {
                        read = read(b, read, scratch);
                        assertThat(read).isEqualTo(tp.rcvNxt);
                    }
                }
                collapsed += tp.net.mib().read("TcpExtTCPRcvCollapsed");
                pruned += tp.net.mib().read("TcpExtPruneCalled");
                tp.outOfOrderQueue.purge(b.cpu, SkbDropReason.QUEUE_PURGE);
                assertThat(tp.rmemAlloc()).isZero();
            }
        }
        assertThat(collapsed).isPositive();
        assertThat(pruned).isPositive();
    }
}
