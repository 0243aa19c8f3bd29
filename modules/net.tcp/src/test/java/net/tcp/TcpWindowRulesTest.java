package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Both sides of each bound on the window we offer, by numbers worked out by hand; half of a buffer is payload. */
class TcpWindowRulesTest {
    private static TcpBench bench(int rcvbuf, int scale) {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        tp.rcvbuf = rcvbuf;
        tp.scalingRatio = 128;
        tp.rxOpt.rcvWscale = scale;
        tp.windowClamp = 1 << 20;
        tp.rcvSsthresh = 1 << 20;
        tp.icskAckRcvMss = 1000;
        tp.icskAckQuick = 5;
        tp.rcvWnd = 0;
        return b;
    }

    /** The window with so many bytes of memory in use. */
    private static int chosen(TcpBench b, int used) {
        b.tp.rmemAllocAdd(used);
        int window = TcpWindow.chooseWindow(b.tp);
        b.tp.rmemAllocAdd(-used);
        return window;
    }

    // ---- what the memory suggests

    @Test
    void shouldRoundUpToTheScale() {
        try (TcpBench b = bench(100_000, 7)) {
            TcpSock tp = b.tp;
            assertThat(chosen(b, 0)).as("50,000").isEqualTo(391 * 128);
            assertThat(chosen(b, 50_000)).as("25,000 is half").isEqualTo(196 * 128);
            assertThat(tp.icskAckQuick).as("room enough").isEqualTo(5);
            assertThat(chosen(b, 50_002)).as("less: down").isEqualTo(195 * 128);
            assertThat(tp.icskAckQuick).as("no more ACKs at once").isZero();
            tp.backlogLen = 20_000;
            assertThat(chosen(b, 50_000)).as("the backlog counts").isEqualTo(117 * 128);
            tp.backlogLen = 0;
            tp.rcvSsthresh = 12_800;
            assertThat(chosen(b, 0)).isEqualTo(12_800);
            tp.rcvSsthresh = 12_801;
            assertThat(chosen(b, 0)).isEqualTo(12_928);
        }
    }

    @Test
    void shouldCloseBelowASixteenthOrASegment() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvWnd = 3125;
            assertThat(chosen(b, 100_000 - 6250))
                    .as("3125 of 50,000: what was offered")
                    .isEqualTo(3125);
            assertThat(chosen(b, 100_000 - 6248)).as("3124").isZero();
            tp.icskAckRcvMss = 5000;
            tp.rcvWnd = 5000;
            assertThat(chosen(b, 100_000 - 10_000)).isEqualTo(5000);
            assertThat(chosen(b, 100_000 - 9998)).as("less than a segment").isZero();
        }
    }

    @Test
    void shouldOfferWholeSegmentsAndKeepWhatWasOffered() {
        try (TcpBench b = bench(20_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvSsthresh = 9500;
            assertThat(chosen(b, 0)).as("whole segments").isEqualTo(9000);
            tp.rcvWnd = 8501;
            assertThat(chosen(b, 0)).as("within a segment: as it was").isEqualTo(8501);
            tp.rcvWnd = 8500;
            assertThat(chosen(b, 0)).isEqualTo(9000);
            tp.rcvWnd = 9500;
            assertThat(chosen(b, 0)).isEqualTo(9500);
            tp.rcvWnd = 9501;
            assertThat(chosen(b, 0)).as("too much").isEqualTo(9000);
        }
    }

    @Test
    void shouldOpenHalfABufferThatHoldsOneSegment() {
        try (TcpBench b = bench(2000, 0)) {
            TcpSock tp = b.tp;
            tp.icskAckRcvMss = 1460;
            tp.rcvWnd = 500;
            assertThat(chosen(b, 0)).as("half: not enough").isEqualTo(500);
            tp.rcvWnd = 499;
            assertThat(chosen(b, 0)).isEqualTo(1000);
            tp.icskAckRcvMss = 999;
            assertThat(chosen(b, 0)).as("segments are smaller").isEqualTo(499);
            tp.windowClamp = 600;
            tp.rcvSsthresh = 600;
            tp.icskAckRcvMss = 1460;
            tp.rcvWnd = 200;
            assertThat(chosen(b, 0)).as("TCP_WINDOW_CLAMP").isEqualTo(600);
            tp.windowClamp = 0;
            assertThat(chosen(b, 0)).isZero();
        }
    }

    @Test
    void shouldHoldTheWindowDownWhenMemoryIsShort() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            Tcp.enterMemoryPressure(b.cpu, tp);
            assertThat(chosen(b, 50_000)).as("half is free").isEqualTo(25_000);
            assertThat(tp.rcvSsthresh).isEqualTo(1 << 20);
            assertThat(chosen(b, 50_002)).as("four segments").isEqualTo(4000);
            assertThat(tp.rcvSsthresh).isEqualTo(4000);
        }
    }

    @Test
    void shouldShrinkIfAllowed() {
        try (TcpBench b = bench(100_000, 10)) {
            TcpSock tp = b.tp;
            tp.sysctl.tcpShrinkWindow = 1;
            assertThat(chosen(b, 0)).as("50,000, down").isEqualTo(48 << 10);
            tp.rcvSsthresh = 10_000;
            assertThat(chosen(b, 0)).as("10,000, up").isEqualTo(10 << 10);
            tp.rcvSsthresh = 1 << 20;
            tp.rcvbuf = 20_000;
            tp.icskAckRcvMss = 500;
            assertThat(chosen(b, 20_000 - 2048)).as("one unit").isEqualTo(1024);
            assertThat(chosen(b, 20_000 - 2046)).isZero();
            tp.rcvbuf = 100_000;
            tp.icskAckRcvMss = 1000;
            tp.rcvWnd = 48 << 10;
            tp.rcvWup = tp.rcvNxt;
            tp.rmemAllocAdd(60_000);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).as("20,000, down").isEqualTo(19);
            assertThat(tp.rcvWnd).isEqualTo(19 << 10);
            tp.sysctl.tcpShrinkWindow = 0;
            tp.rcvWnd = 30_000;
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).as("30,000, up").isEqualTo(30);
            tp.rmemAllocAdd(-60_000);
        }
    }

    // ---- what the segment says

    private static long counted(TcpBench b, LinuxMib mib) {
        return b.tp.tcpNet.linuxMib.read(mib);
    }

    @Test
    void shouldCountWindowsThatCloseAndOpen() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvNxt = 5000;
            tp.rcvWup = 4000;
            tp.rcvWnd = 1000; // used up
            tp.predFlags = 1;
            tp.rmemAllocAdd(100_000);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isZero();
            assertThat(tp.rcvWup).isEqualTo(5000);
            assertThat(tp.rcvWnd).isZero();
            assertThat(tp.predFlags).isZero();
            assertThat(counted(b, LinuxMib.TCPTOZEROWINDOWADV)).isEqualTo(1);
            assertThat(counted(b, LinuxMib.TCPWANTZEROWINDOWADV))
                    .as("nothing was taken back")
                    .isZero();
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isZero();
            assertThat(counted(b, LinuxMib.TCPTOZEROWINDOWADV))
                    .as("it was closed")
                    .isEqualTo(1);
            assertThat(counted(b, LinuxMib.TCPFROMZEROWINDOWADV)).isZero();
            tp.predFlags = 1;
            tp.rmemAllocAdd(-100_000);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isEqualTo(50_000);
            assertThat(tp.predFlags).isEqualTo(1);
            assertThat(counted(b, LinuxMib.TCPFROMZEROWINDOWADV)).isEqualTo(1);
            tp.rmemAllocAdd(100_000);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).as("kept").isEqualTo(50_000);
            assertThat(counted(b, LinuxMib.TCPWANTZEROWINDOWADV)).isEqualTo(1);
            assertThat(counted(b, LinuxMib.TCPTOZEROWINDOWADV)).isEqualTo(1);
            tp.rmemAllocAdd(-100_000);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isEqualTo(50_000);
            assertThat(counted(b, LinuxMib.TCPFROMZEROWINDOWADV))
                    .as("it was open")
                    .isEqualTo(1);
        }
    }

    @Test
    void shouldCloseAtOnceWithoutMemory() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvNxt = 5000;
            tp.rcvWnd = 3000;
            tp.predFlags = 1;
            tp.icskAckPending |= TcpConst.ICSK_ACK_NOMEM;
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isZero();
            assertThat(tp.rcvWnd).isZero();
            assertThat(tp.rcvWup).isEqualTo(5000);
            assertThat(tp.predFlags).isZero();
        }
    }

    @Test
    void shouldBoundTheFieldToItsBits() {
        try (TcpBench b = bench(400_000, 0)) {
            TcpSock tp = b.tp;
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isEqualTo(65_535);
            tp.sysctl.tcpWorkaroundSignedWindows = 1;
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isEqualTo(32_767);
            tp.rxOpt.rcvWscale = 1;
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isEqualTo(65_535);
        }
    }

    // ---- clamp

    @Test
    void shouldClampTheWindow() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvSsthresh = 20_000;
            tp.windowClamp = 50_000;
            TcpWindow.setWindowClamp(tp, 10_000);
            assertThat(tp.windowClamp).isEqualTo(10_000);
            assertThat(tp.rcvSsthresh).isEqualTo(10_000);
            tp.rcvWnd = 15_000;
            TcpWindow.setWindowClamp(tp, 10_000);
            assertThat(tp.rcvSsthresh).as("as before").isEqualTo(10_000);
            TcpWindow.setWindowClamp(tp, 12_000);
            assertThat(tp.rcvSsthresh).as("what was offered, within the clamp").isEqualTo(12_000);
            TcpWindow.setWindowClamp(tp, 30_000);
            assertThat(tp.rcvSsthresh).isEqualTo(15_000);
            tp.rcvSsthresh = 28_000;
            TcpWindow.setWindowClamp(tp, 31_000);
            assertThat(tp.rcvSsthresh).isEqualTo(28_000);
            TcpWindow.setWindowClamp(tp, 1);
            assertThat(tp.windowClamp)
                    .as("half of the smallest buffer")
                    .isEqualTo(net.core.sock.SockMem.SOCK_MIN_RCVBUF / 2);
        }
    }

    @Test
    void shouldKeepTheWindowOfReservedMemory() {
        try (TcpBench b = bench(100_000, 0)) {
            TcpSock tp = b.tp;
            tp.rcvSsthresh = 20_000;
            tp.reservedMem = 24_000;
            TcpWindow.adjustRcvSsthresh(tp);
            assertThat(tp.rcvSsthresh).as("half of SO_RESERVE_MEM").isEqualTo(12_000);
            tp.reservedMem = 4000;
            TcpWindow.adjustRcvSsthresh(tp);
            assertThat(tp.rcvSsthresh).as("four segments").isEqualTo(4000);
            tp.reservedMem = 0;
            tp.rcvSsthresh = 3000;
            TcpWindow.adjustRcvSsthresh(tp);
            assertThat(tp.rcvSsthresh).isEqualTo(3000);
        }
    }

    // ---- handshake

    @Test
    void shouldChooseWindowClampAndShiftOfAHandshake() {
        int rmem = 6 << 20;
        int[][] rows = { // space, MSS, clamp, scaling, segments of the route, then window, shift, clamp
            {65_536, 1460, 0, 1, 0, 64_240, 7, 65_535 << 7},
            {65_536, 1460, 0, 0, 0, 64_240, 0, 65_535},
            {65_536, 1460, 0, 1, 10, 14_600, 7, 65_535 << 7},
            {1000, 1460, 0, 0, 0, 1000, 0, 65_535}, // less than a segment
            {1460, 1460, 0, 0, 0, 1460, 0, 65_535},
            {-5, 1460, 0, 0, 0, 0, 0, 65_535},
            {65_536, 1460, 20_000, 1, 0, 18_980, 0, 20_000},
            {65_536, 1460, 65_535, 1, 0, 64_240, 0, 65_535},
            {65_536, 1460, 65_536, 1, 0, 64_240, 1, 65_536},
            {65_536, 1460, 1 << 22, 1, 0, 64_240, 7, 1 << 22},
        };
        try (TcpBench b = bench(100_000, 0)) {
            TcpPcpu out = TcpPcpu.of(b.cpu);
            b.tp.tcpNet.sysctl.tcpRmem[2] = rmem;
            for (int[] row : rows) {
                TcpWindow.selectInitialWindow(out, b.tp.tcpNet, row[0], row[1], row[2], row[3] != 0, row[4]);
                assertThat(new int[] {out.initRcvWnd, out.initRcvWscale, out.initWindowClamp})
                        .as("space %d, clamp %d", row[0], row[2])
                        .containsExactly(row[5], row[6], row[7]);
            }
            b.tp.tcpNet.sysctl.tcpWorkaroundSignedWindows = 1;
            TcpWindow.selectInitialWindow(out, b.tp.tcpNet, 65_536, 1460, 0, true, 0);
            assertThat(out.initRcvWnd).isEqualTo(32_767);
            assertThat(out.initRcvWscale).isEqualTo(7);
        }
    }
}
