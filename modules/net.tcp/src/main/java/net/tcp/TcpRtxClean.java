package net.tcp;

import static net.tcp.TcpAck.FLAG_ACKED;
import static net.tcp.TcpAck.FLAG_ACK_MAYBE_DELAYED;
import static net.tcp.TcpAck.FLAG_CA_ALERT;
import static net.tcp.TcpAck.FLAG_DATA_ACKED;
import static net.tcp.TcpAck.FLAG_ORIG_SACK_ACKED;
import static net.tcp.TcpAck.FLAG_RETRANS_DATA_ACKED;
import static net.tcp.TcpAck.FLAG_SACK_RENEGING;
import static net.tcp.TcpAck.FLAG_SET_XMIT_TIMER;
import static net.tcp.TcpAck.FLAG_SYN_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Takes what is cumulatively acknowledged off the retransmit queue, and reads from it the round trip, reordering and
 * delivery.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_clean_rtx_queue(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpRtxClean {
    private TcpRtxClean() {}

    /** Segments of a GSO packet that the left edge has passed; cuts them off. Linux: tcp_tso_acked(). */
    private static int tcpTsoAcked(Cpu cpu, TcpSock tp, SkBuff skb) {
        int packets = TcpSkbCb.pcount(skb);
        if (TcpFragment.tcpTrimHead(cpu, tp, skb, tp.sndUna - TcpSkbCb.seq(skb)) != 0) {
            return 0;
        }
        return packets - TcpSkbCb.pcount(skb);
    }

    /** Cleans the queue up to {@code sndUna}; returns the flags to add. */
    static int tcpCleanRtxQueue(
            Cpu cpu, TcpSock tp, SkBuff ackSkb, int priorFack, int priorSndUna, TcpScratch s, boolean eceAck) {
        TcpSacktagState sack = s.sack;
        int priorSacked = tp.sackedOut;
        int reord = tp.sndNxt; // lowest acknowledged that was neither retransmitted nor SACKed
        boolean fullyAcked = true;
        long firstAckt = 0;
        long lastAckt = 0;
        int pktsAcked = 0;
        int flag = 0;
        SkBuff skb = tp.tcpRtxQueue.first();
        while (skb != null) {
            int startSeq = TcpSkbCb.seq(skb);
            int endSeq = TcpSkbCb.endSeq(skb);
            int sacked = TcpSkbCb.sacked(skb);
            int pcount = TcpSkbCb.pcount(skb);
            TcpTxTimestamp.acked(cpu, tp, skb, ackSkb, priorSndUna);
            if (TcpSeq.after(endSeq, tp.sndUna)) { // at most a part of it
                if (pcount == 1 || !TcpSeq.after(tp.sndUna, startSeq)) {
                    break;
                }
                pcount = tcpTsoAcked(cpu, tp, skb);
                if (pcount == 0) {
                    break;
                }
                fullyAcked = false;
            }
            if ((sacked & TCPCB_RETRANS) != 0) {
                if ((sacked & TCPCB_SACKED_RETRANS) != 0) {
                    tp.retransOut -= pcount;
                }
                flag |= FLAG_RETRANS_DATA_ACKED;
            } else if ((sacked & TCPCB_SACKED_ACKED) == 0) {
                lastAckt = TcpSkbCb.timestampUs(skb);
                if (firstAckt == 0) {
                    firstAckt = lastAckt;
                }
                reord = TcpSeq.min(reord, startSeq);
                if (!TcpSeq.after(endSeq, tp.highSeq)) {
                    flag |= FLAG_ORIG_SACK_ACKED;
                }
            }
            if ((sacked & TCPCB_SACKED_ACKED) != 0) {
                sack.deliveredBytes -= skb.len; // counted when it was SACKed
                tp.sackedOut -= pcount;
            } else if (tp.isSack()) {
                TcpAck.tcpCountDelivered(tp, pcount, eceAck);
                if (!TcpUndo.skbSpuriousRetrans(tp, skb)) {
                    TcpRack.tcpRackAdvance(tp, sacked, endSeq, TcpSkbCb.timestampUs(skb));
                }
            }
            if ((sacked & TCPCB_LOST) != 0) {
                tp.lostOut -= pcount;
            }
            tp.packetsOut -= pcount;
            pktsAcked += pcount;
            TcpRate.skbDelivered(tp, skb, s.rate);
            // A SYN is not data: it must not open the window as one segment of data would.
            if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_SYN) == 0) {
                flag |= FLAG_DATA_ACKED;
            } else {
                flag |= FLAG_SYN_ACKED;
                tp.retransStamp = 0;
            }
            if (!fullyAcked) {
                break;
            }
            SkBuff next = tp.tcpRtxQueue.next(skb);
            if (skb == tp.retransmitSkbHint) {
                tp.retransmitSkbHint = null;
            }
            if (skb == tp.highestSack) {
                tp.highestSack = next;
            }
            TcpQueues.tcpRtxQueueUnlinkAndFree(cpu, tp, skb);
            skb = next;
        }
        sack.deliveredBytes += (skb != null ? TcpSkbCb.seq(skb) : tp.sndUna) - priorSndUna;
        TcpAck.queueDrained(cpu, tp, skb);
        if (TcpSeq.between(tp.sndUp, priorSndUna, tp.sndUna)) {
            tp.sndUp = tp.sndUna;
        }
        if (skb != null && (TcpSkbCb.sacked(skb) & TCPCB_SACKED_ACKED) != 0) {
            flag |= FLAG_SACK_RENEGING;
        }

        long seqRttUs = -1;
        long sackRttUs = -1;
        long caRttUs = -1;
        if (firstAckt != 0 && (flag & FLAG_RETRANS_DATA_ACKED) == 0) {
            seqRttUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, firstAckt);
            caRttUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, lastAckt);
            // A lone small segment, everything before it long delivered: its ACK was probably delayed.
            if (pktsAcked == 1
                    && fullyAcked
                    && priorSacked == 0
                    && tp.sndUna - priorSndUna < tp.mssCache
                    && s.rate.priorDelivered + 1 == tp.delivered
                    && (flag & (FLAG_CA_ALERT | FLAG_SYN_ACKED)) == 0) {
                flag |= FLAG_ACK_MAYBE_DELAYED;
            }
        }
        if (sack.firstSackt != 0) {
            sackRttUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, sack.firstSackt);
            caRttUs = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, sack.lastSackt);
        }
        boolean rttUpdate = TcpRttEstimator.tcpAckUpdateRtt(cpu, tp, flag, seqRttUs, sackRttUs, caRttUs, s.rate);

        if ((flag & FLAG_ACKED) != 0) {
            flag |= FLAG_SET_XMIT_TIMER;
            flag = afterProgress(cpu, tp, flag, reord, priorFack, pktsAcked, eceAck);
        } else if (skb != null
                && rttUpdate
                && sackRttUs >= 0
                && sackRttUs > TcpRttEstimator.stampUsDelta(tp.tcpMstamp, TcpSkbCb.timestampUs(skb))) {
            // Not for SACKs of what was sent after the head's last transmission: they would put its time-out off for
            // ever.
            flag |= FLAG_SET_XMIT_TIMER;
        }
        if ((TcpCong.ops(tp).implemented & TcpCongestionOps.HAS_PKTS_ACKED) == 0) {
            return flag;
        }
        AckSample sample = s.ackSample;
        sample.pktsAcked = pktsAcked;
        sample.rttUs = (int) s.rate.rttUs;
        sample.inFlight = tp.mssCache * (tp.delivered - s.rate.priorDelivered);
        TcpCong.ops(tp).pktsAcked(cpu, tp, sample);
        return flag;
    }

    /** New data was acknowledged: what this says about the path MTU probe, duplicates and reordering. */
    private static int afterProgress(
            Cpu cpu, TcpSock tp, int flag, int reord, int priorFack, int pktsAcked, boolean eceAck) {
        if (tp.icskMtupProbeSize != 0 && !TcpSeq.after(tp.mtuProbeSeqEnd, tp.sndUna)) {
            TcpCaMachine.tcpMtupProbeSuccess(cpu, tp);
        }
        if (tp.isReno()) {
            TcpRenoSack.tcpRemoveRenoSacks(cpu, tp, pktsAcked, eceAck);
            // Without SACK one can't tell which of the segments was the original.
            if ((flag & FLAG_RETRANS_DATA_ACKED) != 0) {
                flag &= ~FLAG_ORIG_SACK_ACKED;
            }
        } else if (TcpSeq.before(reord, priorFack)) {
            TcpSackTag.tcpCheckSackReordering(cpu, tp, reord, false); // a hole filled without a retransmission
        }
        return flag;
    }
}
