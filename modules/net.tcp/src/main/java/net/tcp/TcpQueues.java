package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The write queue (not yet sent) and the retransmit queue (sent, not acknowledged), and the memory charged for both.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: the tcp_write_queue_* and tcp_rtx_queue_* functions, include/net/tcp.h
 */
public final class TcpQueues {
    private TcpQueues() {}

    /** Makes a fresh segment; its head room is reserved. Null without memory. Linux: tcp_stream_alloc_skb(). */
    @HotPath
    static @Nullable SkBuff streamAllocSkb(Cpu cpu, TcpSock tp, boolean force) {
        SkBuff skb = cpu.allocSkb(TcpConst.MAX_TCP_HEADER);
        if (skb != null) {
            if (force) {
                forcedMemSchedule(cpu, tp, skb.truesize);
            } else if (!tp.wmemSchedule(cpu, skb.truesize)) {
                skb.kfree(cpu, SkbDropReason.NOMEM);
                return null;
            }
            skb.reserve(TcpConst.MAX_TCP_HEADER);
            skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
            TcpSkbCb.init(skb);
            return skb;
        }
        Tcp.enterMemoryPressure(cpu, tp);
        net.core.sock.SockMem.moderateSndbuf(tp);
        return null;
    }

    /** Reserves memory even beyond the limits: what a FIN or the first segment needs. Linux: sk_forced_mem_schedule(). */
    static void forcedMemSchedule(Cpu cpu, TcpSock tp, int size) {
        int delta = size - tp.forwardAlloc;
        if (delta > 0 && !tp.wmemSchedule(cpu, size)) {
            tp.forcedMemSchedule(cpu, delta);
        }
    }

    /** Charges a segment that joins a queue of the socket. */
    @HotPath
    static void charge(TcpSock tp, SkBuff skb) {
        tp.wmemQueuedAdd(skb.truesize);
        tp.memCharge(skb.truesize);
    }

    /** Frees a segment of either queue. Linux: tcp_wmem_free_skb(). */
    @HotPath
    static void wmemFreeSkb(Cpu cpu, TcpSock tp, SkBuff skb) {
        tp.wmemQueuedAdd(-skb.truesize);
        tp.memUncharge(cpu, skb.truesize);
        skb.consume(cpu);
    }

    /** Appends a new segment to the write queue. Linux: tcp_add_write_queue_tail(). */
    @HotPath
    static void addWriteQueueTail(Cpu cpu, TcpSock tp, SkBuff skb) {
        tp.sendQueue.addTail(skb);
        if (tp.sendQueue.peek() == skb) {
            TcpChrono.start(cpu, tp, TcpConst.TCP_CHRONO_BUSY);
        }
    }

    /** The last segment not yet sent. Linux: tcp_write_queue_tail(). */
    @HotPath
    static @Nullable SkBuff writeQueueTail(TcpSock tp) {
        return tp.sendQueue.peekTail();
    }

    /** No other segment waits behind this one. Linux: tcp_skb_is_last(). */
    @HotPath
    static boolean isLast(TcpSock tp, SkBuff skb) {
        return tp.sendQueue.peekTail() == skb;
    }

    /** Puts a segment at its place by sequence number. Linux: tcp_rbtree_insert(). */
    @HotPath
    static void rtxInsert(TcpSock tp, SkBuff skb) {
        SkBuff last = tp.tcpRtxQueue.last();
        if (last == null || TcpSeq.after(TcpSkbCb.seq(skb), TcpSkbCb.seq(last))) {
            tp.tcpRtxQueue.addLast(skb); // nearly always: the newest
            return;
        }
        SkBuff parent = null;
        boolean left = false;
        SkBuff at = tp.tcpRtxQueue.root();
        while (at != null) {
            parent = at;
            left = TcpSeq.before(TcpSkbCb.seq(skb), TcpSkbCb.seq(at));
            at = left ? at.rbLeft : at.rbRight;
        }
        tp.tcpRtxQueue.link(skb, parent, left);
    }

    /** Takes an acknowledged segment out and frees it. Linux: tcp_rtx_queue_unlink_and_free(). */
    @HotPath
    public static void tcpRtxQueueUnlinkAndFree(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpTsorted.del(tp, skb);
        tp.tcpRtxQueue.erase(skb);
        wmemFreeSkb(cpu, tp, skb);
    }

    /** Segment above the highest SACK was replaced. Linux: tcp_highest_sack_replace(). */
    public static void highestSackReplace(TcpSock tp, SkBuff old, SkBuff replacement) {
        if (old == tp.highestSack) {
            tp.highestSack = replacement;
        }
    }

    /** Drops an empty segment that a failed write left at the end. Linux: tcp_remove_empty_skb(). */
    static void removeEmptySkb(Cpu cpu, TcpSock tp) {
        SkBuff skb = writeQueueTail(tp);
        if (skb != null && TcpSkbCb.seq(skb) == TcpSkbCb.endSeq(skb)) {
            tp.sendQueue.unlink(skb);
            if (tp.sendQueue.isEmpty()) {
                TcpChrono.stop(cpu, tp, TcpConst.TCP_CHRONO_BUSY);
            }
            wmemFreeSkb(cpu, tp, skb);
        }
    }

    /** Frees both queues. Linux: tcp_write_queue_purge(), net/ipv4/tcp.c. */
    public static void tcpWriteQueuePurge(Cpu cpu, TcpSock tp) {
        TcpChrono.stop(cpu, tp, TcpConst.TCP_CHRONO_BUSY);
        SkBuff skb = tp.sendQueue.dequeue();
        while (skb != null) {
            wmemFreeSkb(cpu, tp, skb);
            skb = tp.sendQueue.dequeue();
        }
        rtxQueuePurge(cpu, tp);
        tp.memReclaim(cpu);
        tp.retransmitSkbHint = null;
        tp.tsortedHead = null;
        tp.tsortedTail = null;
        tp.packetsOut = 0;
        tp.icskBackoff = 0;
    }

    private static void rtxQueuePurge(Cpu cpu, TcpSock tp) {
        tp.highestSack = null;
        SkBuff skb = tp.tcpRtxQueue.first();
        while (skb != null) {
            SkBuff following = tp.tcpRtxQueue.next(skb);
            tcpRtxQueueUnlinkAndFree(cpu, tp, skb);
            skb = following;
        }
    }

    /** Nothing or one segment is out. Linux: tcp_rtx_queue_empty_or_single_skb(). */
    @HotPath
    static boolean rtxEmptyOrSingle(TcpSock tp) {
        SkBuff root = tp.tcpRtxQueue.root();
        return root == null || root.rbLeft == null && root.rbRight == null;
    }

    /** Whether more bytes may join this segment. Linux: tcp_skb_can_collapse_to(). */
    @HotPath
    static boolean canCollapseTo(SkBuff skb) {
        return !TcpSkbCb.eor(skb);
    }

    /** Whether two neighbours may become one. Linux: tcp_skb_can_collapse(). */
    static boolean canCollapse(SkBuff to, SkBuff from) {
        return canCollapseTo(to) && (to.zcopy() == null) == (from.zcopy() == null);
    }
}
