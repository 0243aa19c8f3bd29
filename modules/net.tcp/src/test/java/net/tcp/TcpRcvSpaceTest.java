package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import net.core.sock.Sock;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** How large buffers and windows become; the numbers are worked out by hand from the rules, half of a buffer being payload. */
class TcpRcvSpaceTest {
    private static final int WINDOW = 1 << 20;

    private static TcpBench bench() {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        tp.scalingRatio = 128;
        tp.rcvbuf = 200_000;
        tp.windowClamp = WINDOW;
        tp.rcvSsthresh = 10_000;
        tp.icskAckRcvMss = 1000;
        tp.icskAckQuick = 0;
        return b;
    }

    // ---- round trip

    /** A segment of so many bytes echoes a stamp of {@code us} microseconds ago; returns the estimate, eighths of a microsecond. */
    private static int echo(TcpBench b, int us, int length) {
        b.tp.tcpUsecTs = true;
        b.tp.rxOpt.rcvTsecr = b.tp.timeStampTs() - us;
        SkBuff skb = b.data(1, length);
        TcpRcvSpace.tcpRcvRttMeasureTs(b.tp, skb);
        skb.consume(b.cpu);
        return b.tp.rcvRttEstRttUs;
    }

    @Test
    void shouldEstimateTheRoundTripFromEchoes() {
        try (TcpBench b = bench()) {
            assertThat(echo(b, 1000, 999)).as("not of full size").isZero();
            assertThat(echo(b, 1001, 1000)).as("the first counts in full").isEqualTo(8008);
            assertThat(echo(b, 1001, 1000)).isEqualTo(8008);
            assertThat(echo(b, 2000, 1000)).as("then an eighth of what is more").isEqualTo(8008 - 1001 + 2000);
            assertThat(echo(b, 500, 1000)).as("what is less counts at once").isEqualTo(4000);
            assertThat(echo(b, 0, 1000)).as("no time at all").isEqualTo(4000);
            b.tp.rcvNxt = b.tp.copiedSeq + 1;
            assertThat(echo(b, 3000, 1000)).as("the application is slow").isEqualTo(4000);
            assertThat(echo(b, 400, 1000)).isEqualTo(3200);
        }
    }

    @Test
    void shouldLookAtEachEchoOnce() {
        try (TcpBench b = bench()) {
            assertThat(echo(b, 1000, 500)).isZero();
            assertThat(echo(b, 1000, 1000)).as("seen with the short one").isZero();
            assertThat(echo(b, 999, 1000)).isEqualTo(7992);
        }
    }

    @Test
    void shouldEstimateTheRoundTripFromAWindowOfData() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.rcvNxt = 100;
            tp.rcvWnd = 5000;
            TcpRcvSpace.tcpRcvRttMeasure(tp);
            assertThat(tp.rcvRttEstSeq).isEqualTo(5100);
            assertThat(tp.rcvRttEstTime).isEqualTo(1_000_000);
            tp.tcpMstamp += 700;
            tp.rcvNxt = 5099;
            TcpRcvSpace.tcpRcvRttMeasure(tp);
            assertThat(tp.rcvRttEstRttUs).as("a byte is missing").isZero();
            tp.rcvNxt = 5100;
            TcpRcvSpace.tcpRcvRttMeasure(tp);
            assertThat(tp.rcvRttEstRttUs).isEqualTo(5600);
            assertThat(tp.rcvRttEstSeq).isEqualTo(10_100);
            tp.tcpMstamp += 900;
            tp.rcvNxt = 10_100;
            tp.copiedSeq = tp.rcvNxt;
            TcpRcvSpace.tcpRcvRttMeasure(tp);
            assertThat(tp.rcvRttEstRttUs)
                    .as("a window may take longer than a round trip")
                    .isEqualTo(5600);
            tp.rcvNxt = 15_100;
            TcpRcvSpace.tcpRcvRttMeasure(tp);
            assertThat(tp.rcvRttEstRttUs).as("a microsecond at least").isEqualTo(8);
        }
    }

    // ---- buffer

    private static int grown(TcpBench b, int oldSpace, int newSpace) {
        b.tp.rcvbuf = 50_000;
        b.tp.windowClamp = 777;
        b.tp.rcvqSpaceSpace = oldSpace;
        TcpRcvSpace.tcpRcvbufGrow(b.tp, newSpace);
        assertThat(b.tp.rcvqSpaceSpace).isEqualTo(newSpace);
        assertThat(b.tp.windowClamp).isEqualTo(b.tp.rcvbuf == 50_000 ? 777 : b.tp.rcvbuf / 2);
        return b.tp.rcvbuf;
    }

    @Test
    void shouldGrowTheBufferByWhatWasReadAndHowFastThatGrows() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            assertThat(grown(b, 0, 15_000))
                    .as("twice the bytes, at half payload")
                    .isEqualTo(60_000);
            assertThat(grown(b, 10_000, 15_000))
                    .as("half again as much, and that twice")
                    .isEqualTo(120_000);
            assertThat(grown(b, 10_000, 20_000)).isEqualTo(240_000);
            assertThat(grown(b, 12_500, 12_500)).as("as large as it is").isEqualTo(50_000);
            assertThat(grown(b, 100, 100)).as("never less").isEqualTo(50_000);
            tp.sysctl.tcpRmem[2] = 100_000;
            assertThat(grown(b, 10_000, 20_000)).as("up to tcp_rmem[2]").isEqualTo(100_000);
            tp.sysctl.tcpModerateRcvbuf = 0;
            assertThat(grown(b, 10_000, 20_000)).isEqualTo(50_000);
            tp.sysctl.tcpModerateRcvbuf = 1;
            tp.userlocks |= Sock.SOCK_RCVBUF_LOCK;
            assertThat(grown(b, 10_000, 20_000)).as("SO_RCVBUF").isEqualTo(50_000);
        }
    }

    @Test
    void shouldGrowTheBufferByWhatWaitsBehindAHole() {
        try (TcpBench b = bench()) {
            b.tp.rcvNxt = 1000;
            b.tp.copiedSeq = 1000;
            b.tp.rcvWup = 1000;
            TcpDataQueue.tcpDataQueue(b.cpu, b.tp, b.segment(7000, 500, 0, TcpHdr.ACK, 0));
            assertThat(grown(b, 0, 15_000)).isEqualTo(2 * (30_000 + 6500));
        }
    }

    @Test
    void shouldLookOnceARoundTripHowMuchWasRead() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            long now = b.cpu.nowNs() / 1000;
            tp.sysctl.tcpRmem[2] = 1 << 30;
            tp.rcvbuf = 50_000;
            tp.rcvqSpaceSpace = 28_000;
            tp.rcvqSpaceSeq = 1000;
            tp.copiedSeq = 31_000;
            tp.rcvNxt = 33_000; // 30,000 read, 2,000 wait
            tp.rcvqSpaceTime = now - 1000;
            tp.tcpMstamp = 0;
            TcpRcvSpace.tcpRcvSpaceAdjust(b.cpu, tp);
            assertThat(tp.rcvqSpaceSeq).as("no round trip is known").isEqualTo(1000);
            tp.rcvRttEstRttUs = 8008;
            TcpRcvSpace.tcpRcvSpaceAdjust(b.cpu, tp);
            assertThat(tp.rcvqSpaceSeq).as("too early").isEqualTo(1000);
            tp.rcvRttEstRttUs = 8000;
            TcpRcvSpace.tcpRcvSpaceAdjust(b.cpu, tp);
            assertThat(tp.rcvqSpaceSeq).isEqualTo(31_000);
            assertThat(tp.rcvqSpaceTime).isEqualTo(now);
            assertThat(tp.rcvbuf).as("no more than last time").isEqualTo(50_000);
            tp.rcvqSpaceSeq = 1000;
            tp.rcvqSpaceTime = now - 1000;
            tp.rcvqSpaceSpace = 27_999;
            TcpRcvSpace.tcpRcvSpaceAdjust(b.cpu, tp);
            assertThat(tp.rcvqSpaceSpace).isEqualTo(28_000);
            assertThat(tp.rcvbuf)
                    .as("56,000 and 2 * (56,000 / 27,999), of which half is payload")
                    .isEqualTo(112_008);
        }
    }

    // ---- window

    /** By how much the window opens for a packet. */
    private static int opened(TcpBench b, SkBuff skb, int truesize, int ssthresh, boolean adjust) {
        int real = skb.truesize;
        b.tp.rcvSsthresh = ssthresh;
        b.tp.icskAckQuick = 0;
        skb.truesize = truesize;
        TcpRcvSpace.tcpGrowWindow(b.cpu, b.tp, skb, adjust);
        skb.truesize = real;
        int by = b.tp.rcvSsthresh - ssthresh;
        assertThat(b.tp.icskAckQuick).as("a window that opens is told soon").isEqualTo(by == 0 ? 0 : 1);
        return by;
    }

    @Test
    void shouldOpenTheWindowForPacketsWorthTheirMemory() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.advmss = 1400;
            tp.icskAckRcvMss = 700;
            tp.sysctl.tcpRmem[2] = 400_000;
            SkBuff full = b.data(1, 1000);
            SkBuff crumb = b.data(1, 100);
            SkBuff large = b.data(1, 3000);
            assertThat(opened(b, full, 2000, 10_000, false))
                    .as("half is payload")
                    .isEqualTo(2800);
            assertThat(opened(b, full, 2002, 10_000, false)).as("a little less").isEqualTo(2000);
            assertThat(opened(b, large, 6000, 10_000, false))
                    .as("at least twice the packet")
                    .isEqualTo(6000);
            assertThat(opened(b, crumb, 800, 50_000, false))
                    .as("a quarter of the payload, at a quarter of tcp_rmem[2]")
                    .isEqualTo(1400);
            assertThat(opened(b, crumb, 800, 50_001, false)).isZero();
            assertThat(opened(b, crumb, 808, 50_000, false)).isZero();
            assertThat(opened(b, crumb, 808, 25_000, false)).isEqualTo(1400);
            assertThat(opened(b, full, 2000, 99_000, false))
                    .as("the room is less")
                    .isEqualTo(1000);
            assertThat(opened(b, full, 2000, 100_000, false)).as("no room").isZero();
            tp.windowClamp = 12_000;
            assertThat(opened(b, full, 2000, 11_500, false))
                    .as("TCP_WINDOW_CLAMP")
                    .isEqualTo(500);
            full.consume(b.cpu);
            crumb.consume(b.cpu);
            large.consume(b.cpu);
        }
    }

    @Test
    void shouldNotCountWhatJoiningFrees() {
        try (TcpBench b = bench()) {
            b.tp.advmss = 3000;
            b.tp.icskAckRcvMss = 1500;
            SkBuff skb = b.data(1, 1000);
            int shell = SkBuff.OVERHEAD_TRUESIZE + skb.end;
            assertThat(opened(b, skb, 2000 + shell, 10_000, true)).isEqualTo(6000);
            assertThat(opened(b, skb, 2002 + shell, 10_000, true)).isEqualTo(3000);
            assertThat(opened(b, skb, 2000 + shell, 10_000, false)).isEqualTo(3000);
            assertThat(opened(b, skb, 1000 + shell, 10_000, true)).isEqualTo(6000);
            assertThat(opened(b, skb, Math.max(999 + shell, 2002), 10_000, true))
                    .isPositive();
            skb.consume(b.cpu);
            SkBuff linear = b.segment(1, 1000, 1, TcpHdr.ACK, 0);
            int header = linear.len - 1000;
            assertThat(header).isEqualTo(TcpHdr.LENGTH);
            assertThat(opened(b, linear, 2 * linear.len + 2 + shell, 10_000, true))
                    .as("bytes beside the pages")
                    .isEqualTo(3000);
            linear.consume(b.cpu);
        }
    }

    @Test
    void shouldHoldTheWindowDownWhenMemoryIsShort() {
        try (TcpBench b = bench()) {
            SkBuff skb = b.data(1, 1000);
            Tcp.enterMemoryPressure(b.cpu, b.tp);
            assertThat(opened(b, skb, 2000, 3000, false)).isZero();
            b.tp.rcvSsthresh = 10_000;
            TcpRcvSpace.tcpGrowWindow(b.cpu, b.tp, skb, false);
            assertThat(b.tp.rcvSsthresh).as("four segments").isEqualTo(4000);
            b.tp.rcvSsthresh = 100_000;
            TcpRcvSpace.tcpGrowWindow(b.cpu, b.tp, skb, false);
            assertThat(b.tp.rcvSsthresh).as("no room: nothing to do").isEqualTo(100_000);
            skb.consume(b.cpu);
        }
    }

    // ---- set up

    @Test
    void shouldGuessThePeersSegmentSize() {
        int[][] rows = { // our MSS, path's, window, guess
            {1460, 1448, 65_535, 536},
            {500, 1448, 65_535, 500},
            {1460, 400, 65_535, 400},
            {1460, 1448, 602, 301},
            {1460, 1448, 100, 88},
        };
        try (TcpBench b = bench()) {
            for (int[] row : rows) {
                b.tp.advmss = row[0];
                b.tp.mssCache = row[1];
                b.tp.rcvWnd = row[2];
                TcpRcvSpace.tcpInitializeRcvMss(b.tp);
                assertThat(b.tp.icskAckRcvMss).isEqualTo(row[3]);
            }
        }
    }

    @Test
    void shouldBoundTheWindowByTheBufferLessTheApplicationsPart() {
        int[][] rows = { // tcp_app_win, buffer, clamp before, clamp after
            {31, 200_000, WINDOW, 99_000}, // a segment is kept back
            {2, 200_000, WINDOW, 75_000},
            {2, 200_000, 100_000, 75_000},
            {32, 200_000, WINDOW, 99_000},
            {0, 200_000, WINDOW, 100_000},
            {2, 200_000, 50_000, 50_000},
            {2, 200_000, 99_500, 99_000},
            {1, 8000, WINDOW, 3000},
            {1, 12_000, WINDOW, 4000}, // four segments at least
            {1, 5000, WINDOW, 2000}, // or two
            {1, 3000, WINDOW, 1500},
        };
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            for (int[] row : rows) {
                tp.sysctl.tcpAppWin = row[0];
                tp.rcvbuf = row[1];
                tp.windowClamp = row[2];
                tp.rcvSsthresh = WINDOW;
                TcpRcvSpace.tcpInitBufferSpace(b.cpu, tp);
                assertThat(tp.windowClamp)
                        .as("%d %d %d", row[0], row[1], row[2])
                        .isEqualTo(row[3]);
                assertThat(tp.rcvSsthresh).isEqualTo(row[3]);
                assertThat(tp.rcvqSpaceSpace)
                        .as("ten segments, if there is room")
                        .isEqualTo(Math.min(10_000, row[3]));
            }
        }
    }

    @Test
    void shouldStartAllMeasurements() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.copiedSeq = 4711;
            tp.rcvWnd = 6000;
            tp.sndbuf = 1000;
            tp.mssCache = 1460;
            tp.tcpMstamp = 0;
            tp.sndCwndStamp = (int) b.cpu.jiffies() - 5;
            tp.userlocks |= Sock.SOCK_SNDBUF_LOCK;
            TcpRcvSpace.tcpInitBufferSpace(b.cpu, tp);
            assertThat(tp.sndbuf).as("SO_SNDBUF").isEqualTo(1000);
            assertThat(tp.rcvqSpaceSeq).isEqualTo(4711);
            assertThat(tp.rcvqSpaceTime).isEqualTo(b.cpu.nowNs() / 1000);
            assertThat(tp.tcpMstamp).isEqualTo(b.cpu.nowNs() / 1000);
            assertThat(tp.sndCwndStamp).isEqualTo((int) b.cpu.jiffies());
            assertThat(tp.rcvSsthresh).isEqualTo(10_000);
            assertThat(tp.rcvqSpaceSpace).isEqualTo(6000);
            tp.userlocks = 0;
            TcpRcvSpace.tcpInitBufferSpace(b.cpu, tp);
            assertThat(tp.sndbuf).as("a connection over Ethernet").isEqualTo(87_040);
        }
    }

    // ---- send buffer

    @Test
    void shouldMakeRoomForTwoWindowsOfSegmentsAndTheirOverhead() {
        int[][] rows = { // MSS of the path, of the handshake, cwnd, reordering, bytes
            {1460, 536, 10, 3, 20 * (4096 + 256)},
            {536, 1460, 10, 3, 20 * (4096 + 256)},
            {1460, 536, 17, 3, 34 * (4096 + 256)},
            {1460, 536, 10, 24, 50 * (4096 + 256)},
            {3456, 536, 10, 3, 20 * (4096 + 256)}, // with 640 bytes of headers a power of two
            {3457, 536, 10, 3, 20 * (8192 + 256)},
            {1460, 536, 1000, 3, 4 << 20}, // tcp_wmem[2]
        };
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            for (int[] row : rows) {
                tp.mssCache = row[0];
                tp.rxOpt.mssClamp = row[1];
                tp.setSndCwnd(row[2]);
                tp.reordering = row[3];
                tp.sndbuf = 1;
                TcpRcvSpace.tcpSndbufExpand(tp);
                assertThat(tp.sndbuf)
                        .as("%d %d %d %d", row[0], row[1], row[2], row[3])
                        .isEqualTo(row[4]);
                tp.sndbuf = row[4] + 1;
                TcpRcvSpace.tcpSndbufExpand(tp);
                assertThat(tp.sndbuf).as("never less, unless by the limit").isEqualTo(Math.min(row[4] + 1, 4 << 20));
            }
        }
    }

    private static boolean expands(TcpBench b) {
        TcpSock tp = b.tp;
        tp.sndbuf = 1000;
        tp.sndCwndStamp = (int) b.cpu.jiffies() - 5;
        int woken = b.writersWoken;
        TcpRcvSpace.tcpNewSpace(b.cpu, tp);
        assertThat(b.writersWoken).as("the writer looks again in any case").isEqualTo(woken + 1);
        boolean expanded = tp.sndbuf > 1000;
        assertThat(tp.sndCwndStamp == (int) b.cpu.jiffies()).isEqualTo(expanded);
        return expanded;
    }

    @Test
    void shouldExpandTheSendBufferOnlyIfThatHelps() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.setSndCwnd(10);
            tp.packetsOut = 9;
            assertThat(expands(b)).isTrue();
            tp.packetsOut = 10;
            assertThat(expands(b)).as("the window is full").isFalse();
            tp.packetsOut = 0;
            tp.userlocks |= Sock.SOCK_SNDBUF_LOCK;
            assertThat(expands(b)).as("SO_SNDBUF").isFalse();
            tp.userlocks = 0;
            var memory = java.util.Objects.requireNonNull(Tcp.memory(tp));
            int limit = (int) memory.limit(0);
            memory.add(null, limit - 1);
            assertThat(expands(b)).isTrue();
            memory.add(null, 1);
            assertThat(expands(b)).as("TCP uses what it should").isFalse();
            memory.add(null, -limit);
            Tcp.enterMemoryPressure(b.cpu, tp);
            assertThat(expands(b)).as("memory is short").isFalse();
        }
    }
}
