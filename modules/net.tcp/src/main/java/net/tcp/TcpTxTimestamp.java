package net.tcp;

import java.util.LinkedHashMap;
import java.util.Map;
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
     * What SOF_TIMESTAMPING_OPT_STATS adds to a stamp, by the names of the netlink attributes without their prefix.
     *
     * <p>Linux: tcp_get_timestamping_opt_stats(), net/ipv4/tcp.c
     */
    static Map<String, Long> optStats(TcpSock tp, SkBuff orig, @Nullable SkBuff ackSkb) {
        TcpInfo info = new TcpInfo(); // allocates: asked for by a program
        info.read(tp);
        Map<String, Long> stats = new LinkedHashMap<>();
        stats.put("BUSY", info.busyTime);
        stats.put("RWND_LIMITED", info.rwndLimited);
        stats.put("SNDBUF_LIMITED", info.sndbufLimited);
        stats.put("DATA_SEGS_OUT", Integer.toUnsignedLong(tp.dataSegsOut));
        stats.put("TOTAL_RETRANS", Integer.toUnsignedLong(tp.totalRetrans));
        stats.put("PACING_RATE", info.pacingRate);
        stats.put("DELIVERY_RATE", info.deliveryRate);
        stats.put("SND_CWND", (long) tp.sndCwnd);
        stats.put("REORDERING", (long) tp.reordering);
        stats.put("MIN_RTT", Integer.toUnsignedLong(tp.rttMin.get()));
        stats.put("RECUR_RETRANS", (long) tp.icskRetransmits);
        stats.put("DELIVERY_RATE_APP_LMT", tp.rateAppLimited ? 1L : 0L);
        stats.put("SND_SSTHRESH", (long) tp.sndSsthresh);
        stats.put("DELIVERED", Integer.toUnsignedLong(tp.delivered));
        stats.put("DELIVERED_CE", Integer.toUnsignedLong(tp.deliveredCe));
        stats.put("SNDQ_SIZE", Integer.toUnsignedLong(tp.writeSeq - tp.sndUna));
        stats.put("CA_STATE", (long) tp.icskCaState);
        stats.put("BYTES_SENT", tp.bytesSent);
        stats.put("BYTES_RETRANS", tp.bytesRetrans);
        stats.put("DSACK_DUPS", Integer.toUnsignedLong(tp.dsackDups));
        stats.put("REORD_SEEN", Integer.toUnsignedLong(tp.reordSeen));
        stats.put("SRTT", (long) (tp.srttUs >> 3));
        stats.put("TIMEOUT_REHASH", (long) tp.timeoutRehash);
        stats.put("BYTES_NOTSENT", (long) Math.max(0, tp.writeSeq - tp.sndNxt));
        stats.put("EDT", orig.skbMstampNs);
        if (ackSkb != null) {
            stats.put("TTL", (long) IpHdr.ttl(ackSkb.networkAddress()));
        }
        stats.put("REHASH", Integer.toUnsignedLong(info.rehash));
        return stats;
    }
}
