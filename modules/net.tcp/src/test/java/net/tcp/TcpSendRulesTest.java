package net.tcp;

import static net.tcp.TcpConst.TCP_NAGLE_CORK;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.sock.Sock;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** Both sides of each bound that holds a segment back: windows, Nagle, TSO deferral, pacing, small queues. */
class TcpSendRulesTest {
    private static final long MS = 1_000_000;

    @Test
    void shouldSendTheFirstSegmentThatFitsIntoThePeersWindow() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.data(5001, 1500);
            b.tp.sndUna = 5001;
            b.tp.sndWnd = 1000;
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1000)).isTrue();
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1001)).isFalse();
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1500)).as("all of it").isFalse();
            b.tp.sndWnd = 1500;
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1500)).isTrue();
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 2000)).isTrue();
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldRememberTheLastSmallSegment() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = b.data(1, 2999);
            TcpSkbCb.pcount(skb, 3);
            TcpSendTests.minshallUpdate(tp, 1000, skb);
            assertThat(tp.sndSml).isEqualTo(3000);
            SkBuff full = b.data(3000, 3000);
            TcpSkbCb.pcount(full, 3);
            TcpSendTests.minshallUpdate(tp, 1000, full);
            assertThat(tp.sndSml).as("no small one").isEqualTo(3000);
            tp.sndUna = 2999;
            tp.sndNxt = 3000;
            assertThat(TcpSendTests.minshallCheck(tp)).isTrue();
            tp.sndNxt = 2999;
            assertThat(TcpSendTests.minshallCheck(tp)).as("never sent").isFalse();
            tp.sndUna = 3000;
            tp.sndNxt = 9000;
            assertThat(TcpSendTests.minshallCheck(tp)).as("acknowledged").isFalse();
            skb.consume(b.cpu);
            full.consume(b.cpu);
        }
    }

    @Test
    void shouldAskNagleOnlyWithDataInFlight() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            tp.sndUna = 1;
            tp.sndSml = 500;
            tp.sndNxt = 500;
            assertThat(TcpSendTests.nagleCheck(true, tp, 0)).isFalse();
            tp.packetsOut = 1;
            assertThat(TcpSendTests.nagleCheck(true, tp, 0)).isTrue();
            assertThat(TcpSendTests.nagleCheck(false, tp, TCP_NAGLE_CORK)).isFalse();
            SkBuff skb = b.data(500, 10);
            tp.sndUp = 1;
            assertThat(TcpSendTests.nagleTest(tp, skb, 1000, 0)).isFalse();
            tp.sndUp = 400;
            assertThat(TcpSendTests.urgMode(tp)).isTrue();
            assertThat(TcpSendTests.nagleTest(tp, skb, 1000, 0)).as("urgent").isTrue();
            tp.packetsOut = 0;
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldSizeBurstsByRateAndDistance() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            int max = 65_536 - 321; // of the kernel's GSO packets, less room for headers
            tp.gsoMaxSize = 65_536;
            tp.pacingShift = 10;
            tp.pacingRate = 10_000L << 10;
            tp.sysctl.tcpTsoRttLog = 9;
            tp.rttMin.reset(0, 32 << 9); // 16 ms: far
            assertThat(TcpSendTests.tsoAutosize(tp, 1000, 2)).isEqualTo(10);
            assertThat(TcpSendTests.tsoAutosize(tp, 1000, 11)).isEqualTo(11);
            tp.rttMin.reset(0, 3 << 9);
            assertThat(TcpSendTests.tsoAutosize(tp, 1000, 2))
                    .as("an eighth of the largest more")
                    .isEqualTo((10_000 + max / 8) / 1000);
            tp.rttMin.reset(0, 0);
            assertThat(TcpSendTests.tsoAutosize(tp, 1000, 2)).isEqualTo(max / 1000);
            tp.gsoMaxSegs = 7;
            assertThat(TcpSendTests.tsoSegs(tp, 1000)).isEqualTo(7);
            tp.gsoMaxSegs = 200;
            assertThat(TcpSendTests.tsoSegs(tp, 1000)).isEqualTo(max / 1000);
            tp.pacingRate = 0;
            tp.rttMin.reset(0, 32 << 9);
            assertThat(TcpSendTests.tsoSegs(tp, 1000)).as("tcp_min_tso_segs").isEqualTo(2);
        }
    }

    @Test
    void shouldSplitAtTheWindowOrTheBurst() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff first = b.data(1001, 3500);
            SkBuff last = b.data(4501, 100);
            tp.sendQueue.addTail(first);
            tp.sendQueue.addTail(last);
            TcpQueues.charge(tp, first);
            TcpQueues.charge(tp, last);
            tp.sndUna = 1001;
            tp.sndWnd = 4000;
            int[][] rows = { // window, segments at most, bytes with and without cork
                {4000, 4, 4000, 4000}, // more follows: the caller bounds it by the packet
                {3999, 4, 3000, 3500},
                {3000, 3, 3000, 3000},
                {2999, 3, 2000, 2999},
                {3500, 2, 2000, 2000},
            };
            for (int[] row : rows) {
                tp.sndWnd = row[0];
                assertThat(TcpSendTests.mssSplitPoint(tp, first, 1000, row[1], TCP_NAGLE_CORK))
                        .isEqualTo(row[2]);
                assertThat(TcpSendTests.mssSplitPoint(tp, first, 1000, row[1], 0))
                        .isEqualTo(row[3]);
            }
        }
    }

    // ---- TSO deferral

    /** A long segment that waits, the next ACK being near; each test then takes away one reason. */
    private static SkBuff waiting(TcpBench b, int length) {
        TcpSock tp = b.tp;
        b.sent(1, 2, 0);
        SkBuff skb = b.data(2001, length);
        tp.sendQueue.addTail(skb);
        TcpQueues.charge(tp, skb);
        tp.sndUna = 1;
        tp.sndWnd = 100_000;
        tp.setSndCwnd(10);
        tp.packetsOut = 8; // two segments may go
        tp.tcpClockCache = 100 * MS;
        tp.tcpWstampNs = 100 * MS;
        tp.srttUs = 8 * 1000; // 1 ms
        b.tp.rtxQueueHead().skbMstampNs = 100 * MS - 500_000;
        return skb;
    }

    private static boolean defers(TcpBench b, SkBuff skb, int maxSegs) {
        TcpPcpu out = TcpPcpu.of(b.cpu);
        out.isCwndLimited = false;
        out.isRwndLimited = false;
        return TcpSendTests.tsoShouldDefer(out, b.tp, skb, maxSegs);
    }

    @Test
    void shouldWaitForALargerBurst() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = waiting(b, 9000);
            TcpPcpu out = TcpPcpu.of(b.cpu);
            assertThat(defers(b, skb, 10)).isTrue();
            assertThat(out.isCwndLimited).isTrue();
            assertThat(out.isRwndLimited).isFalse();
            tp.icskCaState = TcpConst.TCP_CA_RECOVERY;
            assertThat(defers(b, skb, 10)).as("recovery").isFalse();
            tp.icskCaState = TcpConst.TCP_CA_CWR;
            assertThat(defers(b, skb, 10)).isTrue();
            tp.tcpWstampNs = 99 * MS;
            assertThat(defers(b, skb, 10)).isTrue();
            tp.tcpWstampNs = 99 * MS - 1;
            assertThat(defers(b, skb, 10))
                    .as("idle for more than a millisecond")
                    .isFalse();
            tp.tcpWstampNs = 100 * MS;
            assertThat(defers(b, skb, 2)).as("as large as it may be").isFalse();
            assertThat(defers(b, skb, 3)).isTrue();
            tp.packetsOut = 2;
        }
    }

    @Test
    void shouldNotWaitIfAPartOfTheWindowIsFree() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = waiting(b, 9000);
            tp.packetsOut = 7;
            assertThat(defers(b, skb, 10))
                    .as("3000 of 10,000 bytes, a third is more")
                    .isTrue();
            tp.sysctl.tcpTsoWinDivisor = 4;
            assertThat(defers(b, skb, 10)).isFalse();
            tp.sysctl.tcpTsoWinDivisor = 5;
            tp.packetsOut = 8;
            assertThat(defers(b, skb, 10)).as("exactly a fifth").isFalse();
            tp.sysctl.tcpTsoWinDivisor = 3;
            tp.sndWnd = 8000; // six thousand beyond what is out
            assertThat(defers(b, skb, 10))
                    .as("the smaller window counts: 2000 of 2666")
                    .isTrue();
            tp.sndWnd = 6000;
            assertThat(defers(b, skb, 10)).as("2000 of 2000").isFalse();
            tp.sndWnd = 100_000;
            tp.sysctl.tcpTsoWinDivisor = 0;
            tp.packetsOut = 7;
            assertThat(defers(b, skb, 10)).as("three segments").isTrue();
            tp.packetsOut = 6;
            assertThat(defers(b, skb, 10)).as("four").isFalse();
            tp.packetsOut = 2;
        }
    }

    @Test
    void shouldNotWaitForAnAckThatIsFar() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = waiting(b, 9000);
            SkBuff head = b.tp.rtxQueueHead();
            head.skbMstampNs = 100 * MS - 499_999;
            assertThat(defers(b, skb, 10)).as("half a round trip").isFalse();
            tp.srttUs = 8 * 10_000;
            head.skbMstampNs = 91 * MS;
            assertThat(defers(b, skb, 10)).as("a millisecond").isTrue();
            head.skbMstampNs = 91 * MS + 1;
            assertThat(defers(b, skb, 10)).isFalse();
            tp.packetsOut = 2;
        }
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.data(2001, 9000);
            b.tp.sendQueue.addTail(skb);
            TcpQueues.charge(b.tp, skb);
            b.tp.sndUna = 2001;
            b.tp.setSndCwnd(10);
            b.tp.packetsOut = 8;
            assertThat(defers(b, skb, 10)).as("nothing is out").isFalse();
            b.tp.packetsOut = 0;
        }
    }

    @Test
    void shouldSayWhatItWaitsFor() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            TcpPcpu out = TcpPcpu.of(b.cpu);
            SkBuff skb = waiting(b, 2000);
            assertThat(defers(b, skb, 10)).as("2000 admitted, 2000 there").isTrue();
            assertThat(out.isCwndLimited).isTrue();
            tp.packetsOut = 7;
            assertThat(defers(b, skb, 10)).as("the application has no more").isTrue();
            assertThat(out.isCwndLimited).isFalse();
            TcpSkbCb.eor(skb, true);
            assertThat(defers(b, skb, 10)).as("none will join").isFalse();
            TcpSkbCb.eor(skb, false);
            TcpSkbCb.orTcpFlags(skb, TcpSkbCb.TCPHDR_FIN);
            assertThat(defers(b, skb, 10)).isFalse();
            TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_ACK);
            tp.sndWnd = 4000; // two thousand beyond what is out
            tp.sysctl.tcpTsoWinDivisor = 1;
            assertThat(defers(b, skb, 10)).isTrue();
            assertThat(out.isRwndLimited).isTrue();
            assertThat(out.isCwndLimited).isFalse();
            tp.sndWnd = 4001;
            assertThat(defers(b, skb, 10)).isTrue();
            assertThat(out.isRwndLimited).isFalse();
            SkBuff more = b.data(4001, 10);
            tp.sendQueue.addTail(more);
            TcpQueues.charge(tp, more);
            tp.sndWnd = 4000;
            assertThat(defers(b, skb, 10))
                    .as("all of it may go, and more follows")
                    .isFalse();
            tp.sndWnd = 3999;
            assertThat(defers(b, skb, 10)).isTrue();
            tp.packetsOut = 2;
        }
    }

    // ---- pacing

    @Test
    void shouldHoldASegmentBackUntilItsTime() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            long now = b.cpu.nowNs();
            tp.tcpClockCache = now;
            tp.tcpWstampNs = now + 5 * MS;
            tp.pacingStatus = Sock.SK_PACING_NONE;
            assertThat(TcpSendTests.pacingCheck(b.cpu, tp)).isFalse();
            tp.pacingStatus = Sock.SK_PACING_FQ;
            assertThat(TcpSendTests.pacingCheck(b.cpu, tp)).as("fq does it").isFalse();
            assertThat(tp.pacingTimer).isNull();
            tp.pacingStatus = Sock.SK_PACING_NEEDED;
            tp.tcpWstampNs = now;
            assertThat(TcpSendTests.pacingCheck(b.cpu, tp))
                    .as("its time has come")
                    .isFalse();
            tp.tcpWstampNs = now + 5 * MS;
            assertThat(TcpSendTests.pacingCheck(b.cpu, tp)).isTrue();
            assertThat(tp.pacingTimer).isNotNull();
            assertThat(tp.pacingTimer.pending()).isTrue();
            assertThat(tp.pacingTimer.expiresNs).isEqualTo(now + 5 * MS);
            tp.tcpWstampNs = now + 7 * MS;
            assertThat(TcpSendTests.pacingCheck(b.cpu, tp)).isTrue();
            assertThat(tp.pacingTimer.expiresNs).as("it runs").isEqualTo(now + 5 * MS);
            assertThat(TcpSendTests.pacingDelay(tp)).isEqualTo(7);
            tp.tcpWstampNs = now - 3 * MS;
            assertThat(TcpSendTests.pacingDelay(tp)).isZero();
            tp.pacingTimer.cancel();
        }
    }

    // ---- small queues

    /** Is a connection with so many bytes below held back? */
    private static boolean throttled(TcpBench b, SkBuff skb, int below, int factor) {
        TcpSock tp = b.tp;
        TcpTsq.clear(tp, TcpConst.TSQF_THROTTLED);
        tp.wmemAllocAdd(below);
        boolean held = TcpSendTests.smallQueueCheck(tp, skb, factor);
        tp.wmemAllocAdd(-below);
        assertThat((tp.tsqFlags & TcpConst.TSQF_THROTTLED) != 0)
                .as("it is woken")
                .isEqualTo(held);
        return held;
    }

    @Test
    void shouldKeepTheQueuesBelowSmall() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            SkBuff skb = b.data(9001, 1000);
            int two = 2 * skb.truesize;
            b.sent(1, 1, 0);
            tp.pacingShift = 10;
            tp.pacingRate = 0;
            tp.pacingStatus = Sock.SK_PACING_NEEDED;
            tp.sysctl.tcpLimitOutputBytes = 50_000;
            assertThat(throttled(b, skb, two + 100_000, 0))
                    .as("one packet on the queue is no reason")
                    .isFalse();
            b.sent(1001, 1, 0);
            b.sent(2001, 1, 0);
            assertThat(throttled(b, skb, two, 0)).as("two packets").isFalse();
            assertThat(throttled(b, skb, two + 1, 0)).isTrue();
            assertThat(throttled(b, skb, 2 * two, 1))
                    .as("a retransmission may have more")
                    .isFalse();
            assertThat(throttled(b, skb, 2 * two + 1, 1)).isTrue();
            tp.pacingRate = 100_000L << 10;
            assertThat(throttled(b, skb, 100_000, 0))
                    .as("a millisecond at the rate")
                    .isFalse();
            assertThat(throttled(b, skb, 100_001, 0)).isTrue();
            tp.pacingStatus = Sock.SK_PACING_NONE;
            assertThat(throttled(b, skb, 50_000, 0))
                    .as("tcp_limit_output_bytes")
                    .isFalse();
            assertThat(throttled(b, skb, 50_001, 0)).isTrue();
            tp.tcpTxDelay = 1 << 9; // rate * delay / 2^19: the rate of a millisecond again
            assertThat(throttled(b, skb, 150_000, 0)).as("TCP_TX_DELAY").isFalse();
            assertThat(throttled(b, skb, 150_001, 0)).isTrue();
            tp.pacingRate = Long.MAX_VALUE;
            assertThat(throttled(b, skb, 50_001, 0)).as("no rate is known").isTrue();
            assertThat(throttled(b, skb, 50_000, 0)).isFalse();
            skb.consume(b.cpu);
        }
    }
}
