package net.tcp;

import static net.core.sock.TcpStates.TCP_CLOSE;
import static net.core.sock.TcpStates.TCP_CLOSE_WAIT;
import static net.core.sock.TcpStates.TCP_CLOSING;
import static net.core.sock.TcpStates.TCP_ESTABLISHED;
import static net.core.sock.TcpStates.TCP_FIN_WAIT1;
import static net.core.sock.TcpStates.TCP_FIN_WAIT2;
import static net.core.sock.TcpStates.TCP_LAST_ACK;
import static net.core.sock.TcpStates.TCP_LISTEN;
import static net.core.sock.TcpStates.TCP_SYN_RECV;
import static net.core.sock.TcpStates.TCP_SYN_SENT;
import static net.core.sock.TcpStates.TCP_TIME_WAIT;
import static net.tcp.TcpAck.FLAG_DATA;
import static net.tcp.TcpAck.FLAG_NO_CHALLENGE_ACK;
import static net.tcp.TcpAck.FLAG_SLOWPATH;
import static net.tcp.TcpAck.FLAG_UPDATE_TS_RECENT;
import static net.tcp.TcpConst.TCPOLEN_TSTAMP_ALIGNED;

import net.core.Cpu;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * The entry to TCP's receive side of a connection: header prediction for the two usual cases (next data, next ACK), else
 * the steps of RFC 9293 3.10.7 in their order. Checks are in {@link TcpValidate}, the handshake in {@link TcpHandshake}.
 *
 * <p><b>Context:</b> socket lock (owned in process context with backlog, or its spinlock in softirq) and the CPU's word.
 * The packet belongs to the function: it is queued or freed, except where a drop reason is returned.
 *
 * <p>Linux: net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpInput {
    /** All of the flag word that header prediction compares: not PSH, not the reserved bits. */
    private static final int TCP_HP_BITS = ~(0x0e00_0000 | TcpHdr.PSH << 16);

    private static final int TSTAMP_HEADER = TcpHdr.LENGTH + TCPOLEN_TSTAMP_ALIGNED;

    private TcpInput() {}

    // ---- header prediction

    /** Predicts a header like the last one, with window {@code window} as on the wire. Linux: __tcp_fast_path_on(). */
    static void tcpFastPathOn(TcpSock tp, int window) {
        int ace = TcpAccEcn.on(tp) ? tp.deliveredCe + TcpAccEcn.CEP_INIT_OFFSET & TcpAccEcn.CEP_ACE_MASK : 0;
        tp.predFlags = tp.tcpHeaderLen << 26 | ace << 22 | TcpHdr.ACK << 16 | window & 0xffff;
    }

    /** Turns prediction on if nothing stands against it. Linux: tcp_fast_path_check(). */
    public static void tcpFastPathCheck(TcpSock tp) {
        if (tp.outOfOrderQueue.isEmpty() && tp.rcvWnd != 0 && tp.rmemAlloc() < tp.rcvbuf && tp.urgData == 0) {
            tcpFastPathOn(tp, tp.sndWnd >>> tp.rxOpt.sndWscale);
        }
    }

    private static void drop(Cpu cpu, TcpSock tp, SkBuff skb, SkbDropReason reason) {
        tp.dropsAdd(Math.max(1, skb.shinfo().gsoSegs));
        skb.kfree(cpu, reason);
    }

    /** Frees a packet that is not delivered, and counts it. Linux: tcp_drop_reason(). */
    static void tcpDrop(Cpu cpu, TcpSock tp, SkBuff skb, SkbDropReason reason) {
        drop(cpu, tp, skb, reason);
    }

    private static void checksumError(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpCount.tcpInc(cpu, tp, TcpMib.INCSUMERRORS);
        TcpCount.tcpInc(cpu, tp, TcpMib.INERRS);
        drop(cpu, tp, skb, SkbDropReason.TCP_CSUM);
    }

    private static boolean checksumBad(SkBuff skb) {
        return !skb.csumUnnecessary() && skb.checksumComplete() != 0;
    }

    /**
     * A segment for an established connection. If it is what header prediction expects, only the least is done:
     * <ul>
     *   <li>a sender gets pure ACKs: clean the queue, send more;
     *   <li>a receiver gets the next data: queue it, schedule an ACK.
     * </ul>
     * Prediction is off ({@code predFlags == 0}) while there is out-of-order or urgent data, or no room.
     */
    public static void tcpRcvEstablished(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        PathTrace.hit(cpu, skb, Landmark.TCP_RCV_ESTABLISHED);
        int len = skb.len;
        tp.mstampRefresh(cpu.nowNs());
        if (cpu.tracing) {
            TcpTrace.probe(cpu, tp, skb, th.headerLength());
        }
        if (tp.rxDst == null) {
            Tcp.afOps(tp).skRxDstSet(cpu, tp, skb);
        }
        tp.rxOpt.sawTstamp = false;
        tp.rxOpt.accecn = 0; // prediction leaves the options unread
        if ((th.flagWord() & TCP_HP_BITS) == tp.predFlags
                && TcpSkbCb.seq(skb) == tp.rcvNxt
                && !TcpSeq.after(TcpSkbCb.ackSeq(skb), tp.sndNxt)) {
            int headerLen = tp.tcpHeaderLen;
            boolean stampOk = headerLen != TSTAMP_HEADER
                    || TcpParseOptions.tcpParseAlignedTimestamp(tp, th) && tp.rxOpt.rcvTsval - tp.rxOpt.tsRecent >= 0;
            if (stampOk) {
                if (len > headerLen) {
                    if (checksumBad(skb)) {
                        checksumError(cpu, tp, skb);
                    } else if (TcpSeq.after(TcpSkbCb.endSeq(skb), tp.rcvNxt + tp.receiveWindow())) {
                        slowPath(cpu, tp, skb, th, true);
                    } else if (skb.truesize > tp.forwardAlloc) {
                        slowPath(cpu, tp, skb, th, false);
                    } else {
                        fastData(cpu, tp, skb, headerLen);
                    }
                    return;
                }
                if (len == headerLen) {
                    fastAck(cpu, tp, skb, headerLen);
                } else {
                    TcpCount.tcpInc(cpu, tp, TcpMib.INERRS);
                    drop(cpu, tp, skb, SkbDropReason.PKT_TOO_SMALL);
                }
                return;
            }
        }
        if (len < th.headerLength() || checksumBad(skb)) {
            checksumError(cpu, tp, skb);
            return;
        }
        if (!th.ack() && !th.rst() && !th.syn()) {
            drop(cpu, tp, skb, SkbDropReason.TCP_FLAGS);
            return;
        }
        slowPath(cpu, tp, skb, th, true);
    }

    private static int fastTimestamp(Cpu cpu, TcpSock tp, int headerLen) {
        // The segment starts at rcvNxt: so it covers the last ACK sent if that acknowledged everything.
        return headerLen == TSTAMP_HEADER && tp.rcvNxt == tp.rcvWup ? TcpAck.storeTsRecent(cpu, tp) : 0;
    }

    /** Counts the segment for AccECN, if that may be in use. */
    private static void countEcn(TcpSock tp, SkBuff skb, int payload) {
        TcpAccEcn a = tp.accEcn;
        if (a != null) {
            a.received(tp, skb, payload);
        }
    }

    private static void fastAck(Cpu cpu, TcpSock tp, SkBuff skb, int headerLen) {
        countEcn(tp, skb, 0);
        TcpAck.tcpAck(cpu, tp, skb, fastTimestamp(cpu, tp, headerLen));
        skb.consume(cpu);
        TcpAckSched.tcpDataSndCheck(cpu, tp);
        tp.rcvRttLastTsecr = tp.rxOpt.rcvTsecr;
    }

    private static void fastData(Cpu cpu, TcpSock tp, SkBuff skb, int headerLen) {
        int flag = fastTimestamp(cpu, tp, headerLen);
        TcpRcvSpace.tcpRcvRttMeasureTs(tp, skb);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPHPHITS);
        countEcn(tp, skb, skb.len - headerLen);
        TcpDataQueue.tcpCleanupSkb(skb);
        skb.pull(headerLen);
        boolean eaten = TcpDataQueue.tcpQueueRcv(cpu, tp, skb);
        TcpAckSched.tcpEventDataRecv(cpu, tp, skb);
        boolean ackOwed = true;
        if (TcpSkbCb.ackSeq(skb) != tp.sndUna) {
            TcpAck.tcpAck(cpu, tp, skb, flag | FLAG_DATA);
            TcpAckSched.tcpDataSndCheck(cpu, tp);
            ackOwed = tp.ackScheduled(); // what was just sent may have carried it
        } else {
            tp.sndWl1 = TcpSkbCb.seq(skb);
        }
        if (ackOwed) {
            TcpAckSched.tcpAckSndCheckCore(cpu, tp, false);
        }
        if (eaten) {
            TcpDataQueue.freePartial(cpu, skb);
        }
        TcpDataQueue.tcpDataReady(cpu, tp);
    }

    /** The steps of RFC 9293 in ESTABLISHED. {@code validate} is false for what prediction has already checked. */
    private static void slowPath(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th, boolean validate) {
        if (validate && !TcpValidate.tcpValidateIncoming(cpu, tp, skb, th, true)) {
            return;
        }
        countEcn(tp, skb, skb.len - th.headerLength());
        // Step 5: the ACK field.
        int ret = TcpAck.tcpAck(cpu, tp, skb, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);
        if (ret < 0) {
            drop(cpu, tp, skb, SkbDropReason.of(-ret));
            return;
        }
        TcpRcvSpace.tcpRcvRttMeasureTs(tp, skb);
        // Step 6: the URG bit.
        TcpUrg.tcpUrg(cpu, tp, skb, th);
        // Step 7: the segment text; and step 8, its FIN.
        TcpDataQueue.tcpDataQueue(cpu, tp, skb);
        TcpAckSched.tcpDataSndCheck(cpu, tp);
        TcpAckSched.tcpAckSndCheck(cpu, tp);
    }

    // ---- all other states

    /**
     * A segment for a connection in any state but ESTABLISHED and TIME_WAIT, in the order of RFC 9293 3.10.7.
     *
     * @return 0 if the packet was taken care of; else a {@link SkbDropReason}'s ordinal: the caller sends a reset and
     *     frees the packet
     */
    public static int tcpRcvStateProcess(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        PathTrace.hit(cpu, skb, Landmark.TCP_RCV_STATE_PROCESS);
        switch (tp.state) {
            case TCP_CLOSE -> { // 3.10.7.1; the reset was sent where no socket was found
                drop(cpu, tp, skb, SkbDropReason.TCP_CLOSE);
                return 0;
            }
            case TCP_LISTEN -> { // 3.10.7.2
                return listen(cpu, tp, skb, th);
            }
            case TCP_SYN_SENT -> { // 3.10.7.3
                tp.rxOpt.sawTstamp = false;
                tp.mstampRefresh(cpu.nowNs());
                int ret = TcpHandshake.tcpRcvSynsentStateProcess(cpu, tp, skb, th);
                if (ret >= 0) {
                    return ret;
                }
                TcpUrg.tcpUrg(cpu, tp, skb, th); // sixth: URG, data and FIN of a SYN-ACK
                skb.consume(cpu);
                TcpAckSched.tcpDataSndCheck(cpu, tp);
                return 0;
            }
            default -> {} // 3.10.7.4, below
        }
        tp.mstampRefresh(cpu.nowNs());
        tp.rxOpt.sawTstamp = false;
        TcpRequestSock req = tp.fastopenRsk;
        if (req != null && TcpCheckReq.tcpCheckReq(cpu, tp, skb, req, th, true) == null) {
            drop(cpu, tp, skb, SkbDropReason.TCP_FASTOPEN);
            return 0;
        }
        if (!th.ack() && !th.rst() && !th.syn()) {
            drop(cpu, tp, skb, SkbDropReason.TCP_FLAGS);
            return 0;
        }
        // First to fourth: sequence number, RST, security, SYN.
        if (!TcpValidate.tcpValidateIncoming(cpu, tp, skb, th, false)) {
            return 0;
        }
        if (tp.state != TCP_SYN_RECV || req != null) { // else the child's making counted it
            countEcn(tp, skb, skb.len - th.headerLength());
        }
        // Fifth: the ACK field.
        int ret = TcpAck.tcpAck(cpu, tp, skb, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
        if (ret <= 0) {
            if (tp.state == TCP_SYN_RECV) { // an unacceptable ACK gets a reset
                return ret == 0 ? SkbDropReason.TCP_OLD_ACK.ordinal() : -ret;
            }
            if (ret < 0) {
                TcpChallenge.tcpSendChallengeAck(cpu, tp);
                drop(cpu, tp, skb, SkbDropReason.of(-ret));
                return 0;
            }
        }
        switch (tp.state) {
            case TCP_SYN_RECV -> TcpHandshake.tcpRcvSynRecv(cpu, tp, skb, th);
            case TCP_FIN_WAIT1 -> {
                if (req != null) {
                    TcpFastOpen.established(cpu, tp, req);
                }
                if (tp.sndUna == tp.writeSeq) { // our FIN is acknowledged
                    int done = finAcked(cpu, tp, skb, th);
                    if (done != CONTINUE) {
                        return done;
                    }
                }
            }
            case TCP_CLOSING -> {
                if (tp.sndUna == tp.writeSeq) {
                    TcpMinisocks.tcpTimeWait(cpu, tp, TCP_TIME_WAIT, 0);
                    skb.consume(cpu);
                    return 0;
                }
            }
            case TCP_LAST_ACK -> {
                if (tp.sndUna == tp.writeSeq) {
                    TcpMetrics.update(cpu, tp);
                    Tcp.tcpDone(cpu, tp);
                    skb.consume(cpu);
                    return 0;
                }
            }
            default -> {}
        }
        // Sixth: the URG bit.
        TcpUrg.tcpUrg(cpu, tp, skb, th);
        // Seventh: the segment text, eighth: FIN.
        return segmentText(cpu, tp, skb, th);
    }

    private static final int CONTINUE = -1;

    private static int listen(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        if (th.ack()) { // second: any ACK gets a reset (first, RST, is seen to by the sender of resets)
            return SkbDropReason.TCP_FLAGS.ordinal();
        }
        if (th.rst()) {
            drop(cpu, tp, skb, SkbDropReason.TCP_RESET);
            return 0;
        }
        if (!th.syn() || th.fin()) {
            drop(cpu, tp, skb, SkbDropReason.TCP_FLAGS);
            return 0;
        }
        Tcp.afOps(tp).connRequest(cpu, tp, skb); // third: SYN
        skb.consume(cpu);
        return 0;
    }

    /** FIN_WAIT1 and everything of ours acknowledged; {@link #CONTINUE} or what the caller returns. */
    private static int finAcked(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        Tcp.tcpSetState(cpu, tp, TCP_FIN_WAIT2);
        tp.shutdown |= SockConst.SEND_SHUTDOWN;
        tp.dstPendingConfirm = true;
        if (!tp.flag(SockFlag.DEAD)) {
            tp.stateChange(cpu); // a lingering close waits for this
            return CONTINUE;
        }
        if (tp.linger2 < 0 || newDataAfterClose(tp, skb, th)) {
            Tcp.tcpDone(cpu, tp);
            TcpCount.netInc(cpu, tp, LinuxMib.TCPABORTONDATA);
            return SkbDropReason.TCP_ABORT_ON_DATA.ordinal();
        }
        int timeout = TcpClose.finTime(tp);
        if (timeout > TcpConst.TCP_TIMEWAIT_LEN) {
            tp.resetKeepaliveTimer(cpu, timeout - TcpConst.TCP_TIMEWAIT_LEN);
        } else if (th.fin() || tp.ownedByUser()) {
            // The mini-socket would not see this FIN, nor those in the backlog.
            tp.resetKeepaliveTimer(cpu, timeout);
        } else {
            TcpMinisocks.tcpTimeWait(cpu, tp, TCP_FIN_WAIT2, timeout);
            skb.consume(cpu);
            return 0;
        }
        return CONTINUE;
    }

    /** Data that nobody will read any more. */
    private static boolean newDataAfterClose(TcpSock tp, SkBuff skb, TcpHdr th) {
        int end = TcpSkbCb.endSeq(skb);
        return end != TcpSkbCb.seq(skb) && TcpSeq.after(end - (th.fin() ? 1 : 0), tp.rcvNxt);
    }

    private static int segmentText(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        boolean take = switch (tp.state) {
            // The peer has sent FIN: only what lies before it (a retransmission) is looked at.
            case TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK -> TcpSeq.before(TcpSkbCb.seq(skb), tp.rcvNxt);
            case TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_ESTABLISHED -> true;
            default -> false;
        };
        if (take
                && tp.state != TCP_ESTABLISHED
                && (tp.shutdown & SockConst.RCV_SHUTDOWN) != 0
                && newDataAfterClose(tp, skb, th)) {
            // RFC 1122 4.2.2.13: the user has closed for reading: a reset, data would be lost silently.
            TcpCount.netInc(cpu, tp, LinuxMib.TCPABORTONDATA);
            tcpReset(cpu, tp);
            return SkbDropReason.TCP_ABORT_ON_DATA.ordinal();
        }
        if (take) {
            TcpDataQueue.tcpDataQueue(cpu, tp, skb);
        }
        if (tp.state != TCP_CLOSE) { // it could have moved to TIME_WAIT
            TcpAckSched.tcpDataSndCheck(cpu, tp);
            TcpAckSched.tcpAckSndCheck(cpu, tp);
        }
        if (!take) {
            drop(cpu, tp, skb, SkbDropReason.NOT_SPECIFIED);
        }
        return 0;
    }

    // ---- RST and FIN

    /** A valid reset arrived (or we act as if): the connection is gone, with the error BSD gives. Linux: tcp_reset(). */
    static void tcpReset(Cpu cpu, TcpSock tp) {
        if (cpu.tracing) {
            TcpTrace.receiveReset(cpu, tp);
        }
        int err = switch (tp.state) {
            case TCP_SYN_SENT -> net.skbuff.Errno.ECONNREFUSED;
            case TCP_CLOSE_WAIT -> net.skbuff.Errno.EPIPE;
            default -> net.skbuff.Errno.ECONNRESET;
        };
        if (tp.state != TCP_CLOSE) {
            Tcp.tcpDoneWithError(cpu, tp, err);
        }
    }

    /**
     * The peer's FIN is the next byte: RFC 9293 3.10.7.4 eighth step.
     *
     * <p>Linux: tcp_fin().
     */
    static void tcpFin(Cpu cpu, TcpSock tp) {
        tp.scheduleAck();
        tp.shutdown |= SockConst.RCV_SHUTDOWN;
        tp.setFlag(SockFlag.DONE);
        switch (tp.state) {
            case TCP_SYN_RECV, TCP_ESTABLISHED -> {
                Tcp.tcpSetState(cpu, tp, TCP_CLOSE_WAIT);
                TcpAckSched.enterPingpongMode(tp); // the user is likely to close: the ACK can ride on our FIN
            }
            case TCP_FIN_WAIT1 -> { // both closed at once
                TcpOutput.tcpSendAck(cpu, tp);
                Tcp.tcpSetState(cpu, tp, TCP_CLOSING);
            }
            case TCP_FIN_WAIT2 -> {
                TcpOutput.tcpSendAck(cpu, tp);
                TcpMinisocks.tcpTimeWait(cpu, tp, TCP_TIME_WAIT, 0);
            }
            default -> {} // CLOSE_WAIT, CLOSING, LAST_ACK: a retransmission
        }
        // What lies beyond a FIN is nonsense.
        tp.outOfOrderQueue.purge(cpu, SkbDropReason.QUEUE_PURGE);
        tp.oooLastSkb = null;
        if (tp.isSack()) {
            tp.rxOpt.dsack = false;
            tp.rxOpt.numSacks = 0;
        }
        if (!tp.flag(SockFlag.DEAD)) {
            tp.stateChange(cpu);
        }
    }

    /** Restarts the retransmission timer; see {@link TcpAck#tcpRearmRto}. */
    public static void tcpRearmRto(Cpu cpu, TcpSock tp) {
        TcpAck.tcpRearmRto(cpu, tp);
    }
}
