package net.tcp;

import static net.tcp.TcpConst.ICSK_TIME_LOSS_PROBE;
import static net.tcp.TcpConst.ICSK_TIME_PROBE0;
import static net.tcp.TcpConst.TCP_NAGLE_OFF;
import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;

import net.core.Cpu;
import net.core.sock.TcpStates;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * Segments that ask a question: was the tail lost (TLP, RFC 8985 7), is the window still closed (zero window probe), is
 * the peer alive (keepalive).
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: net/ipv4/tcp_output.c
 */
public final class TcpProbe {
    private TcpProbe() {}

    // ---- tail loss probe

    /**
     * Arms the loss probe in place of the retransmit timer, if the connection may have lost only its tail.
     *
     * @param advancingRto the retransmit timer is about to be restarted from now
     * @return whether it was armed
     * <p>Linux: tcp_schedule_loss_probe(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static boolean tcpScheduleLossProbe(Cpu cpu, TcpSock tp, boolean advancingRto) {
        int early = tp.sysctl.tcpEarlyRetrans;
        if (early != 3 && early != 4
                || tp.packetsOut == 0
                || tp.fastopenRsk != null
                || !tp.isSack()
                || tp.icskCaState != TcpConst.TCP_CA_OPEN && tp.icskCaState != TcpConst.TCP_CA_CWR) {
            return false;
        }
        long timeout;
        if (tp.srttUs != 0) {
            int us = tp.srttUs >> 2;
            us += tp.packetsOut == 1 ? TcpTimer.rtoMinUs(tp) : TcpConst.TCP_TIMEOUT_MIN_US;
            timeout = TcpTimer.usToJiffies(us);
        } else {
            timeout = TcpConst.TCP_TIMEOUT_INIT;
        }
        long rtoDeltaUs = advancingRto ? tp.icskRto * 1000L : TcpTimer.rtoDeltaUs(cpu, tp);
        if (rtoDeltaUs > 0) {
            timeout = Math.min(timeout, TcpTimer.usToJiffies(rtoDeltaUs));
        }
        TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_LOSS_PROBE, timeout, true);
        return true;
    }

    /**
     * Sends a new segment, or the last one again, to draw an ACK that shows whether the tail was lost.
     *
     * <p>Linux: tcp_send_loss_probe(), net/ipv4/tcp_output.c
     */
    public static void tcpSendLossProbe(Cpu cpu, TcpSock tp) {
        if (tp.tlpHighSeq == 0) {
            tp.tlpRetrans = false;
            int outcome = sendProbe(cpu, tp);
            if (outcome < 0) {
                tp.icskPending = 0;
                return;
            }
            if (outcome > 0) {
                tp.tlpHighSeq = tp.sndNxt;
                tp.tcpNet.inc(cpu, LinuxMib.TCPLOSSPROBES);
                tp.icskPending = 0; // so that the timer below starts from now
            }
        }
        TcpInput.tcpRearmRto(cpu, tp);
    }

    /** 1: sent; 0: not now; -1: nothing to send, which must not happen. */
    private static int sendProbe(Cpu cpu, TcpSock tp) {
        int mss = TcpMss.tcpCurrentMss(cpu, tp);
        SkBuff skb = tp.sendHead();
        if (skb != null && TcpSendTests.sndWndTest(tp, skb, mss)) {
            int before = tp.packetsOut;
            TcpOutput.tcpWriteXmit(cpu, tp, mss, TCP_NAGLE_OFF, TcpOutput.PUSH_ONE_PROBE);
            return tp.packetsOut > before ? 1 : 0;
        }
        skb = tp.rtxQueueTail();
        if (skb == null) {
            return -1;
        }
        if (TcpSendTests.stillInHostQueue(cpu, tp, skb)) {
            return 0;
        }
        int segs = TcpSkbCb.pcount(skb);
        if (segs > 1 && skb.len > (segs - 1) * mss) {
            if (TcpFragment.tcpFragment(cpu, tp, true, skb, (segs - 1) * mss, mss) != 0) {
                return 0;
            }
            skb = tp.tcpRtxQueue.next(skb);
        }
        if (skb == null || TcpRetransmit.tcpRetransmitSkbUnmarked(cpu, tp, skb, 1) != 0) {
            return 0;
        }
        tp.tlpRetrans = true;
        return 1;
    }

    // ---- zero window probe and keepalive

    /** A segment with an old sequence number, which the peer must answer. Linux: tcp_xmit_probe_skb(). */
    private static int xmitProbeSkb(Cpu cpu, TcpSock tp, boolean urgent, LinuxMib mib) {
        SkBuff skb = TcpOutput.allocControl(cpu);
        if (skb == null) {
            return -1;
        }
        TcpOutput.initNondataSkb(skb, urgent ? tp.sndUna : tp.sndUna - 1, TCPHDR_ACK);
        tp.tcpNet.inc(cpu, mib);
        return TcpTransmit.tcpTransmitSkb(cpu, tp, skb, false);
    }

    /**
     * Sends whatever the window admits, or a probe.
     *
     * @return 0: sent; &gt; 0: dropped by the host's queue; &lt; 0: failed
     * <p>Linux: tcp_write_wakeup(), net/ipv4/tcp_output.c
     */
    public static int tcpWriteWakeup(Cpu cpu, TcpSock tp, LinuxMib mib) {
        if (tp.state == TcpStates.TCP_CLOSE) {
            return -1;
        }
        SkBuff skb = tp.sendHead();
        if (skb == null || !TcpSeq.before(TcpSkbCb.seq(skb), tp.wndEnd())) {
            if (TcpSeq.between(tp.sndUp, tp.sndUna + 1, tp.sndUna + 0xffff)) {
                xmitProbeSkb(cpu, tp, true, mib);
            }
            return xmitProbeSkb(cpu, tp, false, mib);
        }
        int mss = TcpMss.tcpCurrentMss(cpu, tp);
        int room = tp.wndEnd() - TcpSkbCb.seq(skb);
        if (TcpSeq.before(tp.pushedSeq, TcpSkbCb.endSeq(skb))) {
            tp.pushedSeq = TcpSkbCb.endSeq(skb);
        }
        // The window isn't closed: silly window avoidance held the segment back.
        if (room < TcpSkbCb.endSeq(skb) - TcpSkbCb.seq(skb) || skb.len > mss) {
            TcpSkbCb.orTcpFlags(skb, TCPHDR_PSH);
            if (TcpFragment.tcpFragment(cpu, tp, false, skb, Math.min(room, mss), mss) != 0) {
                return -1;
            }
        } else if (TcpSkbCb.pcount(skb) == 0) {
            TcpFragment.setSkbTsoSegs(skb, mss);
        }
        TcpSkbCb.orTcpFlags(skb, TCPHDR_PSH);
        int err = TcpTransmit.tcpTransmitSkb(cpu, tp, skb, true);
        if (err == 0) {
            TcpOutput.eventNewDataSent(cpu, tp, skb);
        }
        return err;
    }

    /**
     * Probes a closed window and arms the next probe.
     *
     * <p>Linux: tcp_send_probe0(), net/ipv4/tcp_output.c
     */
    static void tcpSendProbe0(Cpu cpu, TcpSock tp) {
        int err = tcpWriteWakeup(cpu, tp, LinuxMib.TCPWINPROBE);
        if (tp.packetsOut != 0 || tp.sendQueue.isEmpty()) {
            tp.icskProbesOut = 0;
            tp.icskBackoff = 0;
            tp.icskProbesTstamp = 0;
            return;
        }
        tp.icskProbesOut++;
        long timeout;
        if (err <= 0) {
            if (tp.icskBackoff < tp.sysctl.tcpRetries2) {
                tp.icskBackoff++;
            }
            timeout = TcpTimer.probe0When(tp, tp.icskRtoMax);
        } else {
            timeout = TcpConst.TCP_RESOURCE_PROBE_INTERVAL;
        }
        timeout = TcpTimer.clampProbe0ToUserTimeout(cpu, tp, timeout);
        TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_PROBE0, timeout, true);
    }

    // ---- path MTU probe

    /**
     * Sends one larger segment to learn whether the path takes it (RFC 4821): 1 sent, 0 wait, -1 nothing to do.
     *
     * <p>Linux: tcp_mtu_probe(), net/ipv4/tcp_output.c
     */
    @HotPath
    static int tcpMtuProbe(Cpu cpu, TcpSock tp) {
        if (!tp.icskMtupEnabled) {
            return -1;
        }
        return TcpMtuProbe.probe(cpu, tp);
    }
}
