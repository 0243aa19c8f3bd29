package net.tcp;

import static net.core.sock.TcpStates.TCP_ESTABLISHED;
import static net.core.sock.TcpStates.TCP_SYN_RECV;
import static net.tcp.TcpAck.FLAG_SLOWPATH;
import static net.tcp.TcpConst.ICSK_TIME_DACK;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TCPOLEN_TSTAMP_ALIGNED;

import net.core.Cpu;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.ipv4.inet.RequestSockQueue;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The way into ESTABLISHED: the answer to our SYN, crossed SYNs, the last ACK of a passive open, and what a connection
 * is set up with then.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_rcv_synsent_state_process(), tcp_finish_connect(), tcp_init_transfer(), net/ipv4/tcp_input.c.
 */
public final class TcpHandshake {
    private TcpHandshake() {}

    /** The SYN was retransmitted, but this answers the first one: then the loss was none. Linux: tcp_try_undo_spurious_syn(). */
    private static void tcpTryUndoSpuriousSyn(TcpSock tp) {
        int synStamp = tp.retransStamp;
        if (tp.undoMarker != 0 && synStamp != 0 && tp.rxOpt.sawTstamp && synStamp == tp.rxOpt.rcvTsecr) {
            tp.undoMarker = 0;
        }
    }

    /**
     * RFC 9293 3.10.7.3, SYN_SENT.
     *
     * @return 0 if the packet was taken, -1 if it is to be looked at for urgent data and freed, else a drop reason's
     *     ordinal: the caller sends a reset
     */
    static int tcpRcvSynsentStateProcess(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        int savedClamp = tp.rxOpt.mssClamp;
        TcpParseOptions.tcpParseOptions(tp.sysctl, skb, th, tp.rxOpt, false);
        if (tp.rxOpt.sawTstamp && tp.rxOpt.rcvTsecr != 0) {
            tp.rxOpt.rcvTsecr -= tp.tsoffset;
        }
        if (th.ack()) { // first: the ACK bit
            int bad = checkAck(cpu, tp, skb);
            if (bad != 0) {
                forgetOptions(tp, savedClamp);
                return bad;
            }
            if (th.rst()) { // second: the RST bit; the ACK was acceptable
                TcpInput.tcpReset(cpu, tp);
                skb.consume(cpu);
                return 0;
            }
            if (!th.syn()) { // fifth
                return discard(cpu, tp, skb, savedClamp, SkbDropReason.TCP_FLAGS);
            }
            return synAcked(cpu, tp, skb, th);
        }
        if (th.rst()) {
            return discard(cpu, tp, skb, savedClamp, SkbDropReason.TCP_RESET);
        }
        if (tp.rxOpt.tsRecentStamp != 0 && tp.rxOpt.sawTstamp && TcpPaws.tcpPawsReject(cpu, tp.rxOpt, false)) {
            return discard(cpu, tp, skb, savedClamp, SkbDropReason.TCP_RFC7323_PAWS);
        }
        if (th.syn()) { // fourth, without an ACK: both open at once
            crossedSyn(cpu, tp, skb, th);
            skb.consume(cpu);
            return 0;
        }
        return discard(cpu, tp, skb, savedClamp, SkbDropReason.NOT_SPECIFIED);
    }

    private static void forgetOptions(TcpSock tp, int savedClamp) {
        tp.rxOpt.clearHandshake();
        tp.rxOpt.mssClamp = savedClamp;
    }

    private static int discard(Cpu cpu, TcpSock tp, SkBuff skb, int savedClamp, SkbDropReason reason) {
        forgetOptions(tp, savedClamp);
        TcpInput.tcpDrop(cpu, tp, skb, reason);
        return 0;
    }

    /** Is this an ACK of our SYN? 0, or the reason why a reset is due. */
    private static int checkAck(Cpu cpu, TcpSock tp, SkBuff skb) {
        int ack = TcpSkbCb.ackSeq(skb);
        if (!TcpSeq.after(ack, tp.sndUna) || TcpSeq.after(ack, tp.sndNxt)) {
            // The peer has an old connection: our reset ends it, and the SYN is soon sent again.
            if (tp.icskRetransmits == 0) {
                TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, TcpConst.TCP_TIMEOUT_MIN, false);
            }
            return SkbDropReason.TCP_INVALID_ACK_SEQUENCE.ordinal();
        }
        if (tp.rxOpt.sawTstamp
                && tp.rxOpt.rcvTsecr != 0
                && !TcpSeq.between(tp.rxOpt.rcvTsecr, tp.retransStamp, tp.timeStampTs())) {
            TcpCount.netInc(cpu, tp, LinuxMib.PAWSACTIVEREJECTED);
            return SkbDropReason.TCP_RFC7323_PAWS.ordinal();
        }
        return 0;
    }

    /** SYN-ACK: the connection is established. */
    private static int synAcked(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        TcpEcnIn.rcvSynack(tp, skb);
        int seq = TcpSkbCb.seq(skb);
        tp.sndWl1 = seq;
        tcpTryUndoSpuriousSyn(tp);
        TcpAck.tcpAck(cpu, tp, skb, FLAG_SLOWPATH);
        tp.rcvNxt = seq + 1;
        tp.rcvWup = seq + 1;
        tp.sndWnd = th.window(); // never scaled in a SYN
        if (!tp.rxOpt.wscaleOk) {
            tp.rxOpt.sndWscale = 0;
            tp.rxOpt.rcvWscale = 0;
            tp.windowClamp = Math.min(tp.windowClamp, 65535);
        }
        setHeaderLen(cpu, tp);
        if (tp.rxOpt.tstampOk) {
            tp.advmss -= TCPOLEN_TSTAMP_ALIGNED;
        }
        TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
        TcpRcvSpace.tcpInitializeRcvMss(tp);
        tp.copiedSeq = tp.rcvNxt;
        tcpFinishConnect(cpu, tp, skb);
        boolean dataAgain =
                (tp.synFastopen || tp.synData) && TcpFastOpenClient.rcvSynack(cpu, tp, skb, tp.rxOpt.fastopen);
        if (!tp.flag(SockFlag.DEAD)) {
            tp.stateChange(cpu);
        }
        if (dataAgain) {
            return -1;
        }
        if (tp.writePending != 0 || deferAccept(tp) || TcpAckSched.inPingpongMode(tp)) {
            // Data follows in a moment: it can carry the ACK.
            tp.scheduleAck();
            TcpAckSched.tcpEnterQuickackMode(tp, TcpConst.TCP_MAX_QUICKACKS);
            TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_DACK, TcpConst.TCP_DELACK_MAX, false);
            skb.consume(cpu);
            return 0;
        }
        TcpAccEcn a = tp.accEcn;
        int flags = a != null && TcpAccEcn.on(tp) ? TcpAccEcn.reflectorFlags(a.synEctRcv) : 0;
        TcpOutput.tcpSendAck(cpu, tp, tp.rcvNxt, flags);
        return -1;
    }

    private static boolean deferAccept(TcpSock tp) {
        RequestSockQueue queue = tp.icskAcceptQueue;
        return queue != null && queue.deferAccept != 0;
    }

    /** Time stamps are agreed if the peer's segment has one: sets the header's length and remembers the stamp. */
    private static void setHeaderLen(Cpu cpu, TcpSock tp) {
        tp.tcpHeaderLen = TcpHdr.LENGTH;
        if (tp.rxOpt.sawTstamp) {
            tp.rxOpt.tstampOk = true;
            tp.tcpHeaderLen += TCPOLEN_TSTAMP_ALIGNED;
            TcpAck.storeTsRecent(cpu, tp);
        }
    }

    private static void crossedSyn(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        Tcp.tcpSetState(cpu, tp, TCP_SYN_RECV);
        setHeaderLen(cpu, tp);
        int seq = TcpSkbCb.seq(skb);
        tp.rcvNxt = seq + 1;
        tp.copiedSeq = tp.rcvNxt;
        tp.rcvWup = seq + 1;
        tp.sndWnd = th.window();
        tp.sndWl1 = seq;
        tp.maxWindow = tp.sndWnd;
        TcpEcnIn.rcvSyn(tp, skb, th);
        TcpMss.mtupInit(cpu, tp);
        TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
        TcpRcvSpace.tcpInitializeRcvMss(tp);
        TcpConnect.tcpSendSynack(cpu, tp);
    }

    /** Our SYN was acknowledged. Linux: tcp_finish_connect(). */
    public static void tcpFinishConnect(Cpu cpu, TcpSock tp, @Nullable SkBuff skb) {
        Tcp.tcpSetState(cpu, tp, TCP_ESTABLISHED);
        tp.icskAckLrcvtime = cpu.jiffies();
        if (skb != null) {
            Tcp.afOps(tp).skRxDstSet(cpu, tp, skb);
            tp.napiId = skb.napiId;
        }
        tcpInitTransfer(cpu, tp);
        tp.lsndtime = (int) cpu.jiffies(); // or the first data would find the connection idle
        if (tp.flag(SockFlag.KEEPOPEN)) {
            tp.resetKeepaliveTimer(cpu, TcpKeepalive.timeWhen(tp));
        }
        if (tp.rxOpt.sndWscale == 0) {
            TcpInput.tcpFastPathOn(tp, tp.sndWnd);
        } else {
            tp.predFlags = 0; // the next window comes scaled
        }
    }

    /** SYN_RECV, and the ACK of our SYN-ACK is good: RFC 9293 3.10.7.4 fifth. */
    static void tcpRcvSynRecv(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        tp.delivered++; // the SYN-ACK itself
        if (tp.rxOpt.tstampOk) {
            tp.advmss -= TCPOLEN_TSTAMP_ALIGNED;
        }
        if (tp.srttUs == 0) {
            TcpRttEstimator.tcpSynackRttMeas(cpu, tp, tp.fastopenRsk);
        }
        TcpRequestSock req = tp.fastopenRsk;
        if (req != null) {
            TcpFastOpen.established(cpu, tp, req);
        } else {
            tcpTryUndoSpuriousSyn(tp);
            tp.retransStamp = 0;
            tcpInitTransfer(cpu, tp);
            tp.copiedSeq = tp.rcvNxt;
        }
        Tcp.tcpSetState(cpu, tp, TCP_ESTABLISHED);
        tp.stateChange(cpu);
        tp.sndUna = TcpSkbCb.ackSeq(skb);
        tp.sndWnd = th.window() << tp.rxOpt.sndWscale;
        tp.sndWl1 = TcpSkbCb.seq(skb);
        if (!TcpCong.hasCongControl(tp)) {
            TcpAck.tcpUpdatePacingRate(tp);
        }
        tp.lsndtime = (int) cpu.jiffies();
        TcpRcvSpace.tcpInitializeRcvMss(tp);
        TcpAccEcn a = tp.accEcn;
        if (a != null && TcpAccEcn.on(tp)) { // again for a child made of an ACK; a child of a SYN learns it here
            a.thirdAck(tp, skb, a.synEctSnt);
        }
        TcpInput.tcpFastPathOn(tp, tp.sndWnd >>> tp.rxOpt.sndWscale);
        if ((tp.shutdown & SockConst.SEND_SHUTDOWN) != 0) {
            closeNow(cpu, tp);
        }
    }

    /** The user closed while the handshake was under way. Linux: tcp_shutdown(). */
    private static void closeNow(Cpu cpu, TcpSock tp) {
        if (TcpClose.closeState(cpu, tp)) {
            TcpOutput.tcpSendFin(cpu, tp);
        }
    }

    /** Sets up window, buffers and congestion control when the handshake is over. Linux: tcp_init_transfer(). */
    public static void tcpInitTransfer(Cpu cpu, TcpSock tp) {
        TcpMss.mtupInit(cpu, tp);
        Tcp.afOps(tp).rebuildHeader(cpu, tp);
        TcpMetrics.init(cpu, tp);
        // RFC 5681: one segment if the SYN was lost; a single retransmission after our short first time-out is no
        // proof.
        if (tp.totalRetrans > 1 && tp.undoMarker != 0) {
            tp.setSndCwnd(1);
        } else {
            tp.setSndCwnd(TcpCwnd.initCwnd(tp));
        }
        tp.sndCwndStamp = (int) cpu.jiffies();
        if (!tp.icskCaInitialized) {
            TcpCong.init(cpu, tp);
        }
        TcpRcvSpace.tcpInitBufferSpace(cpu, tp);
    }
}
