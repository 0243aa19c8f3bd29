package net.tcp;

import static net.tcp.TcpConst.TCPF_CLOSE_WAIT;
import static net.tcp.TcpConst.TCPF_ESTABLISHED;
import static net.tcp.TcpConst.TCP_NAGLE_CORK;
import static net.tcp.TcpConst.TCP_NAGLE_PUSH;
import static net.tcp.TcpConst.TSQF_THROTTLED;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;

import net.core.Cpu;
import net.core.sock.Msghdr;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.SockStream;
import net.core.sock.Socket;
import net.core.sock.UserPages;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * Takes a program's bytes: copies them once, into fragments of a page that the socket keeps, and decides when to push.
 *
 * <p><b>Context:</b> process, socket owned. The CPU word is held only to make packets and to send, never while copying.
 *
 * <p>Linux: tcp_sendmsg_locked(), net/ipv4/tcp.c
 */
public final class TcpSendmsg {
    private static final int FRAG_PAGE_SIZE = 32768;
    private static final int PRESSURE_STEP = 2048;
    private static final int SMALL_PAGE_SIZE = 2048;
    private static final int SKB_MAX_BYTES = 65536;
    static final int FRAGMENTS_FULL = Integer.MIN_VALUE;
    private static final int BACKLOG_BATCH = 16;

    private TcpSendmsg() {}

    /** Linux: tcp_sendmsg(). */
    static int tcpSendmsg(TcpSock tp, Msghdr msg, int size) {
        PathTrace.hit(tp.net.kernel(), Landmark.TCP_SENDMSG);
        tp.lockSock();
        try {
            boolean zerocopy = (msg.flags & SockConst.MSG_ZEROCOPY) != 0 && size > 0 && tp.flag(SockFlag.ZEROCOPY);
            return zerocopy ? TcpZerocopy.sendmsg(tp, msg, size) : tcpSendmsgLocked(tp, msg, size, null);
        } finally {
            tp.releaseSock();
        }
    }

    /**
     * Queues and sends.
     *
     * @param zc completion of a zero-copy send
     * @return bytes taken, or a negative errno
     * <p>Linux: tcp_sendmsg_locked(), net/ipv4/tcp.c
     */
    @HotPath
    static int tcpSendmsgLocked(TcpSock tp, Msghdr msg, int size, @Nullable TcpZerocopy zc) {
        int flags = msg.flags;
        long timeo = tp.sndtimeo((flags & SockConst.MSG_DONTWAIT) != 0);
        if (((flags & SockConst.MSG_FASTOPEN) != 0 || tp.deferConnect) && !tp.repair) {
            int err = TcpFastOpenClient.sendmsg(tp, msg, size, zc);
            int copiedSyn = tp.fastopenCopied;
            if (err == -Errno.EINPROGRESS && copiedSyn > 0) {
                return copiedSyn;
            }
            if (err != 0) {
                return SockStream.streamError(tp, flags, err);
            }
            if (copiedSyn == size) {
                return size;
            }
            int rest = sendStream(tp, msg, size - copiedSyn, flags, timeo, zc);
            return rest < 0 && copiedSyn > 0 ? copiedSyn : Math.max(copiedSyn, 0) + rest;
        }
        return sendStream(tp, msg, size, flags, timeo, zc);
    }

    @HotPath
    private static int sendStream(TcpSock tp, Msghdr msg, int size, int flags, long timeout, @Nullable TcpZerocopy zc) {
        long timeo = timeout;
        int tsflags = tp.tsflags == 0 && msg.control == null ? 0 : TcpTxTimestamp.flags(tp, msg);
        if (tsflags < 0) {
            return tsflags;
        }
        TcpRate.checkAppLimited(tp);
        if (!tp.inStates(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) && !TcpFastOpen.passive(tp)) {
            timeo = tp.streamWaitConnect(timeo);
            if (timeo < 0) {
                return SockStream.streamError(tp, flags, (int) timeo);
            }
        }
        UserBuf from = msg.iter;
        int copied = 0;
        int batch = 0;
        int err = 0;
        int mss = TcpMss.tcpCurrentMss(tp);
        int sizeGoal = TcpMss.xmitSizeGoal(tp, mss, (flags & SockConst.MSG_OOB) == 0);
        if (tp.err != 0 || (tp.shutdown & SockConst.SEND_SHUTDOWN) != 0) {
            err = -Errno.EPIPE;
        }
        boolean spliced = (flags & SockConst.MSG_SPLICE_PAGES) != 0 && from instanceof UserPages;
        boolean fresh = false;
        while (err == 0 && copied < size && from != null) {
            SkBuff skb = fresh ? null : tailWithRoom(tp, sizeGoal);
            fresh = false;
            if (skb == null && tp.streamMemoryFree()) {
                if (batch++ >= BACKLOG_BATCH) { // ACKs wait in the backlog: let them in
                    batch = 0;
                    if (tp.flushBacklog()) {
                        err = restart(tp);
                        mss = TcpMss.tcpCurrentMss(tp);
                        sizeGoal = TcpMss.xmitSizeGoal(tp, mss, (flags & SockConst.MSG_OOB) == 0);
                        continue;
                    }
                }
                skb = newSegment(tp, size - copied, spliced || zc != null && zc.lends(tp, from));
            }
            if (skb != null) {
                int want = Math.min(sizeGoal - skb.len, size - copied);
                int n;
                if (spliced) {
                    n = splice(tp, skb, (UserPages) from, want);
                } else {
                    n = zc != null ? zc.append(tp, skb, from, want) : append(tp, skb, from, want);
                }
                if (n > 0) {
                    appended(tp, skb, n, copied == 0);
                    copied += n;
                    if (copied == size) {
                        TcpSkbCb.eor(skb, TcpSkbCb.eor(skb) || (flags & SockConst.MSG_EOR) != 0);
                    } else if (skb.len >= sizeGoal && (flags & SockConst.MSG_OOB) == 0 && !tp.repair) {
                        segmentFull(tp, skb, mss);
                    }
                    continue;
                }
                if (n == FRAGMENTS_FULL) {
                    markPush(tp, skb);
                    fresh = true;
                    continue;
                }
                if (n < 0) {
                    err = n;
                    break;
                }
            }
            timeo = waitForSpace(tp, flags, mss, sizeGoal, copied, timeo);
            err = timeo < 0 ? (int) timeo : restart(tp);
            mss = TcpMss.tcpCurrentMss(tp);
            sizeGoal = TcpMss.xmitSizeGoal(tp, mss, (flags & SockConst.MSG_OOB) == 0);
        }
        return finish(tp, flags, mss, sizeGoal, copied, err, tsflags);
    }

    /** The last unsent segment, if more bytes may join it. */
    @HotPath
    private static @Nullable SkBuff tailWithRoom(TcpSock tp, int sizeGoal) {
        SkBuff skb = TcpQueues.writeQueueTail(tp);
        return skb != null && skb.len < sizeGoal && TcpQueues.canCollapseTo(skb) ? skb : null;
    }

    /** Bytes were copied to the end of a segment: the numbers follow. */
    @HotPath
    private static void appended(TcpSock tp, SkBuff skb, int n, boolean first) {
        if (first) {
            TcpSkbCb.clearTcpFlags(skb, TCPHDR_PSH);
        }
        tp.writeSeq += n;
        TcpSkbCb.endSeq(skb, TcpSkbCb.endSeq(skb) + n);
        TcpSkbCb.pcount(skb, 0);
    }

    private static int restart(TcpSock tp) {
        return tp.err != 0 || (tp.shutdown & SockConst.SEND_SHUTDOWN) != 0 ? -Errno.EPIPE : 0;
    }

    /** A new segment at the end of the write queue, and a page for its bytes; null without memory. */
    private static @Nullable SkBuff newSegment(TcpSock tp, int left, boolean spliced) {
        Cpu cpu = tp.localBhDisable();
        try {
            SkBuff skb = TcpQueues.streamAllocSkb(cpu, tp, tp.rtxAndWriteQueuesEmpty());
            if (skb != null) {
                entail(cpu, tp, skb);
                if (!spliced) {
                    refillPage(cpu, tp, left);
                }
                if (!Tcp.underMemoryPressure(tp)) {
                    tp.wmemSchedule(cpu, Math.min(left, SKB_MAX_BYTES)); // while a CPU's batch of memory is at hand
                }
            }
            return skb;
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Linux: tcp_skb_entail(). */
    private static void entail(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpSkbCb.seq(skb, tp.writeSeq);
        TcpSkbCb.endSeq(skb, tp.writeSeq);
        TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_ACK);
        skb.releaseHeader();
        TcpQueues.addWriteQueueTail(cpu, tp, skb);
        TcpQueues.charge(tp, skb);
        tp.nonagle &= ~TCP_NAGLE_PUSH;
        TcpCwnd.slowStartAfterIdleCheck(cpu, tp);
        if (tp.repair) {
            TcpSkbCb.orSacked(skb, TcpSkbCb.TCPCB_REPAIRED);
        }
    }

    /** Makes sure that the socket's page has room. Linux: sk_page_frag_refill(). */
    static boolean refillPage(Cpu cpu, TcpSock tp, int left) {
        Page page = tp.fragPage;
        if (page != null) {
            if (page.refs() == 1) { // all that was in it is acknowledged
                tp.fragOffset = 0;
            }
            if (tp.fragOffset < page.size()) {
                return true;
            }
            page.put(cpu);
            tp.fragPage = null;
        }
        boolean bulk =
                !Tcp.underMemoryPressure(tp) && (left > SMALL_PAGE_SIZE || tp.writeSeq - tp.sndUna > SMALL_PAGE_SIZE);
        page = cpu.allocPage(bulk ? FRAG_PAGE_SIZE : SMALL_PAGE_SIZE);
        tp.fragPage = page;
        tp.fragOffset = 0;
        return page != null;
    }

    /**
     * All is acknowledged: an idle connection keeps no memory. A writer looks at the page again after every point where
     * this can run.
     *
     * <p><b>Context:</b> socket lock, CPU word.
     */
    static void dropPage(Cpu cpu, TcpSock tp) {
        Page page = tp.fragPage;
        if (page != null) {
            tp.fragPage = null;
            page.put(cpu);
        }
    }

    /**
     * Copies bytes to the end of a segment.
     *
     * @return how many; 0: no memory; {@link #FRAGMENTS_FULL}; -EFAULT
     */
    @HotPath
    static int append(TcpSock tp, SkBuff skb, UserBuf from, int want) {
        Page page = tp.fragPage;
        if (page == null || tp.fragOffset == page.size()) {
            Cpu cpu = tp.localBhDisable();
            boolean ok = refillPage(cpu, tp, from.remaining());
            cpu.localBhEnable();
            page = tp.fragPage;
            if (!ok || page == null) {
                return 0;
            }
        }
        int offset = tp.fragOffset;
        boolean merge = skb.canCoalesce(page, offset);
        if (!merge && skb.shinfo().nrFrags >= SkBuff.MAX_SKB_FRAGS) {
            return FRAGMENTS_FULL;
        }
        int n = wmemSchedule(tp, Math.min(step(tp, want), page.size() - offset));
        if (n <= 0) {
            return 0;
        }
        int err = from.copyIn(page.address() + offset, n);
        if (err < 0) {
            return err;
        }
        if (merge) {
            skb.coalesceFrag(n, n);
        } else {
            page.get();
            skb.addFrag(page, offset, n, n);
        }
        tp.fragOffset = offset + n;
        tp.wmemQueuedAdd(n);
        tp.memCharge(n);
        return n;
    }

    /**
     * Takes over a page of somebody else's (sendfile, splice) instead of copying; results as of {@link #append}. Linux:
     * skb_splice_from_iter().
     */
    @HotPath
    private static int splice(TcpSock tp, SkBuff skb, UserPages from, int want) {
        Page page = from.page();
        int offset = from.pageOffset();
        boolean merge = skb.canCoalesce(page, offset);
        if (!merge && skb.shinfo().nrFrags >= SkBuff.MAX_SKB_FRAGS) {
            return FRAGMENTS_FULL;
        }
        int n = wmemSchedule(tp, Math.min(step(tp, want), from.remaining()));
        if (n <= 0) {
            return 0;
        }
        if (merge) {
            skb.coalesceFrag(n, n);
        } else {
            page.get();
            skb.addFrag(page, offset, n, n);
        }
        from.advance(n);
        tp.wmemQueuedAdd(n);
        tp.memCharge(n);
        return n;
    }

    /**
     * How much to ask for at once. {@code Deviation:} Linux asks for what is left of a page fragment, up to 32 KiB, and a
     * socket whose send buffer is halved over that gets it even beyond tcp_mem's limit: a thousand connections that nobody
     * reads from held half as much again. In small steps each gets tcp_wmem's minimum.
     */
    private static int step(TcpSock tp, int want) {
        return Tcp.underMemoryPressure(tp) ? Math.min(want, PRESSURE_STEP) : want;
    }

    /** How much may be charged; a little always, or a socket with an empty queue would hang. Linux: tcp_wmem_schedule(). */
    @HotPath
    static int wmemSchedule(TcpSock tp, int n) {
        return tp.wmemSchedule(n) ? n : wmemForced(null, tp, n);
    }

    /** {@link #wmemSchedule(TcpSock, int)} with a CPU held. */
    static int wmemSchedule(Cpu cpu, TcpSock tp, int n) {
        return tp.wmemSchedule(cpu, n) ? n : wmemForced(cpu, tp, n);
    }

    private static int wmemForced(@Nullable Cpu cpu, TcpSock tp, int n) {
        int left = tp.sysctl.tcpWmem[0] - tp.wmemQueued;
        if (left > 0) {
            int force = Math.min(left, n) - tp.forwardAlloc;
            if (force > 0) {
                tp.forcedMemSchedule(cpu, force);
            }
        }
        return Math.min(n, tp.forwardAlloc);
    }

    // ---- pushing

    /** Linux: tcp_mark_push(). */
    @HotPath
    private static void markPush(TcpSock tp, SkBuff skb) {
        TcpSkbCb.orTcpFlags(skb, TCPHDR_PSH);
        tp.pushedSeq = tp.writeSeq;
    }

    /** Half the largest window was queued since the last push. Linux: forced_push(). */
    @HotPath
    private static boolean forcedPush(TcpSock tp) {
        return TcpSeq.after(tp.writeSeq, tp.pushedSeq + (tp.maxWindow >>> 1));
    }

    @HotPath
    private static void segmentFull(TcpSock tp, SkBuff skb, int mss) {
        if (forcedPush(tp)) {
            markPush(tp, skb);
            Cpu cpu = tp.localBhDisable();
            try {
                TcpOutput.tcpPushPendingFrames(cpu, tp, mss, TCP_NAGLE_PUSH);
            } finally {
                cpu.localBhEnable();
            }
        } else if (skb == tp.sendHead()) {
            Cpu cpu = tp.localBhDisable();
            try {
                TcpOutput.tcpPushOne(cpu, tp, mss);
            } finally {
                cpu.localBhEnable();
            }
        }
    }

    /**
     * Sends what was queued, as far as Nagle, cork and autocorking let it.
     *
     * <p>Linux: tcp_push(), net/ipv4/tcp.c
     */
    @HotPath
    static void tcpPush(Cpu cpu, TcpSock tp, int flags, int mss, int nonagle, int sizeGoal) {
        PathTrace.hit(cpu, null, Landmark.TCP_PUSH);
        SkBuff skb = TcpQueues.writeQueueTail(tp);
        if (skb == null) {
            return;
        }
        if ((flags & SockConst.MSG_MORE) == 0 || forcedPush(tp)) {
            markPush(tp, skb);
        }
        if ((flags & SockConst.MSG_OOB) != 0) {
            tp.sndUp = tp.writeSeq;
        }
        if (shouldAutocork(tp, skb, sizeGoal)) {
            if ((tp.tsqFlags & TSQF_THROTTLED) == 0) {
                tp.tcpNet.inc(cpu, LinuxMib.TCPAUTOCORKING);
                TcpTsq.set(tp, TSQF_THROTTLED);
            }
            if (tp.wmemAlloc() > skb.truesize) { // else the last packet was freed just now
                return;
            }
        }
        TcpOutput.tcpPushPendingFrames(cpu, tp, mss, (flags & SockConst.MSG_MORE) != 0 ? TCP_NAGLE_CORK : nonagle);
    }

    /** A packet still in the device will call us back: more may be written by then. Linux: tcp_should_autocork(). */
    @HotPath
    private static boolean shouldAutocork(TcpSock tp, SkBuff skb, int sizeGoal) {
        return skb.len < sizeGoal
                && tp.sysctl.tcpAutocorking != 0
                && !tp.tcpRtxQueue.isEmpty()
                && tp.wmemAlloc() > skb.truesize
                && TcpQueues.canCollapseTo(skb);
    }

    /** No room: sends what there is and sleeps. Time left, or a negative errno. */
    private static long waitForSpace(TcpSock tp, int flags, int mss, int sizeGoal, int copied, long timeo) {
        Socket socket = tp.socket;
        if (socket != null) {
            socket.setFlag(Socket.SOCK_NOSPACE);
        }
        Cpu cpu = tp.localBhDisable();
        try {
            TcpQueues.removeEmptySkb(cpu, tp);
            if (copied != 0) {
                tcpPush(cpu, tp, flags & ~SockConst.MSG_MORE, mss, TCP_NAGLE_PUSH, sizeGoal);
            }
        } finally {
            cpu.localBhEnable();
        }
        return tp.streamWaitMemory(timeo);
    }

    private static int finish(TcpSock tp, int flags, int mss, int sizeGoal, int copied, int err, int tsflags) {
        Cpu cpu = tp.localBhDisable();
        try {
            if (err != 0) {
                TcpQueues.removeEmptySkb(cpu, tp);
            }
            if (copied != 0) {
                if (tsflags != 0) {
                    TcpTxTimestamp.request(tp, tsflags);
                }
                tcpPush(cpu, tp, flags, mss, tp.nonagle, sizeGoal);
            }
            int result = copied != 0 ? copied : err;
            if (copied == 0 && err != 0) {
                result = SockStream.streamError(tp, flags, err);
                if (result == -Errno.EAGAIN && tp.rtxAndWriteQueuesEmpty()) {
                    tp.writeSpace(cpu); // an edge-triggered poller must hear of it
                    TcpChrono.stop(cpu, tp, TcpConst.TCP_CHRONO_SNDBUF_LIMITED);
                }
            }
            return result;
        } finally {
            cpu.localBhEnable();
        }
    }
}
