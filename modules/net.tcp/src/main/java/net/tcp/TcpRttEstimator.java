package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a round trip sample does to the retransmission time-out.
 *
 * <p>Units: {@code srttUs} is eight times the smoothed round trip, {@code mdevUs} four times the mean deviation, both
 * in microseconds; {@code icskRto} is in jiffies. Deviation from RFC 6298 as in Linux: the variance is the largest mean
 * deviation of each round trip and never falls below the minimal RTO, and a sample below the average by more than the
 * deviation counts an eighth only, so that a fall in round trip does not raise the time-out (Eifel).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_rtt_estimator(), tcp_ack_update_rtt(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpRttEstimator {
    private TcpRttEstimator() {}

    /** Feeds one sample, microseconds. */
    static void tcpRttEstimator(TcpSock tp, long rttUs) {
        int m = (int) rttUs;
        int srtt = tp.srttUs;
        if (srtt == 0) {
            srtt = m << 3; // the first one: RTO = RTT + 4 * RTT / 2
            tp.mdevUs = m << 1;
            tp.rttvarUs = Math.max(tp.mdevUs, TcpTimer.rtoMinUs(tp));
            tp.mdevMaxUs = tp.rttvarUs;
            tp.rttSeq = tp.sndNxt;
            tp.srttUs = Math.max(1, srtt);
            return;
        }
        m -= srtt >>> 3;
        srtt += m;
        if (m < 0) {
            m = -m - (tp.mdevUs >>> 2);
            if (m > 0) {
                m >>= 3;
            }
        } else {
            m -= tp.mdevUs >>> 2;
        }
        tp.mdevUs += m;
        if (Integer.compareUnsigned(tp.mdevUs, tp.mdevMaxUs) > 0) {
            tp.mdevMaxUs = tp.mdevUs;
            tp.rttvarUs = Math.max(tp.rttvarUs, tp.mdevMaxUs);
        }
        if (TcpSeq.after(tp.sndUna, tp.rttSeq)) { // once per round trip: let the variance decay
            if (tp.mdevMaxUs < tp.rttvarUs) {
                tp.rttvarUs -= tp.rttvarUs - tp.mdevMaxUs >> 2;
            }
            tp.rttSeq = tp.sndNxt;
            tp.mdevMaxUs = TcpTimer.rtoMinUs(tp);
        }
        tp.srttUs = Math.max(1, srtt);
    }

    /** Recomputes the RTO from the estimates, without backoff. Linux: tcp_set_rto(). */
    public static void tcpSetRto(TcpSock tp) {
        long rtoUs = (tp.srttUs >>> 3) + (long) tp.rttvarUs;
        tp.icskRto = (int) Math.min(usToJiffies(rtoUs), TcpTimer.rtoMax(tp));
    }

    /** Microseconds to jiffies, rounded up. */
    static long usToJiffies(long us) {
        return (us + 999) / 1000;
    }

    /** {@code to - from} of two stamps in microseconds, never negative. Linux: tcp_stamp_us_delta(). */
    static int stampUsDelta(long to, long from) {
        return (int) Math.max(0, to - from);
    }

    /**
     * Round trip from the echoed time stamp, microseconds; -1 if the echo is nonsense.
     *
     * @param minDelta ticks to assume when the tick is the same
     */
    static int tcpRttTsoptUs(TcpSock tp, int minDelta) {
        int delta = tp.timeStampTs() - tp.rxOpt.rcvTsecr;
        if (tp.tcpUsecTs) {
            return delta;
        }
        if (Integer.compareUnsigned(delta, Integer.MAX_VALUE / 1000) >= 0) {
            return -1;
        }
        return (delta == 0 ? minDelta : delta) * 1000;
    }

    private static void tcpUpdateRttMin(Cpu cpu, TcpSock tp, int rttUs, int flag) {
        if ((flag & TcpAck.FLAG_ACK_MAYBE_DELAYED) != 0 && rttUs > tp.rttMin.get()) {
            return; // a delayed ACK must not raise the floor
        }
        int window = tp.sysctl.tcpMinRttWlen * TcpConst.HZ;
        tp.rttMin.runningMin(window, (int) cpu.jiffies(), rttUs != 0 ? rttUs : 1000);
    }

    /**
     * Takes in what an ACK says about the round trip. ACK timing is preferred to the time stamp echo, which is coarse
     * and is valid only if the left edge moved (RFC 7323 4.1).
     *
     * @param seqRttUs from the oldest segment cumulatively acknowledged, -1 for none
     * @param sackRttUs from the oldest one newly SACKed, -1 for none
     * @param caRttUs from the youngest of all these, -1 for none
     * @return whether there was a valid sample
     */
    static boolean tcpAckUpdateRtt(
            Cpu cpu, TcpSock tp, int flag, long seqRttUs, long sackRttUs, long caRttUs, RateSample rs) {
        long rtt = seqRttUs >= 0 ? seqRttUs : sackRttUs;
        long ca = caRttUs;
        if (rtt < 0 && tp.rxOpt.sawTstamp && tp.rxOpt.rcvTsecr != 0 && (flag & TcpAck.FLAG_ACKED) != 0) {
            rtt = ca = tcpRttTsoptUs(tp, 1);
        }
        rs.rttUs = ca;
        if (rtt < 0) {
            return false;
        }
        tcpUpdateRttMin(cpu, tp, (int) ca, flag);
        tcpRttEstimator(tp, rtt);
        tcpSetRto(tp);
        tp.icskBackoff = 0; // RFC 6298: only a valid sample ends the backoff
        return true;
    }

    /** The handshake's round trip, at the passive opener: from SYN-ACK to its ACK. Linux: tcp_synack_rtt_meas(). */
    static void tcpSynackRttMeas(Cpu cpu, TcpSock tp, @Nullable TcpRequestSock req) {
        RateSample rs = TcpScratch.of(cpu).rate;
        long rtt = -1;
        if (req != null && req.numRetrans == 0 && req.sntSynackUs != 0) {
            rtt = stampUsDelta(cpu.nowNs() / 1000, req.sntSynackUs);
        }
        rs.reset();
        tcpAckUpdateRtt(cpu, tp, TcpAck.FLAG_SYN_ACKED, rtt, -1, rtt, rs);
    }
}
