package net.tcp;

import static net.core.sock.TcpStates.TCP_SYN_SENT;
import static net.tcp.TcpConst.TCP_CA_LOSS;
import static net.tcp.TcpConst.TCP_CA_OPEN;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Decides whether a recovery was needless, and takes the window reduction back if so. Two kinds of proof: an ACK whose
 * time stamp echo is older than the first retransmission (Eifel), and D-SACKs that account for every retransmission.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 3522, 4015, 3708. Linux: tcp_try_undo_*(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpUndo {
    private TcpUndo() {}

    /** A recovery starts: from here on it may be undone. Linux: tcp_init_undo(). */
    static void tcpInitUndo(TcpSock tp) {
        tp.undoMarker = tp.sndUna;
        tp.undoRetrans = tp.retransOut; // those may still cause D-SACKs, as may a loss probe
        if (tp.tlpHighSeq != 0 && tp.tlpRetrans) {
            tp.undoRetrans++;
        }
        if (tp.undoRetrans == 0) {
            tp.undoRetrans = -1; // 0 would mean "all accounted for"
        }
    }

    /** Is the echoed stamp older than {@code when}? */
    static boolean tsoptEcrBefore(TcpSock tp, int when) {
        return tp.rxOpt.sawTstamp && tp.rxOpt.rcvTsecr != 0 && TcpSeq.before(tp.rxOpt.rcvTsecr, when);
    }

    /** Was this retransmission needless, by the time stamp echoed for it? Linux: tcp_skb_spurious_retrans(). */
    static boolean skbSpuriousRetrans(TcpSock tp, SkBuff skb) {
        return (TcpSkbCb.sacked(skb) & TcpSkbCb.TCPCB_RETRANS) != 0
                && tsoptEcrBefore(tp, TcpSkbCb.timestampTs(tp.tcpUsecTs, skb));
    }

    /** Was the original only delayed? Linux: tcp_packet_delayed(). */
    private static boolean tcpPacketDelayed(TcpSock tp) {
        if (tp.retransStamp != 0) {
            return tsoptEcrBefore(tp, tp.retransStamp);
        }
        // No stamp: nothing was retransmitted yet (TSQ may hold it), so the advance is due to the original, except
        // where the stamp is cleared though something was: NewReno at high_seq, and the handshake.
        if (!tp.isSack() && !TcpSeq.before(tp.sndUna, tp.highSeq)) {
            return false;
        }
        return tp.state != TCP_SYN_SENT;
    }

    private static boolean tcpMayUndo(TcpSock tp) {
        return tp.undoMarker != 0 && (tp.undoRetrans == 0 || tcpPacketDelayed(tp));
    }

    /** Takes the reduction back. Linux: tcp_undo_cwnd_reduction(). */
    private static void tcpUndoCwndReduction(Cpu cpu, TcpSock tp, boolean unmarkLoss) {
        if (unmarkLoss) {
            for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
                TcpSkbCb.clearSacked(skb, TcpSkbCb.TCPCB_LOST);
            }
            tp.lostOut = 0;
            tp.retransmitSkbHint = null;
        }
        if (tp.priorSsthresh != 0) {
            tp.setSndCwnd(TcpCong.ops(tp).undoCwnd(tp));
            if (tp.priorSsthresh > tp.sndSsthresh) {
                tp.sndSsthresh = tp.priorSsthresh;
                TcpEcnIn.withdrawCwr(tp);
            }
        }
        tp.sndCwndStamp = (int) cpu.jiffies();
        tp.undoMarker = 0;
        tp.rackAdvanced = true; // look at the losses anew
    }

    /**
     * RFC 6582: without SACK, duplicate ACKs of what was retransmitted can follow; so Open waits until something above
     * highSeq is acknowledged. Linux: tcp_is_non_sack_preventing_reopen().
     */
    private static boolean tcpIsNonSackPreventingReopen(TcpSock tp) {
        if (tp.sndUna != tp.highSeq || !tp.isReno()) {
            return false;
        }
        if (!TcpCaMachine.tcpAnyRetransDone(tp)) {
            tp.retransStamp = 0;
        }
        return true;
    }

    /** highSeq was acknowledged: undoes if needless, and reopens; true if the state must be kept. */
    static boolean tcpTryUndoRecovery(Cpu cpu, TcpSock tp) {
        if (tcpMayUndo(tp)) {
            boolean loss = tp.icskCaState == TCP_CA_LOSS;
            tcpUndoCwndReduction(cpu, tp, false);
            TcpCount.netInc(cpu, tp, loss ? LinuxMib.TCPLOSSUNDO : LinuxMib.TCPFULLUNDO);
        } else if (tp.rackReoWndPersist != 0) {
            tp.rackReoWndPersist--;
        }
        if (tcpIsNonSackPreventingReopen(tp)) {
            return true;
        }
        TcpCaMachine.tcpSetCaState(cpu, tp, TCP_CA_OPEN);
        tp.isSackReneg = false;
        return false;
    }

    /** Undoes if D-SACKs accounted for every retransmission. */
    static boolean tcpTryUndoDsack(Cpu cpu, TcpSock tp) {
        if (tp.undoMarker == 0 || tp.undoRetrans != 0) {
            return false;
        }
        tp.rackReoWndPersist = Math.min(TcpRack.TCP_RACK_RECOVERY_THRESH, tp.rackReoWndPersist + 1);
        tcpUndoCwndReduction(cpu, tp, false);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPDSACKUNDO);
        return true;
    }

    /** In Loss: undoes if the time-out was needless. */
    static boolean tcpTryUndoLoss(Cpu cpu, TcpSock tp, boolean frtoUndo) {
        if (!frtoUndo && !tcpMayUndo(tp)) {
            return false;
        }
        tcpUndoCwndReduction(cpu, tp, true);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPLOSSUNDO);
        if (frtoUndo) {
            TcpCount.netInc(cpu, tp, LinuxMib.TCPSPURIOUSRTOS);
        }
        tp.icskRetransmits = 0;
        if (tcpIsNonSackPreventingReopen(tp)) {
            return true;
        }
        if (frtoUndo || tp.isSack()) {
            TcpCaMachine.tcpSetCaState(cpu, tp, TCP_CA_OPEN);
            tp.isSackReneg = false;
        }
        return true;
    }

    /** In Recovery, on a partial ACK: the hole may have been filled by a late original. True if retransmissions are still out. */
    static boolean tcpTryUndoPartial(Cpu cpu, TcpSock tp, int priorSndUna) {
        if (tp.undoMarker == 0 || !tcpPacketDelayed(tp)) {
            return false;
        }
        TcpSackTag.tcpCheckSackReordering(cpu, tp, priorSndUna, true);
        if (tp.retransOut != 0) {
            return true; // not sure yet: send new data, mark no more losses
        }
        if (!TcpCaMachine.tcpAnyRetransDone(tp)) {
            tp.retransStamp = 0;
        }
        tcpUndoCwndReduction(cpu, tp, true);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPPARTIALUNDO);
        TcpCaMachine.tcpTryKeepOpen(cpu, tp);
        return false;
    }
}
