package net.tcp.cong;

import net.skbuff.HotPath;
import net.tcp.RateSample;
import net.tcp.TcpSock;

/**
 * How much more than the bandwidth explains ACKs deliver at once: the window needs so much extra to bridge the silence
 * between the bundles. The largest excess of the last five to ten round trips.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: bbr_update_ack_aggregation(), net/ipv4/tcp_bbr.c.
 */
@HotPath
final class BbrAckAggregation {
    private static final int MAX_US = 100_000;
    private static final int EPOCH_MAX = 1 << 20;

    private long epochMstamp;
    private int epochAcked;
    private int winRtts;
    private int recent;
    private int older;

    void reset(long nowUs) {
        restart(nowUs);
        winRtts = 0;
        recent = 0;
        older = 0;
    }

    /** After an idle time. */
    void restart(long nowUs) {
        epochMstamp = nowUs;
        epochAcked = 0;
    }

    void update(TcpSock tp, RateSample rs, int bw, boolean roundStart, int windowRtts) {
        if (rs.ackedSacked <= 0 || rs.delivered < 0 || rs.intervalUs <= 0) {
            return;
        }
        if (roundStart) {
            winRtts = Math.min(0x1f, winRtts + 1);
            if (winRtts >= windowRtts) {
                winRtts = 0;
                older = recent;
                recent = 0;
            }
        }
        long epochUs = Math.max(tp.deliveredMstamp - epochMstamp, 0);
        long expected = BbrMath.u(bw) * epochUs >>> BbrMath.BW_SCALE;
        if (epochAcked <= expected || epochAcked + rs.ackedSacked >= EPOCH_MAX) {
            restart(tp.deliveredMstamp);
            expected = 0;
        }
        epochAcked = Math.min(EPOCH_MAX - 1, epochAcked + rs.ackedSacked);
        int extra = (int) Math.min(epochAcked - expected, tp.sndCwnd);
        recent = Math.max(recent, Math.min(extra, 0xffff));
    }

    /** The largest excess, segments. */
    int extraAcked() {
        return Math.max(recent, older);
    }

    /** What the window gets on top, segments: at most 100 ms of bandwidth. */
    int cwnd(int bw) {
        return (int) Math.min(extraAcked(), BbrMath.u(bw) * MAX_US >>> BbrMath.BW_SCALE);
    }
}
