package net.tcp;

import net.core.Cpu;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbCache;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbRbTree;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a segment may take memory, and makes room when the buffer is full: first by copying many small packets
 * into few full ones, then by dropping out-of-order data, which the peer will send again.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_try_rmem_schedule(), tcp_prune_queue(), tcp_collapse(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpRcvMem {
    /** Bytes of a packet made by collapsing. */
    private static final int COLLAPSED = 4096 - SkBuff.HEAD_TRUESIZE;

    private static final SkbRbTree.Order BY_SEQ = (a, b) -> TcpSkbCb.seq(a) - TcpSkbCb.seq(b);

    private TcpRcvMem() {}

    /** Does the buffer take this packet? Its payload counts, not its truesize: a window that was offered must be kept. */
    private static boolean canIngest(TcpSock tp, SkBuff skb) {
        return tp.rmemAlloc() + skb.len <= tp.rcvbuf;
    }

    /** True if {@code size} bytes of truesize may be charged. */
    static boolean tcpTryRmemSchedule(Cpu cpu, TcpSock tp, SkBuff skb, int size) {
        if (canIngest(tp, skb) && tp.rmemSchedule(cpu, skb, size)) {
            return true;
        }
        if (!tcpPruneQueue(cpu, tp, skb)) {
            return false;
        }
        while (!tp.rmemSchedule(cpu, skb, size)) {
            if (!tcpPruneOfoQueue(cpu, tp, skb)) {
                return false;
            }
        }
        return true;
    }

    /** Takes memory beyond all limits. Linux: sk_forced_mem_schedule(). */
    static void forcedSchedule(Cpu cpu, TcpSock tp, int size) {
        int delta = size - tp.forwardAlloc;
        if (delta > 0) {
            tp.forcedMemSchedule(cpu, delta);
        }
    }

    private static boolean tcpPruneQueue(Cpu cpu, TcpSock tp, SkBuff inSkb) {
        if (tp.rmemAlloc() == 0) {
            return false; // nothing to prune
        }
        TcpCount.netInc(cpu, tp, LinuxMib.PRUNECALLED);
        if (!canIngest(tp, inSkb)) {
            tcpClampWindow(tp);
        } else if (Tcp.underMemoryPressure(tp)) {
            TcpWindow.adjustRcvSsthresh(tp);
        }
        if (canIngest(tp, inSkb)) {
            return true;
        }
        tcpCollapseOfoQueue(cpu, tp);
        collapseReceiveQueue(cpu, tp);
        if (canIngest(tp, inSkb)) {
            return true;
        }
        tcpPruneOfoQueue(cpu, tp, inSkb);
        if (canIngest(tp, inSkb)) {
            return true;
        }
        // Badly abused: drop, it will be sent again.
        TcpCount.netInc(cpu, tp, LinuxMib.RCVPRUNED);
        tp.predFlags = 0;
        return false;
    }

    /** The peer overruns the buffer: the buffer grows to what is used already, or the window shrinks. Linux: tcp_clamp_window(). */
    private static void tcpClampWindow(TcpSock tp) {
        tp.icskAckQuick = 0;
        int rmem2 = tp.sysctl.tcpRmem[2];
        ProtoMemory memory = Tcp.memory(tp);
        if (tp.rcvbuf < rmem2
                && (tp.userlocks & Sock.SOCK_RCVBUF_LOCK) == 0
                && !Tcp.underMemoryPressure(tp)
                && (memory == null || memory.allocatedApprox() < memory.limit(0))) {
            tp.rcvbuf = Math.min(tp.rmemAlloc(), rmem2);
        }
        if (tp.rmemAlloc() > tp.rcvbuf) {
            tp.rcvSsthresh = Math.min(tp.windowClamp, 2 * tp.advmss);
        }
    }

    /** Drops out-of-order data from the end, an eighth of the buffer at a time. Linux: tcp_prune_ofo_queue(). */
    static boolean tcpPruneOfoQueue(Cpu cpu, TcpSock tp, SkBuff inSkb) {
        boolean pruned = false;
        int goal = tp.rcvbuf >> 3;
        SkBuff skb = tp.oooLastSkb;
        while (skb != null) {
            if (TcpSeq.after(TcpSkbCb.seq(inSkb), TcpSkbCb.seq(skb))) {
                break; // the new one would be the next victim
            }
            pruned = true;
            SkBuff prev = tp.outOfOrderQueue.prev(skb);
            tp.outOfOrderQueue.erase(skb);
            goal -= skb.truesize;
            TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.TCP_OFO_QUEUE_PRUNE);
            tp.oooLastSkb = prev;
            if (prev == null || goal <= 0) {
                if (canIngest(tp, inSkb) && !Tcp.underMemoryPressure(tp)) {
                    break;
                }
                goal = tp.rcvbuf >> 3;
            }
            skb = prev;
        }
        if (pruned) {
            TcpCount.netInc(cpu, tp, LinuxMib.OFOPRUNED);
            if (tp.isSack()) { // RFC 2018 8: a receiver may renege
                tp.rxOpt.dsack = false;
                tp.rxOpt.numSacks = 0;
            }
        }
        return pruned;
    }

    // ---- collapsing

    /** Is this packet worth copying? Much overhead for few bytes, or an overlap with the next one. */
    private static boolean wasteful(TcpSock tp, SkBuff skb) {
        return (TcpSkbCb.tcpFlags(skb) & (TcpSkbCb.TCPHDR_SYN | TcpSkbCb.TCPHDR_FIN)) == 0
                && tp.winFromSpace(skb.truesize) > skb.len;
    }

    private static boolean plain(SkBuff skb) {
        return (TcpSkbCb.tcpFlags(skb) & (TcpSkbCb.TCPHDR_SYN | TcpSkbCb.TCPHDR_FIN)) == 0;
    }

    private static void collapseReceiveQueue(Cpu cpu, TcpSock tp) {
        SkBuffHead queue = tp.receiveQueue;
        SkBuff skb = queue.peek();
        while (skb != null) {
            SkBuff next = queue.peekNext(skb);
            boolean mergeable = next != null
                    && plain(skb)
                    && plain(next)
                    && (wasteful(tp, skb) || wasteful(tp, next))
                    && !TcpSeq.after(TcpSkbCb.seq(next), TcpSkbCb.endSeq(skb));
            skb = mergeable ? collapseIfSmaller(cpu, tp, queue, skb) : next;
        }
    }

    /**
     * Collapses the run of adjoining packets that starts at {@code first} if the copies take less memory; returns where to
     * go on. {@code Deviation:} Linux does not ask; but two small packets may fit in two small pages and not in one.
     */
    private static @Nullable SkBuff collapseIfSmaller(Cpu cpu, TcpSock tp, SkBuffHead queue, SkBuff first) {
        int end = TcpSkbCb.endSeq(first);
        long charged = first.truesize;
        SkBuff skb = queue.peekNext(first);
        while (skb != null && plain(skb) && !TcpSeq.after(TcpSkbCb.seq(skb), end)) {
            end = TcpSeq.max(end, TcpSkbCb.endSeq(skb));
            charged += skb.truesize;
            skb = queue.peekNext(skb);
        }
        return copiesTruesize(end - TcpSkbCb.seq(first)) < charged ? collapseRun(cpu, tp, queue, first, end) : skb;
    }

    /**
     * Copies the run of adjoining packets from {@code first} up to {@code end} into fresh ones; returns where to go on.
     *
     * <p>What the reader has consumed of the first one is copied along: {@code copiedSeq} counts from its {@code seq}.
     */
    private static @Nullable SkBuff collapseRun(Cpu cpu, TcpSock tp, SkBuffHead queue, SkBuff first, int end) {
        SkBuff from = first;
        int start = TcpSkbCb.seq(first);
        while (true) {
            SkBuff to = cpu.allocSkb(Math.min(COLLAPSED, end - start));
            if (to == null) {
                return null;
            }
            TcpSkbCb.copy(to, first);
            TcpSkbCb.seq(to, start);
            TcpSkbCb.endSeq(to, start);
            queue.insertBefore(from, to);
            tp.setOwnerR(to);
            int room = Math.min(to.tailroom(), end - start);
            while (room > 0) {
                int endSeq = TcpSkbCb.endSeq(from);
                if (TcpSeq.before(start, endSeq)) {
                    int n = Math.min(room, endSeq - start);
                    int at = to.put(n);
                    from.copyBits(start - TcpSkbCb.seq(from), to.head() + at, n);
                    start += n;
                    room -= n;
                    TcpSkbCb.endSeq(to, start);
                }
                if (TcpSeq.before(start, endSeq)) {
                    break; // full
                }
                SkBuff next = queue.peekNext(from);
                TcpSkbCb.orTcpFlags(to, TcpSkbCb.tcpFlags(from));
                queue.unlink(from);
                TcpCount.netInc(cpu, tp, LinuxMib.TCPRCVCOLLAPSED);
                from.consume(cpu);
                if (next == null || !plain(next) || TcpSeq.after(TcpSkbCb.seq(next), start)) {
                    return next;
                }
                from = next;
            }
        }
    }

    /**
     * The same for the out-of-order queue: each stretch without a hole becomes packets that are full, but single small
     * packets only while they are few, lest somebody makes us copy crumbs for ever.
     *
     * <p>Linux: tcp_collapse_ofo_queue()
     */
    private static void tcpCollapseOfoQueue(Cpu cpu, TcpSock tp) {
        SkbRbTree queue = tp.outOfOrderQueue;
        int crumbs = 0;
        SkBuff head = queue.first();
        while (head != null) {
            int start = TcpSkbCb.seq(head);
            int end = TcpSkbCb.endSeq(head);
            int charged = head.truesize;
            SkBuff tail = queue.next(head);
            while (tail != null && !TcpSeq.after(TcpSkbCb.seq(tail), end)) {
                end = TcpSeq.max(end, TcpSkbCb.endSeq(tail));
                charged += tail.truesize;
                tail = queue.next(tail);
            }
            if (charged != head.truesize || end - start >= COLLAPSED) {
                collapseStretch(cpu, tp, head, tail);
            } else {
                crumbs += charged;
                if (crumbs > tp.rcvbuf >> 3) {
                    break;
                }
            }
            head = tail;
        }
        tp.oooLastSkb = queue.last();
    }

    /** Collapses a stretch of the out-of-order queue, from the first packet that is worth it to the first with a FIN. */
    private static void collapseStretch(Cpu cpu, TcpSock tp, SkBuff head, @Nullable SkBuff tail) {
        SkbRbTree queue = tp.outOfOrderQueue;
        SkBuff first = head;
        while (!worthCollapsing(tp, first, queue.next(first), tail)) {
            first = queue.next(first);
            if (first == tail || first == null) {
                return;
            }
        }
        int end = TcpSkbCb.seq(first);
        long charged = 0;
        SkBuff stop = first;
        while (stop != tail && stop != null && plain(stop)) {
            end = TcpSeq.max(end, TcpSkbCb.endSeq(stop));
            charged += stop.truesize;
            stop = queue.next(stop);
        }
        if (copiesTruesize(end - TcpSkbCb.seq(first)) < charged) {
            copyStretch(cpu, tp, first, end);
        }
    }

    private static boolean worthCollapsing(TcpSock tp, SkBuff skb, @Nullable SkBuff next, @Nullable SkBuff tail) {
        if (wasteful(tp, skb)) {
            return true;
        }
        return next != null
                && next != tail
                && plain(skb)
                && plain(next)
                && TcpSkbCb.endSeq(skb) != TcpSkbCb.seq(next); // they overlap
    }

    /** What fresh packets for so many bytes cost. */
    private static long copiesTruesize(int bytes) {
        int rest = bytes % COLLAPSED;
        return (long) (bytes / COLLAPSED) * SkbCache.linearTruesize(COLLAPSED)
                + (rest == 0 ? 0 : SkbCache.linearTruesize(rest));
    }

    /** Without memory it stops between two packets: what is copied twice then is an overlap, which the queue may have. */
    private static void copyStretch(Cpu cpu, TcpSock tp, SkBuff first, int end) {
        SkbRbTree queue = tp.outOfOrderQueue;
        SkBuff from = first;
        int start = TcpSkbCb.seq(first);
        SkBuff copies = null;
        while (from != null && TcpSeq.before(start, end)) {
            SkBuff to = cpu.allocSkb(Math.min(COLLAPSED, end - start));
            if (to == null) {
                break;
            }
            TcpSkbCb.copy(to, from);
            TcpSkbCb.seq(to, start);
            TcpSkbCb.endSeq(to, start);
            tp.setOwnerR(to);
            to.next = copies;
            copies = to;
            int room = Math.min(to.tailroom(), end - start);
            while (room > 0 && from != null) {
                int n = Math.min(room, TcpSkbCb.endSeq(from) - start);
                if (n > 0) {
                    int at = to.put(n);
                    from.copyBits(start - TcpSkbCb.seq(from), to.head() + at, n);
                    start += n;
                    room -= n;
                    TcpSkbCb.endSeq(to, start);
                }
                if (TcpSeq.before(start, TcpSkbCb.endSeq(from))) {
                    break; // full
                }
                SkBuff next = queue.next(from);
                TcpSkbCb.orTcpFlags(to, TcpSkbCb.tcpFlags(from));
                queue.erase(from);
                TcpCount.netInc(cpu, tp, LinuxMib.TCPRCVCOLLAPSED);
                from.consume(cpu);
                from = next;
            }
        }
        while (copies != null) {
            SkBuff next = copies.next;
            copies.next = null;
            queue.insert(copies, BY_SEQ);
            copies = next;
        }
    }
}
