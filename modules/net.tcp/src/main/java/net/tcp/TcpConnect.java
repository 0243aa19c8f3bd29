package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.core.sock.SockFlag;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The segments with a SYN: ours when we connect, the SYN-ACK when we are connected to or both ends connect at once.
 *
 * <p><b>Context:</b> {@link #tcpConnect} in process context with the socket owned and a CPU word; the others in softirq.
 *
 * <p>Linux: tcp_connect(), tcp_make_synack(), net/ipv4/tcp_output.c
 */
public final class TcpConnect {
    private TcpConnect() {}

    /** Everything that the route decides, and a clean slate. Linux: tcp_connect_init(). */
    private static void connectInit(Cpu cpu, TcpSock tp, DstEntry dst) {
        tp.tcpHeaderLen = TcpHdr.LENGTH;
        if (tp.sysctl.tcpTimestamps != 0) {
            tp.tcpHeaderLen += TcpConst.TCPOLEN_TSTAMP_ALIGNED;
        }
        if (tp.rxOpt.userMss != 0) {
            tp.rxOpt.mssClamp = tp.rxOpt.userMss;
        }
        tp.maxWindow = 0;
        TcpMss.mtupInit(cpu, tp);
        TcpMss.tcpSyncMss(tp, dst.mtu());
        TcpCong.dstInit(tp, dst);
        if (tp.windowClamp == 0) {
            tp.windowClamp = dst.metric(DstEntry.RTAX_WINDOW);
        }
        tp.advmss = TcpMss.mssClamp(tp, dst.advmss());
        TcpRcvSpace.tcpInitializeRcvMss(tp);
        int full = TcpWindow.fullSpace(tp);
        if ((tp.userlocks & Sock.SOCK_RCVBUF_LOCK) != 0 && (tp.windowClamp > full || tp.windowClamp == 0)) {
            tp.windowClamp = full;
        }
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        int optionBytes = tp.rxOpt.tsRecentStamp != 0 ? tp.tcpHeaderLen - TcpHdr.LENGTH : 0;
        TcpWindow.selectInitialWindow(
                pcpu,
                tp.tcpNet,
                full,
                tp.advmss - optionBytes,
                tp.windowClamp,
                tp.sysctl.tcpWindowScaling != 0,
                dst.metric(DstEntry.RTAX_INITRWND));
        tp.rcvWnd = pcpu.initRcvWnd;
        tp.windowClamp = pcpu.initWindowClamp;
        tp.rxOpt.rcvWscale = pcpu.initRcvWscale;
        tp.rcvSsthresh = tp.rcvWnd;
        tp.err = 0;
        tp.resetFlag(SockFlag.DONE);
        tp.sndWnd = 0;
        tp.sndWl1 = 0;
        TcpQueues.tcpWriteQueuePurge(cpu, tp);
        tp.sndUna = tp.writeSeq;
        tp.sndSml = tp.writeSeq;
        tp.sndUp = tp.writeSeq;
        tp.sndNxt = tp.writeSeq;
        if (!tp.repair) {
            tp.rcvNxt = 0;
        } else {
            tp.rcvTstamp = (int) cpu.jiffies();
        }
        tp.rcvWup = tp.rcvNxt;
        tp.copiedSeq = tp.rcvNxt;
        tp.icskRto = TcpConst.TCP_TIMEOUT_INIT;
        tp.icskRetransmits = 0;
        TcpClose.clearRetrans(tp);
    }

    /**
     * Sends the SYN and arms its timer. 0 or a negative errno.
     *
     * <p>Linux: tcp_connect(), net/ipv4/tcp_output.c
     */
    static int tcpConnect(Cpu cpu, TcpSock tp) {
        if (Tcp.afOps(tp).rebuildHeader(cpu, tp) != 0) {
            return -Errno.EHOSTUNREACH;
        }
        DstEntry dst = tp.skDstGet();
        if (dst == null) {
            return -Errno.EHOSTUNREACH;
        }
        connectInit(cpu, tp, dst);
        if (tp.repair) {
            TcpHandshake.tcpFinishConnect(cpu, tp, null);
            return 0;
        }
        SkBuff skb = TcpQueues.streamAllocSkb(cpu, tp, true);
        if (skb == null) {
            return -Errno.ENOBUFS;
        }
        TcpOutput.initNondataSkb(skb, tp.writeSeq, TCPHDR_SYN);
        tp.mstampRefresh(cpu.nowNs());
        tp.retransStamp = tp.timeStampTs();
        tp.retransStampUna = tp.sndUna;
        queueSyn(tp, skb);
        TcpEcnOut.sendSyn(tp, skb);
        TcpQueues.rtxInsert(tp, skb);
        TcpFastOpenRequest fo = tp.fastopenReq;
        int err = fo != null
                ? TcpFastOpenClient.sendSynData(cpu, tp, fo, skb)
                : TcpTransmit.tcpTransmitSkb(cpu, tp, skb, true);
        if (err == -Errno.ECONNREFUSED) {
            return err;
        }
        SkBuff unsent = tp.sendHead(); // data that did not get out with the SYN
        tp.sndNxt = unsent == null ? tp.writeSeq : TcpSkbCb.seq(unsent); // only now, or the SYN would not count as sent
        tp.pushedSeq = tp.sndNxt;
        tp.tcpNet.inc(cpu, TcpMib.ACTIVEOPENS);
        TcpTimer.tcpResetXmitTimer(cpu, tp, TcpConst.ICSK_TIME_RETRANS, tp.icskRto, false);
        return 0;
    }

    /** Linux: tcp_connect_queue_skb(). */
    static void queueSyn(TcpSock tp, SkBuff skb) {
        TcpSkbCb.endSeq(skb, TcpSkbCb.endSeq(skb) + skb.len);
        skb.releaseHeader();
        TcpQueues.charge(tp, skb);
        tp.writeSeq = TcpSkbCb.endSeq(skb);
        tp.packetsOut += TcpSkbCb.pcount(skb);
    }

    /** Our SYN crossed the peer's: it goes out again with an ACK. Linux: tcp_send_synack(). */
    static int tcpSendSynack(Cpu cpu, TcpSock tp) {
        SkBuff skb = tp.rtxQueueHead();
        if (skb == null || (TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) == 0) {
            return -Errno.EFAULT;
        }
        if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_ACK) == 0) {
            if (skb.uncloneKeepTruesize(cpu) != 0) {
                return -Errno.ENOMEM;
            }
            TcpSkbCb.orTcpFlags(skb, TCPHDR_ACK);
            TcpEcnOut.sendSynack(tp, skb);
        }
        return TcpTransmit.tcpTransmitSkb(cpu, tp, skb, true);
    }

    /**
     * Builds a SYN-ACK without IP header; null without memory.
     *
     * @param listener or the fast open child
     * @param cookie its sequence number is a SYN cookie
     * @param foc fast open option
     * <p>Linux: tcp_make_synack(), net/ipv4/tcp_output.c
     */
    static @Nullable SkBuff tcpMakeSynack(
            Cpu cpu,
            TcpSock listener,
            DstEntry dst,
            TcpRequestSock req,
            boolean cookie,
            @Nullable TcpFastOpenCookie foc) {
        SkBuff skb = TcpOutput.allocControl(cpu);
        if (skb == null) {
            return null;
        }
        if (!cookie) {
            skb.setOwner(listener, Sock.SOCK_EFREE);
        }
        skb.dst = dst;
        int mss = TcpMss.mssClamp(listener, dst.advmss());
        long now = cpu.nowNs();
        skb.skbMstampNs = now;
        if (cookie && req.tstampOk) {
            int ts = SynCookies.encodeTimestamp(
                    (int) (now / 1_000_000), req.wscaleOk ? req.sndWscale : -1, req.sackOk, req.ecnOk);
            skb.skbMstampNs = Integer.toUnsignedLong(ts) * 1_000_000 + (now / 1_000_000 >>> 32 << 32) * 1_000_000;
        } else if (!cookie && req.sntSynackUs == 0) {
            req.sntSynackUs = now / 1000;
        }
        skb.setHash(req.txhash, true, true);
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        TcpOutOptions options = pcpu.outOptions;
        TcpMd5Key key = TcpMd5.keyFor(listener, req.daddr);
        int headerSize = TcpHdr.LENGTH + options.synackOptions(req, mss, skb, key, foc, listener.sysctl.tcpEcnOption);
        noteTsval(req, skb);
        skb.push(headerSize);
        skb.resetTransportHeader();
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        skb.mark = req.irMark;
        TcpHdr th = pcpu.txTh.wrap(skb);
        th.source(req.num);
        th.dest(req.dport);
        th.seq(req.sntIsn);
        th.ackSeq(req.rcvNxt);
        int ecn = req.ecnOk ? TcpHdr.ECE : 0;
        int flags = TcpHdr.SYN | TcpHdr.ACK | (req.accecnOk ? TcpAccEcn.reflectorFlags(req.synEctRcv) : ecn);
        th.flagWord(headerSize, flags, Math.min(req.rskRcvWnd, 65535));
        th.check(0);
        th.urgPtr(0);
        long at = skb.transportAddress() + TcpHdr.LENGTH;
        options.write(at, headerSize - TcpHdr.LENGTH, null);
        if (key != null) {
            TcpMd5Hash.sign(cpu, key, req.rcvSaddr, req.daddr, skb, at + TcpOutOptions.MD5_AT);
        }
        listener.tcpNet.inc(cpu, TcpMib.OUTSEGS);
        skb.skbMstampNs = now;
        return skb;
    }

    /** By these the ACK's echo is checked. */
    private static void noteTsval(TcpRequestSock req, SkBuff skb) {
        if (req.tstampOk) {
            int tsval = TcpSkbCb.timestampTs(req.usecTs, skb) + req.tsOff;
            if (req.sntTsvalFirst == 0) {
                req.sntTsvalFirst = tsval == 0 ? -1 : tsval;
            }
            req.sntTsvalLast = tsval;
        }
    }
}
