package net.tcp;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * TCP's view of a packet's control block.
 *
 * <p>cb0 seq, cb1 endSeq, cb2 ackSeq, cb3 flags (header flags, sacked bits, booleans), cb4 gso segments and size, cb5
 * ipDsfield; sending: cb6 delivered, cb7 deliveredCe, cb8 in flight, cbl0 firstTxMstamp, cbl1 deliveredMstamp, cbl2
 * lost (received: software stamp). cb9 to cb11 stay free: IP keeps its own part of a received packet there (header.h4).
 *
 * <p><b>Context:</b> the socket's lock; of a fresh packet whoever holds it.
 *
 * <p>Linux: struct tcp_skb_cb, include/net/tcp.h
 */
public final class TcpSkbCb {
    /** SACKed. */
    public static final int TCPCB_SACKED_ACKED = 0x01;
    /** Retransmitted and still out. */
    public static final int TCPCB_SACKED_RETRANS = 0x02;
    /** Marked lost. */
    public static final int TCPCB_LOST = 0x04;
    /** All three marks. */
    public static final int TCPCB_TAGBITS = 0x07;
    /** Sent under repair. */
    public static final int TCPCB_REPAIRED = 0x10;
    /** Retransmitted at any time. */
    public static final int TCPCB_EVER_RETRANS = 0x80;
    /** Any retransmission mark. */
    public static final int TCPCB_RETRANS = TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS | TCPCB_REPAIRED;

    /** Header flags for {@link #tcpFlags}. */
    public static final int TCPHDR_FIN = 0x01,
            TCPHDR_SYN = 0x02,
            TCPHDR_RST = 0x04,
            TCPHDR_PSH = 0x08,
            TCPHDR_ACK = 0x10,
            TCPHDR_URG = 0x20,
            TCPHDR_ECE = 0x40,
            TCPHDR_CWR = 0x80,
            TCPHDR_AE = 0x100;

    /** Flags of a SYN that offers ECN. */
    public static final int TCPHDR_SYN_ECN = TCPHDR_SYN | TCPHDR_ECE | TCPHDR_CWR;

    private static final int FLAGS_MASK = 0xfff;
    private static final int SACKED_SHIFT = 12;
    private static final int SACKED_MASK = 0xff << SACKED_SHIFT;
    private static final int TXSTAMP_ACK = 1 << 20;
    private static final int EOR = 1 << 21;
    private static final int HAS_RXTSTAMP = 1 << 22;
    private static final int APP_LIMITED = 1 << 23;

    private TcpSkbCb() {}

    /** Clears everything, for a packet that enters TCP. */
    @HotPath
    public static void init(SkBuff skb) {
        skb.cb0 = 0;
        skb.cb1 = 0;
        skb.cb2 = 0;
        skb.cb3 = 0;
        skb.cb4 = 0;
        skb.cb5 = 0;
        skb.cb6 = 0;
        skb.cb7 = 0;
        skb.cb8 = 0;
        skb.cbl0 = 0;
        skb.cbl1 = 0;
        skb.cbl2 = 0;
    }

    /** Starting sequence number. */
    public static int seq(SkBuff skb) {
        return skb.cb0;
    }

    public static void seq(SkBuff skb, int seq) {
        skb.cb0 = seq;
    }

    /** seq + SYN + data + FIN. */
    public static int endSeq(SkBuff skb) {
        return skb.cb1;
    }

    public static void endSeq(SkBuff skb, int seq) {
        skb.cb1 = seq;
    }

    /** Sequence number acknowledged. */
    public static int ackSeq(SkBuff skb) {
        return skb.cb2;
    }

    public static void ackSeq(SkBuff skb, int seq) {
        skb.cb2 = seq;
    }

    /** Header flags, {@code TCPHDR_*}. */
    public static int tcpFlags(SkBuff skb) {
        return skb.cb3 & FLAGS_MASK;
    }

    public static void tcpFlags(SkBuff skb, int flags) {
        skb.cb3 = skb.cb3 & ~FLAGS_MASK | flags & FLAGS_MASK;
    }

    public static void orTcpFlags(SkBuff skb, int flags) {
        skb.cb3 |= flags & FLAGS_MASK;
    }

    public static void clearTcpFlags(SkBuff skb, int flags) {
        skb.cb3 &= ~(flags & FLAGS_MASK);
    }

    /** SACK and retransmission marks, {@code TCPCB_*}. */
    public static int sacked(SkBuff skb) {
        return (skb.cb3 & SACKED_MASK) >>> SACKED_SHIFT;
    }

    public static void sacked(SkBuff skb, int marks) {
        skb.cb3 = skb.cb3 & ~SACKED_MASK | marks << SACKED_SHIFT & SACKED_MASK;
    }

    public static void orSacked(SkBuff skb, int marks) {
        skb.cb3 |= marks << SACKED_SHIFT & SACKED_MASK;
    }

    public static void clearSacked(SkBuff skb, int marks) {
        skb.cb3 &= ~(marks << SACKED_SHIFT & SACKED_MASK);
    }

    /** A time stamp is to be reported when this is acknowledged. */
    public static boolean txstampAck(SkBuff skb) {
        return (skb.cb3 & TXSTAMP_ACK) != 0;
    }

    public static void txstampAck(SkBuff skb, boolean on) {
        skb.cb3 = on ? skb.cb3 | TXSTAMP_ACK : skb.cb3 & ~TXSTAMP_ACK;
    }

    /** MSG_EOR ended here: nothing may be appended. */
    public static boolean eor(SkBuff skb) {
        return (skb.cb3 & EOR) != 0;
    }

    public static void eor(SkBuff skb, boolean on) {
        skb.cb3 = on ? skb.cb3 | EOR : skb.cb3 & ~EOR;
    }

    /** A receive time stamp is there. */
    public static boolean hasRxtstamp(SkBuff skb) {
        return (skb.cb3 & HAS_RXTSTAMP) != 0;
    }

    public static void hasRxtstamp(SkBuff skb, boolean on) {
        skb.cb3 = on ? skb.cb3 | HAS_RXTSTAMP : skb.cb3 & ~HAS_RXTSTAMP;
    }

    /** The window was not full when this was sent. */
    public static boolean isAppLimited(SkBuff skb) {
        return (skb.cb3 & APP_LIMITED) != 0;
    }

    public static void isAppLimited(SkBuff skb, boolean on) {
        skb.cb3 = on ? skb.cb3 | APP_LIMITED : skb.cb3 & ~APP_LIMITED;
    }

    /** Number of segments this stands for; 0 until set. Linux: tcp_skb_pcount(). */
    public static int pcount(SkBuff skb) {
        return skb.cb4 & 0xffff;
    }

    public static void pcount(SkBuff skb, int segs) {
        skb.cb4 = skb.cb4 & ~0xffff | segs & 0xffff;
    }

    /** Adds segments. Linux: tcp_skb_pcount_add(). */
    public static void pcountAdd(SkBuff skb, int segs) {
        pcount(skb, pcount(skb) + segs);
    }

    /** Bytes of each segment; 0 for a packet of one. Linux: tcp_gso_size. */
    public static int gsoSize(SkBuff skb) {
        return skb.cb4 >>> 16;
    }

    public static void gsoSize(SkBuff skb, int bytes) {
        skb.cb4 = skb.cb4 & 0xffff | bytes << 16;
    }

    /** MSS of a packet of the queues. Linux: tcp_skb_mss(). */
    public static int mss(SkBuff skb) {
        return gsoSize(skb);
    }

    /** The IP header's DS field, received. */
    public static int ipDsfield(SkBuff skb) {
        return skb.cb5;
    }

    public static void ipDsfield(SkBuff skb, int ds) {
        skb.cb5 = ds;
    }

    /** Sent: delivered count at the time of sending (Linux: tx.delivered). */
    public static int txDelivered(SkBuff skb) {
        return skb.cb6;
    }

    public static void txDelivered(SkBuff skb, int segs) {
        skb.cb6 = segs;
    }

    /** Sent: delivered with CE at the time of sending. */
    public static int txDeliveredCe(SkBuff skb) {
        return skb.cb7;
    }

    public static void txDeliveredCe(SkBuff skb, int segs) {
        skb.cb7 = segs;
    }

    /** Sent: segments in flight at the time of sending. */
    public static int txInFlight(SkBuff skb) {
        return skb.cb8;
    }

    public static void txInFlight(SkBuff skb, int segs) {
        skb.cb8 = segs;
    }

    /** Sent: lost count at the time of sending. */
    public static int txLost(SkBuff skb) {
        return (int) skb.cbl2;
    }

    public static void txLost(SkBuff skb, int segs) {
        skb.cbl2 = segs;
    }

    /** Sent: start of the window's send phase, microseconds. */
    public static long firstTxMstamp(SkBuff skb) {
        return skb.cbl0;
    }

    public static void firstTxMstamp(SkBuff skb, long us) {
        skb.cbl0 = us;
    }

    /** Sent: when the delivered count was reached, microseconds. */
    public static long deliveredMstamp(SkBuff skb) {
        return skb.cbl1;
    }

    public static void deliveredMstamp(SkBuff skb, long us) {
        skb.cbl1 = us;
    }

    /** Received: software time stamp kept while {@code tstampNs} is reused. */
    public static long swtstamp(SkBuff skb) {
        return skb.cbl2;
    }

    public static void swtstamp(SkBuff skb, long ns) {
        skb.cbl2 = ns;
    }

    /** Copies the control block, for a clone or a split. */
    @HotPath
    public static void copy(SkBuff to, SkBuff from) {
        to.cb0 = from.cb0;
        to.cb1 = from.cb1;
        to.cb2 = from.cb2;
        to.cb3 = from.cb3;
        to.cb4 = from.cb4;
        to.cb5 = from.cb5;
        to.cb6 = from.cb6;
        to.cb7 = from.cb7;
        to.cb8 = from.cb8;
        to.cbl0 = from.cbl0;
        to.cbl1 = from.cbl1;
        to.cbl2 = from.cbl2;
    }

    /** When this last went to the wire, microseconds. Linux: tcp_skb_timestamp_us(). */
    public static long timestampUs(SkBuff skb) {
        return skb.skbMstampNs / 1000;
    }

    /** The same as a time stamp of the option. Linux: tcp_skb_timestamp_ts(). */
    public static int timestampTs(boolean usec, SkBuff skb) {
        return (int) (usec ? skb.skbMstampNs / 1000 : skb.skbMstampNs / 1_000_000);
    }
}
