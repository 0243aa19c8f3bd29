package net.tcp;

import static net.tcp.TcpConst.TCP_INIT_CWND;
import static net.tcp.TcpConst.TCP_MIN_MSS;
import static net.tcp.TcpConst.TCP_MSS_DEFAULT;

import net.core.Cpu;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Decides how large the receive buffer and the window we offer become (dynamic right-sizing): per round trip, room for
 * twice what the application read in the last one; and never a window that the overhead of the peer's small segments
 * would make the buffer overflow ({@code rcvSsthresh}).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_rcv_space_adjust(), tcp_rcvbuf_grow(), tcp_grow_window(), tcp_sndbuf_expand(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpRcvSpace {
    private TcpRcvSpace() {}

    // ---- round trip of a receiver

    private static void tcpRcvRttUpdate(TcpSock tp, int sampleUs, boolean byWindow) {
        int old = tp.rcvRttEstRttUs;
        int m = sampleUs << 3;
        if (old != 0 && m >= old) {
            // A window's worth may take longer than a round trip; and unread data says the application is what is slow.
            if (byWindow || tp.rcvNxt != tp.copiedSeq) {
                return;
            }
            m = old - (old >>> 3) + sampleUs;
        }
        tp.rcvRttEstRttUs = m;
    }

    /** Without time stamps: the time it takes to get a window of data. Linux: tcp_rcv_rtt_measure(). */
    static void tcpRcvRttMeasure(TcpSock tp) {
        if (tp.rcvRttEstTime != 0) {
            if (TcpSeq.before(tp.rcvNxt, tp.rcvRttEstSeq)) {
                return;
            }
            int delta = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, tp.rcvRttEstTime);
            tcpRcvRttUpdate(tp, Math.max(delta, 1), true);
        }
        tp.rcvRttEstSeq = tp.rcvNxt + tp.rcvWnd;
        tp.rcvRttEstTime = tp.tcpMstamp;
    }

    /** With time stamps: from each first segment of full size that echoes a new one. Linux: tcp_rcv_rtt_measure_ts(). */
    static void tcpRcvRttMeasureTs(TcpSock tp, SkBuff skb) {
        if (tp.rxOpt.rcvTsecr == tp.rcvRttLastTsecr) {
            return;
        }
        tp.rcvRttLastTsecr = tp.rxOpt.rcvTsecr;
        if (TcpSkbCb.endSeq(skb) - TcpSkbCb.seq(skb) >= tp.icskAckRcvMss) {
            int delta = TcpRttEstimator.tcpRttTsoptUs(tp, 0);
            if (delta > 0) {
                tcpRcvRttUpdate(tp, delta, false);
            }
        }
    }

    // ---- receive buffer

    /** {@code newSpace} bytes were read in a round trip: the buffer follows. */
    static void tcpRcvbufGrow(TcpSock tp, int newSpace) {
        int oldSpace = tp.rcvqSpaceSpace;
        tp.rcvqSpaceSpace = newSpace;
        if (tp.sysctl.tcpModerateRcvbuf == 0 || (tp.userlocks & Sock.SOCK_RCVBUF_LOCK) != 0) {
            return;
        }
        long window = 2L * newSpace; // what we measure is a round trip old
        if (oldSpace > 0) {
            // In slow start the sender doubles its rate: look two more steps ahead.
            window += 2 * (window * (newSpace - oldSpace) / oldSpace);
        }
        SkBuff last = tp.oooLastSkb;
        if (last != null && !tp.outOfOrderQueue.isEmpty()) {
            window += TcpSkbCb.endSeq(last) - tp.rcvNxt;
        }
        int space = tp.spaceFromWin((int) Math.min(window, Integer.MAX_VALUE));
        int rcvbuf = Math.min(space, tp.sysctl.tcpRmem[2]);
        if (rcvbuf > tp.rcvbuf) {
            tp.rcvbuf = rcvbuf;
            tp.windowClamp = tp.winFromSpace(rcvbuf);
        }
    }

    /** The application has read: once per round trip, looks how much. Linux: tcp_rcv_space_adjust(). */
    public static void tcpRcvSpaceAdjust(Cpu cpu, TcpSock tp) {
        if (cpu.tracing) {
            TcpTrace.rcvSpaceAdjust(cpu, tp);
        }
        tp.mstampRefresh(cpu.nowNs());
        int time = TcpRttEstimator.stampUsDelta(tp.tcpMstamp, tp.rcvqSpaceTime);
        if (tp.rcvRttEstRttUs == 0 || time < tp.rcvRttEstRttUs >>> 3) {
            return;
        }
        int copied = tp.copiedSeq - tp.rcvqSpaceSeq;
        copied -= tp.rcvNxt - tp.copiedSeq; // what waits unread shows that a larger buffer is no help
        if (copied > tp.rcvqSpaceSpace) {
            tcpRcvbufGrow(tp, copied);
        }
        tp.rcvqSpaceSeq = tp.copiedSeq;
        tp.rcvqSpaceTime = tp.tcpMstamp;
    }

    // ---- window

    /** Truesize without the linear part that goes when the packet is joined to another. */
    private static int truesizeAdjust(boolean adjust, SkBuff skb) {
        int truesize = skb.truesize;
        if (adjust && skb.headlen() == 0) {
            truesize -= SkBuff.OVERHEAD_TRUESIZE + skb.end;
            if (truesize < skb.len) {
                truesize = skb.truesize;
            }
        }
        return truesize;
    }

    /** How far may the window grow for packets with this overhead? Linux: __tcp_grow_window(). */
    private static int growWindowCore(TcpSock tp, SkBuff skb, int skbTruesize) {
        int truesize = tp.winFromSpace(skbTruesize) >> 1;
        int window = tp.winFromSpace(tp.sysctl.tcpRmem[2]) >> 1;
        while (tp.rcvSsthresh <= window) {
            if (truesize <= skb.len) {
                return 2 * tp.icskAckRcvMss;
            }
            truesize >>= 1;
            window >>= 1;
        }
        return 0;
    }

    /** Data arrived: opens the window further if its overhead allows. */
    static void tcpGrowWindow(Cpu cpu, TcpSock tp, SkBuff skb, boolean adjust) {
        int room = Math.min(tp.windowClamp, TcpWindow.space(tp)) - tp.rcvSsthresh;
        if (room <= 0) {
            return;
        }
        if (Tcp.underMemoryPressure(tp)) {
            TcpWindow.adjustRcvSsthresh(tp);
            return;
        }
        int truesize = truesizeAdjust(adjust, skb);
        int incr = tp.winFromSpace(truesize) <= skb.len ? 2 * tp.advmss : growWindowCore(tp, skb, truesize);
        if (incr != 0) {
            incr = Math.max(incr, 2 * skb.len);
            tp.rcvSsthresh += Math.min(room, incr);
            tp.icskAckQuick |= 1;
        }
    }

    // ---- set up

    /** First guess at the peer's segment size. Linux: tcp_initialize_rcv_mss(). */
    public static void tcpInitializeRcvMss(TcpSock tp) {
        int hint = Math.min(tp.advmss, tp.mssCache);
        hint = Math.min(hint, tp.rcvWnd / 2);
        hint = Math.min(hint, TCP_MSS_DEFAULT);
        tp.icskAckRcvMss = Math.max(hint, TCP_MIN_MSS);
    }

    /** Buffers and window of a connection that has just been established. Linux: tcp_init_buffer_space(). */
    public static void tcpInitBufferSpace(Cpu cpu, TcpSock tp) {
        int appWin = tp.sysctl.tcpAppWin;
        if ((tp.userlocks & Sock.SOCK_SNDBUF_LOCK) == 0) {
            tcpSndbufExpand(tp);
        }
        tp.mstampRefresh(cpu.nowNs());
        tp.rcvqSpaceTime = tp.tcpMstamp;
        tp.rcvqSpaceSeq = tp.copiedSeq;
        int max = TcpWindow.fullSpace(tp);
        if (tp.windowClamp >= max) {
            tp.windowClamp = max;
            if (appWin != 0 && max > 4 * tp.advmss) {
                tp.windowClamp = Math.max(max - (appWin > 31 ? 0 : max >> appWin), 4 * tp.advmss);
            }
        }
        // Room for one segment that the window does not tell of.
        if (appWin != 0 && tp.windowClamp > 2 * tp.advmss && tp.windowClamp + tp.advmss > max) {
            tp.windowClamp = Math.max(2 * tp.advmss, max - tp.advmss);
        }
        tp.rcvSsthresh = Math.min(tp.rcvSsthresh, tp.windowClamp);
        tp.sndCwndStamp = (int) cpu.jiffies();
        tp.rcvqSpaceSpace = Math.min(Math.min(tp.rcvSsthresh, tp.rcvWnd), TCP_INIT_CWND * tp.advmss);
    }

    // ---- send buffer

    /** Room for two windows (or what the algorithm asks for), if the user did not fix the size. */
    static void tcpSndbufExpand(TcpSock tp) {
        int perMss = Math.max(tp.rxOpt.mssClamp, tp.mssCache)
                + TcpConst.MAX_TCP_HEADER
                + SkBuff.OVERHEAD_TRUESIZE
                - SkBuff.HEAD_TRUESIZE;
        perMss = (perMss <= 1 ? 1 : Integer.highestOneBit(perMss - 1) << 1) + SkBuff.HEAD_TRUESIZE;
        int segs = Math.max(TCP_INIT_CWND, Math.max(tp.sndCwnd, tp.reordering + 1));
        int factor = TcpCong.ops(tp).sndbufExpand(tp);
        long sndmem = (factor != 0 ? factor : 2) * (long) segs * perMss;
        if (tp.sndbuf < sndmem) {
            tp.sndbuf = (int) Math.min(sndmem, tp.sysctl.tcpWmem[2]);
        }
    }

    private static boolean shouldExpandSndbuf(TcpSock tp) {
        if ((tp.userlocks & Sock.SOCK_SNDBUF_LOCK) != 0 || Tcp.underMemoryPressure(tp)) {
            return false;
        }
        ProtoMemory memory = Tcp.memory(tp);
        if (memory != null && memory.allocatedApprox() >= memory.limit(0)) {
            return false;
        }
        return tp.packetsInFlight() < tp.sndCwnd; // a full window needs no more data
    }

    /** A writer was waiting and there is room. Linux: tcp_new_space(). */
    static void tcpNewSpace(Cpu cpu, TcpSock tp) {
        if (shouldExpandSndbuf(tp)) {
            tcpSndbufExpand(tp);
            tp.sndCwndStamp = (int) cpu.jiffies();
        }
        tp.writeSpace(cpu);
    }
}
