package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_NOW;
import static net.tcp.TcpConst.ICSK_ACK_PUSHED;
import static net.tcp.TcpConst.ICSK_ACK_PUSHED2;
import static net.tcp.TcpConst.TCP_ATO_MIN;
import static net.tcp.TcpConst.TCP_CHRONO_SNDBUF_LIMITED;
import static net.tcp.TcpConst.TCP_FASTRETRANS_THRESH;
import static net.tcp.TcpConst.TCP_MAX_QUICKACKS;
import static net.tcp.TcpConst.TCP_MIN_MSS;
import static net.tcp.TcpConst.TCP_MSS_DEFAULT;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Socket;
import net.core.time.HrTimer;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Decides when an ACK goes out: at once, with the next data, or after a delay.
 *
 * <p>At once: for every second full segment if the window can move, in quick-ACK mode (the first segments of a
 * connection, while the sender is in slow start), after a hole was filled, for each out-of-order segment. Else the timer
 * of {@code TcpOutput.tcpSendDelayedAck}. In between lies compression: from the fourth duplicate ACK on, with SACK, ACKs
 * are held back for a twentieth of the round trip, for the next one tells all.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 1122 4.2.3.2, RFC 5681 4.2. Linux: __tcp_ack_snd_check(), tcp_event_data_recv(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpAckSched {
    private static final int TCP_REMNANT =
            TcpSkbCb.TCPHDR_FIN | TcpSkbCb.TCPHDR_URG | TcpSkbCb.TCPHDR_SYN | TcpSkbCb.TCPHDR_PSH;

    private TcpAckSched() {}

    // ---- modes

    /** The connection is interactive: ACKs ride on answers. Linux: inet_csk_in_pingpong_mode(). */
    static boolean inPingpongMode(TcpSock tp) {
        return tp.icskAckPingpong >= tp.sysctl.tcpPingpongThresh;
    }

    /** Linux: inet_csk_enter_pingpong_mode(). */
    static void enterPingpongMode(TcpSock tp) {
        tp.icskAckPingpong = tp.sysctl.tcpPingpongThresh;
    }

    private static void tcpIncrQuickack(TcpSock tp, int max) {
        int mss = tp.icskAckRcvMss;
        int acks = mss == 0 ? 0 : tp.rcvWnd / (2 * mss);
        if (acks == 0) {
            acks = 2;
        }
        tp.icskAckQuick = Math.max(tp.icskAckQuick, Math.min(acks, max));
    }

    /** The next {@code max} segments are acknowledged at once. Linux: tcp_enter_quickack_mode(). */
    public static void tcpEnterQuickackMode(TcpSock tp, int max) {
        tcpIncrQuickack(tp, max);
        tp.icskAckPingpong = 0;
        tp.icskAckAto = TCP_ATO_MIN;
    }

    /** Or the route says so for good ({@code quickack 1}). Linux: tcp_in_quickack_mode(). */
    private static boolean tcpInQuickackMode(TcpSock tp) {
        if (tp.icskAckQuick != 0 && !inPingpongMode(tp)) {
            return true;
        }
        DstEntry dst = tp.skDstGet();
        return dst != null && dst.metric(DstEntry.RTAX_QUICKACK) != 0;
    }

    // ---- data arrived

    /** Estimates the peer's segment size, which decides what "full" means. Linux: tcp_measure_rcv_mss(). */
    static void tcpMeasureRcvMss(Cpu cpu, TcpSock tp, SkBuff skb) {
        int lastSegSize = tp.icskAckLastSegSize;
        tp.icskAckLastSegSize = 0;
        int gso = skb.shinfo().gsoSize;
        int len = gso != 0 ? gso : skb.len;
        if (len >= tp.icskAckRcvMss) {
            if (len != tp.icskAckRcvMss) {
                adjustScalingRatio(tp, skb);
            }
            tp.icskAckRcvMss = Math.min(len, tp.advmss);
            // A full segment with PSH is likely the end of a write: when it is read, its ACK need not wait.
            if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_PSH) != 0) {
                tp.icskAckPending |= ICSK_ACK_PUSHED;
            }
            return;
        }
        // Options (SACK blocks) make payloads vary: compare with header. A small one counts if it is no remnant.
        len += skb.data - skb.transportHeader;
        if (len >= TCP_MSS_DEFAULT + TcpHdr.LENGTH
                || len >= TCP_MIN_MSS + TcpHdr.LENGTH && (TcpSkbCb.tcpFlags(skb) & TCP_REMNANT) == 0) {
            len -= tp.tcpHeaderLen;
            tp.icskAckLastSegSize = len;
            if (len == lastSegSize) { // twice the same
                tp.icskAckRcvMss = len;
                return;
            }
        }
        if ((tp.icskAckPending & ICSK_ACK_PUSHED) != 0) {
            tp.icskAckPending |= ICSK_ACK_PUSHED2;
        }
        tp.icskAckPending |= ICSK_ACK_PUSHED;
    }

    /** How much of a packet's truesize is payload, measured on a segment of a new size. */
    private static void adjustScalingRatio(TcpSock tp, SkBuff skb) {
        int ratio = (int) Math.min(255, Math.max(1, ((long) skb.len << 8) / skb.truesize));
        if (ratio == tp.scalingRatio) {
            return;
        }
        tp.scalingRatio = ratio;
        TcpWindow.setWindowClamp(tp, tp.winFromSpace(tp.rcvbuf));
        if (tp.windowClamp < tp.rcvqSpaceSpace) {
            tp.rcvqSpaceSpace = tp.windowClamp;
        }
    }

    /** In-order data was queued: schedules its ACK and learns from its timing. Linux: tcp_event_data_recv(). */
    static void tcpEventDataRecv(Cpu cpu, TcpSock tp, SkBuff skb) {
        tp.scheduleAck();
        tcpMeasureRcvMss(cpu, tp, skb);
        TcpRcvSpace.tcpRcvRttMeasure(tp);
        long now = cpu.jiffies();
        if (tp.icskAckAto == 0) { // the first data
            tcpIncrQuickack(tp, TCP_MAX_QUICKACKS);
            tp.icskAckAto = TCP_ATO_MIN;
        } else {
            long gap = now - tp.icskAckLrcvtime;
            if (gap <= TCP_ATO_MIN / 2) {
                tp.icskAckAto = (tp.icskAckAto >> 1) + TCP_ATO_MIN / 2;
            } else if (gap < tp.icskAckAto) {
                tp.icskAckAto = Math.min((tp.icskAckAto >> 1) + (int) gap, tp.icskRto);
            } else if (gap > tp.icskRto) {
                tcpIncrQuickack(tp, TCP_MAX_QUICKACKS); // the sender restarts its window: it needs ACKs
            }
        }
        tp.icskAckLrcvtime = now;
        TcpEcnIn.dataCheck(cpu, tp, skb);
        if (skb.len >= 128) {
            TcpRcvSpace.tcpGrowWindow(cpu, tp, skb, true);
        }
    }

    // ---- decision

    /** Sends an ACK now or later if one is owed. Linux: tcp_ack_snd_check(). */
    static void tcpAckSndCheck(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_ACK_SND_CHECK);
        if (tp.ackScheduled()) { // else some data took it along
            tcpAckSndCheckCore(cpu, tp, true);
        }
    }

    private static boolean sendNow(TcpSock tp) {
        // More than a full segment, and the window can move (or else reading will send the ACK) ...
        if (tp.rcvNxt - tp.rcvWup > tp.icskAckRcvMss
                && (tp.rcvNxt - tp.copiedSeq < tp.rcvlowat || TcpWindow.chooseWindow(tp) >= tp.rcvWnd)) {
            return true;
        }
        return tcpInQuickackMode(tp) || (tp.icskAckPending & ICSK_ACK_NOW) != 0;
    }

    /** Linux: __tcp_ack_snd_check(). {@code ofoPossible}: there can be out-of-order data. */
    static void tcpAckSndCheckCore(Cpu cpu, TcpSock tp, boolean ofoPossible) {
        if (sendNow(tp)) {
            // From the backlog of a releaseSock: one ACK for all of it, at its end.
            if (tp.ownedByUser() && tp.sysctl.tcpBacklogAckDefer != 0) {
                TcpTsq.set(tp, TcpConst.TCPF_ACK_DEFERRED);
                tp.deferWork();
                return;
            }
            TcpOutput.tcpSendAck(cpu, tp);
            return;
        }
        if (!ofoPossible || tp.outOfOrderQueue.isEmpty()) {
            TcpOutput.tcpSendDelayedAck(cpu, tp);
            return;
        }
        if (!tp.isSack() || tp.compressedAck >= tp.sysctl.tcpCompSackNr) {
            TcpOutput.tcpSendAck(cpu, tp);
            return;
        }
        if (tp.compressedAckRcvNxt != tp.rcvNxt) {
            tp.compressedAckRcvNxt = tp.rcvNxt;
            tp.dupAckCounter = 0;
        }
        if (tp.dupAckCounter < TCP_FASTRETRANS_THRESH) { // the sender needs three
            tp.dupAckCounter++;
            TcpOutput.tcpSendAck(cpu, tp);
            return;
        }
        tp.compressedAck++;
        startCompressTimer(cpu, tp);
    }

    private static void startCompressTimer(Cpu cpu, TcpSock tp) {
        HrTimer timer = tp.compressedAckTimer;
        if (timer == null) {
            timer = new TcpCompressedAckTimer(tp); // allocates: once per connection that ever needs it
            tp.compressedAckTimer = timer;
        }
        if (timer.pending()) {
            return;
        }
        int rtt = tp.rcvRttEstRttUs;
        if (tp.srttUs != 0 && tp.srttUs < rtt) {
            rtt = tp.srttUs;
        }
        // Both are eighths of microseconds: 5 % of the round trip.
        long delayNs = Math.min(tp.sysctl.tcpCompSackDelayNs, Integer.toUnsignedLong(rtt) * (1000 >> 3) / 20);
        timer.start(cpu, cpu.nowNs() + delayNs);
    }

    /** Sends the ACK that compression holds back. Linux: tcp_sack_compress_send_ack(). */
    public static void tcpSackCompressSendAck(Cpu cpu, TcpSock tp) {
        if (tp.compressedAck == 0) {
            return;
        }
        HrTimer timer = tp.compressedAckTimer;
        if (timer != null) {
            timer.cancel();
        }
        TcpCount.netAdd(cpu, tp, LinuxMib.TCPACKCOMPRESSED, tp.compressedAck - 1); // one goes out
        tp.compressedAck = 0;
        TcpOutput.tcpSendAck(cpu, tp);
    }

    // ---- after a segment

    /** What the ACK allows is sent, and a writer is woken. Linux: tcp_data_snd_check(). */
    static void tcpDataSndCheck(Cpu cpu, TcpSock tp) {
        PathTrace.hit(cpu, null, Landmark.TCP_DATA_SND_CHECK);
        TcpOutput.tcpPushPendingFrames(cpu, tp);
        tcpCheckSpace(cpu, tp);
    }

    /** Is a writer waiting for room that there now is? Linux: tcp_check_space(). */
    public static void tcpCheckSpace(Cpu cpu, TcpSock tp) {
        Socket socket = tp.socket;
        if (socket != null && socket.testFlag(Socket.SOCK_NOSPACE)) {
            TcpRcvSpace.tcpNewSpace(cpu, tp);
            if (!socket.testFlag(Socket.SOCK_NOSPACE)) {
                TcpChrono.stop(cpu, tp, TCP_CHRONO_SNDBUF_LIMITED);
            }
        }
    }
}
