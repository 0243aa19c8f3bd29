package net.tcp;

import static net.tcp.TcpConst.TCP_NAGLE_CORK;
import static net.tcp.TcpConst.TCP_NAGLE_PUSH;
import static net.tcp.TcpConst.TSQF_THROTTLED;

import net.core.Cpu;
import net.core.sock.Sock;
import net.core.time.HrTimer;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The tests that a segment must pass before it may go: pacing, congestion window, the peer's window, Nagle, TSO
 * deferral, small queue.
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: net/ipv4/tcp_output.c
 */
public final class TcpSendTests {
    private static final long NSEC_PER_MSEC = 1_000_000;
    private static final int MAX_TSO_DEFERRED_SEGS = 3;

    private TcpSendTests() {}

    /** How many segments the congestion window admits; half a window at most, so that a burst stays a burst. Linux: tcp_cwnd_test(). */
    @HotPath
    static int cwndTest(TcpSock tp) {
        int inFlight = tp.packetsInFlight();
        int cwnd = tp.sndCwnd;
        if (inFlight >= cwnd) {
            return 0;
        }
        return Math.min(Math.max(cwnd >> 1, 1), cwnd - inFlight);
    }

    /** The first MSS of a segment lies within the peer's window. Linux: tcp_snd_wnd_test(). */
    @HotPath
    static boolean sndWndTest(TcpSock tp, SkBuff skb, int mss) {
        int endSeq = skb.len > mss ? TcpSkbCb.seq(skb) + mss : TcpSkbCb.endSeq(skb);
        return !TcpSeq.after(endSeq, tp.wndEnd());
    }

    /** A small segment is out already (Minshall's variant of Nagle). Linux: tcp_minshall_check(). */
    @HotPath
    static boolean minshallCheck(TcpSock tp) {
        return TcpSeq.after(tp.sndSml, tp.sndUna) && !TcpSeq.after(tp.sndSml, tp.sndNxt);
    }

    /** Remembers the last small segment. Linux: tcp_minshall_update(). */
    @HotPath
    static void minshallUpdate(TcpSock tp, int mss, SkBuff skb) {
        if (skb.len < TcpSkbCb.pcount(skb) * mss) {
            tp.sndSml = TcpSkbCb.endSeq(skb);
        }
    }

    /** Whether a partial segment must wait. Linux: tcp_nagle_check(). */
    @HotPath
    static boolean nagleCheck(boolean partial, TcpSock tp, int nonagle) {
        return partial && ((nonagle & TCP_NAGLE_CORK) != 0 || nonagle == 0 && tp.packetsOut != 0 && minshallCheck(tp));
    }

    /** Whether Nagle lets a segment go. Linux: tcp_nagle_test(). */
    @HotPath
    static boolean nagleTest(TcpSock tp, SkBuff skb, int mss, int nonagle) {
        return (nonagle & TCP_NAGLE_PUSH) != 0
                || urgMode(tp)
                || (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0
                || !nagleCheck(skb.len < mss, tp, nonagle);
    }

    /** Urgent data is not acknowledged yet. Linux: tcp_urg_mode(). */
    @HotPath
    static boolean urgMode(TcpSock tp) {
        return tp.sndUna != tp.sndUp;
    }

    /** Segments of a GSO packet that take about a millisecond at the pacing rate. Linux: tcp_tso_autosize(). */
    @HotPath
    static int tsoAutosize(TcpSock tp, int mss, int minSegs) {
        long bytes = tp.pacingRate >>> tp.pacingShift;
        int r = tp.rttMin.get() >>> tp.sysctl.tcpTsoRttLog; // nearby peers may get larger bursts
        if (r < 32) {
            bytes += TcpMss.gsoMaxSize(tp) >>> r;
        }
        bytes = Math.min(bytes, TcpMss.gsoMaxSize(tp));
        return Math.max((int) bytes / mss, minSegs);
    }

    /** Linux: tcp_tso_segs(). */
    @HotPath
    static int tsoSegs(TcpSock tp, int mss) {
        return Math.min(tsoAutosize(tp, mss, TcpCong.minTsoSegs(tp)), tp.gsoMaxSegs);
    }

    /** Bytes of a segment that may go now: whole segments, and the rest if Nagle agrees. Linux: tcp_mss_split_point(). */
    @HotPath
    static int mssSplitPoint(TcpSock tp, SkBuff skb, int mss, int maxSegs, int nonagle) {
        int window = tp.wndEnd() - TcpSkbCb.seq(skb);
        int maxLen = mss * maxSegs;
        if (maxLen <= window && !TcpQueues.isLast(tp, skb)) {
            return maxLen;
        }
        int needed = Math.min(skb.len, window);
        if (maxLen <= needed) {
            return maxLen;
        }
        int partial = needed % mss;
        return nagleCheck(partial != 0, tp, nonagle) ? needed - partial : needed;
    }

    /**
     * Whether to wait for a larger GSO packet; why goes to {@code out}.
     *
     * <p>Waits only if an ACK is bound to come soon, and not if a window's part is free already.
     *
     * <p>Linux: tcp_tso_should_defer(), net/ipv4/tcp_output.c
     */
    @HotPath
    static boolean tsoShouldDefer(TcpPcpu out, TcpSock tp, SkBuff skb, int maxSegs) {
        if (tp.icskCaState >= TcpConst.TCP_CA_RECOVERY || tp.tcpClockCache - tp.tcpWstampNs - NSEC_PER_MSEC > 0) {
            return false;
        }
        int sendWin = tp.wndEnd() - TcpSkbCb.seq(skb);
        int congWin = (tp.sndCwnd - tp.packetsInFlight()) * tp.mssCache;
        int limit = Math.min(sendWin, congWin);
        if (limit >= maxSegs * tp.mssCache || !TcpQueues.isLast(tp, skb) && limit >= skb.len) {
            return false;
        }
        int divisor = tp.sysctl.tcpTsoWinDivisor;
        if (divisor != 0) {
            long chunk = Math.min(tp.sndWnd, (long) tp.sndCwnd * tp.mssCache) / divisor;
            if (limit >= chunk) {
                return false;
            }
        } else if (limit > MAX_TSO_DEFERRED_SEGS * tp.mssCache) {
            return false;
        }
        SkBuff head = tp.rtxQueueHead();
        long srttNs = tp.srttUs * (1000L >> 3);
        if (head == null || head.skbMstampNs + srttNs - tp.tcpClockCache > Math.min(srttNs >> 1, NSEC_PER_MSEC)) {
            return false; // the next ACK is far: half a round trip, or more than a millisecond
        }
        if (congWin < sendWin) {
            if (congWin <= skb.len) {
                out.isCwndLimited = true;
                return true;
            }
        } else if (sendWin <= skb.len) {
            out.isRwndLimited = true;
            return true;
        }
        return (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) == 0 && !TcpSkbCb.eor(skb);
    }

    /** Whether pacing holds the next segment back; then its timer runs. Linux: tcp_pacing_check(). */
    @HotPath
    static boolean pacingCheck(Cpu cpu, TcpSock tp) {
        if (tp.pacingStatus != Sock.SK_PACING_NEEDED || tp.tcpWstampNs <= tp.tcpClockCache) {
            return false;
        }
        HrTimer timer = tp.pacingTimer;
        if (timer == null) {
            timer = new PacingTimer(tp); // allocates: once a connection that paces itself
            tp.pacingTimer = timer;
        }
        if (!timer.pending()) {
            timer.start(cpu, tp.tcpWstampNs);
        }
        return true;
    }

    /** Jiffies that pacing adds to a timer. Linux: tcp_pacing_delay(). */
    @HotPath
    static long pacingDelay(TcpSock tp) {
        long delay = tp.tcpWstampNs - tp.tcpClockCache;
        return delay > 0 ? delay / NSEC_PER_MSEC : 0;
    }

    /** Linux: tcp_pace_kick(). */
    private static final class PacingTimer extends HrTimer {
        private final TcpSock tp;

        PacingTimer(TcpSock tp) {
            this.tp = tp;
        }

        @Override
        protected void expire(Cpu cpu, long nowNs) {
            TcpTsq.handler(cpu, tp);
        }
    }

    /**
     * Whether qdisc and device hold enough of this connection already; then a freed packet makes it go on.
     *
     * <p>Linux: tcp_small_queue_check(), net/ipv4/tcp_output.c
     */
    @HotPath
    static boolean smallQueueCheck(TcpSock tp, SkBuff skb, int factor) {
        long limit = Math.max(2L * skb.truesize, tp.pacingRate >>> tp.pacingShift);
        if (tp.pacingStatus == Sock.SK_PACING_NONE) {
            limit = Math.min(limit, tp.sysctl.tcpLimitOutputBytes);
        }
        limit <<= factor;
        if (tp.tcpTxDelay != 0 && tp.pacingRate != Long.MAX_VALUE) {
            limit += tp.pacingRate * tp.tcpTxDelay >> 19; // twice what the delay holds back, for truesize
        }
        if (tp.wmemAlloc() <= limit || TcpQueues.rtxEmptyOrSingle(tp)) {
            return false;
        }
        TcpTsq.set(tp, TSQF_THROTTLED);
        return tp.wmemAlloc() > limit; // or the packets were freed just before
    }

    /** A clone of this segment has not left the host yet: sending it again helps nobody. Linux: skb_still_in_host_queue(). */
    static boolean stillInHostQueue(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (skb.fcloneBusy(tp)) {
            TcpTsq.set(tp, TSQF_THROTTLED);
            if (skb.fcloneBusy(tp)) {
                tp.tcpNet.inc(cpu, LinuxMib.TCPSPURIOUS_RTX_HOSTQUEUES);
                return true;
            }
        }
        return false;
    }
}
