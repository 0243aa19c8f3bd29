package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_ACK;
import static net.tcp.TcpSkbCb.TCPHDR_RST;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;

import java.util.Objects;
import net.core.Cpu;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.ReqskQueue;
import net.ipv4.inet.RequestSockQueue;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A segment for a connection that is being opened from outside: the last ACK of the handshake makes it a full socket.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word; the listener isn't locked.
 *
 * <p>Linux: tcp_check_req(), net/ipv4/tcp_minisocks.c
 */
final class TcpCheckReq {
    private TcpCheckReq() {}

    /**
     * A segment for a connection that waits for the last ACK of its handshake.
     *
     * @param listener with {@code fastopen} the child that was made of the SYN, its lock held
     * @return the same child with {@code fastopen}; else the new child (its spinlock held), the listener if a reset is due, or null if the segment is dealt with;
     *     {@link TcpPcpu#reqStolen} tells that another CPU made the child
     * <p>Linux: tcp_check_req(), net/ipv4/tcp_minisocks.c
     */
    static @Nullable InetConnectionSock tcpCheckReq(
            Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req, TcpHdr th, boolean fastopen) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        pcpu.reqStolen = false;
        TcpNet net = listener.tcpNet;
        TcpOptionsReceived opt = pcpu.tmpOpt;
        int flags = th.flags() & (TCPHDR_RST | TCPHDR_SYN | TCPHDR_ACK);
        boolean tsecrReject = false;
        boolean pawsReject = false;
        opt.clear();
        if (th.doff() > 5) {
            TcpParseOptions.tcpParseOptions(net.sysctl, skb, th, opt, false);
            if (opt.sawTstamp) {
                opt.tsRecent = req.tsRecent;
                if (opt.rcvTsecr != 0) {
                    tsecrReject = req.tstampOk && !TcpSeq.between(opt.rcvTsecr, req.sntTsvalFirst, req.sntTsvalLast);
                    opt.rcvTsecr -= req.tsOff;
                }
                opt.tsRecentStamp = TcpPaws.seconds(cpu) - (int) (reqskTimeout(req) / TcpConst.HZ);
                pawsReject = TcpPaws.tcpPawsReject(cpu, opt, th.rst());
            }
        }
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        if (seq == req.rcvIsn && flags == TCPHDR_SYN && !pawsReject) {
            synAgain(cpu, net, listener, skb, req, fastopen);
            return null;
        }
        if (!fastopen && (flags & TCPHDR_ACK) != 0 && TcpSkbCb.ackSeq(skb) != req.sntIsn + 1) {
            return listener; // acknowledges what was never sent: reset
        }
        if (pawsReject
                || tsecrReject
                || !TcpMinisocks.inWindow(seq, endSeq, req.rcvNxt, req.rcvNxt + req.synackWindow())) {
            int now = (int) cpu.jiffies();
            if ((flags & TCPHDR_RST) == 0
                    && !TcpMinisocks.oowLimited(
                            cpu, net, skb, LinuxMib.TCPACKSKIPPEDSYNRECV, req.lastOowAckTime, now)) {
                if (!TcpMinisocks.isData(skb)) {
                    req.lastOowAckTime = now;
                }
                req.rskOps.sendAck(cpu, listener, skb, req);
            }
            if (pawsReject) {
                net.inc(cpu, LinuxMib.PAWSESTABREJECTED);
            } else if (tsecrReject) {
                net.inc(cpu, LinuxMib.TSECRREJECTED);
            }
            return null;
        }
        if (seq == req.rcvIsn) {
            flags &= ~TCPHDR_SYN; // the SYN lies before the window
        }
        if ((flags & (TCPHDR_RST | TCPHDR_SYN)) != 0) {
            net.inc(cpu, TcpMib.ATTEMPTFAILS);
            if (fastopen) {
                childReset(cpu, listener, skb, req, flags);
            } else {
                embryonicReset(cpu, net, listener, skb, req, flags);
            }
            return null;
        }
        if ((flags & TCPHDR_ACK) == 0) {
            return null;
        }
        if (req.accecnOk && opt.accecn != 0 && req.sawAccecnOpt < TcpAccEcn.OPT_COUNTER_SEEN) {
            req.sawAccecnOpt = (byte) TcpAccEcnOption.init(skb, opt.accecn);
        }
        if (fastopen) {
            return listener;
        }
        RequestSockQueue queue = Objects.requireNonNull(listener.icskAcceptQueue);
        if (req.numTimeout < queue.deferAccept && endSeq == req.rcvIsn + 1) {
            req.acked = true;
            net.inc(cpu, LinuxMib.TCPDEFERACCEPTDROP);
            return null;
        }
        return makeChild(cpu, net, listener, skb, req, opt);
    }

    private static @Nullable InetConnectionSock makeChild(
            Cpu cpu, TcpNet net, TcpSock listener, SkBuff skb, TcpRequestSock req, TcpOptionsReceived opt) {
        boolean sawTstamp = opt.sawTstamp;
        int tsval = opt.rcvTsval;
        TcpSock child = (TcpSock) Tcp.afOps(listener).synRecvSock(cpu, listener, skb, req, null, req);
        if (child == null) {
            if (net.sysctl.tcpAbortOnOverflow == 0) {
                req.acked = true;
            } else {
                embryonicReset(cpu, net, listener, skb, req, 0);
            }
            return null;
        }
        if (child.ownReq && sawTstamp && !TcpSeq.after(TcpSkbCb.seq(skb), req.rcvNxt)) {
            child.rxOpt.tsRecent = tsval;
        }
        TcpRttEstimator.tcpSynackRttMeas(cpu, child, req);
        TcpPcpu.of(cpu).reqStolen = !child.ownReq;
        return ReqskQueue.completeHashdance(cpu, listener, child, req, child.ownReq);
    }

    /** The SYN came again: so does the SYN-ACK. */
    private static void synAgain(
            Cpu cpu, TcpNet net, TcpSock listener, SkBuff skb, TcpRequestSock req, boolean fastopen) {
        int now = (int) cpu.jiffies();
        if (TcpMinisocks.oowLimited(cpu, net, skb, LinuxMib.TCPACKSKIPPEDSYNRECV, req.lastOowAckTime, now)) {
            return;
        }
        req.lastOowAckTime = now;
        if (ReqskQueue.inetRtxSynAck(cpu, listener, req) == 0 && !fastopen) { // a child's own timer stays
            ReqskQueue.rearm(cpu, req, reqskTimeout(req));
        }
    }

    /** A reset, or a SYN in the window, for a fast open child. */
    private static void childReset(Cpu cpu, TcpSock child, SkBuff skb, TcpRequestSock req, int flags) {
        if ((flags & TCPHDR_RST) == 0) {
            req.rskOps.sendReset(cpu, child, skb, SkbDropReason.TCP_FLAGS);
        } else {
            TcpFastOpen.remove(cpu, child, req, true);
            TcpInput.tcpReset(cpu, child);
        }
    }

    private static void embryonicReset(
            Cpu cpu, TcpNet net, TcpSock listener, SkBuff skb, TcpRequestSock req, int flags) {
        if ((flags & TCPHDR_RST) == 0) {
            req.rskOps.sendReset(cpu, listener, skb, SkbDropReason.TCP_FLAGS);
        }
        boolean unlinked = ReqskQueue.drop(cpu, listener, req);
        if (unlinked) {
            net.inc(cpu, LinuxMib.EMBRYONICRSTS);
        }
        TcpPcpu.of(cpu).reqStolen = !unlinked;
    }

    /** Jiffies until the SYN-ACK goes out again. Linux: tcp_reqsk_timeout(). */
    static long reqskTimeout(TcpRequestSock req) {
        int shift = Math.min(req.numTimeout, 32);
        return Math.min(req.timeout << shift, TcpConst.TCP_RTO_MAX);
    }
}
