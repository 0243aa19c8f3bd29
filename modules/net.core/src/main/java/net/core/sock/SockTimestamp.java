package net.core.sock;

import net.core.Cpu;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * When packets came and went, as SO_TIMESTAMP, SO_TIMESTAMPNS and SO_TIMESTAMPING report it. Stamps are nanoseconds
 * since 1970; the control messages carry them as they are.
 *
 * <p>Linux: __sock_recv_timestamp(), net/socket.c; __skb_tstamp_tx(), net/core/skbuff.c
 */
public final class SockTimestamp {
    // What a transmit stamp marks: ee_info.
    public static final int SCM_TSTAMP_SND = 0;
    public static final int SCM_TSTAMP_SCHED = 1;
    public static final int SCM_TSTAMP_ACK = 2;

    private SockTimestamp() {}

    /** Appends the stamps the program asked for to a received packet. Linux: sock_recv_timestamp() */
    public static void recvTimestamp(Msghdr msg, Sock sk, SkBuff skb) {
        int wants = sk.flags & (SockFlag.RCVTSTAMP | SockFlag.TIMESTAMPING_RX_SOFTWARE);
        long stampNs = skb.tstampNs;
        if (wants == 0 && sk.tsflags == 0) {
            if (sk.flag(SockFlag.TIMESTAMP)) {
                sk.stampNs = stampNs;
            }
            return;
        }
        if (sk.flag(SockFlag.RCVTSTAMP)) {
            if (stampNs == 0) {
                stampNs = sk.kernel().clock().realTimeNs();
            }
            putStamp(msg, sk, stampNs);
        }
        long hwNs = skb.shinfo().hwtstampNs;
        boolean software = (sk.tsflags & SockConst.SOF_TIMESTAMPING_SOFTWARE) != 0 && stampNs != 0;
        boolean hardware = (sk.tsflags & SockConst.SOF_TIMESTAMPING_RAW_HARDWARE) != 0 && hwNs != 0;
        if (software || hardware) {
            int type = sk.flag(SockFlag.TSTAMP_NEW) ? SockConst.SO_TIMESTAMPING_NEW : SockConst.SO_TIMESTAMPING;
            long[] stamps = {software ? stampNs : 0, 0, hardware ? hwNs : 0}; // allocates: only when asked for
            msg.putCmsg(SockConst.SOL_SOCKET, type, stamps[0], stamps[2], stamps);
        }
    }

    /** The stamp of the last byte read from a stream, in the forms the program chose. Linux: tcp_recv_timestamp() */
    public static void recvStream(Msghdr msg, Sock sk, long stampNs) {
        if (sk.flag(SockFlag.RCVTSTAMP)) {
            putStamp(msg, sk, stampNs);
        }
        boolean filtered = (sk.tsflags & SockConst.SOF_TIMESTAMPING_OPT_RX_FILTER) != 0
                && (sk.tsflags & SockConst.SOF_TIMESTAMPING_RX_SOFTWARE) == 0;
        if ((sk.tsflags & SockConst.SOF_TIMESTAMPING_SOFTWARE) != 0 && !filtered) {
            int type = sk.flag(SockFlag.TSTAMP_NEW) ? SockConst.SO_TIMESTAMPING_NEW : SockConst.SO_TIMESTAMPING;
            msg.putCmsg(SockConst.SOL_SOCKET, type, stampNs, 0, new long[] {stampNs, 0, 0}); // allocates: asked for
        }
    }

    /** One receive stamp in the form the program chose; for a stream the stamp of the last byte. */
    public static void putStamp(Msghdr msg, Sock sk, long stampNs) {
        boolean ns = sk.flag(SockFlag.RCVTSTAMPNS);
        int type;
        if (sk.flag(SockFlag.TSTAMP_NEW)) {
            type = ns ? SockConst.SO_TIMESTAMPNS_NEW : SockConst.SO_TIMESTAMP_NEW;
        } else {
            type = ns ? SockConst.SO_TIMESTAMPNS : SockConst.SO_TIMESTAMP;
        }
        msg.putCmsg(SockConst.SOL_SOCKET, type, ns ? stampNs : stampNs / 1_000 * 1_000);
    }

    /** The other control messages of a datagram: drops, mark, priority. Linux: sock_recv_cmsgs() */
    public static void recvCmsgs(Msghdr msg, Sock sk, SkBuff skb) {
        recvTimestamp(msg, sk, skb);
        if (sk.flag(SockFlag.RXQ_OVFL) && sk.drops() != 0) {
            msg.putCmsg(SockConst.SOL_SOCKET, SockConst.SO_RXQ_OVFL, sk.drops());
        }
        if (sk.flag(SockFlag.RCVMARK)) {
            msg.putCmsg(SockConst.SOL_SOCKET, SockConst.SO_MARK, skb.mark);
        }
        if (sk.flag(SockFlag.RCVPRIORITY)) {
            msg.putCmsg(SockConst.SOL_SOCKET, SockConst.SO_PRIORITY, skb.priority);
        }
    }

    /** The requests a send puts on its packets, from SO_TIMESTAMPING bits. Linux: __sock_tx_timestamp() */
    public static int txFlags(int tsflags) {
        int flags = 0;
        if ((tsflags & SockConst.SOF_TIMESTAMPING_TX_HARDWARE) != 0) {
            flags |= SkbSharedInfo.SKBTX_HW_TSTAMP;
        }
        if ((tsflags & SockConst.SOF_TIMESTAMPING_TX_SOFTWARE) != 0) {
            flags |= SkbSharedInfo.SKBTX_SW_TSTAMP;
        }
        if ((tsflags & SockConst.SOF_TIMESTAMPING_TX_SCHED) != 0) {
            flags |= SkbSharedInfo.SKBTX_SCHED_TSTAMP;
        }
        return flags;
    }

    /** A driver took the packet: the software stamp if the sender asked for one. Linux: skb_tx_timestamp() */
    @HotPath
    public static void skbTxTimestamp(Cpu cpu, SkBuff skb) {
        if ((skb.shinfo().txFlags & SkbSharedInfo.SKBTX_SW_TSTAMP) != 0) {
            skbTstampTx(cpu, skb, null, skb.sk instanceof Sock sk ? sk : null, SCM_TSTAMP_SND, 0);
        }
    }

    /** The packet is about to be queued: the stamp of that if asked for. */
    @HotPath
    public static void skbSchedTimestamp(Cpu cpu, SkBuff skb) {
        if ((skb.shinfo().txFlags & SkbSharedInfo.SKBTX_SCHED_TSTAMP) != 0) {
            skbTstampTx(cpu, skb, null, skb.sk instanceof Sock sk ? sk : null, SCM_TSTAMP_SCHED, 0);
        }
    }

    /**
     * Reports that {@code orig} reached a point on its way: a copy (or, with SOF_TIMESTAMPING_OPT_TSONLY, an empty
     * packet) with the stamp goes to the sender's error queue. Linux: __skb_tstamp_tx()
     *
     * @param ack the ACK that acknowledged it, or null
     * @param tstype SCM_TSTAMP_xxx
     * @param stampNs time, or 0 for now
     */
    public static void skbTstampTx(
            Cpu cpu, SkBuff orig, @Nullable SkBuff ack, @Nullable Sock sk, int tstype, long stampNs) {
        if (sk == null) {
            return;
        }
        boolean tsonly = (sk.tsflags & SockConst.SOF_TIMESTAMPING_OPT_TSONLY) != 0;
        SkBuff skb = tsonly ? cpu.allocSkb(0) : orig.clone(cpu);
        if (skb == null) {
            return;
        }
        if (skb.orphanFragsRx(cpu) != 0) {
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return;
        }
        skb.tstampNs = stampNs != 0 ? stampNs : cpu.kernel().clock().realTimeNs();
        SockExtendedErr reason = new SockExtendedErr();
        reason.errno = Errno.ENOMSG;
        reason.origin = SockExtendedErr.SO_EE_ORIGIN_TIMESTAMPING;
        reason.info = tstype;
        if ((sk.tsflags & SockConst.SOF_TIMESTAMPING_OPT_ID) != 0) {
            // A stream's keys are sequence numbers, counted from where the option was set.
            reason.data = orig.shinfo().tskey - (sk.type == SockConst.SOCK_STREAM ? sk.tskey : 0);
        }
        Proto prot = sk.prot;
        if (tsonly && (sk.tsflags & SockConst.SOF_TIMESTAMPING_OPT_STATS) != 0 && prot != null) {
            reason.stats = prot.optStats(sk, orig, ack);
        }
        if (SockErrQueue.queue(cpu, sk, skb, reason) < 0) {
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        }
    }
}
