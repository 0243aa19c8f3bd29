package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Which window is offered: never taken back, never silly, never beyond the buffer. */
class TcpWindowTest {
    private static TcpBench bench(int rcvbuf, int scale) {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        tp.rcvbuf = rcvbuf;
        tp.scalingRatio = 128;
        tp.rxOpt.rcvWscale = scale;
        tp.windowClamp = 65535 << scale;
        tp.rcvSsthresh = rcvbuf;
        tp.icskAckRcvMss = 1000;
        tp.rcvWnd = 0;
        return b;
    }

    @Test
    void shouldOfferLinuxsFirstWindow() {
        try (TcpBench b = bench(131072, 0)) {
            TcpPcpu out = TcpPcpu.of(b.cpu);
            TcpWindow.selectInitialWindow(out, b.tp.tcpNet, TcpWindow.fullSpace(b.tp), 1460, 0, true, 0);
            assertThat(out.initRcvWnd).isEqualTo(64240);
            assertThat(out.initRcvWscale).isEqualTo(10);
            assertThat(out.initWindowClamp).isEqualTo(65535 << 10);
            TcpWindow.selectInitialWindow(out, b.tp.tcpNet, TcpWindow.fullSpace(b.tp), 1460, 0, false, 4);
            assertThat(out.initRcvWnd).isEqualTo(4 * 1460);
            assertThat(out.initRcvWscale).isZero();
        }
    }

    @Test
    void shouldNotTakeBackWhatWasOffered() {
        try (TcpBench b = bench(100_000, 7)) {
            TcpSock tp = b.tp;
            int first = TcpWindow.tcpSelectWindow(b.cpu, tp) << 7;
            assertThat(first).isBetween(50_000, 50_127);
            int edge = tp.rcvNxt + first;
            tp.rmemAllocAdd(60_000); // memory is used, but nothing came in order
            int second = TcpWindow.tcpSelectWindow(b.cpu, tp) << 7;
            assertThat(tp.rcvNxt + second).isEqualTo(edge);
            tp.rcvNxt += 20_000;
            assertThat(tp.rcvNxt + (TcpWindow.tcpSelectWindow(b.cpu, tp) << 7) - edge)
                    .isBetween(0, 127);
            tp.rmemAllocAdd(-60_000);
        }
    }

    @Test
    void shouldCloseTheWindowWhenLittleIsLeft() {
        try (TcpBench b = bench(100_000, 7)) {
            TcpSock tp = b.tp;
            tp.rmemAllocAdd(98_500);
            assertThat(TcpWindow.chooseWindow(tp)).isZero();
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isZero();
            tp.rmemAllocAdd(-98_500);
            assertThat(TcpWindow.tcpSelectWindow(b.cpu, tp)).isPositive();
            assertThat(tp.tcpNet.linuxMib.read(LinuxMib.TCPFROMZEROWINDOWADV)).isPositive();
        }
    }

    @Test
    void shouldOfferWholeSegmentsWithoutScaling() {
        try (TcpBench b = bench(80_000, 0)) {
            b.tp.icskAckRcvMss = 1448;
            assertThat(TcpWindow.chooseWindow(b.tp) % 1448).isZero();
        }
    }

    /** Property: whatever is received and read, the right edge never moves left. */
    @Test
    void shouldNeverMoveTheRightEdgeBack() {
        long seed = 99;
        SplittableRandom random = new SplittableRandom(seed);
        for (int scale : new int[] {0, 3, 10}) {
            try (TcpBench b = bench(200_000, scale)) {
                TcpSock tp = b.tp;
                int edge = tp.rcvNxt;
                int used = 0;
                for (int i = 0; i < 2000; i++) {
                    int n = Math.min(tp.receiveWindow(), random.nextInt(5000));
                    tp.rcvNxt += n;
                    used += n * 2;
                    tp.rmemAllocAdd(n * 2);
                    if (random.nextInt(3) == 0) {
                        int read = random.nextInt(used + 1);
                        used -= read;
                        tp.rmemAllocAdd(-read);
                    }
                    int now = tp.rcvNxt + (TcpWindow.tcpSelectWindow(b.cpu, tp) << scale);
                    assertThat(now - edge).as("seed " + seed + " step " + i).isGreaterThanOrEqualTo(0);
                    edge = now;
                }
                tp.rmemAllocAdd(-used);
            }
        }
    }
}
