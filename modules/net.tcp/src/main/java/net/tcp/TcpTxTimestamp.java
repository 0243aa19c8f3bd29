package net.tcp;

import java.nio.ByteBuffer;
import java.util.Arrays;
import net.core.Cpu;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.SockConst;
import net.core.sock.SockTimestamp;
import net.ipv4.IpHdr;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Transmit time stamps of a stream (SO_TIMESTAMPING): a send asks for those of its last byte. The request travels with
 * the segment that has this byte, through splits and joins; the stamp is taken when the segment is queued, handed to the
 * device, or acknowledged.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_tx_timestamp(), net/ipv4/tcp.c; tcp_fragment_tstamp(), tcp_skb_collapse_tstamp(),
 * net/ipv4/tcp_output.c; tcp_ack_tstamp(), net/ipv4/tcp_input.c
 */
final class TcpTxTimestamp {
    private static final int RECORD_MASK = SockConst.SOF_TIMESTAMPING_TX_HARDWARE
            | SockConst.SOF_TIMESTAMPING_TX_SOFTWARE
            | SockConst.SOF_TIMESTAMPING_TX_SCHED
            | SockConst.SOF_TIMESTAMPING_TX_ACK
            | SockConst.SOF_TIMESTAMPING_TX_COMPLETION;
    private static final int ANY_TSTAMP = SkbSharedInfo.SKBTX_HW_TSTAMP
            | SkbSharedInfo.SKBTX_SW_TSTAMP
            | SkbSharedInfo.SKBTX_SCHED_TSTAMP
            | SkbSharedInfo.SKBTX_COMPLETION_TSTAMP;

    private TcpTxTimestamp() {}

    /** The bits in force for a send: the socket's, or those of a control message; -EINVAL for what none may ask. */
    static int flags(TcpSock tp, Msghdr msg) {
        Cmsg c = msg.control == null ? null : msg.cmsg(SockConst.SOL_SOCKET, SockConst.SO_TIMESTAMPING);
        if (c == null) {
            return tp.tsflags;
        }
        int asked = (int) c.value;
        return (asked & ~RECORD_MASK) != 0 ? -Errno.EINVAL : tp.tsflags & ~RECORD_MASK | asked;
    }

    /** Asks for stamps of the last byte queued. Linux: tcp_tx_timestamp(). */
    static void request(TcpSock tp, int tsflags) {
        SkBuff skb = TcpQueues.writeQueueTail(tp);
        if (skb == null) {
            skb = tp.rtxQueueTail();
        }
        if (skb == null) {
            return;
        }
        SkbSharedInfo shinfo = skb.shinfo();
        shinfo.txFlags |= SockTimestamp.txFlags(tsflags);
        if ((tsflags & SockConst.SOF_TIMESTAMPING_TX_ACK) != 0) {
            TcpSkbCb.txstampAck(skb, true);
        }
        if ((tsflags & RECORD_MASK) != 0) {
            shinfo.tskey = TcpSkbCb.seq(skb) + skb.len - 1;
        }
    }

    /** Linux: tcp_has_tx_tstamp(). */
    @HotPath
    static boolean isAsked(SkBuff skb) {
        return TcpSkbCb.txstampAck(skb) || (skb.shinfo().txFlags & ANY_TSTAMP) != 0;
    }

    /** A segment was split: the request goes with its byte. Linux: tcp_fragment_tstamp(). */
    @HotPath
    static void split(SkBuff skb, SkBuff rest) {
        if (!isAsked(skb)) {
            return;
        }
        SkbSharedInfo a = skb.shinfo();
        if (TcpSeq.before(a.tskey, TcpSkbCb.seq(rest))) {
            return;
        }
        SkbSharedInfo b = rest.shinfo();
        int flags = a.txFlags & ANY_TSTAMP;
        a.txFlags &= ~flags;
        b.txFlags |= flags;
        int key = a.tskey;
        a.tskey = b.tskey;
        b.tskey = key;
        TcpSkbCb.txstampAck(rest, TcpSkbCb.txstampAck(skb));
        TcpSkbCb.txstampAck(skb, false);
    }

    /** Two segments become one: the later request wins. Linux: tcp_skb_collapse_tstamp(). */
    @HotPath
    static void join(SkBuff skb, SkBuff next) {
        if (isAsked(next)) {
            SkbSharedInfo a = skb.shinfo();
            SkbSharedInfo b = next.shinfo();
            a.txFlags |= b.txFlags & ANY_TSTAMP;
            a.tskey = b.tskey;
            TcpSkbCb.txstampAck(skb, TcpSkbCb.txstampAck(skb) || TcpSkbCb.txstampAck(next));
        }
    }

    /** A segment is acknowledged, at least in part: if the byte asked about is, reports it. Linux: tcp_ack_tstamp(). */
    @HotPath
    static void acked(Cpu cpu, TcpSock tp, SkBuff skb, SkBuff ackSkb, int priorSndUna) {
        if (!TcpSkbCb.txstampAck(skb)) {
            return;
        }
        int key = skb.shinfo().tskey;
        if (!TcpSeq.before(key, priorSndUna) && TcpSeq.before(key, tp.sndUna)) {
            SockTimestamp.skbTstampTx(cpu, skb, ackSkb, tp, SockTimestamp.SCM_TSTAMP_ACK, 0);
        }
    }

    /** Only the segment that has the byte asked about reports it. Linux: tcp_gso_tstamp(), net/ipv4/tcp_offload.c */
    static void segmented(SkBuff whole, SkBuff segs, int firstSeq, int mss) {
        SkbSharedInfo from = whole.shinfo();
        if ((from.txFlags & (SkbSharedInfo.SKBTX_SW_TSTAMP | SkbSharedInfo.SKBTX_SCHED_TSTAMP)) == 0) {
            return;
        }
        int seq = firstSeq;
        for (SkBuff skb = segs; skb != null; skb = skb.next) {
            if (TcpSeq.before(from.tskey, seq + mss)) {
                skb.shinfo().txFlags |= from.txFlags & SkbSharedInfo.SKBTX_SW_TSTAMP;
                skb.shinfo().tskey = from.tskey;
                return;
            }
            seq += mss;
        }
    }

    /**
     * What SOF_TIMESTAMPING_OPT_STATS adds to a stamp: netlink attributes, in the order in which Linux puts them.
     *
     * <p>Linux: tcp_get_timestamping_opt_stats(), net/ipv4/tcp.c
     */
    static byte[] optStats(TcpSock tp, SkBuff orig, @Nullable SkBuff ackSkb) {
        TcpInfo info = new TcpInfo(); // allocates: asked for by a program
        info.read(tp);
        ByteBuffer stats = TcpNla.room();
        TcpNla.BUSY.put(stats, info.busyTime);
        TcpNla.RWND_LIMITED.put(stats, info.rwndLimited);
        TcpNla.SNDBUF_LIMITED.put(stats, info.sndbufLimited);
        TcpNla.DATA_SEGS_OUT.put(stats, tp.dataSegsOut);
        TcpNla.TOTAL_RETRANS.put(stats, tp.totalRetrans);
        TcpNla.PACING_RATE.put(stats, info.pacingRate);
        TcpNla.DELIVERY_RATE.put(stats, info.deliveryRate);
        TcpNla.SND_CWND.put(stats, tp.sndCwnd);
        TcpNla.REORDERING.put(stats, tp.reordering);
        TcpNla.MIN_RTT.put(stats, tp.rttMin.get());
        TcpNla.RECUR_RETRANS.put(stats, tp.icskRetransmits);
        TcpNla.DELIVERY_RATE_APP_LMT.put(stats, tp.rateAppLimited ? 1 : 0);
        TcpNla.SND_SSTHRESH.put(stats, tp.sndSsthresh);
        TcpNla.DELIVERED.put(stats, tp.delivered);
        TcpNla.DELIVERED_CE.put(stats, tp.deliveredCe);
        TcpNla.SNDQ_SIZE.put(stats, tp.writeSeq - tp.sndUna);
        TcpNla.CA_STATE.put(stats, tp.icskCaState);
        TcpNla.BYTES_SENT.put(stats, tp.bytesSent);
        TcpNla.BYTES_RETRANS.put(stats, tp.bytesRetrans);
        TcpNla.DSACK_DUPS.put(stats, tp.dsackDups);
        TcpNla.REORD_SEEN.put(stats, tp.reordSeen);
        TcpNla.SRTT.put(stats, (tp.srttUs >> 3));
        TcpNla.TIMEOUT_REHASH.put(stats, tp.timeoutRehash);
        TcpNla.BYTES_NOTSENT.put(stats, Math.max(0, tp.writeSeq - tp.sndNxt));
        TcpNla.EDT.put(stats, orig.skbMstampNs);
        if (ackSkb != null) {
            TcpNla.TTL.put(stats, IpHdr.ttl(ackSkb.networkAddress()));
        }
        TcpNla.REHASH.put(stats, info.rehash);
        return Arrays.copyOf(stats.array(), stats.position());
    }
}
