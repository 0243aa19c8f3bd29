package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Holds the segments that arrived beyond a hole, sorted and without overlaps, until the hole is filled.
 *
 * <p>A red-black tree by sequence number: a peer that sends small segments in reverse order must not make this
 * quadratic. {@code oooLastSkb} is its end, where nearly all of them are appended.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_data_queue_ofo(), tcp_ofo_queue(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpOfoQueue {
    private TcpOfoQueue() {}

    private static void free(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpCount.netInc(cpu, tp, LinuxMib.TCPOFOMERGE);
        TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.TCP_OFOMERGE);
    }

    /** Joins to the packet before; counts its segments too, should it be dropped later. Linux: tcp_ooo_try_coalesce(). */
    private static boolean tryCoalesce(Cpu cpu, TcpSock tp, SkBuff to, SkBuff from) {
        if (!TcpDataQueue.tcpTryCoalesce(cpu, tp, to, from)) {
            return false;
        }
        int segs = Math.max(1, to.shinfo().gsoSegs) + Math.max(1, from.shinfo().gsoSegs);
        to.shinfo().gsoSegs = Math.min(segs, 0xffff);
        return true;
    }

    /** Queues a segment that starts beyond {@code rcvNxt}, inside the window. */
    static void tcpDataQueueOfo(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpEcnIn.dataCheck(cpu, tp, skb);
        if (!TcpRcvMem.tcpTryRmemSchedule(cpu, tp, skb, skb.truesize)) {
            TcpCount.netInc(cpu, tp, LinuxMib.TCPOFODROP);
            tp.dataReady(cpu);
            TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.PROTO_MEM);
            return;
        }
        TcpAckSched.tcpMeasureRcvMss(cpu, tp, skb);
        tp.predFlags = 0; // until the hole is filled
        tp.scheduleAck();
        tp.rcvOoopack += Math.max(1, skb.shinfo().gsoSegs);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPOFOQUEUE);
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        SkBuff kept = place(cpu, tp, skb, seq, endSeq);
        if (tp.isSack()) {
            TcpSackOut.tcpSackNewOfoSkb(cpu, tp, seq, endSeq);
        }
        if (kept != null) {
            // Without SACK the window stays: an ACK that opens it would not count as a duplicate.
            if (tp.isSack()) {
                TcpRcvSpace.tcpGrowWindow(cpu, tp, kept, false);
            }
            tp.setOwnerR(kept);
        }
        if (tp.socket != null) { // not for those not yet accepted, nor for orphans
            TcpRcvSpace.tcpRcvbufGrow(tp, tp.rcvqSpaceSpace);
        }
    }

    /** Inserts; returns the packet if it stands in the tree, null if another took its bytes or has them already. */
    private static @Nullable SkBuff place(Cpu cpu, TcpSock tp, SkBuff skb, int seq, int endSeq) {
        SkBuff last = tp.oooLastSkb;
        if (last == null) {
            tp.outOfOrderQueue.link(skb, null, false);
            tp.oooLastSkb = skb;
            return skb;
        }
        if (tryCoalesce(cpu, tp, last, skb)) {
            return coalesced(cpu, tp, skb);
        }
        if (!TcpSeq.before(seq, TcpSkbCb.endSeq(last))) {
            tp.outOfOrderQueue.insertAfter(last, skb);
            tp.oooLastSkb = skb;
            return skb;
        }
        SkBuff parent = null;
        boolean left = false;
        SkBuff at = tp.outOfOrderQueue.root();
        while (at != null) {
            parent = at;
            int atEnd = TcpSkbCb.endSeq(at);
            left = TcpSeq.before(seq, TcpSkbCb.seq(at));
            if (left) {
                at = at.rbLeft;
                continue;
            }
            if (TcpSeq.before(seq, atEnd)) { // it starts inside this one
                if (!TcpSeq.after(endSeq, atEnd)) {
                    free(cpu, tp, skb); // and ends there: nothing new
                    TcpSackOut.tcpDsackSet(cpu, tp, seq, endSeq);
                    return null;
                }
                if (seq == TcpSkbCb.seq(at)) { // covers all of it: takes its place
                    tp.outOfOrderQueue.replace(at, skb);
                    TcpSackOut.tcpDsackExtend(cpu, tp, seq, atEnd);
                    free(cpu, tp, at);
                    mergeRight(cpu, tp, skb, endSeq);
                    return skb;
                }
                TcpSackOut.tcpDsackSet(cpu, tp, seq, atEnd);
            } else if (tryCoalesce(cpu, tp, at, skb)) {
                return coalesced(cpu, tp, skb);
            }
            at = at.rbRight;
        }
        tp.outOfOrderQueue.link(skb, parent, left);
        mergeRight(cpu, tp, skb, endSeq);
        return skb;
    }

    private static @Nullable SkBuff coalesced(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (tp.isSack()) {
            TcpRcvSpace.tcpGrowWindow(cpu, tp, skb, true);
        }
        TcpDataQueue.freePartial(cpu, skb);
        return null;
    }

    /** Removes what the new packet covers behind it; what it covers in part stays, and overlaps. */
    private static void mergeRight(Cpu cpu, TcpSock tp, SkBuff skb, int endSeq) {
        SkBuff right = tp.outOfOrderQueue.next(skb);
        while (right != null && TcpSeq.after(endSeq, TcpSkbCb.seq(right))) {
            int rightEnd = TcpSkbCb.endSeq(right);
            if (TcpSeq.before(endSeq, rightEnd)) {
                TcpSackOut.tcpDsackExtend(cpu, tp, TcpSkbCb.seq(right), endSeq);
                break;
            }
            tp.outOfOrderQueue.erase(right);
            TcpSackOut.tcpDsackExtend(cpu, tp, TcpSkbCb.seq(right), rightEnd);
            free(cpu, tp, right);
            right = tp.outOfOrderQueue.next(skb);
        }
        if (right == null) {
            tp.oooLastSkb = skb;
        }
    }

    /** {@code rcvNxt} has moved: moves what is in order now to the receive queue. */
    static void tcpOfoQueue(Cpu cpu, TcpSock tp) {
        int dsackHigh = tp.rcvNxt;
        SkBuff skb = tp.outOfOrderQueue.first();
        while (skb != null && !TcpSeq.after(TcpSkbCb.seq(skb), tp.rcvNxt)) {
            int seq = TcpSkbCb.seq(skb);
            int endSeq = TcpSkbCb.endSeq(skb);
            if (TcpSeq.before(seq, dsackHigh)) {
                TcpSackOut.tcpDsackExtend(cpu, tp, seq, TcpSeq.min(endSeq, dsackHigh));
            }
            SkBuff next = tp.outOfOrderQueue.next(skb);
            tp.outOfOrderQueue.erase(skb);
            if (next == null) {
                tp.oooLastSkb = null;
            }
            if (!TcpSeq.after(endSeq, tp.rcvNxt)) {
                TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.TCP_OFO_DROP);
                skb = next;
                continue;
            }
            SkBuff tail = tp.receiveQueue.peekTail();
            boolean eaten = tail != null && TcpDataQueue.tcpTryCoalesce(cpu, tp, tail, skb);
            boolean fin = (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0;
            TcpAck.tcpRcvNxtUpdate(tp, endSeq);
            if (eaten) {
                TcpDataQueue.freePartial(cpu, skb);
            } else {
                tp.receiveQueue.addTail(skb);
            }
            if (fin) {
                TcpInput.tcpFin(cpu, tp); // purges the rest
                return;
            }
            skb = next;
        }
    }
}
