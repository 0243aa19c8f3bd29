package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_FIN;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;

import net.core.Cpu;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Searches the path's MTU from inside the connection, for paths that swallow ICMP (RFC 4821).
 *
 * <p><b>Context:</b> socket lock, CPU word.
 *
 * <p>Linux: tcp_mtu_probe(), net/ipv4/tcp_output.c
 */
final class TcpMtuProbe {
    private TcpMtuProbe() {}

    /** 1: a probe was sent; 0: wait for more data; -1: no probe now. */
    static int probe(Cpu cpu, TcpSock tp) {
        if (tp.icskMtupProbeSize != 0
                || tp.icskCaState != TcpConst.TCP_CA_OPEN
                || tp.sndCwnd < 11
                || tp.rxOpt.numSacks != 0
                || tp.rxOpt.dsack) {
            return -1;
        }
        TcpMss.tcpCurrentMss(cpu, tp);
        int probeSize = TcpMss.mtuToMss(tp, tp.icskMtupSearchHigh + tp.icskMtupSearchLow >> 1);
        int needed = probeSize + (tp.reordering + 1) * tp.mssCache;
        int interval = tp.icskMtupSearchHigh - tp.icskMtupSearchLow;
        if (probeSize > TcpMss.mtuToMss(tp, tp.icskMtupSearchHigh) || interval < tp.sysctl.tcpProbeThreshold) {
            checkReprobe(cpu, tp);
            return -1;
        }
        if (tp.writeSeq - tp.sndNxt < needed || tp.sndWnd < needed) {
            return -1;
        }
        if (TcpSeq.after(tp.sndNxt + needed, tp.wndEnd())) {
            return 0;
        }
        if (tp.packetsInFlight() + 2 > tp.sndCwnd) {
            return tp.packetsInFlight() == 0 ? -1 : 0;
        }
        if (!canCoalesce(tp, probeSize)) {
            return -1;
        }
        return send(cpu, tp, probeSize);
    }

    /** Linux: tcp_mtu_check_reprobe(). */
    private static void checkReprobe(Cpu cpu, TcpSock tp) {
        long elapsed = cpu.jiffies() - tp.icskMtupProbeTimestamp;
        if (elapsed >= (long) tp.sysctl.tcpProbeInterval * TcpConst.HZ) {
            int mss = TcpMss.tcpCurrentMss(cpu, tp);
            tp.icskMtupProbeSize = 0;
            tp.icskMtupSearchHigh = tp.rxOpt.mssClamp + TcpHdr.LENGTH + Tcp.afOps(tp).netHeaderLen;
            tp.icskMtupSearchLow = TcpMss.mssToMtu(tp, mss);
            tp.icskMtupProbeTimestamp = cpu.jiffies();
        }
    }

    /** Linux: tcp_can_coalesce_send_queue_head(). */
    private static boolean canCoalesce(TcpSock tp, int len) {
        int left = len;
        SkBuff skb = tp.sendHead();
        while (skb != null && left > 0) {
            SkBuff next = TcpQueues.isLast(tp, skb) ? null : skb.next;
            left -= skb.len;
            if (skb.zcopy() != null
                    || TcpTxTimestamp.isAsked(skb)) { // the probe would keep a program's memory without telling
                return false;
            }
            if (left > 0 && (next == null || !TcpQueues.canCollapse(skb, next))) {
                return left <= 0;
            }
            skb = next;
        }
        return left <= 0;
    }

    private static int send(Cpu cpu, TcpSock tp, int probeSize) {
        SkBuff probe = TcpQueues.streamAllocSkb(cpu, tp, false);
        if (probe == null) {
            return -1;
        }
        if (!cloneData(tp, probe, probeSize)) {
            probe.consume(cpu);
            return -1;
        }
        TcpQueues.charge(tp, probe);
        SkBuff head = tp.sendHead();
        if (head == null) {
            throw new IllegalStateException("no data to probe with");
        }
        TcpSkbCb.seq(probe, TcpSkbCb.seq(head));
        TcpSkbCb.endSeq(probe, TcpSkbCb.seq(head) + probeSize);
        TcpSkbCb.tcpFlags(probe, TcpSkbCb.TCPHDR_ACK);
        probe.releaseHeader();
        tp.sendQueue.insertBefore(head, probe);
        TcpQueues.highestSackReplace(tp, head, probe);
        eat(cpu, tp, probe, probeSize);
        TcpFragment.setSkbTsoSegs(probe, probe.len);
        if (TcpTransmit.tcpTransmitSkb(cpu, tp, probe, true) != 0) {
            return -1;
        }
        tp.setSndCwnd(tp.sndCwnd - 1); // the probe is one segment that the window didn't foresee
        TcpOutput.eventNewDataSent(cpu, tp, probe);
        tp.icskMtupProbeSize = TcpMss.mssToMtu(tp, probe.len);
        tp.mtuProbeSeqStart = TcpSkbCb.seq(probe);
        tp.mtuProbeSeqEnd = TcpSkbCb.endSeq(probe);
        return 1;
    }

    /** Shares the first fragments of the queue with the probe. Linux: tcp_clone_payload(). */
    private static boolean cloneData(TcpSock tp, SkBuff to, int probeSize) {
        int todo = probeSize;
        SkBuff skb = tp.sendHead();
        while (skb != null && todo > 0) {
            var info = skb.shinfo();
            for (int i = 0; i < info.nrFrags && todo > 0; i++) {
                int n = Math.min(info.fragSize[i], todo);
                var page = info.fragPage(i);
                if (to.canCoalesce(page, info.fragOff[i])) {
                    to.coalesceFrag(n, n);
                } else if (to.shinfo().nrFrags == SkBuff.MAX_SKB_FRAGS) {
                    return false;
                } else {
                    page.get();
                    to.addFrag(page, info.fragOff[i], n, n);
                }
                todo -= n;
            }
            skb = TcpQueues.isLast(tp, skb) ? null : skb.next;
        }
        return todo == 0;
    }

    /** Takes the probe's bytes out of the segments behind it. */
    private static void eat(Cpu cpu, TcpSock tp, SkBuff probe, int probeSize) {
        int len = 0;
        @Nullable SkBuff skb = probe.next;
        while (skb != null && len < probeSize) {
            SkBuff next = TcpQueues.isLast(tp, skb) ? null : skb.next;
            int copy = Math.min(skb.len, probeSize - len);
            if (skb.len <= copy) {
                TcpFragment.eatOneSkb(cpu, tp, probe, skb);
            } else {
                TcpSkbCb.orTcpFlags(probe, TcpSkbCb.tcpFlags(skb) & ~(TCPHDR_FIN | TCPHDR_PSH));
                TcpFragment.tcpTrimHead(cpu, tp, skb, copy);
            }
            len += copy;
            skb = next;
        }
    }
}
