package net.tcp;

import static net.tcp.TcpAck.FLAG_DATA_SACKED;
import static net.tcp.TcpAck.FLAG_ECE;
import static net.tcp.TcpAck.FLAG_LOST_RETRANS;
import static net.tcp.TcpAck.FLAG_ORIG_SACK_ACKED;
import static net.tcp.TcpAck.FLAG_SACK_RENEGING;
import static net.tcp.TcpAck.FLAG_SET_XMIT_TIMER;
import static net.tcp.TcpAck.FLAG_SND_UNA_ADVANCED;
import static net.tcp.TcpAck.REXMIT_LOST;
import static net.tcp.TcpAck.REXMIT_NEW;
import static net.tcp.TcpConst.CA_EVENT_LOSS;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TCP_CA_CWR;
import static net.tcp.TcpConst.TCP_CA_DISORDER;
import static net.tcp.TcpConst.TCP_CA_LOSS;
import static net.tcp.TcpConst.TCP_CA_OPEN;
import static net.tcp.TcpConst.TCP_CA_RECOVERY;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The state machine of loss recovery.
 *
 * <pre>{@code
 *            duplicate ACK, SACK                 loss marked
 *   Open ------------------------> Disorder -----------------------> Recovery
 *    ^ ^  <------------------------   |                                |  ^
 *    | |   everything acknowledged    | ECE, local congestion, TLP     |  | retransmission lost
 *    | |                              v                                |  |
 *    | +---------------------------  CWR ------- loss marked -------->-+  |
 *    |    above highSeq acknowledged                                   |  |
 *    |                                                                 v  |
 *    +------------- highSeq acknowledged, or undone ------------------ Loss   <--- RTO, reneging (from any state)
 * }</pre>
 *
 * In Recovery and CWR the window follows PRR; in Loss it grows by slow start from one. {@code highSeq} is {@code sndNxt}
 * at entry: the state ends when it is acknowledged.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 5681, 6582, 6675, 8985, 5682. Linux: tcp_fastretrans_alert(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpCaMachine {
    private TcpCaMachine() {}

    /** Changes state and tells the algorithm. Linux: tcp_set_ca_state(). */
    static void tcpSetCaState(Cpu cpu, TcpSock tp, int state) {
        if (cpu.tracing) {
            TcpTrace.congStateSet(cpu, tp, state);
        }
        TcpCongestionOps ops = TcpCong.ops(tp);
        if ((ops.implemented & TcpCongestionOps.HAS_SET_STATE) != 0) {
            ops.setState(cpu, tp, state);
        }
        tp.icskCaState = (byte) state;
    }

    /** Was anything retransmitted that is still unacknowledged? Linux: tcp_any_retrans_done(). */
    static boolean tcpAnyRetransDone(TcpSock tp) {
        if (tp.retransOut != 0) {
            return true;
        }
        SkBuff head = tp.rtxQueueHead();
        return head != null && (TcpSkbCb.sacked(head) & TcpSkbCb.TCPCB_EVER_RETRANS) != 0;
    }

    /** Open if nothing is missing, else Disorder. */
    static void tcpTryKeepOpen(Cpu cpu, TcpSock tp) {
        int state = tp.leftOut() != 0 || tcpAnyRetransDone(tp) ? TCP_CA_DISORDER : TCP_CA_OPEN;
        if (tp.icskCaState != state) {
            tcpSetCaState(cpu, tp, state);
            tp.highSeq = tp.sndNxt;
        }
    }

    private static void tcpTryToOpen(Cpu cpu, TcpSock tp, int flag) {
        if (!tcpAnyRetransDone(tp)) {
            tp.retransStamp = 0;
        }
        if ((flag & FLAG_ECE) != 0) {
            tcpEnterCwr(cpu, tp);
        }
        if (tp.icskCaState != TCP_CA_CWR) {
            tcpTryKeepOpen(cpu, tp);
        }
    }

    /** Local congestion or an ECN echo: reduce, nothing is lost. Linux: tcp_enter_cwr(). */
    public static void tcpEnterCwr(Cpu cpu, TcpSock tp) {
        tp.priorSsthresh = 0;
        if (tp.icskCaState < TCP_CA_CWR) {
            tp.undoMarker = 0;
            TcpPrr.tcpInitCwndReduction(cpu, tp);
            tcpSetCaState(cpu, tp, TCP_CA_CWR);
        }
    }

    /** Linux: tcp_init_cwnd_reduction(). */
    public static void tcpInitCwndReduction(Cpu cpu, TcpSock tp) {
        TcpPrr.tcpInitCwndReduction(cpu, tp);
    }

    /** A loss was marked: fast retransmit begins. Linux: tcp_enter_recovery(). */
    static void tcpEnterRecovery(Cpu cpu, TcpSock tp, boolean eceAck) {
        if (!tcpAnyRetransDone(tp)) {
            tp.retransStamp = 0; // this episode's clock starts with its own retransmission
        }
        TcpCount.netInc(cpu, tp, tp.isReno() ? LinuxMib.TCPRENORECOVERY : LinuxMib.TCPSACKRECOVERY);
        tp.priorSsthresh = 0;
        TcpUndo.tcpInitUndo(tp);
        if (!tp.inCwndReduction()) {
            if (!eceAck) {
                tp.priorSsthresh = tp.currentSsthresh();
            }
            TcpPrr.tcpInitCwndReduction(cpu, tp);
        }
        tcpSetCaState(cpu, tp, TCP_CA_RECOVERY);
    }

    /** The time-out: the head is lost, and all that was sent long enough before. Linux: tcp_timeout_mark_lost(). */
    private static void tcpTimeoutMarkLost(Cpu cpu, TcpSock tp) {
        SkBuff head = tp.rtxQueueHead();
        boolean reneged = head != null && (TcpSkbCb.sacked(head) & TcpSkbCb.TCPCB_SACKED_ACKED) != 0;
        if (reneged) { // it SACKed the head and never acknowledged it: no SACK of it can be trusted
            TcpCount.netInc(cpu, tp, LinuxMib.TCPSACKRENEGING);
            tp.sackedOut = 0;
            tp.isSackReneg = true;
        } else if (tp.isReno()) {
            TcpRenoSack.tcpResetRenoSack(tp);
        }
        for (SkBuff skb = head; skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            if (reneged) {
                TcpSkbCb.clearSacked(skb, TcpSkbCb.TCPCB_SACKED_ACKED);
            } else if (skb != head && TcpRack.skbTimeout(tp, skb, 0) > 0) {
                continue; // sent too recently to tell
            }
            TcpRack.tcpMarkSkbLost(cpu, tp, skb);
        }
        tp.retransmitSkbHint = null;
    }

    /** The retransmission timer fired, or SACKs were reneged. Linux: tcp_enter_loss(). */
    public static void tcpEnterLoss(Cpu cpu, TcpSock tp) {
        TcpSysctl sysctl = tp.sysctl;
        int state = tp.icskCaState;
        boolean newRecovery = state < TCP_CA_RECOVERY;
        tcpTimeoutMarkLost(cpu, tp);
        // One reduction per window of data.
        if (state <= TCP_CA_DISORDER
                || !TcpSeq.after(tp.highSeq, tp.sndUna)
                || state == TCP_CA_LOSS && tp.icskRetransmits == 0) {
            tp.priorSsthresh = tp.currentSsthresh();
            tp.priorCwnd = tp.sndCwnd;
            tp.sndSsthresh = TcpCong.ops(tp).ssthresh(cpu, tp);
            TcpCong.cwndEvent(cpu, tp, CA_EVENT_LOSS);
            TcpUndo.tcpInitUndo(tp);
        }
        tp.setSndCwnd(tp.packetsInFlight() + 1);
        tp.sndCwndCnt = 0;
        tp.sndCwndStamp = (int) cpu.jiffies();
        // It timed out with enough duplicates in hand: reordering was overestimated.
        if (state <= TCP_CA_DISORDER && tp.sackedOut >= sysctl.tcpReordering) {
            tp.reordering = Math.min(tp.reordering, sysctl.tcpReordering);
        }
        tcpSetCaState(cpu, tp, TCP_CA_LOSS);
        tp.highSeq = tp.sndNxt;
        tp.tlpHighSeq = 0;
        TcpEcnIn.queueCwr(tp);
        // F-RTO, RFC 5682 3.1 step 1: retransmit the head, then see whether the ACKs prove the time-out needless.
        tp.frto = sysctl.tcpFrto != 0 && (newRecovery || tp.icskRetransmits != 0) && tp.icskMtupProbeSize == 0;
    }

    /** The head was SACKed and stays unacknowledged: allow a short time, then distrust all SACKs. */
    private static boolean tcpCheckSackReneging(Cpu cpu, TcpSock tp, TcpScratch s) {
        if ((s.flag & (FLAG_SACK_RENEGING | FLAG_SND_UNA_ADVANCED)) != (FLAG_SACK_RENEGING | FLAG_SND_UNA_ADVANCED)) {
            return false;
        }
        long delay = Math.max(TcpRttEstimator.usToJiffies(tp.srttUs >>> 4), 10);
        tp.resetXmitTimer(cpu, ICSK_TIME_RETRANS, delay, TcpTimer.rtoMax(tp));
        s.flag &= ~FLAG_SET_XMIT_TIMER;
        return true;
    }

    private static void tcpIdentifyPacketLoss(Cpu cpu, TcpSock tp, TcpScratch s) {
        if (tp.tcpRtxQueue.isEmpty()) {
            return;
        }
        if (tp.isReno()) {
            TcpRack.tcpNewrenoMarkLost(cpu, tp, (s.flag & FLAG_SND_UNA_ADVANCED) != 0);
            return;
        }
        int priorRetrans = tp.retransOut;
        if (TcpRack.tcpRackMarkLost(cpu, tp)) {
            s.flag &= ~FLAG_SET_XMIT_TIMER;
        }
        if (priorRetrans > tp.retransOut) {
            s.flag |= FLAG_LOST_RETRANS;
        }
    }

    /** In Loss: F-RTO and undo. Linux: tcp_process_loss(). */
    private static void tcpProcessLoss(Cpu cpu, TcpSock tp, int flag, int numDupack, TcpScratch s) {
        boolean recovered = !TcpSeq.before(tp.sndUna, tp.highSeq);
        boolean advanced = (flag & FLAG_SND_UNA_ADVANCED) != 0;
        if (advanced && TcpUndo.tcpTryUndoLoss(cpu, tp, false)) {
            return;
        }
        if (tp.frto) {
            // Step 3.b: data that was never retransmitted got through.
            if ((flag & FLAG_ORIG_SACK_ACKED) != 0 && TcpUndo.tcpTryUndoLoss(cpu, tp, true)) {
                return;
            }
            if (TcpSeq.after(tp.sndNxt, tp.highSeq)) {
                if ((flag & FLAG_DATA_SACKED) != 0 || numDupack != 0) {
                    tp.frto = false; // step 3.a: the loss was real
                }
            } else if (advanced && !recovered) {
                tp.highSeq = tp.sndNxt;
                // Step 2.b: try two new segments, once the window is updated; without any, recover as usual.
                if (tp.sendHead() != null && TcpSeq.after(tp.wndEnd(), tp.sndNxt)) {
                    s.rexmit = REXMIT_NEW;
                    return;
                }
                tp.frto = false;
            }
        }
        if (recovered) {
            TcpUndo.tcpTryUndoRecovery(cpu, tp); // step 2.a
            return;
        }
        if (tp.isReno()) {
            // A duplicate now says that the new data of step 2.b arrived.
            if (TcpSeq.after(tp.sndNxt, tp.highSeq) && numDupack != 0) {
                TcpRenoSack.tcpAddRenoSack(cpu, tp, numDupack, (flag & FLAG_ECE) != 0);
            } else if (advanced) {
                TcpRenoSack.tcpResetRenoSack(tp);
            }
        }
        s.rexmit = REXMIT_LOST;
    }

    /** The path MTU probe was lost, and only it: no congestion. */
    private static boolean mtuProbeLost(TcpSock tp) {
        return tp.icskCaState < TCP_CA_CWR && tp.icskMtupProbeSize != 0 && tp.sndUna == tp.mtuProbeSeqStart;
    }

    /** Ends the states whose highSeq was acknowledged; true if the ACK needs no further look. */
    private static boolean leaveStates(Cpu cpu, TcpSock tp) {
        if (tp.icskCaState == TCP_CA_OPEN) {
            tp.retransStamp = 0;
            return false;
        }
        if (TcpSeq.before(tp.sndUna, tp.highSeq)) {
            return false;
        }
        if (tp.icskCaState == TCP_CA_CWR) {
            // Something above highSeq must be acknowledged, so that the CWR bit has reached the peer.
            if (tp.sndUna != tp.highSeq) {
                TcpPrr.tcpEndCwndReduction(cpu, tp);
                tcpSetCaState(cpu, tp, TCP_CA_OPEN);
            }
        } else if (tp.icskCaState == TCP_CA_RECOVERY) {
            if (tp.isReno()) {
                TcpRenoSack.tcpResetRenoSack(tp);
            }
            if (TcpUndo.tcpTryUndoRecovery(cpu, tp)) {
                return true;
            }
            TcpPrr.tcpEndCwndReduction(cpu, tp);
        }
        return false;
    }

    /**
     * Works on a dubious ACK: a duplicate, one with SACKs or an ECN echo, or any ACK outside of Open. Leaves in the
     * scratch's {@code rexmit} what is to be sent once the window is updated.
     *
     * @param numDupack duplicate ACKs that this one stands for
     */
    static void tcpFastretransAlert(Cpu cpu, TcpSock tp, int priorSndUna, int numDupack, TcpScratch s) {
        int flag = s.flag;
        boolean eceAck = (flag & FLAG_ECE) != 0;
        if (tp.packetsOut == 0 && tp.sackedOut != 0) {
            tp.sackedOut = 0;
        }
        // A. An ECN echo asks for the reduction: it must not be undone.
        if (eceAck) {
            tp.priorSsthresh = 0;
        }
        // B. In every state.
        if (tcpCheckSackReneging(cpu, tp, s)) {
            return;
        }
        // C. States that end here.
        if (leaveStates(cpu, tp)) {
            return;
        }
        // D. What the ACK means in the state it finds.
        switch (tp.icskCaState) {
            case TCP_CA_RECOVERY -> {
                if ((flag & FLAG_SND_UNA_ADVANCED) == 0) {
                    if (tp.isReno()) {
                        TcpRenoSack.tcpAddRenoSack(cpu, tp, numDupack, eceAck);
                    }
                } else if (TcpUndo.tcpTryUndoPartial(cpu, tp, priorSndUna)) {
                    return;
                }
                if (TcpUndo.tcpTryUndoDsack(cpu, tp)) {
                    tcpTryToOpen(cpu, tp, flag);
                }
                tcpIdentifyPacketLoss(cpu, tp, s);
                if (tp.icskCaState != TCP_CA_RECOVERY) { // undone
                    if (tp.lostOut == 0) {
                        return;
                    }
                    tcpEnterRecovery(cpu, tp, eceAck); // and yet a loss is evident
                }
                s.rexmit = REXMIT_LOST;
                return;
            }
            case TCP_CA_LOSS -> {
                tcpProcessLoss(cpu, tp, flag, numDupack, s);
                if (tp.icskCaState != TCP_CA_LOSS) {
                    updateRtoTime(tp);
                }
                tcpIdentifyPacketLoss(cpu, tp, s);
                if (tp.icskCaState != TCP_CA_OPEN && (s.flag & FLAG_LOST_RETRANS) == 0) {
                    return;
                }
                // Undone, or a retransmission was lost: as in Disorder.
            }
            default -> {}
        }
        lookForLoss(cpu, tp, flag, numDupack, s);
    }

    /** Open, Disorder and CWR, and Loss when it has just ended. */
    private static void lookForLoss(Cpu cpu, TcpSock tp, int flag, int numDupack, TcpScratch s) {
        boolean eceAck = (flag & FLAG_ECE) != 0;
        if (tp.isReno()) {
            if ((flag & FLAG_SND_UNA_ADVANCED) != 0) {
                TcpRenoSack.tcpResetRenoSack(tp);
            }
            TcpRenoSack.tcpAddRenoSack(cpu, tp, numDupack, eceAck);
        }
        if (tp.icskCaState <= TCP_CA_DISORDER) {
            TcpUndo.tcpTryUndoDsack(cpu, tp);
        }
        tcpIdentifyPacketLoss(cpu, tp, s);
        if (tp.lostOut == 0) {
            tcpTryToOpen(cpu, tp, flag);
            return;
        }
        if (mtuProbeLost(tp)) {
            tcpMtupProbeFailed(cpu, tp);
            tp.setSndCwnd(tp.sndCwnd + 1); // the probe had taken one
            tcpSimpleRetransmit(cpu, tp);
            return;
        }
        tcpEnterRecovery(cpu, tp, eceAck);
        s.rexmit = REXMIT_LOST;
    }

    /** A run of time-outs ended: how long it was. Linux: tcp_update_rto_time(). */
    static void updateRtoTime(TcpSock tp) {
        if (tp.rtoStamp != 0) {
            tp.totalRtoTime += tp.timeStampMs() - tp.rtoStamp;
            tp.rtoStamp = 0;
        }
    }

    private static void tcpMtupProbeFailed(Cpu cpu, TcpSock tp) {
        tp.icskMtupSearchHigh = tp.icskMtupProbeSize - 1;
        tp.icskMtupProbeSize = 0;
        TcpCount.netInc(cpu, tp, LinuxMib.TCPMTUPFAIL);
    }

    /** The probe arrived: larger segments from now on, the same bytes in flight. */
    static void tcpMtupProbeSuccess(Cpu cpu, TcpSock tp) {
        tp.priorSsthresh = tp.currentSsthresh();
        long bytes = (long) tp.sndCwnd * TcpMss.mssToMtu(tp, tp.mssCache);
        tp.setSndCwnd((int) Math.max(1, bytes / tp.icskMtupProbeSize));
        tp.sndCwndCnt = 0;
        tp.sndCwndStamp = (int) cpu.jiffies();
        tp.sndSsthresh = tp.currentSsthresh();
        tp.icskMtupSearchLow = tp.icskMtupProbeSize;
        tp.icskMtupProbeSize = 0;
        TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPMTUPSUCCESS);
    }

    /** The MSS shrank: sends anew what no longer fits, without reducing the window. Linux: tcp_simple_retransmit(). */
    public static void tcpSimpleRetransmit(Cpu cpu, TcpSock tp) {
        // A SYN with data waits as two segments: if it was too large, both are lost.
        int mss = tp.synData && tp.state == net.core.sock.TcpStates.TCP_SYN_SENT ? -1 : TcpMss.tcpCurrentMss(cpu, tp);
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            int seglen = TcpSkbCb.pcount(skb) == 1 ? skb.len : TcpSkbCb.mss(skb);
            if (seglen > mss) {
                TcpRack.tcpMarkSkbLost(cpu, tp, skb);
            }
        }
        if (tp.lostOut == 0) {
            return;
        }
        if (tp.isReno()) {
            TcpRenoSack.tcpLimitRenoSacked(tp);
        }
        nonCongestionLossRetransmit(cpu, tp);
    }

    /** Sends again what was lost without congestion: the window stays. Linux: tcp_non_congestion_loss_retransmit(). */
    static void nonCongestionLossRetransmit(Cpu cpu, TcpSock tp) {
        if (tp.icskCaState != TCP_CA_LOSS) {
            tp.highSeq = tp.sndNxt;
            tp.sndSsthresh = tp.currentSsthresh();
            tp.priorSsthresh = 0;
            tp.undoMarker = 0;
            tcpSetCaState(cpu, tp, TCP_CA_LOSS);
        }
        TcpRetransmit.tcpXmitRetransmitQueue(cpu, tp);
    }
}
