package net.tcp;

import static net.tcp.TcpAck.FLAG_DATA_SACKED;
import static net.tcp.TcpAck.FLAG_DSACKING_ACK;
import static net.tcp.TcpAck.FLAG_DSACK_TLP;
import static net.tcp.TcpAck.FLAG_ORIG_SACK_ACKED;
import static net.tcp.TcpConst.TCP_CA_LOSS;
import static net.tcp.TcpConst.TCP_NUM_SACKS;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Reads an ACK's SACK blocks and marks the segments that they cover.
 *
 * <p>The blocks are sorted, so that one walk over the retransmit queue serves all. Those of the previous ACK are cached
 * ({@code recvSackCache}): what they covered was marked then and is skipped, and a block that has only grown at its end
 * is continued at the highest SACKed segment, which makes the usual case one step. Splitting and merging is in
 * {@link TcpSackShift}.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 2018, 2883. Linux: tcp_sacktag_write_queue(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpSackTag {
    private TcpSackTag() {}

    // ---- highest SACK

    /** First sequence number above everything SACKed. Linux: tcp_highest_sack_seq(). */
    static int highestSackSeq(TcpSock tp) {
        if (tp.sackedOut == 0) {
            return tp.sndUna;
        }
        SkBuff highest = tp.highestSack;
        return highest == null ? tp.sndNxt : TcpSkbCb.seq(highest);
    }

    /** Linux: tcp_advance_highest_sack(). */
    static void advanceHighestSack(TcpSock tp, SkBuff skb) {
        tp.highestSack = tp.tcpRtxQueue.next(skb);
    }

    // ---- reordering

    /** Something below the highest SACK was delivered without a retransmission: learns the extent of reordering. */
    static void tcpCheckSackReordering(Cpu cpu, TcpSock tp, int lowSeq, boolean byTimestamp) {
        int fack = highestSackSeq(tp);
        if (!TcpSeq.before(lowSeq, fack)) {
            return;
        }
        int mss = tp.mssCache;
        long metric = Integer.toUnsignedLong(fack - lowSeq);
        if (mss != 0 && metric > (long) tp.reordering * mss) {
            tp.reordering = (int) Math.min((metric + mss - 1) / mss, tp.sysctl.tcpMaxReordering);
        }
        tp.reordSeen++;
        TcpCount.netInc(cpu, tp, byTimestamp ? LinuxMib.TCPTSREORDER : LinuxMib.TCPSACKREORDER);
    }

    // ---- D-SACK

    /** A D-SACK came: how many needless segments it stands for; 0: don't believe it. Linux: tcp_dsack_seen(). */
    private static int tcpDsackSeen(TcpSock tp, int startSeq, int endSeq, TcpSacktagState state) {
        if (!TcpSeq.before(startSeq, endSeq)) {
            return 0;
        }
        int length = endSeq - startSeq;
        if (Integer.compareUnsigned(length, tp.maxWindow) > 0) {
            return 0; // longer than any window
        }
        int segs = 1;
        if (length > tp.mssCache) {
            segs = (length + tp.mssCache - 1) / tp.mssCache;
        } else if (tp.tlpHighSeq != 0 && tp.tlpHighSeq == endSeq) {
            state.flag |= FLAG_DSACK_TLP;
        }
        tp.dsackDups += segs;
        if (tp.dsackDups > tp.totalRetrans) {
            return 0; // more duplicates than we ever retransmitted: the network makes them
        }
        tp.rxOpt.sackOk |= TcpOptionsReceived.TCP_DSACK_SEEN;
        // RACK widens its window if reordering made it retransmit; a loss probe is due to a timer, not to RACK.
        if (tp.reordSeen != 0 && (state.flag & FLAG_DSACK_TLP) == 0) {
            tp.rackDsackSeen = true;
        }
        state.flag |= FLAG_DSACKING_ACK;
        state.sackDelivered += segs;
        return segs;
    }

    /** Is the first block a D-SACK? It is if it lies below the ACK, or inside the second one. */
    private static boolean tcpCheckDsack(
            Cpu cpu, TcpSock tp, SkBuff ackSkb, int[] wire, int numSacks, int priorSndUna, TcpSacktagState state) {
        int start0 = wire[0];
        int end0 = wire[1];
        if (TcpSeq.before(start0, TcpSkbCb.ackSeq(ackSkb))) {
            TcpCount.netInc(cpu, tp, LinuxMib.TCPDSACKRECV);
        } else if (numSacks > 1) {
            if (TcpSeq.after(end0, wire[3]) || TcpSeq.before(start0, wire[2])) {
                return false;
            }
            TcpCount.netInc(cpu, tp, LinuxMib.TCPDSACKOFORECV);
        } else {
            return false;
        }
        int segs = tcpDsackSeen(tp, start0, end0, state);
        if (segs == 0) {
            TcpCount.netInc(cpu, tp, LinuxMib.TCPDSACKIGNOREDDUBIOUS);
            return false;
        }
        TcpCount.netAdd(cpu, tp, LinuxMib.TCPDSACKRECVSEGS, segs);
        // For data that has left the queue there are no marks any more: count.
        if (tp.undoMarker != 0
                && tp.undoRetrans > 0
                && !TcpSeq.after(end0, priorSndUna)
                && TcpSeq.after(end0, tp.undoMarker)) {
            tp.undoRetrans = Math.max(0, tp.undoRetrans - segs);
        }
        return true;
    }

    /** Can this block be true? D-SACKs may lie below {@code sndUna}, back to the undo marker. Linux: tcp_is_sackblock_valid(). */
    private static boolean sackBlockValid(TcpSock tp, boolean dsack, int start, int end) {
        if (TcpSeq.after(end, tp.sndNxt) || !TcpSeq.before(start, end) || !TcpSeq.before(start, tp.sndNxt)) {
            return false;
        }
        if (TcpSeq.after(start, tp.sndUna)) {
            return true;
        }
        if (!dsack || tp.undoMarker == 0 || TcpSeq.after(end, tp.sndUna)) {
            return false;
        }
        if (!TcpSeq.before(start, tp.undoMarker)) {
            return true;
        }
        if (!TcpSeq.after(end, tp.undoMarker)) {
            return false;
        }
        return !TcpSeq.before(start, end - tp.maxWindow);
    }

    // ---- one segment

    /**
     * Marks a range of segments of equal state and counts them; returns the new marks.
     *
     * @param sacked the marks they had
     */
    static int tcpSacktagOne(
            TcpSock tp,
            TcpSacktagState state,
            int sacked,
            int startSeq,
            int endSeq,
            boolean dupSack,
            int pcount,
            long xmitUs) {
        if (dupSack && (sacked & TCPCB_RETRANS) != 0) {
            if (tp.undoMarker != 0 && tp.undoRetrans > 0 && TcpSeq.after(endSeq, tp.undoMarker)) {
                tp.undoRetrans = Math.max(0, tp.undoRetrans - pcount);
            }
            if ((sacked & TCPCB_SACKED_ACKED) != 0) {
                state.reord = TcpSeq.min(state.reord, startSeq);
            }
        }
        if (!TcpSeq.after(endSeq, tp.sndUna)) {
            return sacked; // about to be dropped
        }
        if ((sacked & TCPCB_SACKED_ACKED) == 0) {
            TcpRack.tcpRackAdvance(tp, sacked, endSeq, xmitUs);
            if ((sacked & TCPCB_SACKED_RETRANS) != 0) {
                // Not marked lost: then the retransmission is believed to be still out.
                if ((sacked & TCPCB_LOST) != 0) {
                    sacked &= ~(TCPCB_LOST | TCPCB_SACKED_RETRANS);
                    tp.lostOut -= pcount;
                    tp.retransOut -= pcount;
                }
            } else {
                if ((sacked & TCPCB_RETRANS) == 0) {
                    newOriginal(tp, state, startSeq, endSeq, xmitUs);
                }
                if ((sacked & TCPCB_LOST) != 0) {
                    sacked &= ~TCPCB_LOST;
                    tp.lostOut -= pcount;
                }
            }
            sacked |= TCPCB_SACKED_ACKED;
            state.flag |= FLAG_DATA_SACKED;
            tp.sackedOut += pcount;
            state.sackDelivered += pcount;
        }
        if (dupSack && (sacked & TCPCB_SACKED_RETRANS) != 0) {
            sacked &= ~TCPCB_SACKED_RETRANS; // the retransmission arrived too
            tp.retransOut -= pcount;
        }
        return sacked;
    }

    /** Never retransmitted data was SACKed: a round trip sample, and reordering if it filled a hole. */
    private static void newOriginal(TcpSock tp, TcpSacktagState state, int startSeq, int endSeq, long xmitUs) {
        if (TcpSeq.before(startSeq, highestSackSeq(tp))) {
            state.reord = TcpSeq.min(state.reord, startSeq);
        }
        if (!TcpSeq.after(endSeq, tp.highSeq)) {
            state.flag |= FLAG_ORIG_SACK_ACKED;
        }
        if (state.firstSackt == 0) {
            state.firstSackt = xmitUs;
        }
        state.lastSackt = xmitUs;
    }

    /** Marks a whole segment of the queue. */
    private static void tagSkb(TcpSock tp, SkBuff skb, TcpScratch s, boolean dupSack) {
        int marks = tcpSacktagOne(
                tp,
                s.sack,
                TcpSkbCb.sacked(skb),
                TcpSkbCb.seq(skb),
                TcpSkbCb.endSeq(skb),
                dupSack,
                TcpSkbCb.pcount(skb),
                TcpSkbCb.timestampUs(skb));
        TcpSkbCb.sacked(skb, marks);
        TcpRate.skbDelivered(tp, skb, s.rate);
        if ((marks & TCPCB_SACKED_ACKED) != 0) {
            TcpTsorted.del(tp, skb);
        }
        if (!TcpSeq.before(TcpSkbCb.seq(skb), highestSackSeq(tp))) {
            advanceHighestSack(tp, skb);
        }
    }

    // ---- the walk

    /**
     * Marks what lies in {@code [start, end)}, from {@code skb} on; returns where it stopped.
     *
     * @param dsStart,dsEnd a D-SACK that comes next in order and may overlap; equal if there is none
     */
    private static @Nullable SkBuff tcpSacktagWalk(
            Cpu cpu,
            TcpSock tp,
            @Nullable SkBuff skb,
            int dsStart,
            int dsEnd,
            TcpScratch s,
            int start,
            int end,
            boolean dupSackIn) {
        while (skb != null) {
            if (!TcpSeq.before(TcpSkbCb.seq(skb), end)) {
                break;
            }
            boolean dupSack = dupSackIn;
            int inSack = 0;
            if (dsStart != dsEnd && TcpSeq.before(TcpSkbCb.seq(skb), dsEnd)) {
                inSack = TcpSackShift.tcpMatchSkbToSack(cpu, tp, skb, dsStart, dsEnd);
                if (inSack > 0) {
                    dupSack = true;
                }
            }
            if (inSack <= 0) {
                SkBuff merged = TcpSackShift.tcpShiftSkbData(cpu, tp, skb, s, start, end, dupSack);
                if (merged == null) {
                    inSack = TcpSackShift.tcpMatchSkbToSack(cpu, tp, skb, start, end);
                } else if (merged != skb) {
                    skb = tp.tcpRtxQueue.next(merged); // all done there
                    continue;
                } else {
                    inSack = 0;
                }
            }
            if (inSack < 0) {
                break;
            }
            if (inSack > 0) {
                tagSkb(tp, skb, s, dupSack);
            }
            skb = tp.tcpRtxQueue.next(skb);
        }
        return skb;
    }

    /** {@code skb} if it lies above {@code seq}, else the segment that holds {@code seq}, or null. */
    private static @Nullable SkBuff tcpSacktagSkip(TcpSock tp, @Nullable SkBuff skb, int seq) {
        if (skb != null && TcpSeq.after(TcpSkbCb.seq(skb), seq)) {
            return skb;
        }
        SkBuff at = tp.tcpRtxQueue.root();
        while (at != null) {
            if (TcpSeq.before(seq, TcpSkbCb.seq(at))) {
                at = at.rbLeft;
            } else if (!TcpSeq.before(seq, TcpSkbCb.endSeq(at))) {
                at = at.rbRight;
            } else {
                return at;
            }
        }
        return null;
    }

    /** Marks a D-SACK that ends at or before what is skipped next. */
    private static @Nullable SkBuff maybeSkippingDsack(
            Cpu cpu, TcpSock tp, @Nullable SkBuff skb, int dsStart, int dsEnd, TcpScratch s, int skipToSeq) {
        if (dsStart == dsEnd || !TcpSeq.before(dsStart, skipToSeq)) {
            return skb;
        }
        skb = tcpSacktagSkip(tp, skb, dsStart);
        return tcpSacktagWalk(cpu, tp, skb, 0, 0, s, dsStart, dsEnd, true);
    }

    // ---- one ACK

    /**
     * Marks all that this ACK's SACK option reports; returns {@code TcpAck.FLAG_*}. {@code sacked(ackSkb)} is the offset
     * of the option from the transport header.
     */
    static int tcpSacktagWriteQueue(Cpu cpu, TcpSock tp, SkBuff ackSkb, int priorSndUna, TcpScratch s) {
        TcpSacktagState state = s.sack;
        int[] sp = s.sackBlocks;
        int numSacks = TcpParseOptions.readSackBlocks(ackSkb, TcpSkbCb.sacked(ackSkb), sp);
        state.flag = 0;
        state.reord = tp.sndNxt;
        if (tp.sackedOut == 0) {
            tp.highestSack = tp.tcpRtxQueue.first();
        }
        if (numSacks == 0) {
            return 0;
        }
        boolean foundDupSack = tcpCheckDsack(cpu, tp, ackSkb, sp, numSacks, priorSndUna, state);
        // Too old to be of use; a little old is welcome, it may carry SACKs that were lost.
        if (TcpSeq.before(TcpSkbCb.ackSeq(ackSkb), priorSndUna - tp.maxWindow)) {
            return 0;
        }
        if (tp.packetsOut == 0) {
            return state.flag;
        }
        long usable = filter(cpu, tp, ackSkb, sp, numSacks, priorSndUna, foundDupSack);
        int used = (int) usable;
        int firstSackIndex = sort(sp, used, (int) (usable >> 32));
        walkBlocks(cpu, tp, s, sp, used, foundDupSack ? firstSackIndex : -1);

        System.arraycopy(sp, 0, tp.recvSackCache, 2 * (TCP_NUM_SACKS - used), 2 * used);
        java.util.Arrays.fill(tp.recvSackCache, 0, 2 * (TCP_NUM_SACKS - used), 0);
        if (tp.icskCaState != TCP_CA_LOSS || tp.undoMarker != 0) {
            tcpCheckSackReordering(cpu, tp, state.reord, false);
        }
        return state.flag;
    }

    /** Keeps the believable blocks at the front of {@code sp}; returns their number, and above it the first one's index or -1. */
    private static long filter(
            Cpu cpu, TcpSock tp, SkBuff ackSkb, int[] sp, int numSacks, int priorSndUna, boolean foundDupSack) {
        int used = 0;
        int first = 0;
        for (int i = 0; i < numSacks; i++) {
            boolean dupSack = i == 0 && foundDupSack;
            int start = sp[2 * i];
            int end = sp[2 * i + 1];
            boolean valid = sackBlockValid(tp, dupSack, start, end);
            if (!valid) {
                LinuxMib counter = LinuxMib.TCPSACKDISCARD;
                if (dupSack) {
                    counter = tp.undoMarker == 0 ? LinuxMib.TCPDSACKIGNOREDNOUNDO : LinuxMib.TCPDSACKIGNOREDOLD;
                } else if (TcpSkbCb.ackSeq(ackSkb) != tp.sndUna && !TcpSeq.after(end, tp.sndUna)) {
                    continue; // old because ACKs were reordered: not worth a count
                }
                TcpCount.netInc(cpu, tp, counter);
            }
            if (!valid || !TcpSeq.after(end, priorSndUna)) {
                if (i == 0) {
                    first = -1;
                }
                continue;
            }
            sp[2 * used] = start;
            sp[2 * used + 1] = end;
            used++;
        }
        return (long) first << 32 | used;
    }

    /** Sorts by start; returns where the block that was at {@code first} went. */
    private static int sort(int[] sp, int used, int first) {
        for (int i = used - 1; i > 0; i--) {
            for (int j = 0; j < i; j++) {
                int a = 2 * j;
                if (TcpSeq.after(sp[a], sp[a + 2])) {
                    int start = sp[a];
                    int end = sp[a + 1];
                    sp[a] = sp[a + 2];
                    sp[a + 1] = sp[a + 3];
                    sp[a + 2] = start;
                    sp[a + 3] = end;
                    if (j == first) {
                        first = j + 1;
                    }
                }
            }
        }
        return first;
    }

    /** One pass over the queue for the sorted blocks; {@code dupIndex} is the D-SACK's, or -1. */
    private static void walkBlocks(Cpu cpu, TcpSock tp, TcpScratch s, int[] sp, int used, int dupIndex) {
        int[] cache = tp.recvSackCache;
        int c = 0; // next cached block
        if (tp.sackedOut == 0) {
            c = TCP_NUM_SACKS;
        } else {
            while (c < TCP_NUM_SACKS && cache[2 * c] == 0 && cache[2 * c + 1] == 0) {
                c++;
            }
        }
        SkBuff skb = null;
        for (int i = 0; i < used; i++) {
            int start = sp[2 * i];
            int end = sp[2 * i + 1];
            boolean dupSack = i == dupIndex;
            boolean dupNext = dupIndex >= 0 && i + 1 == dupIndex;
            int dsStart = dupNext ? sp[2 * i + 2] : 0;
            int dsEnd = dupNext ? sp[2 * i + 3] : 0;
            int from = start; // what of the block is still to be looked at
            boolean done = false;
            boolean atHighest = false;
            while (c < TCP_NUM_SACKS && !TcpSeq.before(from, cache[2 * c + 1])) {
                c++;
            }
            while (!dupSack && c < TCP_NUM_SACKS && TcpSeq.after(end, cache[2 * c])) {
                int cachedStart = cache[2 * c];
                int cachedEnd = cache[2 * c + 1];
                if (TcpSeq.before(start, cachedStart)) { // the part before the cached block
                    skb = tcpSacktagSkip(tp, skb, start);
                    skb = tcpSacktagWalk(cpu, tp, skb, dsStart, dsEnd, s, start, cachedStart, false);
                }
                if (!TcpSeq.after(end, cachedEnd)) {
                    done = true;
                    break;
                }
                skb = maybeSkippingDsack(cpu, tp, skb, dsStart, dsEnd, s, cachedEnd);
                c++;
                if (highestSackSeq(tp) == cachedEnd) { // it grew at the end: go on right there
                    skb = tp.highestSack;
                    atHighest = true;
                    break;
                }
                skb = tcpSacktagSkip(tp, skb, cachedEnd);
            }
            if (done) {
                continue;
            }
            if (atHighest) {
                if (skb == null) {
                    return;
                }
            } else {
                if (!TcpSeq.before(start, highestSackSeq(tp))) {
                    skb = tp.highestSack;
                    if (skb == null) {
                        return;
                    }
                }
                skb = tcpSacktagSkip(tp, skb, start);
            }
            skb = tcpSacktagWalk(cpu, tp, skb, dsStart, dsEnd, s, start, end, dupSack);
        }
    }
}
