package net.tcp;

import static net.core.sock.TcpStates.TCP_ESTABLISHED;
import static net.core.sock.TcpStates.TCP_SYN_RECV;
import static net.tcp.TcpConst.TCPF_CLOSE_WAIT;
import static net.tcp.TcpConst.TCPF_CLOSING;
import static net.tcp.TcpConst.TCPF_LAST_ACK;
import static net.tcp.TcpConst.TCP_PAWS_WINDOW;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * Decides whether a segment may be looked at: time stamp (PAWS), sequence number, RST, SYN; the first four steps of
 * RFC 9293 3.10.7.4 as hardened by RFC 5961.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_validate_incoming(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpValidate {
    private static final int OK = 0;

    private TcpValidate() {}

    /**
     * PAWS refuses a segment's stamp: 0 if it is harmless all the same. A pure ACK that repeats the last one may have
     * been overtaken (the peer's ACKs take several paths or CPUs): it carries no data that could be old.
     */
    private static int disorderedAckCheck(TcpSock tp, SkBuff skb, TcpHdr th) {
        int seq = TcpSkbCb.seq(skb);
        if (!th.ack() || seq != TcpSkbCb.endSeq(skb)) {
            return SkbDropReason.TCP_RFC7323_PAWS.ordinal();
        }
        if (seq != tp.rcvNxt) {
            return (TcpSeq.before(seq, tp.rcvNxt) ? SkbDropReason.TCP_RFC7323_PAWS_ACK : SkbDropReason.TCP_RFC7323_PAWS)
                    .ordinal();
        }
        int ack = TcpSkbCb.ackSeq(skb);
        if (ack != tp.sndUna
                || TcpAck.tcpMayUpdateWindow(tp, ack, seq, th.window() << tp.rxOpt.sndWscale)
                || tp.rxOpt.tsRecent - tp.rxOpt.rcvTsval > tp.icskRto * 1200 / TcpConst.HZ) {
            return SkbDropReason.TCP_RFC7323_PAWS.ordinal();
        }
        return OK;
    }

    /**
     * RFC 9293 3.10.7.4 first: does the segment lie in the window? Linux takes it if it ends at or after the last
     * acknowledged byte and starts in the window; if it also ends beyond, only while nothing waits to be read. A FIN
     * takes no room: it may lie just behind a window that is closed.
     */
    private static int tcpSequence(TcpSock tp, int seq, int endSeq, boolean fin) {
        if (TcpSeq.before(endSeq, tp.rcvWup)) {
            return SkbDropReason.TCP_OLD_SEQUENCE.ordinal();
        }
        int windowEnd = tp.rcvNxt + tp.receiveWindow();
        if (TcpSeq.after(endSeq - (fin ? 1 : 0), windowEnd)) {
            if (TcpSeq.after(seq, windowEnd)) {
                return SkbDropReason.TCP_INVALID_SEQUENCE.ordinal();
            }
            if (!tp.receiveQueue.isEmpty()) {
                return SkbDropReason.TCP_INVALID_END_SEQUENCE.ordinal();
            }
        }
        return OK;
    }

    /** A reset one before what is expected: of a peer that does not count its FIN. Linux: tcp_reset_check(). */
    private static boolean resetCheck(TcpSock tp, SkBuff skb) {
        return TcpSkbCb.seq(skb) == tp.rcvNxt - 1 && tp.inStates(TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING);
    }

    /** RFC 5961 3.2: only an exact match resets; here also the end of the highest SACK block that we sent. */
    private static boolean resetMatches(TcpSock tp, SkBuff skb) {
        int seq = TcpSkbCb.seq(skb);
        if (seq == tp.rcvNxt || resetCheck(tp, skb)) {
            return true;
        }
        int n = tp.rxOpt.numSacks;
        if (!tp.isSack() || n == 0) {
            return false;
        }
        int max = tp.selectiveAcks[1];
        for (int i = 1; i < n; i++) {
            max = TcpSeq.max(max, tp.selectiveAcks[2 * i + 1]);
        }
        return seq == max;
    }

    private static boolean discard(Cpu cpu, TcpSock tp, SkBuff skb, int reason) {
        TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.of(reason));
        return false;
    }

    private static boolean reset(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpInput.tcpReset(cpu, tp);
        skb.consume(cpu);
        return false;
    }

    /** RFC 5961 4.2: a SYN in the middle of a connection gets a challenge ACK, and nothing else. */
    private static boolean synChallenge(Cpu cpu, TcpSock tp, SkBuff skb, boolean countError, boolean inWindow) {
        if (countError) {
            TcpCount.tcpInc(cpu, tp, TcpMib.INERRS);
        }
        TcpCount.netInc(cpu, tp, LinuxMib.TCPSYNCHALLENGE);
        TcpAccEcn a = tp.accEcn;
        int flags = 0;
        if (inWindow && a != null && TcpAccEcn.on(tp)) { // a SYN-ACK again: its codepoint is echoed, as the first's was
            a.synEctRcv = TcpSkbCb.ipDsfield(skb) & TcpAccEcn.CE;
            if (tp.rxOpt.accecn != 0 && a.sawOpt < TcpAccEcn.OPT_COUNTER_SEEN) {
                a.sawOption(TcpAccEcnOption.init(skb, tp.rxOpt.accecn));
                a.optDemand = Math.max(a.optDemand, 1);
            }
            flags = TcpAccEcn.reflectorFlags(a.synEctRcv);
        }
        TcpChallenge.tcpSendChallengeAck(cpu, tp, flags);
        return discard(cpu, tp, skb, SkbDropReason.TCP_INVALID_SYN.ordinal());
    }

    /** True if the segment may go on; else it has been answered and freed. */
    static boolean tcpValidateIncoming(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th, boolean synInErr) {
        // RFC 7323 5.3 R1: PAWS comes before the sequence number.
        if (TcpParseOptions.tcpFastParseOptions(tp.sysctl, skb, th, tp)
                && tp.rxOpt.sawTstamp
                && !TcpPaws.tcpPawsCheck(cpu, tp.rxOpt, TCP_PAWS_WINDOW)) {
            int reason = disorderedAckCheck(tp, skb, th);
            if (reason != OK && !th.rst()) { // a reset needs no stamp
                return pawsFailed(cpu, tp, skb, th, synInErr, reason);
            }
        }
        // First: the sequence number.
        int reason = tcpSequence(tp, TcpSkbCb.seq(skb), TcpSkbCb.endSeq(skb), th.fin());
        if (reason != OK) {
            if (th.rst()) {
                return resetCheck(tp, skb) ? reset(cpu, tp, skb) : discard(cpu, tp, skb, reason);
            }
            if (th.syn()) {
                return synChallenge(cpu, tp, skb, synInErr, false);
            }
            if (reason != SkbDropReason.TCP_OLD_SEQUENCE.ordinal()) {
                TcpCount.netInc(cpu, tp, LinuxMib.BEYOND_WINDOW);
            }
            if (!TcpChallenge.tcpOowRateLimited(cpu, tp, skb, LinuxMib.TCPACKSKIPPEDSEQ)) {
                TcpChallenge.tcpSendDupack(cpu, tp, skb);
            }
            return discard(cpu, tp, skb, reason);
        }
        // Second: RST.
        if (th.rst()) {
            if (resetMatches(tp, skb)) {
                return reset(cpu, tp, skb);
            }
            // A reset out of order, and no data yet on what was opened fast: a middlebox?
            if (tp.synFastopen && tp.dataSegsIn == 0 && tp.state == TCP_ESTABLISHED) {
                TcpFastOpenBlackhole.disable(cpu, tp);
            }
            TcpChallenge.tcpSendChallengeAck(cpu, tp);
            return discard(cpu, tp, skb, SkbDropReason.TCP_RESET.ordinal());
        }
        // Third: security, not implemented. Fourth: SYN.
        if (th.syn() && !crossedSynAck(tp, skb, th)) {
            return synChallenge(cpu, tp, skb, synInErr, true);
        }
        return true;
    }

    /** Both opened at once, and this is the peer's SYN-ACK to our SYN: it completes the handshake. */
    private static boolean crossedSynAck(TcpSock tp, SkBuff skb, TcpHdr th) {
        int next = TcpSkbCb.seq(skb) + 1;
        return tp.state == TCP_SYN_RECV
                && tp.socket != null
                && th.ack()
                && next == TcpSkbCb.endSeq(skb)
                && next == tp.rcvNxt
                && TcpSkbCb.ackSeq(skb) == tp.sndNxt;
    }

    private static boolean pawsFailed(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th, boolean synInErr, int reason) {
        if (th.syn()) {
            return synChallenge(cpu, tp, skb, synInErr, false);
        }
        if (reason == SkbDropReason.TCP_RFC7323_PAWS_ACK.ordinal()) { // common, and no need for an answer
            TcpCount.netInc(cpu, tp, LinuxMib.PAWS_OLD_ACK);
            return discard(cpu, tp, skb, reason);
        }
        TcpCount.netInc(cpu, tp, LinuxMib.PAWSESTABREJECTED);
        if (!TcpChallenge.tcpOowRateLimited(cpu, tp, skb, LinuxMib.TCPACKSKIPPEDPAWS)) {
            TcpChallenge.tcpSendDupack(cpu, tp, skb);
        }
        return discard(cpu, tp, skb, reason);
    }
}
