package net.tcp.cong;

import net.skbuff.HotPath;
import net.tcp.TcpSock;

/**
 * Finds a policer: two intervals in a row, each of at least four round trips and bounded by losses of more than a fifth,
 * with the same throughput. Then this long-term bandwidth is used for 48 round trips instead of the largest seen, which
 * was the bucket's.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: bbr_lt_bw_sampling(), net/ipv4/tcp_bbr.c.
 */
@HotPath
final class BbrLtBw {
    private static final int INTERVAL_MIN_RTTS = 4;
    /** Lost per delivered that makes an interval lossy, in 1/256. */
    private static final int LOSS_THRESH = 50;
    /** Two bandwidths are the same within an eighth, or 4 kbit/s. */
    private static final int RATIO = BbrMath.UNIT / 8;

    private static final int DIFF_BYTES = 4000 / 8;
    private static final int MAX_RTTS = 48;

    /** The policer's bandwidth is in use. */
    boolean use;
    /** The bandwidth of the last interval. */
    int bw;

    private boolean sampling;
    private int rttCnt;
    private int lastDelivered;
    private long lastStampMs;
    private int lastLost;

    void reset(TcpSock tp) {
        bw = 0;
        use = false;
        sampling = false;
        nextInterval(tp);
    }

    private void nextInterval(TcpSock tp) {
        lastStampMs = tp.deliveredMstamp / 1000;
        lastDelivered = tp.delivered;
        lastLost = tp.lost;
        rttCnt = 0;
    }

    /**
     * Takes an ACK in.
     *
     * @return true if the time of the policer's bandwidth is over: probe again
     */
    boolean sample(TcpSock tp, int losses, boolean appLimited, boolean roundStart, boolean probeBw) {
        if (use) {
            if (probeBw && roundStart) {
                rttCnt++;
                if (rttCnt >= MAX_RTTS) {
                    reset(tp);
                    return true;
                }
            }
            return false;
        }
        if (!sampling) { // from the first loss on: the bucket is empty
            if (losses == 0) {
                return false;
            }
            nextInterval(tp);
            sampling = true;
        }
        if (appLimited) {
            reset(tp);
            return false;
        }
        if (roundStart) {
            rttCnt++;
        }
        if (rttCnt < INTERVAL_MIN_RTTS) {
            return false;
        }
        if (rttCnt > 4 * INTERVAL_MIN_RTTS) {
            reset(tp);
            return false;
        }
        if (losses != 0) { // it ends with a loss as well
            intervalMayEnd(tp);
        }
        return false;
    }

    private void intervalMayEnd(TcpSock tp) {
        long lost = BbrMath.u(tp.lost - lastLost);
        int delivered = tp.delivered - lastDelivered;
        if (delivered == 0 || lost << BbrMath.SCALE < (long) LOSS_THRESH * delivered) {
            return;
        }
        long ms = tp.deliveredMstamp / 1000 - lastStampMs;
        if (ms < 1) {
            return;
        }
        if (ms >= 0xffffffffL / 1000) {
            reset(tp);
            return;
        }
        intervalDone(tp, BbrMath.bandwidth(delivered, ms * 1000));
    }

    private void intervalDone(TcpSock tp, int sample) {
        if (bw != 0) {
            int diff = (int) Math.abs(BbrMath.u(sample) - BbrMath.u(bw));
            if (BbrMath.u(diff) * BbrMath.UNIT <= RATIO * BbrMath.u(bw)
                    || BbrMath.bytesPerSec(tp, diff, BbrMath.UNIT, 1) <= DIFF_BYTES) {
                bw = (int) (BbrMath.u(sample) + BbrMath.u(bw) >> 1);
                use = true;
                rttCnt = 0;
                return;
            }
        }
        bw = sample;
        nextInterval(tp);
    }
}
