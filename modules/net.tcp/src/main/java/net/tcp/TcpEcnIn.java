package net.tcp;

import static net.tcp.TcpConst.TCP_ECN_DEMAND_CWR;
import static net.tcp.TcpConst.TCP_ECN_OK;
import static net.tcp.TcpConst.TCP_ECN_QUEUE_CWR;
import static net.tcp.TcpConst.TCP_ECN_SEEN;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Explicit congestion notification as seen from the receive side: what a CE mark, an echo (ECE) and its answer (CWR)
 * change.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 3168; accurate ECN is {@link TcpAccEcn}'s. Linux: tcp_data_ecn_check(), tcp_ecn_*(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpEcnIn {
    private static final int INET_ECN_NOT_ECT = 0;
    private static final int INET_ECN_CE = 3;
    private static final int INET_ECN_MASK = 3;

    private TcpEcnIn() {}

    /** The window was reduced: tells the peer with the next new data. Linux: tcp_ecn_queue_cwr(). */
    static void queueCwr(TcpSock tp) {
        if (TcpAccEcn.classic(tp)) {
            tp.ecnFlags |= TCP_ECN_QUEUE_CWR;
        }
    }

    /** The reduction was undone. Linux: tcp_ecn_withdraw_cwr(). */
    static void withdrawCwr(TcpSock tp) {
        tp.ecnFlags &= ~TCP_ECN_QUEUE_CWR;
    }

    /** The peer has reduced its window: stop echoing. Linux: tcp_ecn_accept_cwr(). */
    static void acceptCwr(TcpSock tp, SkBuff skb) {
        if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_CWR) == 0 || !TcpAccEcn.classic(tp)) {
            return;
        }
        tp.ecnFlags &= ~TCP_ECN_DEMAND_CWR;
        // The peer may sit at a window of one segment: its CWR segment must not wait for a delayed ACK.
        if (TcpSkbCb.seq(skb) != TcpSkbCb.endSeq(skb)) {
            tp.icskAckPending |= TcpConst.ICSK_ACK_NOW;
        }
    }

    /** Looks at the IP header's ECN field of a data segment. Linux: tcp_data_ecn_check(). */
    static void dataCheck(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (!TcpAccEcn.classic(tp)) {
            return;
        }
        switch (TcpSkbCb.ipDsfield(skb) & INET_ECN_MASK) {
            case INET_ECN_NOT_ECT -> {
                // Data without ECT after ECT was seen is a retransmission: the sender may wait for its ACK.
                if ((tp.ecnFlags & TCP_ECN_SEEN) != 0) {
                    TcpAckSched.tcpEnterQuickackMode(tp, 2);
                }
            }
            case INET_ECN_CE -> {
                if (TcpCong.needsEcn(tp)) {
                    TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_ECN_IS_CE);
                }
                if ((tp.ecnFlags & TCP_ECN_DEMAND_CWR) == 0) {
                    TcpAckSched.tcpEnterQuickackMode(tp, 2); // the first mark: echo it at once
                    tp.ecnFlags |= TCP_ECN_DEMAND_CWR;
                }
                tp.ecnFlags |= TCP_ECN_SEEN;
            }
            default -> {
                if (TcpCong.needsEcn(tp)) {
                    TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_ECN_NO_CE);
                }
                tp.ecnFlags |= TCP_ECN_SEEN;
            }
        }
    }

    /** The SYN-ACK: what does it agree to? RFC 9768 Table 2. Linux: tcp_ecn_rcv_synack(). */
    static void rcvSynack(TcpSock tp, SkBuff skb) {
        int ace = TcpAccEcn.ace(skb);
        if (!TcpAccEcn.pending(tp)) { // we asked for classic ECN, or none
            if ((tp.ecnFlags & TCP_ECN_OK) != 0 && (ace & 0b011) != 0b001) {
                TcpAccEcn.mode(tp, 0);
            }
            return;
        }
        switch (ace) {
            case 0b000, 0b111 -> TcpAccEcn.mode(tp, 0);
            case 0b001, 0b101 -> TcpAccEcn.mode(tp, TCP_ECN_OK);
            default -> {
                TcpAccEcn.mode(tp, TcpConst.TCP_ECN_MODE_ACCECN);
                TcpAccEcn.of(tp).synAck(tp, skb, ace, TcpSkbCb.ipDsfield(skb));
            }
        }
    }

    /** A SYN in SYN_SENT (both opened at once): does it offer ECN? Linux: tcp_ecn_rcv_syn(). */
    static void rcvSyn(TcpSock tp, SkBuff skb, TcpHdr th) {
        if (TcpAccEcn.pending(tp)) {
            if (TcpAccEcn.requested(TcpAccEcn.ace(skb))) {
                TcpAccEcn a = TcpAccEcn.of(tp);
                a.synEctRcv = TcpSkbCb.ipDsfield(skb) & INET_ECN_MASK;
                a.prevEcnfield = a.synEctRcv;
                TcpAccEcn.mode(tp, TcpConst.TCP_ECN_MODE_ACCECN);
            } else {
                TcpAccEcn.mode(tp, TCP_ECN_OK);
            }
        }
        if (TcpAccEcn.classic(tp) && (!th.ece() || !th.cwr())) {
            TcpAccEcn.mode(tp, 0);
        }
    }

    /** Does the ACK echo congestion? Linux: tcp_ecn_rcv_ecn_echo(). */
    static boolean rcvEcnEcho(TcpSock tp, SkBuff skb) {
        int flags = TcpSkbCb.tcpFlags(skb) & (TcpSkbCb.TCPHDR_ECE | TcpSkbCb.TCPHDR_SYN);
        return flags == TcpSkbCb.TCPHDR_ECE && TcpAccEcn.classic(tp);
    }
}
