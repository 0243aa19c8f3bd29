package net.tcp;

import static net.tcp.TcpConst.TCP_ECN_MODE_ACCECN;
import static net.tcp.TcpConst.TCP_ECN_MODE_ANY;
import static net.tcp.TcpConst.TCP_ECN_MODE_PENDING;
import static net.tcp.TcpConst.TCP_ECN_OK;
import static net.tcp.TcpConst.TCP_ECN_SEEN;
import static net.tcp.TcpSkbCb.TCPHDR_AE;
import static net.tcp.TcpSkbCb.TCPHDR_CWR;
import static net.tcp.TcpSkbCb.TCPHDR_ECE;

import net.ipv4.Inet;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Accurate ECN (RFC 9768): the receiver counts CE-marked segments and echoes the count's last three bits in the flags AE,
 * CWR and ECE of every segment (the ACE field); the bytes that came with each codepoint go into an option ({@link
 * TcpAccEcnOption}). What a sender makes of it is in {@link TcpAccEcnAck}.
 *
 * <p>During the handshake the ACE field echoes the IP-ECN codepoint of the peer's SYN or SYN-ACK instead, by which both
 * find out whether the path changes it.
 *
 * <p>A connection that might use AccECN has one of these; others have none.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: include/net/tcp_ecn.h
 */
final class TcpAccEcn {
    /** Not-ECT, ECT(1), ECT(0), CE: the codepoints of the IP header's ECN field. */
    static final int NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3;
    /** All bits of the ACE field. */
    static final int TCPHDR_ACE = TCPHDR_AE | TCPHDR_CWR | TCPHDR_ECE;
    /** The field's lowest bit, and the count with which it starts (RFC 9768 3.2.1). */
    static final int ACE_SHIFT = 6, CEP_INIT_OFFSET = 5, CEP_ACE_MASK = 7;
    /** {@link #failMode}: the field is not trusted, either way; the option neither. */
    static final int ACE_FAIL_SEND = 1, ACE_FAIL_RECV = 2, OPT_FAIL_SEND = 4, OPT_FAIL_RECV = 8;
    /** {@link #sawOpt}: what options have come. */
    static final int OPT_NOT_SEEN = 0, OPT_EMPTY_SEEN = 1, OPT_COUNTER_SEEN = 2, OPT_FAIL_SEEN = 3;

    /** An increment of a byte counter beyond these bits asks for an option. */
    private static final int BYTES_MASK = 0xffc0_0000;
    /** What a SYN-ACK's or third ACK's field says for each codepoint (RFC 9768 Table 3). */
    private static final int[] ACE_OF_ECN = {0b010, 0b011, 0b100, 0b110};
    /** The inverse; what can't be is taken for something harmless. */
    private static final int[] ECN_OF_ACE = {ECT_0, ECT_1, NOT_ECT, ECT_1, ECT_0, ECT_1, CE, ECT_1};

    /** CE-marked segments received since the field was last sent. */
    int receivedCePending;
    /** Codepoint with which our SYN or SYN-ACK went out, and that of the peer's. */
    int synEctSnt, synEctRcv;
    /** Codepoint of the last segment received. */
    int prevEcnfield;
    /** Fewest fields of the next option: so many have changed. */
    int minlen;
    /** Segments that must carry an option. */
    int optDemand;
    /** {@code *_FAIL_*} bits. */
    int failMode;
    /** {@code OPT_*_SEEN}. */
    int sawOpt;
    /** Codepoint to which bytes are credited that no option explains; 0: none. */
    int estEcnfield;
    /** When an option last went out, microseconds. */
    long optTstampUs;
    /** Bytes of payload received with each codepoint, ECT(1) first. */
    final int[] receivedEcnBytes = new int[3];
    /** Bytes that the peer says it received. */
    final int[] deliveredEcnBytes = new int[3];

    TcpAccEcn() {}

    // ---- mode

    /** Classic ECN (RFC 3168). Linux: tcp_ecn_mode_rfc3168(). */
    @HotPath
    static boolean classic(TcpSock tp) {
        return (tp.ecnFlags & TCP_ECN_MODE_ANY) == TCP_ECN_OK;
    }

    /** Linux: tcp_ecn_mode_accecn(). */
    @HotPath
    static boolean on(TcpSock tp) {
        return (tp.ecnFlags & TCP_ECN_MODE_ANY) == TCP_ECN_MODE_ACCECN;
    }

    /** Asked for in our SYN. Linux: tcp_ecn_mode_pending(). */
    static boolean pending(TcpSock tp) {
        return (tp.ecnFlags & TCP_ECN_MODE_ANY) == TCP_ECN_MODE_PENDING;
    }

    /** Linux: tcp_ecn_mode_set(). */
    static void mode(TcpSock tp, int mode) {
        tp.ecnFlags = tp.ecnFlags & ~TCP_ECN_MODE_ANY | mode;
    }

    /** A connection's, made if it has none. */
    static TcpAccEcn of(TcpSock tp) {
        TcpAccEcn a = tp.accEcn;
        if (a == null) {
            a = new TcpAccEcn(); // allocates: once per connection that may use it
            tp.accEcn = a;
        }
        return a;
    }

    // ---- handshake

    /** The ACE field of a segment. */
    @HotPath
    static int ace(SkBuff skb) {
        return TcpSkbCb.tcpFlags(skb) >> ACE_SHIFT & CEP_ACE_MASK;
    }

    /** Does a SYN ask for AccECN? Anything but no ECN and classic ECN counts (RFC 9768 3.1.2). */
    static boolean requested(int ace) {
        return ace != 0 && ace != 0b011;
    }

    /** Flags that tell with which codepoint the peer's SYN or SYN-ACK came. Linux: tcp_accecn_reflector_flags(). */
    static int reflectorFlags(int ect) {
        return ACE_OF_ECN[ect & CE] << ACE_SHIFT;
    }

    /** Did the codepoint with which we sent become another that no honest path makes of it? Then the field is not used. */
    boolean validateSynFeedback(TcpSock tp, int ace, int sentEct) {
        if (tp.sysctl.tcpEcnFallback == 0) {
            return true;
        }
        int seen = ECN_OF_ACE[ace];
        boolean valid = seen == sentEct || sentEct != NOT_ECT && seen != NOT_ECT && sentEct != CE;
        if (!valid) {
            failMode |= ACE_FAIL_RECV;
        }
        return valid;
    }

    /** The ACK that ends a handshake at the server. Linux: tcp_accecn_third_ack(). */
    void thirdAck(TcpSock tp, SkBuff skb, int sentEct) {
        int ace = ace(skb);
        switch (ace) {
            case 0 -> failMode |= ACE_FAIL_RECV; // never legal here: bleached
            case 1, 5, 7 -> {} // not in use, but legal
            default -> {
                boolean first = TcpSkbCb.seq(skb) == TcpSkbCb.endSeq(skb) && TcpSkbCb.sacked(skb) == 0;
                if (first && validateSynFeedback(tp, ace, sentEct) && ECN_OF_ACE[ace] == CE && tp.deliveredCe == 0) {
                    tp.deliveredCe++;
                }
            }
        }
    }

    /** What an option said; a zeroed one means that options are not to be trusted. */
    void sawOption(int saw) {
        sawOpt = saw;
        if (saw == OPT_FAIL_SEEN) {
            failMode |= OPT_FAIL_RECV;
        }
    }

    /** The SYN-ACK chose AccECN. */
    void synAck(TcpSock tp, SkBuff skb, int ace, int dsfield) {
        synEctRcv = dsfield & Inet.ECN_MASK;
        if (tp.rxOpt.accecn != 0 && sawOpt < OPT_COUNTER_SEEN) {
            sawOption(TcpAccEcnOption.init(skb, tp.rxOpt.accecn));
            optDemand = 2;
        }
        if (synEctRcv == CE && validateSynFeedback(tp, ace, synEctSnt)) {
            tp.receivedCe++;
            receivedCePending++;
        }
    }

    // ---- counting what came

    /** Counts a segment by its codepoint. Linux: tcp_ecn_received_counters(). */
    @HotPath
    void received(TcpSock tp, SkBuff skb, int len) {
        int ecn = TcpSkbCb.ipDsfield(skb) & Inet.ECN_MASK;
        boolean ce = ecn == CE;
        if (ecn != NOT_ECT) {
            if (!classic(tp)) {
                tp.ecnFlags |= TCP_ECN_SEEN;
            }
            if (ce) {
                int segs = Math.max(1, skb.shinfo().gsoSegs);
                tp.receivedCe += segs; // pure ACKs count as well
                receivedCePending = Math.min(receivedCePending + segs, 0xf);
            }
            if (len > 0) {
                countBytes(ecn, len);
            }
        }
        boolean edge = prevEcnfield != ecn;
        if (edge || ce) {
            prevEcnfield = ecn;
            if (on(tp)) {
                if (edge) {
                    ackNow(tp);
                }
                optDemand = 2; // two ACKs, so that the latter tells for certain
            }
        }
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    private static void ackNow(TcpSock tp) {
        tp.icskAckPending |= TcpConst.ICSK_ACK_NOW;
    }

    private void countBytes(int ecn, int len) {
        int old = receivedEcnBytes[ecn - 1];
        receivedEcnBytes[ecn - 1] = old + len;
        minlen = Math.max(minlen, TcpAccEcnOption.fieldOf(ecn));
        if (((old + len ^ old) & BYTES_MASK) != 0) {
            optDemand = Math.max(optDemand, 1);
        }
    }

    // ---- telling

    /** The ACE field of a segment that we send, unless its flags have one already. Linux: tcp_accecn_set_ace(). */
    @HotPath
    int setAce(TcpSock tp, int flags) {
        if ((flags & TCPHDR_ACE) != 0) {
            return flags; // the last segment of a handshake
        }
        receivedCePending = 0;
        return flags | (tp.receivedCe + CEP_INIT_OFFSET & CEP_ACE_MASK) << ACE_SHIFT;
    }

    /** Is it time for an option again? Linux: tcp_accecn_option_beacon_check(). */
    @HotPath
    boolean beacon(TcpSock tp) {
        int perRtt = tp.sysctl.tcpEcnOptionBeacon;
        return perRtt != 0 && Math.max(0, tp.tcpMstamp - optTstampUs) * perRtt >= tp.srttUs >>> 3;
    }
}
