package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Measures how fast the network delivers: each segment remembers how much had been delivered when it left, and its ACK
 * tells how much was delivered since, over the longer of the time it took to send and the time it took to acknowledge.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: net/ipv4/tcp_rate.c; draft-cheng-iccrg-delivery-rate-estimation.
 */
@HotPath
public final class TcpRate {
    private TcpRate() {}

    /** A segment goes out: notes the state of delivery in it. Linux: tcp_rate_skb_sent(). */
    public static void skbSent(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (tp.packetsOut == 0) { // the pipe was empty: the interval starts here, idle time does not count
            long now = TcpSkbCb.timestampUs(skb);
            tp.firstTxMstamp = now;
            tp.deliveredMstamp = now;
        }
        TcpSkbCb.firstTxMstamp(skb, tp.firstTxMstamp);
        TcpSkbCb.deliveredMstamp(skb, tp.deliveredMstamp);
        TcpSkbCb.txDelivered(skb, tp.delivered);
        TcpSkbCb.txDeliveredCe(skb, tp.deliveredCe);
        TcpSkbCb.txLost(skb, tp.lost);
        TcpSkbCb.txInFlight(skb, tp.packetsInFlight() + TcpSkbCb.pcount(skb));
        TcpSkbCb.isAppLimited(skb, tp.appLimited != 0);
    }

    /** A segment was (S)ACKed: the latest sent of them makes the sample. Linux: tcp_rate_skb_delivered(). */
    static void skbDelivered(TcpSock tp, SkBuff skb, RateSample rs) {
        if (TcpSkbCb.deliveredMstamp(skb) == 0) {
            return;
        }
        long sentUs = TcpSkbCb.timestampUs(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        if (rs.priorDelivered == 0 || TcpRack.sentAfter(sentUs, tp.firstTxMstamp, endSeq, rs.lastEndSeq)) {
            rs.priorDeliveredCe = TcpSkbCb.txDeliveredCe(skb);
            rs.priorDelivered = TcpSkbCb.txDelivered(skb);
            rs.priorMstamp = TcpSkbCb.deliveredMstamp(skb);
            rs.priorLost = TcpSkbCb.txLost(skb);
            rs.txInFlight = TcpSkbCb.txInFlight(skb);
            rs.isAppLimited = TcpSkbCb.isAppLimited(skb);
            rs.isRetrans = (TcpSkbCb.sacked(skb) & TcpSkbCb.TCPCB_RETRANS) != 0;
            rs.lastEndSeq = endSeq;
            tp.firstTxMstamp = sentUs;
            rs.intervalUs = TcpRttEstimator.stampUsDelta(sentUs, TcpSkbCb.firstTxMstamp(skb));
        }
        if ((TcpSkbCb.sacked(skb) & TcpSkbCb.TCPCB_SACKED_ACKED) != 0) {
            TcpSkbCb.deliveredMstamp(skb, 0); // used once; the cumulative ACK must not use it again
        }
    }

    /** Completes the sample of this ACK. Linux: tcp_rate_gen(). */
    static void generate(TcpSock tp, int delivered, int lost, boolean isSackReneg, RateSample rs) {
        if (tp.appLimited != 0 && TcpSeq.after(tp.delivered, tp.appLimited)) {
            tp.appLimited = 0; // the bubble is through
        }
        if (delivered != 0) {
            tp.deliveredMstamp = tp.tcpMstamp;
        }
        rs.ackedSacked = delivered;
        rs.losses = lost;
        if (rs.priorMstamp == 0 || isSackReneg) {
            rs.delivered = -1;
            rs.intervalUs = -1;
            return;
        }
        rs.delivered = tp.delivered - rs.priorDelivered;
        rs.deliveredCe = tp.deliveredCe - rs.priorDeliveredCe;
        rs.lost = tp.lost - rs.priorLost;
        int sndUs = (int) rs.intervalUs;
        int ackUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, rs.priorMstamp);
        rs.intervalUs = Math.max(sndUs, ackUs);
        rs.sndIntervalUs = sndUs;
        rs.rcvIntervalUs = ackUs;
        // ACK compression, or a retransmission taken for the original: shorter than any round trip, so not a sample.
        if (rs.intervalUs < Integer.toUnsignedLong(tp.rttMin.get())) {
            rs.intervalUs = -1;
            return;
        }
        if (!rs.isAppLimited || (long) rs.delivered * tp.rateIntervalUs >= (long) tp.rateDelivered * rs.intervalUs) {
            tp.rateDelivered = rs.delivered;
            tp.rateIntervalUs = (int) rs.intervalUs;
            tp.rateAppLimited = rs.isAppLimited;
        }
    }

    /** Marks the connection as limited by the application if nothing else holds it back. Linux: tcp_rate_check_app_limited(). */
    public static void checkAppLimited(TcpSock tp) {
        if (tp.writeSeq - tp.sndNxt < tp.mssCache
                && tp.wmemAlloc() < SkBuff.OVERHEAD_TRUESIZE
                && tp.packetsInFlight() < tp.sndCwnd
                && tp.lostOut <= tp.retransOut) {
            int mark = tp.delivered + tp.packetsInFlight();
            tp.appLimited = mark != 0 ? mark : 1;
        }
    }
}
