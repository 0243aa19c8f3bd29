package net.tcp;

import static net.core.sock.TcpStates.TCP_SYN_SENT;
import static net.tcp.TcpConst.ICSK_TIME_LOSS_PROBE;
import static net.tcp.TcpConst.ICSK_TIME_PROBE0;
import static net.tcp.TcpConst.ICSK_TIME_REO_TIMEOUT;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TCP_CA_OPEN;
import static net.tcp.TcpConst.TCP_CHRONO_BUSY;
import static net.tcp.TcpConst.TCP_NAGLE_OFF;

import net.core.Cpu;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Works on the acknowledgment of a segment: is it acceptable, does it move the window, what leaves the retransmit queue
 * ({@link TcpRtxClean}), what does it say about losses ({@link TcpCaMachine}), how does the congestion window change.
 *
 * <p><b>Context:</b> socket lock and the CPU's word.
 *
 * <p>Linux: tcp_ack(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpAck {
    /** The segment carries data. */
    static final int FLAG_DATA = 0x01;
    /** It updated the window. */
    static final int FLAG_WIN_UPDATE = 0x02;
    /** It acknowledged new data. */
    static final int FLAG_DATA_ACKED = 0x04;
    /** ... some of it retransmitted. */
    static final int FLAG_RETRANS_DATA_ACKED = 0x08;
    /** It acknowledged our SYN. */
    static final int FLAG_SYN_ACKED = 0x10;
    /** It SACKed new data. */
    static final int FLAG_DATA_SACKED = 0x20;
    /** It echoes a congestion mark. */
    static final int FLAG_ECE = 0x40;
    /** It shows that a retransmission was lost. */
    static final int FLAG_LOST_RETRANS = 0x80;
    /** It did not take the fast path. */
    static final int FLAG_SLOWPATH = 0x100;
    /** Never retransmitted data was (S)ACKed. */
    static final int FLAG_ORIG_SACK_ACKED = 0x200;
    /** It moved {@code sndUna}. */
    static final int FLAG_SND_UNA_ADVANCED = 0x400;
    /** It carries a D-SACK. */
    static final int FLAG_DSACKING_ACK = 0x800;
    /** The loss probe or retransmission timer is to be armed anew. */
    static final int FLAG_SET_XMIT_TIMER = 0x1000;
    /** The head was SACKed and is not acknowledged. */
    static final int FLAG_SACK_RENEGING = 0x2000;
    /** {@code tsRecent} may be updated from it. */
    static final int FLAG_UPDATE_TS_RECENT = 0x4000;
    /** Answer a too old ACK with silence. */
    static final int FLAG_NO_CHALLENGE_ACK = 0x8000;
    /** The receiver has likely delayed it. */
    static final int FLAG_ACK_MAYBE_DELAYED = 0x10000;
    /** The D-SACK answers a loss probe. */
    static final int FLAG_DSACK_TLP = 0x20000;
    /** The peer's time stamp advanced. */
    static final int FLAG_TS_PROGRESS = 0x40000;

    static final int FLAG_ACKED = FLAG_DATA_ACKED | FLAG_SYN_ACKED;
    static final int FLAG_NOT_DUP = FLAG_DATA | FLAG_WIN_UPDATE | FLAG_ACKED;
    static final int FLAG_CA_ALERT = FLAG_DATA_SACKED | FLAG_ECE | FLAG_DSACKING_ACK;
    static final int FLAG_FORWARD_PROGRESS = FLAG_ACKED | FLAG_DATA_SACKED;

    /** Nothing to retransmit. */
    static final int REXMIT_NONE = 0;
    /** Retransmit what is marked lost. */
    static final int REXMIT_LOST = 1;
    /** F-RTO: new data first. */
    static final int REXMIT_NEW = 2;

    private static final long USEC_PER_SEC = 1_000_000;

    private TcpAck() {}

    /**
     * Handles the acknowledgment of a segment whose sequence number is acceptable.
     *
     * @param flag {@code FLAG_SLOWPATH} and other bits that the caller knows
     * @return 1 if it was new enough to be used, 0 for an old one, negative the drop reason's ordinal
     */
    public static int tcpAck(Cpu cpu, TcpSock tp, SkBuff skb, int flag) {
        PathTrace.hit(cpu, skb, Landmark.TCP_ACK);
        TcpScratch s = TcpScratch.of(cpu);
        TcpSacktagState sack = s.sack;
        RateSample rs = s.rate;
        sack.reset();
        rs.reset();
        s.rexmit = REXMIT_NONE;

        int priorSndUna = tp.sndUna;
        int ackSeq = TcpSkbCb.seq(skb);
        int ack = TcpSkbCb.ackSeq(skb);
        if (TcpSeq.before(ack, priorSndUna)) {
            return oldAck(cpu, tp, skb, flag, s);
        }
        if (TcpSeq.after(ack, tp.sndNxt)) { // RFC 9293 3.10.7.4, RFC 5961 5.2: not sent yet
            if ((flag & FLAG_NO_CHALLENGE_ACK) == 0) {
                TcpChallenge.tcpSendChallengeAck(cpu, tp);
            }
            return -SkbDropReason.TCP_ACK_UNSENT_DATA.ordinal();
        }
        if (TcpSeq.after(ack, priorSndUna)) {
            flag |= FLAG_SND_UNA_ADVANCED;
            tp.icskRetransmits = 0;
        }
        boolean isSackReneg = tp.isSackReneg;
        int priorPackets = tp.packetsOut;
        int priorDelivered = tp.delivered;
        int priorLost = tp.lost;
        int priorFack = tp.isSack() ? TcpSackTag.highestSackSeq(tp) : tp.sndUna;
        rs.priorInFlight = tp.packetsInFlight();

        // RFC 7323 4.3: the stamp is taken over only now that the segment is known to lie in the window.
        if ((flag & FLAG_UPDATE_TS_RECENT) != 0) {
            flag |= tcpReplaceTsRecent(cpu, tp, ackSeq);
        }
        if ((flag & (FLAG_SLOWPATH | FLAG_SND_UNA_ADVANCED)) == FLAG_SND_UNA_ADVANCED) {
            tp.sndWl1 = ackSeq; // header prediction: same window, left edge moves
            tcpSndUnaUpdate(tp, ack);
            flag |= FLAG_WIN_UPDATE;
            TcpCount.netInc(cpu, tp, LinuxMib.TCPHPACKS);
        } else {
            flag = slowPath(cpu, tp, skb, flag, priorSndUna, s);
        }
        TcpEcnIn.acceptCwr(tp, skb);
        tp.errSoft = 0;
        tp.icskProbesOut = 0;
        tp.rcvTstamp = (int) cpu.jiffies();
        s.flag = flag;
        if (priorPackets == 0) {
            nothingOut(cpu, tp, skb, ack, priorSndUna, priorDelivered, s);
            return 1;
        }

        s.flag |= TcpRtxClean.tcpCleanRtxQueue(cpu, tp, skb, priorFack, priorSndUna, s, (flag & FLAG_ECE) != 0);
        TcpRack.tcpRackUpdateReoWnd(tp, rs);
        int ce = accurateEcn(tp, skb, priorDelivered, s);
        tcpInAckEvent(cpu, tp, s.flag);
        if (tp.tlpHighSeq != 0) {
            tcpProcessTlpAck(cpu, tp, ack, s.flag, s.rate);
        }
        if (dubious(tp, s.flag)) {
            int numDupack = 0;
            if ((s.flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DSACKING_ACK)) == 0) {
                // Pure ACKs may have been merged in the backlog.
                numDupack = (s.flag & FLAG_DATA) != 0 ? 1 : Math.max(1, skb.shinfo().gsoSegs);
            }
            TcpCaMachine.tcpFastretransAlert(cpu, tp, priorSndUna, numDupack, s);
        }
        if ((s.flag & FLAG_SET_XMIT_TIMER) != 0) {
            tcpSetXmitTimer(cpu, tp);
        }
        if ((s.flag & FLAG_FORWARD_PROGRESS) != 0 || (s.flag & FLAG_NOT_DUP) == 0) {
            tp.dstPendingConfirm = true; // the neighbour is alive
        }
        int delivered = tcpNewlyDelivered(cpu, tp, priorDelivered, ce, s.flag);
        int lost = tp.lost - priorLost;
        rs.isEce = (s.flag & FLAG_ECE) != 0;
        rs.isAckDelayed = (s.flag & FLAG_ACK_MAYBE_DELAYED) != 0;
        TcpRate.generate(tp, delivered, lost, isSackReneg, rs);
        tcpCongControl(cpu, tp, ack, delivered, s.flag, rs);
        tcpXmitRecovery(cpu, tp, s.rexmit);
        return 1;
    }

    /** Everything that header prediction spares: window, SACK blocks, ECN. Returns the flags. */
    private static int slowPath(Cpu cpu, TcpSock tp, SkBuff skb, int flag, int priorSndUna, TcpScratch s) {
        if (TcpSkbCb.seq(skb) != TcpSkbCb.endSeq(skb)) {
            flag |= FLAG_DATA;
        } else {
            TcpCount.netInc(cpu, tp, LinuxMib.TCPPUREACKS);
        }
        flag |= tcpAckUpdateWindow(cpu, tp, skb, TcpSkbCb.ackSeq(skb), TcpSkbCb.seq(skb), s);
        if (TcpSkbCb.sacked(skb) != 0) {
            flag |= TcpSackTag.tcpSacktagWriteQueue(cpu, tp, skb, priorSndUna, s);
        }
        if (TcpEcnIn.rcvEcnEcho(tp, skb)) {
            flag |= FLAG_ECE;
        }
        if (s.sack.sackDelivered != 0) {
            tcpCountDelivered(tp, s.sack.sackDelivered, (flag & FLAG_ECE) != 0);
        }
        return flag;
    }

    /** An ACK below the left edge: reordered, or an attack (RFC 5961 5.2). Its SACKs may still be news. */
    private static int oldAck(Cpu cpu, TcpSock tp, SkBuff skb, int flag, TcpScratch s) {
        int priorSndUna = tp.sndUna;
        int maxWindow = (int) Math.min(Integer.toUnsignedLong(tp.maxWindow), tp.bytesAcked);
        if (TcpSeq.before(TcpSkbCb.ackSeq(skb), priorSndUna - maxWindow)) {
            if ((flag & FLAG_NO_CHALLENGE_ACK) == 0) {
                TcpChallenge.tcpSendChallengeAck(cpu, tp);
            }
            return -SkbDropReason.TCP_TOO_OLD_ACK.ordinal();
        }
        if (TcpSkbCb.sacked(skb) != 0) {
            int priorDelivered = tp.delivered;
            s.flag = flag | TcpSackTag.tcpSacktagWriteQueue(cpu, tp, skb, priorSndUna, s);
            TcpCaMachine.tcpFastretransAlert(cpu, tp, priorSndUna, 0, s);
            tcpNewlyDelivered(cpu, tp, priorDelivered, 0, s.flag);
            tcpXmitRecovery(cpu, tp, s.rexmit);
        }
        return 0;
    }

    /** Nothing was in flight: a window update perhaps, or the answer to a zero window probe. */
    private static void nothingOut(
            Cpu cpu, TcpSock tp, SkBuff skb, int ack, int priorSndUna, int priorDelivered, TcpScratch s) {
        int ce = accurateEcn(tp, skb, priorDelivered, s);
        tcpInAckEvent(cpu, tp, s.flag);
        if ((s.flag & FLAG_DSACKING_ACK) != 0) {
            TcpCaMachine.tcpFastretransAlert(cpu, tp, priorSndUna, 0, s);
            tcpNewlyDelivered(cpu, tp, priorDelivered, ce, s.flag);
        }
        tcpAckProbe(cpu, tp);
        if (tp.tlpHighSeq != 0) {
            tcpProcessTlpAck(cpu, tp, ack, s.flag, s.rate);
        }
    }

    // ---- edges and window

    /** Moves the left edge. Linux: tcp_snd_una_update(). */
    static void tcpSndUnaUpdate(TcpSock tp, int ack) {
        tp.bytesAcked += Integer.toUnsignedLong(ack - tp.sndUna);
        tp.sndUna = ack;
    }

    /** Moves the next expected byte. Linux: tcp_rcv_nxt_update(). */
    static void tcpRcvNxtUpdate(TcpSock tp, int seq) {
        tp.bytesReceived += Integer.toUnsignedLong(seq - tp.rcvNxt);
        tp.rcvNxt = seq;
    }

    /** RFC 9293 3.10.7.4: may this segment change the window? Linux: tcp_may_update_window(). */
    static boolean tcpMayUpdateWindow(TcpSock tp, int ack, int ackSeq, int nwin) {
        return TcpSeq.after(ack, tp.sndUna)
                || TcpSeq.after(ackSeq, tp.sndWl1)
                || ackSeq == tp.sndWl1 && (Integer.compareUnsigned(nwin, tp.sndWnd) > 0 || nwin == 0);
    }

    /** Takes window and left edge from a segment. Linux: tcp_ack_update_window(). */
    private static int tcpAckUpdateWindow(Cpu cpu, TcpSock tp, SkBuff skb, int ack, int ackSeq, TcpScratch s) {
        int flag = 0;
        int nwin = s.hdr.wrap(skb).window();
        if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_SYN) == 0) {
            nwin <<= tp.rxOpt.sndWscale;
        }
        if (tcpMayUpdateWindow(tp, ack, ackSeq, nwin)) {
            flag |= FLAG_WIN_UPDATE;
            tp.sndWl1 = ackSeq;
            if (tp.sndWnd != nwin) {
                tp.sndWnd = nwin;
                // The only place where a sender gets its fast path back.
                tp.predFlags = 0;
                TcpInput.tcpFastPathCheck(tp);
                if (tp.sendHead() != null) {
                    TcpCwnd.slowStartAfterIdleCheck(cpu, tp);
                }
                if (Integer.compareUnsigned(nwin, tp.maxWindow) > 0) {
                    tp.maxWindow = nwin;
                    TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
                }
            }
        }
        tcpSndUnaUpdate(tp, ack);
        return flag;
    }

    /** Takes the peer's time stamp over; returns {@code FLAG_TS_PROGRESS} if it advanced. */
    static int storeTsRecent(Cpu cpu, TcpSock tp) {
        int delta = tp.rxOpt.rcvTsval - tp.rxOpt.tsRecent;
        tp.rxOpt.tsRecent = tp.rxOpt.rcvTsval;
        tp.rxOpt.tsRecentStamp = TcpPaws.seconds(cpu);
        return delta > 0 ? FLAG_TS_PROGRESS : 0;
    }

    private static int tcpReplaceTsRecent(Cpu cpu, TcpSock tp, int seq) {
        // RFC 7323 4.3 (2): only a segment that covers the last ACK sent; and never one that PAWS refuses.
        if (tp.rxOpt.sawTstamp && !TcpSeq.after(seq, tp.rcvWup) && TcpPaws.tcpPawsCheck(cpu, tp.rxOpt, 0)) {
            return storeTsRecent(cpu, tp);
        }
        return 0;
    }

    // ---- timers

    /** Microseconds till the head's time-out. Linux: tcp_rto_delta_us(). */
    static long tcpRtoDeltaUs(TcpSock tp) {
        SkBuff head = tp.rtxQueueHead();
        long rtoUs = tp.icskRto * 1000L;
        return head == null ? rtoUs : TcpSkbCb.timestampUs(head) + rtoUs - tp.tcpMstamp;
    }

    /** Restarts the retransmission timer, or stops it if nothing is out. RFC 6298 5.2, 5.3. Linux: tcp_rearm_rto(). */
    public static void tcpRearmRto(Cpu cpu, TcpSock tp) {
        if (tp.fastopenRsk != null) { // the timer is the SYN-ACK's
            return;
        }
        if (tp.packetsOut == 0) {
            tp.clearXmitTimer(ICSK_TIME_RETRANS);
            return;
        }
        long rto = tp.icskRto;
        int pending = tp.icskPending;
        if (pending == ICSK_TIME_REO_TIMEOUT || pending == ICSK_TIME_LOSS_PROBE) {
            // These ran in the timer's place: count from when the head was sent.
            rto = TcpRttEstimator.usToJiffies(Math.max(tcpRtoDeltaUs(tp), 1));
        }
        TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, rto, true);
    }

    private static void tcpSetXmitTimer(Cpu cpu, TcpSock tp) {
        if (!TcpProbe.tcpScheduleLossProbe(cpu, tp, true)) {
            tcpRearmRto(cpu, tp);
        }
    }

    /** The window may have opened: ends zero window probing, or re-arms it. RFC 9293 3.8.6.1. Linux: tcp_ack_probe(). */
    private static void tcpAckProbe(Cpu cpu, TcpSock tp) {
        SkBuff head = tp.sendHead();
        if (head == null) {
            return;
        }
        if (!TcpSeq.after(TcpSkbCb.endSeq(head), tp.wndEnd())) {
            tp.icskBackoff = 0;
            tp.icskProbesTstamp = 0;
            tp.clearXmitTimer(ICSK_TIME_PROBE0);
        } else {
            long when = TcpTimer.probe0When(tp, TcpTimer.rtoMax(tp));
            when = TcpTimer.clampProbe0ToUserTimeout(cpu, tp, when);
            TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_PROBE0, when, true);
        }
    }

    /** The episode of a loss probe may end here (RFC 8985 7.4). Linux: tcp_process_tlp_ack(). */
    private static void tcpProcessTlpAck(Cpu cpu, TcpSock tp, int ack, int flag, RateSample rs) {
        if (TcpSeq.before(ack, tp.tlpHighSeq)) {
            return;
        }
        rs.isAckingTlpRetrans = tp.tlpRetrans && ack == tp.tlpHighSeq;
        if (!tp.tlpRetrans || (flag & FLAG_DSACK_TLP) != 0) {
            tp.tlpHighSeq = 0; // it was new data; or both original and probe arrived
        } else if (TcpSeq.after(ack, tp.tlpHighSeq)) {
            // More than the probe's copy is acknowledged without a D-SACK: the probe repaired a loss.
            TcpPrr.tcpInitCwndReduction(cpu, tp);
            TcpCaMachine.tcpSetCaState(cpu, tp, TcpConst.TCP_CA_CWR);
            TcpPrr.tcpEndCwndReduction(cpu, tp);
            TcpCaMachine.tcpTryKeepOpen(cpu, tp);
            TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_TLP_RECOVERY);
            TcpCount.netInc(cpu, tp, LinuxMib.TCPLOSSPROBERECOVERY);
        } else if ((flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DATA_SACKED)) == 0) {
            tp.tlpHighSeq = 0; // a pure duplicate: both arrived
        }
    }

    // ---- congestion control

    private static boolean dubious(TcpSock tp, int flag) {
        return (flag & FLAG_NOT_DUP) == 0 || (flag & FLAG_CA_ALERT) != 0 || tp.icskCaState != TCP_CA_OPEN;
    }

    /** Counts segments that reached the peer. Linux: tcp_count_delivered(). */
    static void tcpCountDelivered(TcpSock tp, int delivered, boolean eceAck) {
        tp.delivered += delivered;
        if (eceAck) {
            tp.deliveredCe += delivered;
        }
    }

    /** Accurate ECN: how many more segments were marked; sets {@link #FLAG_ECE} if any. */
    private static int accurateEcn(TcpSock tp, SkBuff skb, int priorDelivered, TcpScratch s) {
        TcpAccEcn a = tp.accEcn;
        if (a == null || !TcpAccEcn.on(tp)) {
            return 0;
        }
        int ce = TcpAccEcnAck.process(tp, a, skb, tp.delivered - priorDelivered, s.sack.deliveredBytes, s.flag);
        if (ce > 0) {
            s.flag |= FLAG_ECE;
        }
        return ce;
    }

    /** @param ce segments that AccECN tells to have been marked */
    private static int tcpNewlyDelivered(Cpu cpu, TcpSock tp, int priorDelivered, int ce, int flag) {
        int delivered = tp.delivered - priorDelivered;
        TcpCount.netAdd(cpu, tp, LinuxMib.TCPDELIVERED, delivered);
        if ((flag & FLAG_ECE) != 0) {
            TcpCount.netAdd(cpu, tp, LinuxMib.TCPDELIVEREDCE, TcpAccEcn.classic(tp) ? delivered : ce);
        }
        return delivered;
    }

    private static void tcpInAckEvent(Cpu cpu, TcpSock tp, int flag) {
        TcpCongestionOps ops = TcpCong.ops(tp);
        if ((ops.implemented & TcpCongestionOps.HAS_IN_ACK_EVENT) == 0) {
            return;
        }
        int event = 0;
        if ((flag & FLAG_WIN_UPDATE) != 0) {
            event |= TcpCongestionOps.CA_ACK_WIN_UPDATE;
        }
        if ((flag & FLAG_SLOWPATH) != 0) {
            event |= TcpCongestionOps.CA_ACK_SLOWPATH;
            if ((flag & FLAG_ECE) != 0) {
                event |= TcpCongestionOps.CA_ACK_ECE;
            }
        }
        ops.inAckEvent(cpu, tp, event);
    }

    /** With much reordering any delivery counts as progress, else only delivery in order (RFC 5681). */
    private static boolean tcpMayRaiseCwnd(TcpSock tp, int flag) {
        int progress = tp.reordering > tp.sysctl.tcpReordering ? FLAG_FORWARD_PROGRESS : FLAG_DATA_ACKED;
        return (flag & progress) != 0;
    }

    /** Sets window and pacing rate: by the algorithm alone, by PRR, or by its growth function. */
    private static void tcpCongControl(Cpu cpu, TcpSock tp, int ack, int ackedSacked, int flag, RateSample rs) {
        TcpCongestionOps ops = TcpCong.ops(tp);
        if ((ops.implemented & TcpCongestionOps.HAS_CONG_CONTROL) != 0) {
            ops.congControl(cpu, tp, ack, flag, rs);
            return;
        }
        if (tp.inCwndReduction()) {
            TcpPrr.tcpCwndReduction(tp, ackedSacked, rs.losses, flag);
        } else if (tcpMayRaiseCwnd(tp, flag)) {
            ops.congAvoid(cpu, tp, ack, ackedSacked);
            tp.sndCwndStamp = (int) cpu.jiffies();
        }
        tcpUpdatePacingRate(tp);
    }

    /** Paces at 200 % of window per round trip while it doubles, then at 120 %. Linux: tcp_update_pacing_rate(). */
    public static void tcpUpdatePacingRate(TcpSock tp) {
        TcpSysctl sysctl = tp.sysctl;
        long rate = tp.mssCache * ((USEC_PER_SEC / 100) << 3);
        rate *= tp.sndCwnd < tp.sndSsthresh / 2 ? sysctl.tcpPacingSsRatio : sysctl.tcpPacingCaRatio;
        rate *= Math.max(tp.sndCwnd, tp.packetsOut);
        if (tp.srttUs != 0) {
            rate /= tp.srttUs;
        }
        tp.pacingRate = Math.min(rate, tp.maxPacingRate);
    }

    /** Sends what recovery asks for, now that the window is set. */
    private static void tcpXmitRecovery(Cpu cpu, TcpSock tp, int rexmit) {
        if (rexmit == REXMIT_NONE || tp.state == TCP_SYN_SENT) {
            return;
        }
        if (rexmit == REXMIT_NEW) {
            TcpOutput.tcpPushPendingFrames(cpu, tp, TcpMss.tcpCurrentMss(cpu, tp), TCP_NAGLE_OFF);
            if (TcpSeq.after(tp.sndNxt, tp.highSeq)) {
                return;
            }
            tp.frto = false; // there was nothing new to send
        }
        TcpRetransmit.tcpXmitRetransmitQueue(cpu, tp);
    }

    /** The chronograph of "busy" stops with the last segment out. */
    static void queueDrained(Cpu cpu, TcpSock tp, @Nullable SkBuff left) {
        if (left == null) {
            TcpChrono.stop(cpu, tp, TCP_CHRONO_BUSY);
            if (tp.sendQueue.isEmpty()) {
                TcpSendmsg.dropPage(cpu, tp);
            }
        }
    }
}
