package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;

import net.core.Cpu;
import net.core.sock.Sock;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Builds a segment's header and hands the segment to IP.
 *
 * <p>Steps: stamp (earliest departure), clone if the retransmit queue keeps the original, size the options, push the
 * header, charge the socket, write the header, options and what the device needs for the checksum, account, hand over.
 *
 * <p>Linux: __tcp_transmit_skb(), net/ipv4/tcp_output.c
 */
public final class TcpTransmit {
    /** Truesize of a pure ACK, by which TSQ and its destructor know one. Linux: skb_set_tcp_pure_ack(). */
    static final int PURE_ACK_TRUESIZE = 2;

    private TcpTransmit() {}

    /** {@link #tcpTransmitSkb(Cpu, TcpSock, SkBuff, boolean, int)} that acknowledges all that came. */
    @HotPath
    public static int tcpTransmitSkb(Cpu cpu, TcpSock tp, SkBuff skb, boolean clone) {
        return tcpTransmitSkb(cpu, tp, skb, clone, tp.rcvNxt);
    }

    /**
     * Sends a segment; with {@code clone} the caller keeps it, else it is used up whatever happens.
     *
     * @return 0, a negative errno, or more than 0: dropped by this host's own queue
     * <p>Linux: __tcp_transmit_skb(), net/ipv4/tcp_output.c
     */
    @HotPath
    public static int tcpTransmitSkb(Cpu cpu, TcpSock tp, SkBuff original, boolean clone, int rcvNxt) {
        PathTrace.hit(cpu, original, Landmark.TCP_TRANSMIT_SKB);
        long priorWstamp = tp.tcpWstampNs;
        tp.tcpWstampNs = Math.max(tp.tcpWstampNs, tp.tcpClockCache);
        original.skbMstampNs = tp.tcpWstampNs;
        SkBuff skb = original;
        if (clone) {
            skb = cloneOf(cpu, original);
            if (skb == null) {
                return -Errno.ENOBUFS;
            }
        }
        int headerSize = optionsAndHeaderSize(cpu, tp, skb);
        skb.oooOkay = tp.wmemAlloc() == 0 || tp.tcpRtxQueue.isEmpty();
        skb.pfmemalloc = false;
        skb.push(headerSize);
        skb.resetTransportHeader();
        skb.orphan();
        skb.setOwner(tp, skb.truesize == PURE_ACK_TRUESIZE ? Sock.SOCK_WFREE : TcpTsq.WFREE);
        tp.wmemAllocAdd(skb.truesize);
        skb.dstPendingConfirm = tp.dstPendingConfirm;
        if (tp.dstPendingConfirm) {
            tp.dstPendingConfirm = false;
        }
        int dataLen = skb.len - headerSize;
        buildHeader(cpu, tp, skb, headerSize, rcvNxt);
        account(cpu, tp, skb, dataLen, rcvNxt);
        skb.skbMstampNs += tp.tcpTxDelay * 1000L; // TCP_TX_DELAY: fq holds it that much longer
        int err = Tcp.afOps(tp).queueXmit(cpu, tp, skb);
        if (err > 0) { // dropped by the host's own queue: congestion
            TcpCaMachine.tcpEnterCwr(cpu, tp);
            err = net.core.dev.NetXmit.eval(err);
        }
        if (err == 0 && clone) {
            updateAfterSend(tp, original, priorWstamp);
            TcpRate.skbSent(cpu, tp, original);
        }
        return err;
    }

    private static @Nullable SkBuff cloneOf(Cpu cpu, SkBuff original) {
        // The last clone still travels: its header must stay as it is.
        return original.isClonedData() ? original.pskbCopy(cpu, TcpConst.MAX_TCP_HEADER) : original.clone(cpu);
    }

    private static int optionsAndHeaderSize(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpOutOptions options = TcpPcpu.of(cpu).outOptions;
        if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) != 0) {
            return TcpHdr.LENGTH + options.synOptions(tp, skb);
        }
        if (TcpSkbCb.pcount(skb) > 1) {
            TcpSkbCb.orTcpFlags(skb, TCPHDR_PSH); // lets the receiver's GRO hand the burst up at once
        }
        return TcpHdr.LENGTH + options.establishedOptions(tp, skb);
    }

    private static void buildHeader(Cpu cpu, TcpSock tp, SkBuff skb, int headerSize, int rcvNxt) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        TcpHdr th = pcpu.txTh.wrap(skb);
        int flags = TcpSkbCb.tcpFlags(skb);
        int seq = TcpSkbCb.seq(skb);
        th.source(tp.sport);
        th.dest(tp.dport);
        th.seq(seq);
        th.ackSeq(rcvNxt);
        th.check(0);
        th.urgPtr(0);
        if (tp.sndUp != tp.sndUna && TcpSeq.before(seq, tp.sndUp)) {
            if (TcpSeq.before(tp.sndUp, seq + 0x10000)) {
                th.urgPtr(tp.sndUp - seq);
                flags |= TcpHdr.URG;
            } else if (TcpSeq.after(seq + 0xffff, tp.sndNxt)) {
                th.urgPtr(0xffff);
                flags |= TcpHdr.URG;
            }
        }
        SkbSharedInfo shinfo = skb.shinfo();
        shinfo.gsoType = tp.gsoType;
        int window;
        if ((flags & TCPHDR_SYN) == 0) {
            window = TcpWindow.tcpSelectWindow(cpu, tp);
            flags = TcpEcnOut.send(tp, skb, flags, headerSize);
        } else {
            window = Math.min(tp.rcvWnd, 0xffff); // RFC 7323 2.2: never scaled in a SYN
        }
        th.flagWord(headerSize, flags, window);
        long options = skb.transportAddress() + TcpHdr.LENGTH;
        pcpu.outOptions.write(options, headerSize - TcpHdr.LENGTH, tp);
        TcpMd5Key key = pcpu.outOptions.md5();
        if (key != null) {
            TcpMd5Hash.sign(cpu, key, tp.saddr, tp.daddr, skb, options + TcpOutOptions.MD5_AT);
        }
        shinfo.gsoSegs = TcpSkbCb.pcount(skb);
        shinfo.gsoSize = TcpSkbCb.mss(skb);
        Tcp.afOps(tp).sendCheck(tp, skb);
    }

    private static void account(Cpu cpu, TcpSock tp, SkBuff skb, int dataLen, int rcvNxt) {
        if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_ACK) != 0) {
            eventAckSent(cpu, tp, rcvNxt);
        }
        int segs = TcpSkbCb.pcount(skb);
        if (dataLen != 0) {
            eventDataSent(cpu, tp);
            tp.dataSegsOut += segs;
            tp.bytesSent += dataLen;
        }
        int endSeq = TcpSkbCb.endSeq(skb);
        if (TcpSeq.after(endSeq, tp.sndNxt) || TcpSkbCb.seq(skb) == endSeq) {
            tp.tcpNet.add(cpu, TcpMib.OUTSEGS, segs);
        }
        tp.segsOut += segs;
        if (tp.txHash != 0) {
            skb.setHash(tp.txHash, true, true);
        }
        skb.clearCb();
    }

    /** Linux: tcp_event_ack_sent(). */
    private static void eventAckSent(Cpu cpu, TcpSock tp, int rcvNxt) {
        if (tp.compressedAck != 0) {
            tp.tcpNet.add(cpu, LinuxMib.TCPACKCOMPRESSED, tp.compressedAck);
            tp.compressedAck = 0;
            if (tp.compressedAckTimer != null) {
                tp.compressedAckTimer.cancel();
            }
        }
        if (rcvNxt != tp.rcvNxt) {
            return; // a special ACK of DCTCP
        }
        if (tp.icskAckQuick > 0 && tp.ackScheduled()) { // only an ACK of new data uses one up
            tp.icskAckQuick--;
            if (tp.icskAckQuick == 0) {
                tp.icskAckAto = TcpConst.TCP_ATO_MIN; // leaving quick-ACK mode
            }
        }
        tp.clearXmitTimer(TcpConst.ICSK_TIME_DACK);
    }

    /** Linux: tcp_event_data_sent(). */
    private static void eventDataSent(Cpu cpu, TcpSock tp) {
        int now = (int) cpu.jiffies();
        if (tp.packetsInFlight() == 0) {
            TcpCong.cwndEvent(cpu, tp, TcpConst.CA_EVENT_TX_START);
        }
        tp.lsndtime = now;
        if (Integer.compareUnsigned(now - (int) tp.icskAckLrcvtime, tp.icskAckAto) < 0 && tp.icskAckPingpong < 0xff) {
            tp.icskAckPingpong++; // an answer within the delay: looks like request and response
        }
    }

    /**
     * Notes when the next segment may leave at the pacing rate, and moves this one to the end of the time order.
     *
     * <p>Linux: tcp_update_skb_after_send(), net/ipv4/tcp_output.c
     */
    @HotPath
    static void updateAfterSend(TcpSock tp, SkBuff skb, long priorWstamp) {
        if (tp.pacingStatus != Sock.SK_PACING_NONE) {
            long rate = tp.pacingRate;
            if (rate != Long.MAX_VALUE && rate != 0 && Integer.compareUnsigned(tp.dataSegsOut, 10) >= 0) {
                long lenNs = skb.len * 1_000_000_000L / rate;
                long credit = tp.tcpWstampNs - priorWstamp;
                lenNs -= Math.min(lenNs / 2, credit); // makes up for late timers
                tp.tcpWstampNs += lenNs;
            }
        }
        TcpTsorted.moveTail(tp, skb);
    }
}
