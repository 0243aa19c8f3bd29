package net.tcp;

import static net.tcp.TcpConst.TFO_CLIENT_ENABLE;
import static net.tcp.TcpConst.TFO_CLIENT_NO_COOKIE;
import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_PSH;

import java.util.Objects;
import net.core.Cpu;
import net.core.sock.FileFlags;
import net.core.sock.Msghdr;
import net.core.sock.SockAddr;
import net.core.sock.SockConst;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetStreamOps;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * Fast open, the client's side (RFC 7413): a SYN asks for a cookie, or carries one and data. Cookies are kept by
 * destination in {@link TcpMetrics}; whether middleboxes let such SYNs through is {@link TcpFastOpenBlackhole}'s to find
 * out.
 *
 * <p>SYN and data wait as two segments in the retransmit queue: a lost SYN is sent again without its data, and what the
 * SYN-ACK does not acknowledge of the data goes out right after it.
 *
 * <p><b>Context:</b> {@link #sendmsg} in process context, socket owned; the others with the socket lock and a CPU word.
 *
 * <p>Linux: tcp_sendmsg_fastopen(), net/ipv4/tcp.c; tcp_send_syn_data(), net/ipv4/tcp_output.c; tcp_rcv_fastopen_synack(),
 * net/ipv4/tcp_input.c; net/ipv4/tcp_fastopen.c
 */
final class TcpFastOpenClient {
    /** {@link TcpSock#fastopenClientFail}: no cookie was known. */
    static final int TFO_COOKIE_UNAVAILABLE = 1;
    /** The data was not acknowledged by the SYN-ACK. */
    static final int TFO_DATA_NOT_ACKED = 2;
    /** The SYN had to be sent again. */
    static final int TFO_SYN_RETRANSMITTED = 3;

    private TcpFastOpenClient() {}

    // ---- the program's side

    /**
     * Connects with the first bytes of a send. How many went with the SYN is in {@link TcpSock#fastopenCopied}.
     *
     * @return 0 if the connection is open, -EINPROGRESS, or another negative errno
     * <p>{@code Deviation:} a fault while copying fails the call before anything is sent; Linux sends a SYN all the same.
     * <p>Linux: tcp_sendmsg_fastopen(), net/ipv4/tcp.c
     */
    static int sendmsg(TcpSock tp, Msghdr msg, int size, @Nullable TcpZerocopy zc) {
        tp.fastopenCopied = 0;
        SockAddr to = msg.name;
        if ((tp.sysctl.tcpFastopen & TFO_CLIENT_ENABLE) == 0 || to != null && to.family == SockConst.AF_UNSPEC) {
            return -Errno.EOPNOTSUPP;
        }
        if (tp.fastopenReq != null) {
            return -Errno.EALREADY;
        }
        TcpFastOpenRequest fo = new TcpFastOpenRequest(); // allocates: once per connection
        fo.size = size;
        fo.ubuf = zc;
        UserBuf from = msg.iter;
        if (size > 0 && from != null && (tp.state == TcpStates.TCP_CLOSE || tp.deferConnect)) {
            int err = stage(tp, fo, from);
            if (err < 0) {
                return err;
            }
        }
        tp.fastopenReq = fo;
        if (tp.deferConnect) {
            connectNow(tp);
        }
        Socket socket = Objects.requireNonNull(tp.socket);
        int flags = (msg.flags & SockConst.MSG_DONTWAIT) != 0 ? FileFlags.O_NONBLOCK : 0;
        int err = connect(tp, socket, to, flags, fo);
        if (tp.fastopenReq != null) { // gone if the connect failed: a disconnect
            tp.fastopenCopied = fo.copied;
            tp.fastopenReq = null;
            tp.deferConnect = false;
            if (fo.copied > 0 && from != null) {
                from.advance(fo.copied);
            }
        }
        return err;
    }

    private static int connect(TcpSock tp, Socket socket, @Nullable SockAddr to, int flags, TcpFastOpenRequest fo) {
        // What is left over to send is known only when the SYN has gone: a first call must not sleep.
        int err = InetStreamOps.connectLocked(socket, tp, to, FileFlags.O_NONBLOCK, true, 0);
        if (err == -Errno.EINPROGRESS && flags == 0) {
            long timeo = tp.sndtimeo(false);
            if (timeo == 0) {
                return err;
            }
            err = InetStreamOps.connectLocked(socket, tp, to, 0, true, fo.more ? 1 : 0);
            return err == -Errno.EALREADY ? -Errno.EINPROGRESS : err;
        }
        return err;
    }

    /** A connect waited for data: now the SYN goes. */
    private static void connectNow(TcpSock tp) {
        Cpu cpu = tp.localBhDisable();
        try {
            if (TcpConnect.tcpConnect(cpu, tp) != 0) {
                Tcp.tcpSetState(cpu, tp, TcpStates.TCP_CLOSE);
                tp.dport = 0;
                tp.routeCaps = 0;
            }
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Copies the program's first bytes to the socket's page, and steps back in front of them. */
    private static int stage(TcpSock tp, TcpFastOpenRequest fo, UserBuf from) {
        Cpu cpu = tp.localBhDisable();
        boolean ok = TcpSendmsg.refillPage(cpu, tp, fo.size);
        cpu.localBhEnable();
        Page page = tp.fragPage;
        if (!ok || page == null) {
            return 0; // a SYN without data
        }
        int n = Math.min(fo.size, page.size() - tp.fragOffset);
        int copied = from.copyIn(page.address() + tp.fragOffset, n);
        if (copied < 0) {
            return copied;
        }
        from.revert(n);
        fo.page = page;
        fo.offset = tp.fragOffset;
        fo.staged = n;
        return n;
    }

    /**
     * TCP_FASTOPEN_CONNECT: if the next write can send the SYN with data, connect sends nothing yet; else the SYN asks for
     * a cookie. True if deferred. Linux: tcp_fastopen_defer_connect()
     */
    static boolean deferConnect(Cpu cpu, TcpSock tp) {
        if (!tp.fastopenConnect || tp.fastopenReq != null) {
            return false;
        }
        TcpFastOpenRequest fo = new TcpFastOpenRequest(); // allocates: once per connection
        if (cookieCheck(cpu, tp, fo)) {
            tp.deferConnect = true;
            return true;
        }
        tp.fastopenReq = fo;
        return false;
    }

    /**
     * May the SYN carry data? Sets the request's cookie to what the option is to say.
     *
     * <p>Linux: tcp_fastopen_cookie_check()
     */
    private static boolean cookieCheck(Cpu cpu, TcpSock tp, TcpFastOpenRequest fo) {
        TcpMetricsBlock tm = tp.tcpNet.metrics.lookup(tp.saddr, tp.daddr);
        TcpMetricsBlock.FastOpen known = tm == null ? TcpMetricsBlock.FastOpen.NONE : tm.fastopen;
        if (known.mss() != 0) {
            tp.rxOpt.mssClamp = known.mss();
        }
        if (TcpFastOpenBlackhole.shouldDisable(cpu, tp)) {
            fo.cookie = null;
            return false;
        }
        if (TcpFastOpen.noCookie(tp, tp.skDstGet(), TFO_CLIENT_NO_COOKIE)) {
            fo.cookie = null;
            return true;
        }
        if (known.cookie() != null) {
            fo.cookie = known.cookie();
            return true;
        }
        fo.cookie = TcpFastOpenCookie.request(known.tryExp() == 1);
        tp.fastopenClientFail = TFO_COOKIE_UNAVAILABLE;
        return false;
    }

    // ---- the SYN

    /**
     * Sends the SYN with as much data as fits, or a SYN that asks for a cookie.
     *
     * @param syn the SYN, queued already; sent as it is if there can be no data
     * <p>Linux: tcp_send_syn_data(), net/ipv4/tcp_output.c
     */
    static int sendSynData(Cpu cpu, TcpSock tp, TcpFastOpenRequest fo, SkBuff syn) {
        tp.rxOpt.mssClamp = tp.advmss; // unless one is known
        SkBuff data = cookieCheck(cpu, tp, fo) ? dataSegment(cpu, tp, fo, syn) : null;
        if (data == null) {
            return plainSyn(cpu, tp, fo, syn);
        }
        TcpConnect.queueSyn(tp, data);
        if (data.len != 0) {
            TcpChrono.start(cpu, tp, TcpConst.TCP_CHRONO_BUSY);
        }
        int err = TcpTransmit.tcpTransmitSkb(cpu, tp, data, true);
        syn.skbMstampNs = data.skbMstampNs;
        // What went out as one segment stays as two: the queued SYN, and this one without.
        TcpSkbCb.seq(data, TcpSkbCb.seq(data) + 1);
        TcpSkbCb.tcpFlags(data, TCPHDR_ACK | TCPHDR_PSH);
        if (err != 0) {
            tp.sendQueue.addTail(data);
            tp.packetsOut -= TcpSkbCb.pcount(data);
            return plainSyn(cpu, tp, fo, syn);
        }
        tp.synData = fo.copied > 0;
        TcpQueues.rtxInsert(tp, data);
        tp.tcpNet.inc(cpu, LinuxMib.TCPORIGDATASENT);
        fo.cookie = null; // none on retransmissions
        return 0;
    }

    private static int plainSyn(Cpu cpu, TcpSock tp, TcpFastOpenRequest fo, SkBuff syn) {
        if (fo.cookie != null && fo.cookie.length() > 0) {
            fo.cookie = TcpFastOpenCookie.request(fo.cookie.exp());
        }
        int err = TcpTransmit.tcpTransmitSkb(cpu, tp, syn, true);
        if (err != 0) {
            tp.synFastopen = false;
        }
        fo.cookie = null;
        fo.more = true;
        return err;
    }

    /** The segment of SYN and data; null without memory. */
    private static @Nullable SkBuff dataSegment(Cpu cpu, TcpSock tp, TcpFastOpenRequest fo, SkBuff syn) {
        tp.rxOpt.mssClamp = TcpMss.mssClamp(tp, tp.rxOpt.mssClamp);
        TcpMss.tcpSyncMss(cpu, tp, tp.icskPmtuCookie);
        // Room for the most options there can be: middleboxes add their own.
        int space = TcpMss.mtuToMssRaw(tp, tp.icskPmtuCookie) - TcpConst.MAX_TCP_OPTION_SPACE;
        Page page = fo.page;
        space = Math.min(space, fo.staged);
        if (fo.size > 0 && (page == null || page != tp.fragPage || fo.offset != tp.fragOffset)) {
            return null;
        }
        SkBuff skb = TcpQueues.streamAllocSkb(cpu, tp, false);
        if (skb == null) {
            return null;
        }
        TcpOutput.initNondataSkb(skb, TcpSkbCb.seq(syn), TcpSkbCb.tcpFlags(syn));
        space = space > 0 ? TcpSendmsg.wmemSchedule(cpu, tp, space) : 0;
        if (page != null && space > 0) {
            page.get();
            skb.addFrag(page, fo.offset, space, space);
            tp.fragOffset = fo.offset + space;
            if (fo.ubuf != null) { // the bytes were copied, and the completion says so
                fo.ubuf.zerocopy = false;
                skb.zcopySet(fo.ubuf);
            }
        } else if (fo.size > 0) {
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return null;
        }
        fo.copied = space;
        fo.more = fo.size > space;
        return skb;
    }

    // ---- the SYN-ACK

    /**
     * What a SYN-ACK says about the cookie and the data of our SYN; true if data had to be sent again, which carries the
     * ACK.
     *
     * <p>Linux: tcp_rcv_fastopen_synack(), net/ipv4/tcp_input.c
     */
    static boolean rcvSynack(Cpu cpu, TcpSock tp, SkBuff synack, @Nullable TcpFastOpenCookie received) {
        SkBuff data = tp.synData ? tp.rtxQueueHead() : null;
        TcpFastOpenCookie cookie = received;
        int mss = tp.rxOpt.mssClamp;
        if (mss == tp.rxOpt.userMss) { // ours: what did the peer say?
            mss = TcpParseOptions.tcpParseMssOption(TcpScratch.of(cpu).hdr.wrap(synack), 0);
        }
        int tryExp = 0;
        boolean synDrop = false;
        if (!tp.synFastopen) {
            cookie = null; // unsolicited
        } else if (tp.totalRetrans != 0) {
            // Neither a cookie nor an ACK of data: presumably only the plain SYN got through.
            synDrop = cookie == null && data != null;
        } else if (cookie == null && !tp.synData) {
            tryExp = tp.synFastopenExp ? 2 : 1; // no answer to this option: next time the other
        }
        tp.tcpNet.metrics.saveFastopen(cpu, tp, mss, cookie, synDrop, tryExp);
        if (data != null) {
            tp.fastopenClientFail = tp.totalRetrans != 0 ? TFO_SYN_RETRANSMITTED : TFO_DATA_NOT_ACKED;
            for (SkBuff skb = data; skb != null; skb = tp.tcpRtxQueue.next(skb)) {
                TcpRack.tcpMarkSkbLost(cpu, tp, skb);
            }
            TcpCaMachine.nonCongestionLossRetransmit(cpu, tp);
            tp.tcpNet.inc(cpu, LinuxMib.TCPFASTOPENACTIVEFAIL);
            return true;
        }
        tp.synDataAcked = tp.synData;
        if (tp.synDataAcked) {
            tp.tcpNet.inc(cpu, LinuxMib.TCPFASTOPENACTIVE);
            if (tp.delivered > 1) { // SYN and data were one segment, and are two in the queue
                tp.delivered--;
            }
        }
        TcpFastOpen.addSkb(cpu, tp, synack);
        return false;
    }

    /** For a fresh start. */
    static void reset(TcpSock tp) {
        tp.fastopenReq = null;
        tp.deferConnect = false;
        tp.fastopenClientFail = 0;
        tp.synData = false;
        tp.synFastopen = false;
        tp.synFastopenExp = false;
        tp.synFastopenCh = false;
        tp.synDataAcked = false;
        tp.synFastopenChild = false;
    }
}
