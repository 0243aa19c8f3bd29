package net.tcp;

import static net.tcp.TcpConst.TCP_NAGLE_CORK;
import static net.tcp.TcpConst.TCP_NAGLE_OFF;
import static net.tcp.TcpConst.TCP_NAGLE_PUSH;
import static org.assertj.core.api.Assertions.assertThat;

import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** Decisions before a segment goes out. */
class TcpSendTestsTest {
    @Test
    void shouldAdmitHalfAWindowAtOnce() {
        try (TcpBench b = new TcpBench()) {
            b.tp.setSndCwnd(10);
            assertThat(TcpSendTests.cwndTest(b.tp)).isEqualTo(5);
            b.tp.packetsOut = 7;
            assertThat(TcpSendTests.cwndTest(b.tp)).isEqualTo(3);
            b.tp.packetsOut = 10;
            assertThat(TcpSendTests.cwndTest(b.tp)).isZero();
            b.tp.packetsOut = 0;
            b.tp.setSndCwnd(1);
            assertThat(TcpSendTests.cwndTest(b.tp)).isEqualTo(1);
        }
    }

    @Test
    void shouldHoldASmallSegmentBehindASmallOneOnly() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.data(1001, 100);
            b.tp.sndUna = 1;
            b.tp.sndUp = 1;
            b.tp.sndNxt = 1001;
            b.tp.packetsOut = 1;
            b.tp.sndSml = 1; // the last small one is acknowledged
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, 0)).isTrue();
            b.tp.sndSml = 1001; // it is out
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, 0)).isFalse();
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 100, 0)).isTrue();
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, TCP_NAGLE_OFF)).isTrue();
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, TCP_NAGLE_CORK)).isFalse();
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, TCP_NAGLE_CORK | TCP_NAGLE_PUSH))
                    .isTrue();
            TcpSkbCb.orTcpFlags(skb, TcpSkbCb.TCPHDR_FIN);
            assertThat(TcpSendTests.nagleTest(b.tp, skb, 1000, TCP_NAGLE_CORK)).isTrue();
            b.tp.packetsOut = 0;
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldSplitAtWholeSegmentsUnlessTheRestMayGo() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = b.data(1, 3500);
            b.tp.sendQueue.addTail(skb);
            TcpQueues.charge(b.tp, skb);
            b.tp.sndUna = 1;
            b.tp.sndWnd = 100_000;
            assertThat(TcpSendTests.mssSplitPoint(b.tp, skb, 1000, 10, 0)).isEqualTo(3500);
            assertThat(TcpSendTests.mssSplitPoint(b.tp, skb, 1000, 10, TCP_NAGLE_CORK))
                    .isEqualTo(3000);
            assertThat(TcpSendTests.mssSplitPoint(b.tp, skb, 1000, 2, 0)).isEqualTo(2000);
            b.tp.sndWnd = 2700;
            assertThat(TcpSendTests.mssSplitPoint(b.tp, skb, 1000, 10, TCP_NAGLE_CORK))
                    .isEqualTo(2000);
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1000)).isTrue();
            b.tp.sndWnd = 999;
            assertThat(TcpSendTests.sndWndTest(b.tp, skb, 1000)).isFalse();
        }
    }

    @Test
    void shouldNeverMakeAPacketLongerThanIpAllows() {
        try (TcpBench b = new TcpBench()) {
            b.tp.gsoMaxSize = 65536;
            int goal = TcpMss.xmitSizeGoal(b.tp, 1448, true);
            assertThat(goal % 1448).isZero();
            assertThat(goal + 60 + 60).isLessThanOrEqualTo(65535);
            assertThat(TcpMss.xmitSizeGoal(b.tp, 1448, false)).isEqualTo(1448);
            b.tp.maxWindow = 4000;
            assertThat(TcpMss.xmitSizeGoal(b.tp, 1448, true)).isEqualTo(1448);
        }
    }
}
