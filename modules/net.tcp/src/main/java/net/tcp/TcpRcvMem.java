package net.tcp;

import net.core.Cpu;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbCache;
import net.skbuff.SkbDropReason;
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
        int bytes = end - TcpSkbCb.seq(first);
        long copies = (long) bytes / COLLAPSED * SkbCache.linearTruesize(COLLAPSED)
                + (bytes % COLLAPSED == 0 ? 0 : SkbCache.linearTruesize(bytes % COLLAPSED));
        return copies < charged ? collapseRun(cpu, tp, queue, first, end) : skb;
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

    /** The same for the out-of-order queue. {@code Deviation:} merges neighbours only where one of them wastes memory. */
    private static void tcpCollapseOfoQueue(Cpu cpu, TcpSock tp) {
        SkBuff skb = tp.outOfOrderQueue.first();
        while (skb != null) {
            SkBuff next = tp.outOfOrderQueue.next(skb);
            if (next == null
                    || !plain(skb)
                    || !plain(next)
                    || !wasteful(tp, skb) && !wasteful(tp, next)
                    || TcpSeq.after(TcpSkbCb.seq(next), TcpSkbCb.endSeq(skb))) {
                skb = next;
                continue;
            }
            SkBuff merged = mergeTwo(cpu, tp, skb, next);
            skb = merged != null ? merged : next;
        }
    }

    private static @Nullable SkBuff mergeTwo(Cpu cpu, TcpSock tp, SkBuff a, SkBuff b) {
        int start = TcpSkbCb.seq(a);
        int end = TcpSeq.max(TcpSkbCb.endSeq(a), TcpSkbCb.endSeq(b));
        int bytes = end - start;
        if (bytes > COLLAPSED) {
            return null;
        }
        SkBuff to = cpu.allocSkb(bytes);
        if (to == null || to.truesize >= a.truesize + b.truesize) {
            if (to != null) {
                to.consume(cpu);
            }
            return null;
        }
        TcpSkbCb.copy(to, a);
        TcpSkbCb.endSeq(to, end);
        TcpSkbCb.orTcpFlags(to, TcpSkbCb.tcpFlags(b));
        int at = to.put(bytes);
        a.copyBits(0, to.head() + at, a.len);
        int had = TcpSkbCb.endSeq(a) - start;
        if (had < bytes) {
            b.copyBits(TcpSkbCb.endSeq(a) - TcpSkbCb.seq(b), to.head() + at + had, bytes - had);
        }
        to.shinfo().gsoSegs = Math.max(1, a.shinfo().gsoSegs) + Math.max(1, b.shinfo().gsoSegs);
        tp.outOfOrderQueue.erase(b);
        tp.outOfOrderQueue.replace(a, to);
        if (tp.oooLastSkb == a || tp.oooLastSkb == b) {
            tp.oooLastSkb = to;
        }
        a.consume(cpu);
        b.consume(cpu);
        tp.setOwnerR(to);
        TcpCount.netAdd(cpu, tp, LinuxMib.TCPRCVCOLLAPSED, 2);
        return to;
    }
}
