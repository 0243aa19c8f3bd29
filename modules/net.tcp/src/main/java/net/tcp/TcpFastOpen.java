package net.tcp;

import static net.tcp.TcpConst.ICSK_TIME_RETRANS;
import static net.tcp.TcpConst.TFO_SERVER_COOKIE_NOT_REQD;
import static net.tcp.TcpConst.TFO_SERVER_ENABLE;
import static net.tcp.TcpConst.TFO_SERVER_WO_SOCKOPT1;

import java.util.Objects;
import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.TcpStates;
import net.ipv4.IpHdr;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.FastopenQueue;
import net.ipv4.inet.RequestSockQueue;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Fast open, the server's side (RFC 7413): a SYN with a good cookie makes a full socket at once, whose data the program
 * can read and answer while the handshake goes on. The child in SYN_RECV retransmits its own SYN-ACK; its request hangs on
 * it ({@link TcpSock#fastopenRsk}) until the handshake is over.
 *
 * <p>The client's side is {@link TcpFastOpenClient}.
 *
 * <p><b>Context:</b> softirq, CPU word; of a child its spinlock or owner.
 *
 * <p>Linux: net/ipv4/tcp_fastopen.c
 */
final class TcpFastOpen {
    private TcpFastOpen() {}

    // ---- settings

    /** Listeners accept fast opens without asking for it, if the sysctl says so. Linux: __inet_listen_sk(). */
    static void listening(TcpSock tp, int backlog) {
        int setting = tp.sysctl.tcpFastopen;
        if ((setting & TFO_SERVER_WO_SOCKOPT1) != 0 && (setting & TFO_SERVER_ENABLE) != 0 && queueOf(tp).maxQlen == 0) {
            queueOf(tp).maxQlen = backlog;
            tp.tcpNet.fastopenKeyOnce();
        }
    }

    /** A listener's fast open account, made if it has none yet. */
    static FastopenQueue queueOf(TcpSock tp) {
        RequestSockQueue q = tp.icskAcceptQueue;
        if (q == null) {
            q = new RequestSockQueue();
            tp.icskAcceptQueue = q;
        }
        return q.fastopenq;
    }

    /** The keys in force for a listener; null without any. Linux: tcp_fastopen_get_ctx(). */
    static @Nullable TcpFastOpenContext context(TcpSock listener) {
        Object own = queueOf(listener).ctx;
        return own instanceof TcpFastOpenContext c ? c : listener.tcpNet.fastopenCtx;
    }

    /** No cookie is asked for: by the sysctl's bit, the socket, or the route. Linux: tcp_fastopen_no_cookie(). */
    static boolean noCookie(TcpSock tp, @Nullable DstEntry dst, int flag) {
        return (tp.sysctl.tcpFastopen & flag) != 0
                || tp.fastopenNoCookie
                || dst != null && dst.metric(DstEntry.RTAX_FASTOPEN_NO_COOKIE) != 0;
    }

    // ---- a SYN

    /**
     * Decides whether a SYN opens a connection at once.
     *
     * @param foc the SYN's option; null without one
     * @return the child, its spinlock held; or null. What option the SYN-ACK gets is in {@link TcpPcpu#fastopenReply}.
     *     <p>Linux: tcp_try_fastopen()
     */
    static @Nullable TcpSock tryFastopen(
            Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req, @Nullable TcpFastOpenCookie foc, DstEntry dst) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        pcpu.fastopenReply = null;
        TcpNet net = listener.tcpNet;
        boolean synData = TcpSkbCb.endSeq(skb) != TcpSkbCb.seq(skb) + 1;
        if (foc != null && foc.length() == 0) {
            net.inc(cpu, LinuxMib.TCPFASTOPENCOOKIEREQD);
        }
        if ((listener.sysctl.tcpFastopen & TFO_SERVER_ENABLE) == 0
                || !synData && foc == null
                || !queueCheck(cpu, listener)) {
            return null;
        }
        if (noCookie(listener, dst, TFO_SERVER_COOKIE_NOT_REQD)) {
            return open(cpu, listener, skb, req);
        }
        TcpFastOpenContext ctx = context(listener);
        if (foc == null || ctx == null) {
            return null;
        }
        int peer = IpHdr.saddr(skb.networkAddress());
        int local = IpHdr.daddr(skb.networkAddress());
        TcpFastOpenCookie valid = ctx.cookie(0, peer, local);
        if (foc.length() > 0) {
            int key = matchingKey(ctx, foc, valid, peer, local);
            TcpSock child = null;
            if (key < 0) {
                net.inc(cpu, LinuxMib.TCPFASTOPENPASSIVEFAIL);
            } else {
                child = open(cpu, listener, skb, req);
            }
            if (child != null) {
                if (key != 0) { // the old key's: the client gets the new one's
                    net.inc(cpu, LinuxMib.TCPFASTOPENPASSIVEALTKEY);
                    pcpu.fastopenReply = valid.inOptionOf(foc);
                }
                return child;
            }
        }
        pcpu.fastopenReply = valid.inOptionOf(foc);
        return null;
    }

    /** Which key made this cookie; -1: none of them. Linux: tcp_fastopen_cookie_gen_check(). */
    private static int matchingKey(
            TcpFastOpenContext ctx, TcpFastOpenCookie foc, TcpFastOpenCookie first, int peer, int local) {
        for (int i = 0; i < ctx.count(); i++) {
            if ((i == 0 ? first : ctx.cookie(i, peer, local)).matches(foc)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean queueCheck(Cpu cpu, TcpSock listener) {
        FastopenQueue q = queueOf(listener);
        if (q.maxQlen == 0) {
            return false;
        }
        if (!q.admit(cpu.jiffies())) {
            listener.tcpNet.inc(cpu, LinuxMib.TCPFASTOPENLISTENOVERFLOW);
            return false;
        }
        return true;
    }

    private static @Nullable TcpSock open(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req) {
        TcpSock child = createChild(cpu, listener, skb, req);
        listener.tcpNet.inc(cpu, child != null ? LinuxMib.TCPFASTOPENPASSIVE : LinuxMib.TCPFASTOPENPASSIVEFAIL);
        return child;
    }

    /** Linux: tcp_fastopen_create_child(). */
    private static @Nullable TcpSock createChild(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req) {
        req.numRetrans = 0;
        req.numTimeout = 0;
        TcpSock child = (TcpSock) Tcp.afOps(listener).synRecvSock(cpu, listener, skb, req, null, null);
        if (child == null) {
            return null;
        }
        queueOf(listener).added();
        child.fastopenRsk = req;
        req.tfoListener = true;
        child.sndWnd = TcpPcpu.of(cpu).txTh.wrap(skb).window(); // never scaled in a SYN
        child.maxWindow = child.sndWnd;
        req.timeout = TcpConst.TCP_TIMEOUT_INIT;
        TcpTimer.tcpResetXmitTimer(cpu, child, ICSK_TIME_RETRANS, req.timeout, false);
        child.napiId = skb.napiId;
        TcpHandshake.tcpInitTransfer(cpu, child);
        child.rcvNxt = TcpSkbCb.seq(skb) + 1;
        addSkb(cpu, child, skb);
        req.rcvNxt = child.rcvNxt;
        child.rcvWup = child.rcvNxt;
        child.synFastopenChild = true;
        return child;
    }

    /** The data of a SYN, or of a SYN-ACK, goes to the receive queue; the packet stays the caller's. Linux: tcp_fastopen_add_skb(). */
    static void addSkb(Cpu cpu, TcpSock tp, SkBuff original) {
        if (TcpSkbCb.endSeq(original) == tp.rcvNxt) {
            return;
        }
        SkBuff skb = original.clone(cpu);
        if (skb == null) {
            return;
        }
        TcpDataQueue.tcpCleanupSkb(skb);
        tp.segsIn = 0; // counted here, with its data
        TcpV4.segsIn(tp, skb);
        skb.pull(TcpScratch.of(cpu).hdr.wrap(skb).headerLength());
        TcpRcvMem.forcedSchedule(cpu, tp, skb.truesize);
        tp.setOwnerR(skb);
        TcpSkbCb.seq(skb, TcpSkbCb.seq(skb) + 1);
        TcpSkbCb.clearTcpFlags(skb, TcpSkbCb.TCPHDR_SYN);
        tp.rcvNxt = TcpSkbCb.endSeq(skb);
        tp.receiveQueue.addTail(skb);
        tp.synDataAcked = true;
        tp.bytesReceived = skb.len;
        if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0) {
            TcpInput.tcpFin(cpu, tp);
        }
    }

    // ---- the child until its handshake is over

    /** Data may be sent before the handshake is over. Linux: tcp_passive_fastopen(). */
    static boolean passive(TcpSock tp) {
        return tp.state == TcpStates.TCP_SYN_RECV && tp.fastopenRsk != null;
    }

    /** The child needs its request no longer. Linux: reqsk_fastopen_remove(), net/core/request_sock.c */
    static void remove(Cpu cpu, TcpSock tp, TcpRequestSock req, boolean reset) {
        tp.fastopenRsk = null;
        TcpSock listener = (TcpSock) req.rskListener;
        boolean listening = listener.state == TcpStates.TCP_LISTEN;
        Objects.requireNonNull(listener.icskAcceptQueue).fastopenq.removed(req, reset, listening, cpu.jiffies());
    }

    /** The ACK of the SYN-ACK came. Linux: tcp_rcv_synrecv_state_fastopen(), net/ipv4/tcp_input.c */
    static void established(Cpu cpu, TcpSock tp, TcpRequestSock req) {
        if (tp.icskCaState == TcpConst.TCP_CA_LOSS && tp.packetsOut == 0) {
            TcpUndo.tcpTryUndoRecovery(cpu, tp);
        }
        TcpCaMachine.updateRtoTime(tp);
        tp.icskRetransmits = 0;
        if (!TcpCaMachine.tcpAnyRetransDone(tp)) { // the stamp was the SYN-ACK's
            tp.retransStamp = 0;
        }
        remove(cpu, tp, req, false);
        TcpAck.tcpRearmRto(cpu, tp); // data may be out already
    }

    /** No ACK for the SYN-ACK in time: it goes out again, and only it. Linux: tcp_fastopen_synack_timer(), tcp_timer.c */
    static void synackTimer(Cpu cpu, TcpSock tp, TcpRequestSock req) {
        req.rskOps.synAckTimeout(cpu, req);
        int max =
                tp.icskSynRetries != 0 ? tp.icskSynRetries : Ipv4Net.of(tp.net).sysctlTcpSynackRetries() + 1;
        if (req.numTimeout >= max) {
            TcpGiveUp.writeErr(cpu, tp);
            return;
        }
        if (tp.icskRetransmits == 1) {
            TcpCaMachine.tcpEnterLoss(cpu, tp);
        }
        req.rskOps.rtxSynAck(cpu, tp, req); // an error is no reason to give an accepted connection up
        req.countTimeout();
        TcpTimer.updateRtoStats(tp);
        if (tp.retransStamp == 0) {
            tp.retransStamp = tp.timeStampTs();
        }
        TcpTimer.tcpResetXmitTimer(cpu, tp, ICSK_TIME_RETRANS, TcpCheckReq.reqskTimeout(req), false);
    }
}
