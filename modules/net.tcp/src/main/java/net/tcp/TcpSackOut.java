package net.tcp;

import static net.tcp.TcpConst.TCP_NUM_SACKS;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * Keeps the SACK and D-SACK blocks that the next ACKs will report: the block that changed last comes first (RFC 2018 4),
 * a duplicate's before all others (RFC 2883 4).
 *
 * <p>{@code selectiveAcks} holds {@code {start, end}} pairs.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_sack_new_ofo_skb(), tcp_sack_remove(), tcp_dsack_set(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpSackOut {
    /** Blocks that make a held-back ACK go out: every option has room for that many besides time stamps. */
    private static final int TCP_SACK_BLOCKS_EXPECTED = 2;

    private TcpSackOut() {}

    /** Reports a duplicate. */
    static void tcpDsackSet(Cpu cpu, TcpSock tp, int seq, int endSeq) {
        if (!tp.isSack() || tp.sysctl.tcpDsack == 0) {
            return;
        }
        TcpCount.netInc(cpu, tp, TcpSeq.before(seq, tp.rcvNxt) ? LinuxMib.TCPDSACKOLDSENT : LinuxMib.TCPDSACKOFOSENT);
        tp.rxOpt.dsack = true;
        tp.duplicateSackStart = seq;
        tp.duplicateSackEnd = endSeq;
    }

    /** Widens the reported duplicate, or reports a first one. */
    static void tcpDsackExtend(Cpu cpu, TcpSock tp, int seq, int endSeq) {
        if (!tp.rxOpt.dsack) {
            tcpDsackSet(cpu, tp, seq, endSeq);
        } else if (!TcpSeq.after(seq, tp.duplicateSackEnd) && !TcpSeq.after(tp.duplicateSackStart, endSeq)) {
            tp.duplicateSackStart = TcpSeq.min(tp.duplicateSackStart, seq);
            tp.duplicateSackEnd = TcpSeq.max(tp.duplicateSackEnd, endSeq);
        }
    }

    /** Widens block {@code i} if it touches the range. */
    private static boolean extend(int[] sp, int i, int seq, int endSeq) {
        if (TcpSeq.after(seq, sp[2 * i + 1]) || TcpSeq.after(sp[2 * i], endSeq)) {
            return false;
        }
        sp[2 * i] = TcpSeq.min(sp[2 * i], seq);
        sp[2 * i + 1] = TcpSeq.max(sp[2 * i + 1], endSeq);
        return true;
    }

    private static void remove(int[] sp, int i, int count) {
        System.arraycopy(sp, 2 * i + 2, sp, 2 * i, 2 * (count - i - 1));
    }

    /** The first block has grown: takes in those that it touches now. */
    private static void maybeCoalesce(TcpSock tp) {
        int[] sp = tp.selectiveAcks;
        int i = 1;
        while (i < tp.rxOpt.numSacks) {
            if (extend(sp, 0, sp[2 * i], sp[2 * i + 1])) {
                remove(sp, i, tp.rxOpt.numSacks);
                tp.rxOpt.numSacks--;
            } else {
                i++;
            }
        }
    }

    private static void moveFirst(int[] sp, int i, int seq, int endSeq) {
        System.arraycopy(sp, 0, sp, 2, 2 * i);
        sp[0] = seq;
        sp[1] = endSeq;
    }

    /** Out-of-order data was queued: its block comes first now. */
    static void tcpSackNewOfoSkb(Cpu cpu, TcpSock tp, int seq, int endSeq) {
        int[] sp = tp.selectiveAcks;
        int count = tp.rxOpt.numSacks;
        for (int i = 0; i < count; i++) {
            if (extend(sp, i, seq, endSeq)) {
                if (i >= TCP_SACK_BLOCKS_EXPECTED) {
                    TcpAckSched.tcpSackCompressSendAck(cpu, tp); // or the ACKs held back would not report it in time
                }
                moveFirst(sp, i, sp[2 * i], sp[2 * i + 1]);
                if (count > 1) {
                    maybeCoalesce(tp);
                }
                return;
            }
        }
        if (count >= TCP_SACK_BLOCKS_EXPECTED) {
            TcpAckSched.tcpSackCompressSendAck(cpu, tp);
        }
        int keep = Math.min(count, TCP_NUM_SACKS - 1); // the oldest is forgotten
        moveFirst(sp, keep, seq, endSeq);
        tp.rxOpt.numSacks = keep + 1;
    }

    /** {@code rcvNxt} has moved: drops the blocks that it covers. */
    static void tcpSackRemove(TcpSock tp) {
        if (tp.outOfOrderQueue.isEmpty()) {
            tp.rxOpt.numSacks = 0;
            return;
        }
        int[] sp = tp.selectiveAcks;
        int i = 0;
        while (i < tp.rxOpt.numSacks) {
            if (!TcpSeq.before(tp.rcvNxt, sp[2 * i])) {
                remove(sp, i, tp.rxOpt.numSacks);
                tp.rxOpt.numSacks--;
            } else {
                i++;
            }
        }
    }
}
