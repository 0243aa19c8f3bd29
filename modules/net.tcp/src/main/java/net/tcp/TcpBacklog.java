package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_AE;
import static net.tcp.TcpSkbCb.TCPHDR_CWR;
import static net.tcp.TcpSkbCb.TCPHDR_ECE;
import static net.tcp.TcpSkbCb.TCPHDR_RST;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;
import static net.tcp.TcpSkbCb.TCPHDR_URG;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * The backlog of a socket that a process owns: a segment that continues the last one is joined to it, so that a busy
 * reader finds few large packets instead of many small ones.
 *
 * <p><b>Context:</b> softirq, spinlock held, socket owned by a process.
 *
 * <p>Linux: tcp_add_backlog(), net/ipv4/tcp_ipv4.c
 */
final class TcpBacklog {
    private static final int HEADROOM = 64 * 1024;

    private TcpBacklog() {}

    /** Takes a segment over; or returns why it must be dropped. */
    @HotPath
    static @Nullable SkbDropReason tcpAddBacklog(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        if (TcpV4.checksumBad(skb)) {
            tp.tcpNet.inc(cpu, TcpMib.INCSUMERRORS);
            tp.tcpNet.inc(cpu, TcpMib.INERRS);
            return SkbDropReason.TCP_CSUM;
        }
        skb.dst = null;
        SkBuff tail = tp.backlogTail;
        if (tail != null && coalesce(cpu, tp, tail, skb, th)) {
            return null;
        }
        long limit = ((long) tp.rcvbuf << 1) + (tp.sndbuf >> 1) + HEADROOM;
        if (tp.addBacklog(cpu, skb, limit) != 0) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPBACKLOGDROP);
            return SkbDropReason.SOCKET_BACKLOG;
        }
        return null;
    }

    @HotPath
    private static boolean coalesce(Cpu cpu, TcpSock tp, SkBuff tail, SkBuff skb, TcpHdr th) {
        int a = TcpSkbCb.tcpFlags(tail);
        int b = TcpSkbCb.tcpFlags(skb);
        int hdrLen = th.headerLength();
        if (TcpSkbCb.endSeq(tail) != TcpSkbCb.seq(skb)
                || TcpSkbCb.ipDsfield(tail) != TcpSkbCb.ipDsfield(skb)
                || ((a | b) & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_URG)) != 0
                || (a & b & TCPHDR_ACK) == 0
                || ((a ^ b) & (TCPHDR_ECE | TCPHDR_CWR | TCPHDR_AE)) != 0) {
            return false;
        }
        TcpHdr tailTh = TcpPcpu.of(cpu).tailTh.wrap(tail);
        if (tailTh.headerLength() != hdrLen || !sameOptions(tail, skb, hdrLen)) {
            return false;
        }
        skb.pull(hdrLen);
        int gsoSize = sizeOf(skb, 0);
        int gsoSegs = Math.max(1, skb.shinfo().gsoSegs);
        int tailSize = sizeOf(tail, hdrLen);
        int tailSegs = Math.max(1, tail.shinfo().gsoSegs);
        if (!tail.tryCoalesce(skb)) {
            skb.push(hdrLen);
            return false;
        }
        TcpSkbCb.endSeq(tail, TcpSkbCb.endSeq(skb));
        if (!TcpSeq.before(TcpSkbCb.ackSeq(skb), TcpSkbCb.ackSeq(tail))) {
            TcpSkbCb.ackSeq(tail, TcpSkbCb.ackSeq(skb));
            tailTh.window(th.window());
        }
        // Also in the header, or a FIN would slip through header prediction.
        tailTh.flags(tailTh.flags() | b & TcpHdr.FIN);
        TcpSkbCb.orTcpFlags(tail, b);
        if (TcpSkbCb.hasRxtstamp(skb)) {
            TcpSkbCb.hasRxtstamp(tail, true);
            tail.tstampNs = skb.tstampNs;
        }
        SkbSharedInfo info = tail.shinfo();
        info.gsoSize = Math.max(gsoSize, tailSize);
        info.gsoSegs = Math.min(gsoSegs + tailSegs, 0xffff);
        tp.backlogLen += tail.coalesceDelta;
        tp.tcpNet.inc(cpu, LinuxMib.TCPBACKLOGCOALESCE);
        skb.consume(cpu);
        return true;
    }

    private static int sizeOf(SkBuff skb, int hdrLen) {
        int size = skb.shinfo().gsoSize;
        return size != 0 ? size : skb.len - hdrLen;
    }

    private static boolean sameOptions(SkBuff a, SkBuff b, int hdrLen) {
        long pa = a.transportAddress();
        long pb = b.transportAddress();
        for (int i = TcpHdr.LENGTH; i < hdrLen; i += 4) {
            if (UnsafeApi.getInt(pa + i) != UnsafeApi.getInt(pb + i)) {
                return false;
            }
        }
        return true;
    }
}
