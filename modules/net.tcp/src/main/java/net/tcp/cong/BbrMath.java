package net.tcp.cong;

import net.skbuff.HotPath;
import net.tcp.TcpSock;

/**
 * The fixed point of BBR: bandwidths are segments per microsecond times 2^24, in unsigned ints; gains are in 1/256.
 *
 * <p>Linux: BW_SCALE, BBR_SCALE, net/ipv4/tcp_bbr.c.
 */
@HotPath
final class BbrMath {
    static final int BW_SCALE = 24;
    static final long BW_UNIT = 1L << BW_SCALE;
    static final int SCALE = 8;
    static final int UNIT = 1 << SCALE;
    /** "None" of a bound or a round trip: the largest unsigned number. */
    static final int NONE = -1;

    private static final int PACING_MARGIN_PERCENT = 1;
    private static final long USEC_PER_SEC = 1_000_000;

    private BbrMath() {}

    static long u(int value) {
        return Integer.toUnsignedLong(value);
    }

    static int min(int a, int b) {
        return Integer.compareUnsigned(a, b) < 0 ? a : b;
    }

    static int max(int a, int b) {
        return Integer.compareUnsigned(a, b) > 0 ? a : b;
    }

    /** {@code bw * gain} in bytes per second, less a margin in percent. */
    static long bytesPerSec(TcpSock tp, int bw, int gain, int marginPercent) {
        long rate = u(bw) * tp.mssCache * gain >>> SCALE;
        return rate * (USEC_PER_SEC / 100 * (100 - marginPercent)) >>> BW_SCALE;
    }

    /** A pacing rate: one percent below, so that queues drain. */
    static long pacingRate(TcpSock tp, int bw, int gain) {
        return Math.min(bytesPerSec(tp, bw, gain, PACING_MARGIN_PERCENT), tp.maxPacingRate);
    }

    /** Segments over microseconds, as a bandwidth. */
    static int bandwidth(int segments, long us) {
        return (int) (segments * BW_UNIT / us);
    }

    /** {@code bw * minRtt * gain} in segments, rounded up: rounding down would feed on itself. */
    static int bdp(int bw, int minRttUs, int gain) {
        long w = u(bw) * u(minRttUs);
        return (int) ((w * gain >>> SCALE) + BW_UNIT - 1 >>> BW_SCALE);
    }

    /** Of {@code inFlight} segments, how many the network will still hold when the next one departs. */
    static int inNetAtEdt(TcpSock tp, int inFlight, int bw) {
        long us = Math.max(tp.tcpWstampNs - tp.tcpClockCache, 0) / 1000;
        long delivered = u(bw) * us >>> BW_SCALE;
        return delivered >= inFlight ? 0 : inFlight - (int) delivered;
    }

    /** Marks what is in flight as limited by the application: its samples say nothing of the path. */
    static void markAppLimited(TcpSock tp) {
        int mark = tp.delivered + tp.packetsInFlight();
        tp.appLimited = mark != 0 ? mark : 1;
    }
}
