package net.tcp;

import static net.tcp.TcpConst.ICSK_TIME_REO_TIMEOUT;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Decides which segments are lost, by time: one is lost when another that was sent after it has been delivered, and a
 * reordering window has passed besides. Works for originals and retransmissions alike. Without SACK the NewReno rule
 * stands in: the head is lost on enough duplicate ACKs or on a partial ACK.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 8985. Linux: net/ipv4/tcp_recovery.c.
 */
@HotPath
public final class TcpRack {
    /** Bits of net.ipv4.tcp_recovery. */
    static final int TCP_RACK_LOSS_DETECTION = 1, TCP_RACK_STATIC_REO_WND = 2, TCP_RACK_NO_DUPTHRESH = 4;
    /** Recoveries for which a widened reordering window persists. */
    static final int TCP_RACK_RECOVERY_THRESH = 16;

    private TcpRack() {}

    /** Was segment 1 sent after segment 2? Equal times are told apart by sequence. Linux: tcp_skb_sent_after(). */
    static boolean sentAfter(long t1, long t2, int seq1, int seq2) {
        return t1 > t2 || t1 == t2 && TcpSeq.after(seq1, seq2);
    }

    /** Reordering window, microseconds. Linux: tcp_rack_reo_wnd(). */
    private static int tcpRackReoWnd(TcpSock tp) {
        if (tp.reordSeen == 0) {
            // No reordering ever seen: be quick in recovery, and when the duplicate threshold is reached.
            if (tp.icskCaState >= TCP_CA_RECOVERY) {
                return 0;
            }
            if (tp.sackedOut >= tp.reordering && (tp.sysctl.tcpRecovery & TCP_RACK_NO_DUPTHRESH) == 0) {
                return 0;
            }
        }
        // A quarter of the minimal round trip, more by and by if D-SACKs show that this was too little.
        long window = Integer.toUnsignedLong(tp.rttMin.get() >>> 2) * tp.rackReoWndSteps;
        return (int) Math.min(window, tp.srttUs >>> 3);
    }

    /** Microseconds till this segment counts as lost; 0 or less: it is. Linux: tcp_rack_skb_timeout(). */
    static int skbTimeout(TcpSock tp, SkBuff skb, int reoWnd) {
        return tp.rackRttUs + reoWnd - TcpRttEstimator.stampUsDelta(tp.tcpMstamp, TcpSkbCb.timestampUs(skb));
    }

    /**
     * Marks what is lost, walking the sent segments from the one sent longest ago; stops at the first that was sent
     * after the latest delivered one.
     *
     * @return microseconds till the last suspect becomes a loss; 0 if there is none
     */
    private static int tcpRackDetectLoss(Cpu cpu, TcpSock tp) {
        int timeout = 0;
        int reoWnd = tcpRackReoWnd(tp);
        SkBuff skb = tp.tsortedHead;
        while (skb != null) {
            SkBuff next = skb.tsNext;
            int sacked = TcpSkbCb.sacked(skb);
            if ((sacked & (TCPCB_LOST | TCPCB_SACKED_RETRANS)) == TCPCB_LOST) {
                skb = next; // marked already and not yet sent again
                continue;
            }
            if (!sentAfter(tp.rackMstamp, TcpSkbCb.timestampUs(skb), tp.rackEndSeq, TcpSkbCb.endSeq(skb))) {
                break;
            }
            int remaining = skbTimeout(tp, skb, reoWnd);
            if (remaining <= 0) {
                tcpMarkSkbLost(cpu, tp, skb);
                TcpTsorted.del(tp, skb);
            } else {
                timeout = Math.max(timeout, remaining);
            }
            skb = next;
        }
        return timeout;
    }

    /** Detects losses after an ACK that advanced RACK; true if the reordering timer was armed. Linux: tcp_rack_mark_lost(). */
    static boolean tcpRackMarkLost(Cpu cpu, TcpSock tp) {
        if (!tp.rackAdvanced) {
            return false;
        }
        tp.rackAdvanced = false;
        int timeoutUs = tcpRackDetectLoss(cpu, tp);
        if (timeoutUs == 0) {
            return false;
        }
        long jiffies = TcpRttEstimator.usToJiffies((long) timeoutUs + TcpConst.TCP_TIMEOUT_MIN_US);
        tp.resetXmitTimer(cpu, ICSK_TIME_REO_TIMEOUT, jiffies, tp.icskRto);
        return true;
    }

    /** A segment was delivered: remembers it if it is the one sent latest. Linux: tcp_rack_advance(). */
    static void tcpRackAdvance(TcpSock tp, int sacked, int endSeq, long xmitUs) {
        int rttUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, xmitUs);
        if (Integer.compareUnsigned(rttUs, tp.rttMin.get()) < 0 && (sacked & TCPCB_RETRANS) != 0) {
            return; // faster than the path: the ACK is the original's, not the retransmission's
        }
        tp.rackAdvanced = true;
        tp.rackRttUs = rttUs;
        if (sentAfter(xmitUs, tp.rackMstamp, endSeq, tp.rackEndSeq)) {
            tp.rackMstamp = xmitUs;
            tp.rackEndSeq = endSeq;
        }
    }

    /** The reordering timer fired. Linux: tcp_rack_reo_timeout(). */
    public static void tcpRackReoTimeout(Cpu cpu, TcpSock tp) {
        int lost = tp.lost;
        int priorInflight = tp.packetsInFlight();
        tcpRackDetectLoss(cpu, tp);
        if (priorInflight != tp.packetsInFlight()) {
            if (tp.icskCaState != TCP_CA_RECOVERY) {
                TcpCaMachine.tcpEnterRecovery(cpu, tp, false);
                if (!TcpCong.hasCongControl(tp)) {
                    TcpPrr.tcpCwndReduction(tp, 1, tp.lost - lost, 0);
                }
            }
            TcpRetransmit.tcpXmitRetransmitQueue(cpu, tp);
        }
        if (tp.icskPending != ICSK_TIME_RETRANS) {
            TcpAck.tcpRearmRto(cpu, tp);
        }
    }

    /** Adapts the reordering window: one step more per round trip with a D-SACK. Linux: tcp_rack_update_reo_wnd(). */
    static void tcpRackUpdateReoWnd(TcpSock tp, RateSample rs) {
        if ((tp.sysctl.tcpRecovery & TCP_RACK_STATIC_REO_WND) != 0 || rs.priorDelivered == 0) {
            return;
        }
        if (TcpSeq.before(rs.priorDelivered, tp.rackLastDelivered)) {
            tp.rackDsackSeen = false; // less than a round trip since the last step
        }
        if (tp.rackDsackSeen) {
            tp.rackReoWndSteps = Math.min(0xff, tp.rackReoWndSteps + 1);
            tp.rackDsackSeen = false;
            tp.rackLastDelivered = tp.delivered;
            tp.rackReoWndPersist = TCP_RACK_RECOVERY_THRESH;
        } else if (tp.rackReoWndPersist == 0) {
            tp.rackReoWndSteps = 1;
        }
    }

    /** RFC 6582: without SACK only the head can be known to be lost. Linux: tcp_newreno_mark_lost(). */
    static void tcpNewrenoMarkLost(Cpu cpu, TcpSock tp, boolean sndUnaAdvanced) {
        int state = tp.icskCaState;
        boolean threshold = state < TCP_CA_RECOVERY && tp.sackedOut >= tp.reordering;
        boolean partialAck = state == TCP_CA_RECOVERY && sndUnaAdvanced;
        SkBuff skb = tp.rtxQueueHead();
        if (!threshold && !partialAck || skb == null || (TcpSkbCb.sacked(skb) & TCPCB_LOST) != 0) {
            return;
        }
        int mss = TcpSkbCb.mss(skb);
        if (TcpSkbCb.pcount(skb) > 1 && skb.len > mss) {
            TcpFragment.tcpFragment(cpu, tp, true, skb, mss, mss);
        }
        tcpMarkSkbLost(cpu, tp, skb);
        // Without memory to split it more is lost than one: no more may have left the network than was sent.
        TcpRenoSack.tcpLimitRenoSacked(tp);
    }

    /**
     * Marks one segment lost, or its retransmission lost again.
     *
     * <p>{@code Deviation:} an undo takes LOST off and leaves the retransmission's mark; a segment that is lost after
     * that loses both at once. Linux keeps the mark, and its next retransmission is counted twice.
     *
     * <p>Linux: tcp_mark_skb_lost()
     */
    static void tcpMarkSkbLost(Cpu cpu, TcpSock tp, SkBuff skb) {
        int sacked = TcpSkbCb.sacked(skb);
        if ((sacked & TCPCB_SACKED_ACKED) != 0) {
            return;
        }
        tcpVerifyRetransmitHint(tp, skb);
        int pcount = TcpSkbCb.pcount(skb);
        if ((sacked & TCPCB_LOST) == 0) {
            tp.lostOut += pcount;
            TcpSkbCb.orSacked(skb, TCPCB_LOST);
            tp.lost += pcount;
            TcpCong.skbMarkedLost(cpu, tp, skb);
        }
        if ((sacked & TCPCB_SACKED_RETRANS) != 0) {
            TcpSkbCb.clearSacked(skb, TCPCB_SACKED_RETRANS);
            tp.retransOut -= pcount;
            TcpCount.netAdd(cpu, tp, LinuxMib.TCPLOSTRETRANSMIT, pcount);
            tp.lost += pcount;
            if ((sacked & TCPCB_LOST) != 0) {
                TcpCong.skbMarkedLost(cpu, tp, skb);
            }
        }
    }

    /** Lets retransmission start no later than at this segment. Linux: tcp_verify_retransmit_hint(). */
    private static void tcpVerifyRetransmitHint(TcpSock tp, SkBuff skb) {
        @Nullable SkBuff hint = tp.retransmitSkbHint;
        if (hint == null ? tp.retransOut >= tp.lostOut : TcpSeq.before(TcpSkbCb.seq(skb), TcpSkbCb.seq(hint))) {
            tp.retransmitSkbHint = skb;
        }
    }
}
