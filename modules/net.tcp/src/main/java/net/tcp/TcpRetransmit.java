package net.tcp;

import static net.tcp.TcpConst.ICSK_TIME_REO_TIMEOUT;
import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_EVER_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_LOST;
import static net.tcp.TcpSkbCb.TCPCB_RETRANS;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_ACKED;
import static net.tcp.TcpSkbCb.TCPCB_SACKED_RETRANS;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;
import static net.tcp.TcpSkbCb.TCPHDR_SYN_ECN;

import net.core.Cpu;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Sends again what was marked lost.
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: tcp_retransmit_skb(), tcp_xmit_retransmit_queue(), net/ipv4/tcp_output.c
 */
public final class TcpRetransmit {
    private TcpRetransmit() {}

    /**
     * Sends a segment again, at most {@code segs} MSS of it, without marking it.
     *
     * @return 0; -EBUSY: still in the host's queue; -EAGAIN: outside the peer's window; another negative errno
     * <p>Linux: __tcp_retransmit_skb(), net/ipv4/tcp_output.c
     */
    static int tcpRetransmitSkbUnmarked(Cpu cpu, TcpSock tp, SkBuff skb, int segs) {
        tp.icskMtupProbeSize = 0; // an MTU probe says nothing any more
        if (TcpSendTests.stillInHostQueue(cpu, tp, skb)) {
            return -Errno.EBUSY;
        }
        int err = trimAcked(cpu, tp, skb);
        if (err != 0) {
            return err;
        }
        if (Tcp.afOps(tp).rebuildHeader(cpu, tp) != 0) {
            return -Errno.EHOSTUNREACH;
        }
        int mss = TcpMss.tcpCurrentMss(cpu, tp);
        int avail = tp.wndEnd() - TcpSkbCb.seq(skb);
        if (avail <= 0) { // the window shrank: only the head is worth sending, as a probe
            if (TcpSkbCb.seq(skb) != tp.sndUna) {
                return -Errno.EAGAIN;
            }
            avail = mss;
        }
        err = fit(cpu, tp, skb, segs, mss, avail);
        if (err != 0) {
            return err;
        }
        if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN_ECN) == TCPHDR_SYN_ECN) {
            TcpEcnOut.clearSyn(tp, skb);
        }
        return sendAgain(cpu, tp, skb);
    }

    /** The peer has part of it. */
    private static int trimAcked(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (TcpSeq.before(TcpSkbCb.seq(skb), tp.sndUna) && (TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) != 0) {
            TcpSkbCb.clearTcpFlags(skb, TCPHDR_SYN);
            TcpSkbCb.seq(skb, TcpSkbCb.seq(skb) + 1);
        }
        if (TcpSeq.before(TcpSkbCb.seq(skb), tp.sndUna)) {
            if (TcpSeq.before(TcpSkbCb.endSeq(skb), tp.sndUna)) {
                return -Errno.EINVAL;
            }
            if (TcpFragment.tcpTrimHead(cpu, tp, skb, tp.sndUna - TcpSkbCb.seq(skb)) != 0) {
                return -Errno.ENOMEM;
            }
        }
        return 0;
    }

    /** Splits what is too long, joins what is too short. */
    private static int fit(Cpu cpu, TcpSock tp, SkBuff skb, int segs, int mss, int avail) {
        int len = mss * segs;
        if (len > avail) {
            len = avail - avail % mss;
            if (len == 0) {
                len = avail;
            }
        }
        if (skb.len > len) {
            return TcpFragment.tcpFragment(cpu, tp, true, skb, len, mss) != 0 ? -Errno.ENOMEM : 0;
        }
        if (skb.uncloneKeepTruesize(cpu) != 0) {
            return -Errno.ENOMEM;
        }
        int before = TcpSkbCb.pcount(skb);
        int diff = before - TcpFragment.setSkbTsoSegs(skb, mss);
        if (diff != 0) {
            TcpFragment.adjustPcount(tp, skb, diff);
        }
        int room = Math.min(avail, mss);
        if (skb.len < room) {
            TcpFragment.retransTryCollapse(cpu, tp, skb, room);
        }
        return 0;
    }

    private static int sendAgain(Cpu cpu, TcpSock tp, SkBuff skb) {
        int count = TcpSkbCb.pcount(skb);
        tp.tcpNet.add(cpu, TcpMib.RETRANSSEGS, count);
        if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) != 0) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPSYNRETRANS);
        }
        tp.totalRetrans += count;
        tp.bytesRetrans += skb.len;
        int err = TcpTransmit.tcpTransmitSkb(cpu, tp, skb, true);
        if (cpu.tracing) {
            TcpTrace.retransmitSkb(cpu, tp, skb, err);
        }
        if (err != 0 && err != -Errno.EBUSY) {
            tp.tcpNet.add(cpu, LinuxMib.TCPRETRANSFAIL, count);
        }
        TcpSkbCb.orSacked(skb, TCPCB_EVER_RETRANS); // even if it failed: no round trip may be measured by it
        return err;
    }

    /**
     * Sends a segment again and marks it.
     *
     * <p>Linux: tcp_retransmit_skb(), net/ipv4/tcp_output.c
     */
    public static int tcpRetransmitSkb(Cpu cpu, TcpSock tp, SkBuff skb, int segs) {
        PathTrace.hit(cpu, skb, Landmark.TCP_RETRANSMIT_SKB);
        int err = tcpRetransmitSkbUnmarked(cpu, tp, skb, segs);
        if (err == 0) {
            TcpSkbCb.orSacked(skb, TCPCB_RETRANS);
            tp.retransOut += TcpSkbCb.pcount(skb);
        }
        if (tp.retransStamp == 0) {
            tp.retransStamp = TcpSkbCb.timestampTs(tp.tcpUsecTs, skb);
            tp.retransStampUna = tp.sndUna;
        }
        if (tp.undoRetrans < 0) {
            tp.undoRetrans = 0;
        }
        tp.undoRetrans += TcpSkbCb.pcount(skb);
        return err;
    }

    /**
     * Sends as many of the segments marked lost as windows, pacing and the small queue admit.
     *
     * <p>Linux: tcp_xmit_retransmit_queue(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static void tcpXmitRetransmitQueue(Cpu cpu, TcpSock tp) {
        if (tp.packetsOut == 0) {
            return;
        }
        SkBuff head = tp.rtxQueueHead();
        SkBuff skb = tp.retransmitSkbHint != null ? tp.retransmitSkbHint : head;
        SkBuff hole = null;
        boolean rearm = false;
        int maxSegs = TcpSendTests.tsoSegs(tp, TcpMss.tcpCurrentMss(cpu, tp));
        for (; skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            if (TcpSendTests.pacingCheck(cpu, tp)) {
                break;
            }
            if (hole == null) {
                tp.retransmitSkbHint = skb;
            }
            int segs = Math.min(tp.sndCwnd - tp.packetsInFlight(), maxSegs);
            if (segs <= 0 || tp.retransOut >= tp.lostOut) {
                break;
            }
            int sacked = TcpSkbCb.sacked(skb);
            if ((sacked & TCPCB_LOST) == 0) {
                if (hole == null && (sacked & (TCPCB_SACKED_RETRANS | TCPCB_SACKED_ACKED)) == 0) {
                    hole = skb;
                }
                continue;
            }
            if ((sacked & (TCPCB_SACKED_ACKED | TCPCB_SACKED_RETRANS)) != 0) {
                continue;
            }
            if (TcpSendTests.smallQueueCheck(tp, skb, 1) || tcpRetransmitSkb(cpu, tp, skb, segs) != 0) {
                break;
            }
            countRetransmit(cpu, tp, skb);
            if (skb == head && tp.icskPending != ICSK_TIME_REO_TIMEOUT) {
                rearm = true;
            }
        }
        if (rearm) {
            TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, tp.icskRto, true);
        }
    }

    private static void countRetransmit(Cpu cpu, TcpSock tp, SkBuff skb) {
        int count = TcpSkbCb.pcount(skb);
        tp.tcpNet.add(
                cpu,
                tp.icskCaState == TcpConst.TCP_CA_LOSS ? LinuxMib.TCPSLOWSTARTRETRANS : LinuxMib.TCPFASTRETRANS,
                count);
        if (tp.inCwndReduction()) {
            tp.prrOut += count;
        }
    }
}
