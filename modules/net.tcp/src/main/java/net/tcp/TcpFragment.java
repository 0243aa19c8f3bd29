package net.tcp;

import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;
import static net.tcp.TcpSkbCb.TCPHDR_FIN;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;

import net.core.Cpu;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;

/**
 * Splits, trims and joins segments of the queues while keeping every count true. No payload moves: fragments change
 * hands.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_fragment(), tcp_trim_head(), tcp_collapse_retrans(), net/ipv4/tcp_output.c
 */
public final class TcpFragment {
    private static final int GSO_LEGACY_MAX_SIZE = 65536;

    private TcpFragment() {}

    /** Number of segments and their size from the length. Linux: tcp_set_skb_tso_segs(). */
    @HotPath
    public static int setSkbTsoSegs(SkBuff skb, int mss) {
        if (skb.len <= mss) {
            TcpSkbCb.gsoSize(skb, 0);
            TcpSkbCb.pcount(skb, 1);
            return 1;
        }
        int segs = (skb.len + mss - 1) / mss;
        TcpSkbCb.gsoSize(skb, mss);
        TcpSkbCb.pcount(skb, segs);
        return segs;
    }

    /** {@code decr} fewer segments stand in a sent packet: all counters follow. Linux: tcp_adjust_pcount(). */
    public static void adjustPcount(TcpSock tp, SkBuff skb, int decr) {
        tp.packetsOut -= decr;
        int sacked = TcpSkbCb.sacked(skb);
        if ((sacked & TCPCB_SACKED_ACKED) != 0) {
            tp.sackedOut -= decr;
        }
        if ((sacked & TCPCB_SACKED_RETRANS) != 0) {
            tp.retransOut -= decr;
        }
        if ((sacked & TCPCB_LOST) != 0) {
            tp.lostOut -= decr;
        }
        if (tp.isReno() && decr > 0) {
            tp.sackedOut -= Math.min(tp.sackedOut, decr);
        }
    }

    /**
     * Splits a segment so that {@code len} bytes stay; the rest follows it in the same queue.
     *
     * @param sent whether it is in the retransmit queue
     * @return 0 or a negative errno
     * <p>Linux: tcp_fragment(), net/ipv4/tcp_output.c
     */
    public static int tcpFragment(Cpu cpu, TcpSock tp, boolean sent, SkBuff skb, int len, int mss) {
        if (len > skb.len) {
            return -Errno.EINVAL;
        }
        int limit = tp.sndbuf + 2 * (GSO_LEGACY_MAX_SIZE + SkBuff.OVERHEAD_TRUESIZE);
        if (tp.wmemQueued >> 1 > limit && sent && skb != tp.rtxQueueHead() && skb != tp.rtxQueueTail()) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPWQUEUETOOBIG);
            return -Errno.ENOMEM;
        }
        if (skb.uncloneKeepTruesize(cpu) != 0) {
            return -Errno.ENOMEM;
        }
        int oldSegs = TcpSkbCb.pcount(skb);
        SkBuff rest = splitOff(cpu, tp, skb, len);
        if (rest == null) {
            return -Errno.ENOMEM;
        }
        TcpSkbCb.sacked(rest, TcpSkbCb.sacked(skb));
        rest.skbMstampNs = skb.skbMstampNs;
        int segs = setSkbTsoSegs(skb, mss) + setSkbTsoSegs(rest, mss);
        TcpSkbCb.txDelivered(rest, TcpSkbCb.txDelivered(skb));
        TcpSkbCb.txDeliveredCe(rest, TcpSkbCb.txDeliveredCe(skb));
        TcpSkbCb.txInFlight(rest, TcpSkbCb.txInFlight(skb));
        TcpSkbCb.firstTxMstamp(rest, TcpSkbCb.firstTxMstamp(skb));
        TcpSkbCb.deliveredMstamp(rest, TcpSkbCb.deliveredMstamp(skb));
        TcpSkbCb.isAppLimited(rest, TcpSkbCb.isAppLimited(skb));
        if (!TcpSeq.before(tp.sndNxt, TcpSkbCb.endSeq(rest)) && oldSegs != segs) {
            adjustPcount(tp, skb, oldSegs - segs);
        }
        if (sent) {
            TcpQueues.rtxInsert(tp, rest);
            if (TcpTsorted.contains(tp, skb)) {
                TcpTsorted.insertAfter(tp, skb, rest);
            }
        } else {
            tp.sendQueue.insertAfter(skb, rest);
        }
        return 0;
    }

    /** Splits an unsent segment at a multiple of the MSS. Linux: tso_fragment(). */
    @HotPath
    static int tsoFragment(Cpu cpu, TcpSock tp, SkBuff skb, int len, int mss) {
        SkBuff rest = splitOff(cpu, tp, skb, len);
        if (rest == null) {
            return -Errno.ENOMEM;
        }
        setSkbTsoSegs(skb, mss);
        setSkbTsoSegs(rest, mss);
        tp.sendQueue.insertAfter(skb, rest);
        return 0;
    }

    /** The common part: a new packet with the bytes from {@code len} on, charged, with its sequence numbers and flags. */
    private static @org.jspecify.annotations.Nullable SkBuff splitOff(Cpu cpu, TcpSock tp, SkBuff skb, int len) {
        SkBuff rest = TcpQueues.streamAllocSkb(cpu, tp, true);
        if (rest == null) {
            return null;
        }
        TcpQueues.charge(tp, rest);
        int moved = skb.len - len;
        rest.truesize += moved;
        skb.truesize -= moved;
        int cut = TcpSkbCb.seq(skb) + len;
        TcpSkbCb.seq(rest, cut);
        TcpSkbCb.endSeq(rest, TcpSkbCb.endSeq(skb));
        TcpSkbCb.endSeq(skb, cut);
        int flags = TcpSkbCb.tcpFlags(skb);
        TcpSkbCb.tcpFlags(skb, flags & ~(TCPHDR_FIN | TCPHDR_PSH)); // these belong to the end
        TcpSkbCb.tcpFlags(rest, flags);
        TcpSkbCb.eor(rest, TcpSkbCb.eor(skb));
        TcpSkbCb.eor(skb, false);
        TcpTxTimestamp.split(skb, rest);
        skb.splitTo(rest, len);
        rest.releaseHeader();
        return rest;
    }

    /**
     * Takes acknowledged bytes off the front. 0 or a negative errno.
     *
     * <p>Linux: tcp_trim_head(), net/ipv4/tcp_output.c
     */
    public static int tcpTrimHead(Cpu cpu, TcpSock tp, SkBuff skb, int len) {
        if (skb.uncloneKeepTruesize(cpu) != 0) {
            return -Errno.ENOMEM;
        }
        pskbTrimHead(cpu, skb, len);
        TcpSkbCb.seq(skb, TcpSkbCb.seq(skb) + len);
        skb.truesize -= len;
        tp.wmemQueuedAdd(-len);
        tp.memUncharge(cpu, len);
        if (TcpSkbCb.pcount(skb) > 1) {
            setSkbTsoSegs(skb, TcpSkbCb.mss(skb));
        }
        return 0;
    }

    /** Drops the first bytes of the fragments; our segments have no linear payload. Linux: __pskb_trim_head(). */
    private static void pskbTrimHead(Cpu cpu, SkBuff skb, int len) {
        SkbSharedInfo info = skb.shinfo();
        int eat = len;
        int kept = 0;
        for (int i = 0; i < info.nrFrags; i++) {
            int size = info.fragSize[i];
            Page page = info.fragPage(i);
            if (size <= eat) {
                eat -= size;
                page.put(cpu);
                continue;
            }
            info.frag[kept] = page;
            info.fragOff[kept] = info.fragOff[i] + eat;
            info.fragSize[kept] = size - eat;
            eat = 0;
            kept++;
        }
        for (int i = kept; i < info.nrFrags; i++) {
            info.frag[i] = null;
        }
        info.nrFrags = kept;
        skb.dataLen -= len;
        skb.len -= len;
    }

    /** Joins following small segments to one that is being retransmitted. Linux: tcp_retrans_try_collapse(). */
    static void retransTryCollapse(Cpu cpu, TcpSock tp, SkBuff to, int space) {
        if (tp.sysctl.tcpRetransCollapse == 0 || (TcpSkbCb.tcpFlags(to) & TcpSkbCb.TCPHDR_SYN) != 0) {
            return;
        }
        int left = space;
        boolean first = true;
        SkBuff skb = to;
        while (skb != null) {
            SkBuff following = tp.tcpRtxQueue.next(skb);
            if (!mayCollapse(skb) || !TcpQueues.canCollapse(to, skb)) {
                return;
            }
            left -= skb.len;
            if (first) {
                first = false;
            } else if (left < 0 || TcpSeq.after(TcpSkbCb.endSeq(skb), tp.wndEnd()) || !collapseRetrans(cpu, tp, to)) {
                return;
            }
            skb = following;
        }
    }

    private static boolean mayCollapse(SkBuff skb) {
        return TcpSkbCb.pcount(skb) <= 1 && !skb.isClonedData() && (TcpSkbCb.sacked(skb) & TCPCB_SACKED_ACKED) == 0;
    }

    /** Linux: tcp_collapse_retrans(). */
    private static boolean collapseRetrans(Cpu cpu, TcpSock tp, SkBuff skb) {
        SkBuff next = tp.tcpRtxQueue.next(skb);
        if (next == null) {
            return false;
        }
        int size = next.len;
        if (size != 0 && SkBuff.shift(cpu, skb, next, size) == 0) {
            return false;
        }
        TcpQueues.highestSackReplace(tp, next, skb);
        TcpSkbCb.endSeq(skb, TcpSkbCb.endSeq(next));
        TcpSkbCb.orTcpFlags(skb, TcpSkbCb.tcpFlags(next));
        TcpSkbCb.orSacked(skb, TcpSkbCb.sacked(next) & TcpSkbCb.TCPCB_EVER_RETRANS);
        TcpSkbCb.eor(skb, TcpSkbCb.eor(next));
        TcpTxTimestamp.join(skb, next);
        if (next == tp.retransmitSkbHint) {
            tp.retransmitSkbHint = skb;
        }
        adjustPcount(tp, next, TcpSkbCb.pcount(next));
        TcpQueues.tcpRtxQueueUnlinkAndFree(cpu, tp, next);
        return true;
    }

    /** Fills the first unsent segment up from the second. Linux: tcp_grow_skb(). */
    @HotPath
    static void growSkb(Cpu cpu, TcpSock tp, SkBuff skb, int amount) {
        SkBuff next = skb.next;
        if (next == null || TcpQueues.isLast(tp, skb) || !TcpQueues.canCollapse(skb, next)) {
            return;
        }
        int n = Math.min(amount, next.len);
        if (n == 0 || SkBuff.shift(cpu, skb, next, n) == 0) {
            return;
        }
        TcpSkbCb.endSeq(skb, TcpSkbCb.endSeq(skb) + n);
        TcpSkbCb.seq(next, TcpSkbCb.seq(next) + n);
        if (next.len == 0) {
            TcpSkbCb.endSeq(skb, TcpSkbCb.endSeq(next)); // a FIN counts too
            eatOneSkb(cpu, tp, skb, next);
        }
    }

    /** Linux: tcp_eat_one_skb(). */
    static void eatOneSkb(Cpu cpu, TcpSock tp, SkBuff to, SkBuff from) {
        TcpSkbCb.orTcpFlags(to, TcpSkbCb.tcpFlags(from));
        TcpSkbCb.eor(to, TcpSkbCb.eor(from));
        TcpTxTimestamp.join(to, from);
        tp.sendQueue.unlink(from);
        TcpQueues.wmemFreeSkb(cpu, tp, from);
    }
}
