package net.tcp;

import static net.tcp.TcpSkbCb.TCPCB_EVER_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_TAGBITS;

import net.core.Cpu;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Makes segments of the retransmit queue fit SACK blocks: a GSO packet that a block covers in part is split, or better,
 * the covered part moves into the SACKed neighbour on its left. So a queue of thousands of segments that are SACKed one
 * by one stays a queue of few packets.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_match_skb_to_sack(), tcp_shift_skb_data(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpSackShift {
    /** Most bytes in one packet: 65535 segments of the smallest MSS that TSO takes. */
    private static final int MAX_SHIFTED = 65535 * 8;

    private TcpSackShift() {}

    /**
     * Does the block cover this segment? A GSO packet that is covered in part is split so that whole segments are.
     *
     * @return 1 covered, 0 not, negative errno if it could not be split
     */
    static int tcpMatchSkbToSack(Cpu cpu, TcpSock tp, SkBuff skb, int start, int end) {
        int seq = TcpSkbCb.seq(skb);
        boolean fromStart = !TcpSeq.after(start, seq);
        boolean covered = fromStart && !TcpSeq.before(end, TcpSkbCb.endSeq(skb));
        if (covered || TcpSkbCb.pcount(skb) <= 1 || !TcpSeq.after(TcpSkbCb.endSeq(skb), start)) {
            return covered ? 1 : 0;
        }
        int mss = TcpSkbCb.mss(skb);
        int len;
        if (fromStart) {
            len = end - seq;
            if (len < mss) {
                return -Errno.EINVAL; // not one whole segment
            }
        } else {
            len = Math.max(start - seq, mss);
        }
        if (len > mss) { // SACKs cover whole segments: round
            int rounded = len / mss * mss;
            if (!fromStart && rounded < len) {
                rounded += mss;
            }
            len = rounded;
        }
        if (len >= skb.len && !fromStart) {
            return 0;
        }
        int err = TcpFragment.tcpFragment(cpu, tp, true, skb, len, mss);
        return err < 0 ? err : fromStart ? 1 : 0;
    }

    private static int seglen(SkBuff skb) {
        return TcpSkbCb.pcount(skb) == 1 ? skb.len : TcpSkbCb.mss(skb);
    }

    private static boolean canShift(SkBuff skb) {
        return skb.headlen() == 0 && skb.isNonlinear();
    }

    /** Moves {@code len} bytes, {@code pcount} segments, from the front of one packet to the end of the one before it. */
    private static boolean tcpSkbShift(Cpu cpu, SkBuff to, SkBuff from, int pcount, int len) {
        return to.len + len < MAX_SHIFTED
                && TcpSkbCb.pcount(to) + pcount <= 0xffff
                && SkBuff.shift(cpu, to, from, len) > 0;
    }

    /**
     * Tries to move what the block covers of {@code skb} into its SACKed left neighbour.
     *
     * @return the neighbour if bytes moved; {@code skb} if there is nothing to mark here; null: mark in the usual way
     */
    static @Nullable SkBuff tcpShiftSkbData(
            Cpu cpu, TcpSock tp, SkBuff skb, TcpScratch s, int start, int end, boolean dupSack) {
        SkBuff prev = shiftTarget(tp, skb, dupSack);
        if (prev == null) {
            return fallback(cpu, tp);
        }
        int seq = TcpSkbCb.seq(skb);
        boolean fromStart = !TcpSeq.after(start, seq);
        int len;
        int pcount;
        int mss;
        if (fromStart && !TcpSeq.before(end, TcpSkbCb.endSeq(skb))) {
            len = skb.len;
            pcount = TcpSkbCb.pcount(skb);
            mss = seglen(skb);
        } else {
            if (!TcpSeq.after(TcpSkbCb.endSeq(skb), start) || TcpSkbCb.pcount(skb) <= 1) {
                return skb;
            }
            if (!fromStart) {
                return fallback(cpu, tp);
            }
            mss = TcpSkbCb.mss(skb);
            len = end - seq;
            if (len < mss) {
                return skb;
            }
            pcount = len / mss;
            len = pcount * mss;
        }
        // Different sizes can't be one GSO packet; nothing below sndUna is tagged.
        if (mss != seglen(prev) || !TcpSeq.after(seq + len, tp.sndUna) || !tcpSkbShift(cpu, prev, skb, pcount, len)) {
            return fallback(cpu, tp);
        }
        if (!tcpShiftedSkb(cpu, tp, prev, skb, s, pcount, len, mss, dupSack)) {
            return prev;
        }
        // A hole was filled: the right neighbour may join too.
        SkBuff right = tp.tcpRtxQueue.next(prev);
        if (right != null
                && canShift(right)
                && (TcpSkbCb.sacked(right) & TCPCB_TAGBITS) == TCPCB_SACKED_ACKED
                && mss == seglen(right)
                && TcpQueues.canCollapse(prev, right)) {
            len = right.len;
            pcount = TcpSkbCb.pcount(right);
            if (tcpSkbShift(cpu, prev, right, pcount, len)) {
                tcpShiftedSkb(cpu, tp, prev, right, s, pcount, len, mss, false);
            }
        }
        return prev;
    }

    private static @Nullable SkBuff fallback(Cpu cpu, TcpSock tp) {
        TcpCount.netInc(cpu, tp, LinuxMib.SACKSHIFTFALLBACK);
        return null;
    }

    /** The left neighbour if it can take bytes of {@code skb}. */
    private static @Nullable SkBuff shiftTarget(TcpSock tp, SkBuff skb, boolean dupSack) {
        // Retransmitted and not marked lost keeps its mark, so it does not become a plain SACKed one.
        if (!dupSack && (TcpSkbCb.sacked(skb) & (TCPCB_LOST | TCPCB_SACKED_RETRANS)) == TCPCB_SACKED_RETRANS) {
            return null;
        }
        if (!canShift(skb) || !TcpSeq.after(TcpSkbCb.endSeq(skb), tp.sndUna)) {
            return null;
        }
        SkBuff prev = tp.tcpRtxQueue.prev(skb);
        if (prev == null
                || (TcpSkbCb.sacked(prev) & TCPCB_TAGBITS) != TCPCB_SACKED_ACKED
                || !TcpQueues.canCollapse(prev, skb)) {
            return null;
        }
        return prev;
    }

    /** Bytes have moved: marks, counts and sequence numbers follow. True if nothing is left of {@code skb}. */
    private static boolean tcpShiftedSkb(
            Cpu cpu,
            TcpSock tp,
            SkBuff prev,
            SkBuff skb,
            TcpScratch s,
            int pcount,
            int shifted,
            int mss,
            boolean dupSack) {
        int start = TcpSkbCb.seq(skb);
        // First: the highest SACKed sequence number is read from skb's own one, which moves below.
        TcpSackTag.tcpSacktagOne(
                tp, s.sack, TcpSkbCb.sacked(skb), start, start + shifted, dupSack, pcount, TcpSkbCb.timestampUs(skb));
        TcpRate.skbDelivered(tp, skb, s.rate);
        TcpSkbCb.endSeq(prev, TcpSkbCb.endSeq(prev) + shifted);
        TcpSkbCb.seq(skb, start + shifted);
        TcpSkbCb.pcountAdd(prev, pcount);
        TcpSkbCb.pcountAdd(skb, -pcount);
        if (TcpSkbCb.gsoSize(prev) == 0) {
            TcpSkbCb.gsoSize(prev, mss);
        }
        if (TcpSkbCb.pcount(skb) <= 1) {
            TcpSkbCb.gsoSize(skb, 0);
        }
        TcpSkbCb.orSacked(prev, TcpSkbCb.sacked(skb) & TCPCB_EVER_RETRANS);
        if (skb.len > 0) {
            TcpCount.netInc(cpu, tp, LinuxMib.SACKSHIFTED);
            return false;
        }
        if (skb == tp.retransmitSkbHint) {
            tp.retransmitSkbHint = prev;
        }
        TcpSkbCb.orTcpFlags(prev, TcpSkbCb.tcpFlags(skb));
        TcpSkbCb.eor(prev, TcpSkbCb.eor(skb));
        if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0) {
            TcpSkbCb.endSeq(prev, TcpSkbCb.endSeq(prev) + 1);
        }
        if (skb == tp.highestSack) {
            TcpSackTag.advanceHighestSack(tp, skb);
        }
        TcpTxTimestamp.join(prev, skb);
        TcpSkbCb.deliveredMstamp(prev, 0); // its sample is taken
        TcpQueues.tcpRtxQueueUnlinkAndFree(cpu, tp, skb);
        TcpCount.netInc(cpu, tp, LinuxMib.SACKMERGED);
        return true;
    }
}
