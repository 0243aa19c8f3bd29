package net.tcp;

import static net.tcp.TcpConst.TCP_ECN_DEMAND_CWR;
import static net.tcp.TcpConst.TCP_ECN_OK;
import static net.tcp.TcpConst.TCP_ECN_QUEUE_CWR;
import static net.tcp.TcpSkbCb.TCPHDR_CWR;
import static net.tcp.TcpSkbCb.TCPHDR_ECE;

import net.ipv4.Inet;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;

/**
 * The sending half of explicit congestion notification.
 *
 * <p>RFC 3168 6.1. Linux: tcp_ecn_send(), net/ipv4/tcp_output.c
 */
final class TcpEcnOut {
    private TcpEcnOut() {}

    /** A SYN asks for ECN if the namespace, the route or the congestion control wants it. Linux: tcp_ecn_send_syn(). */
    static void sendSyn(TcpSock tp, SkBuff skb) {
        boolean caNeeds = TcpCong.needsEcn(tp);
        boolean accurate = tp.sysctl.tcpEcn == 3;
        boolean use = tp.sysctl.tcpEcn == 1
                || tp.sysctl.tcpEcn == 4
                || caNeeds
                || accurate
                || TcpCong.dstAsksForEcn(tp.skDstGet());
        tp.ecnFlags = 0;
        if (use) {
            TcpSkbCb.orTcpFlags(skb, TCPHDR_ECE | TCPHDR_CWR);
            tp.ecnFlags = TCP_ECN_OK;
            if (caNeeds) {
                setEct(tp);
            }
            if (accurate) {
                TcpSkbCb.orTcpFlags(skb, TcpSkbCb.TCPHDR_AE);
                tp.ecnFlags = TcpConst.TCP_ECN_MODE_PENDING;
                TcpAccEcn.of(tp).synEctSnt = tp.tos & Inet.ECN_MASK;
            }
        }
    }

    /** A retransmitted SYN gives ECN up. RFC 3168 6.1.1.1. Linux: tcp_ecn_clear_syn(). */
    static void clearSyn(TcpSock tp, SkBuff skb) {
        if (tp.sysctl.tcpEcnFallback != 0) {
            TcpSkbCb.clearTcpFlags(skb, TcpAccEcn.TCPHDR_ACE);
        }
    }

    /** A SYN-ACK of a simultaneous open. Linux: tcp_ecn_send_synack(). */
    static void sendSynack(TcpSock tp, SkBuff skb) {
        TcpSkbCb.clearTcpFlags(skb, TCPHDR_CWR);
        TcpAccEcn a = tp.accEcn;
        if (a != null && TcpAccEcn.on(tp)) {
            TcpSkbCb.clearTcpFlags(skb, TcpAccEcn.TCPHDR_ACE);
            TcpSkbCb.orTcpFlags(skb, TcpAccEcn.reflectorFlags(a.synEctRcv));
            a.synEctSnt = tp.tos & Inet.ECN_MASK;
            return;
        }
        if ((tp.ecnFlags & TCP_ECN_OK) == 0) {
            TcpSkbCb.clearTcpFlags(skb, TCPHDR_ECE);
        } else if (TcpCong.needsEcn(tp)) {
            setEct(tp);
        }
    }

    /** Flags of an ordinary segment; marks the IP header. Linux: tcp_ecn_send(). */
    static int send(TcpSock tp, SkBuff skb, int flags, int headerSize) {
        TcpAccEcn a = tp.accEcn;
        if (a != null && TcpAccEcn.on(tp)) {
            if ((a.failMode & TcpAccEcn.ACE_FAIL_RECV) == 0) {
                setEct(tp); // pure ACKs and retransmissions too, RFC 9768 3.3.3
            } else {
                clearEct(tp);
            }
            skb.shinfo().gsoType |= SkbSharedInfo.SKB_GSO_TCP_ACCECN;
            return a.setAce(tp, flags);
        }
        if ((tp.ecnFlags & TCP_ECN_OK) == 0) {
            return flags;
        }
        int f = flags;
        if (skb.len != headerSize && !TcpSeq.before(TcpSkbCb.seq(skb), tp.sndNxt)) {
            setEct(tp); // new data only: not-ECT on retransmissions, RFC 3168 6.1.5
            if ((tp.ecnFlags & TCP_ECN_QUEUE_CWR) != 0) {
                tp.ecnFlags &= ~TCP_ECN_QUEUE_CWR;
                f |= TCPHDR_CWR;
                skb.shinfo().gsoType |= SkbSharedInfo.SKB_GSO_TCP_ECN;
            }
        } else if (!TcpCong.needsEcn(tp)) {
            clearEct(tp);
        }
        if ((tp.ecnFlags & TCP_ECN_DEMAND_CWR) != 0) {
            f |= TCPHDR_ECE;
        }
        return f;
    }

    private static void setEct(TcpSock tp) {
        setEct(tp, true);
    }

    /** From now on segments carry ECT(0), or nothing. Linux: INET_ECN_xmit(), INET_ECN_dontxmit(). */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    static void setEct(TcpSock tp, boolean on) {
        tp.tos = on ? tp.tos & ~Inet.ECN_MASK | Inet.ECN_ECT_0 : tp.tos & ~Inet.ECN_MASK;
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    private static void clearEct(TcpSock tp) {
        tp.tos &= ~Inet.ECN_MASK;
    }
}
