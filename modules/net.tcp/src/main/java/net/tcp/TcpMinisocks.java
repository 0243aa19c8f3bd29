package net.tcp;

import static net.tcp.TcpSkbCb.TCPHDR_SYN;

import java.util.Objects;
import net.core.Cpu;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.InetTimewaitSock;
import net.skbuff.SkBuff;

/**
 * Connections that have no full socket: TIME_WAIT after the end, the request before the beginning, and the step from
 * one to the other.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word.
 *
 * <p>Linux: net/ipv4/tcp_minisocks.c
 */
public final class TcpMinisocks {
    /** What to do about a segment for TIME_WAIT: nothing more. */
    public static final int TCP_TW_SUCCESS = 0;
    /** Answer with a reset. */
    public static final int TCP_TW_RST = 1;
    /** Acknowledge. */
    public static final int TCP_TW_ACK = 2;
    /** A new connection: look for a listener. */
    public static final int TCP_TW_SYN = 3;

    private TcpMinisocks() {}

    // ---- TIME_WAIT

    /**
     * Replaces a connection by its TIME_WAIT remains, for {@code timeo} jiffies in FIN_WAIT2, and ends it.
     *
     * <p>Linux: tcp_time_wait(), net/ipv4/tcp_minisocks.c
     */
    public static void tcpTimeWait(Cpu cpu, TcpSock tp, int state, int timeo) {
        PathTrace.hit(cpu, null, Landmark.TCP_TIME_WAIT);
        if (InetTimewaitSock.reserve(Ipv4Net.of(tp.net))) {
            TcpTimewaitSock tw = TcpTimewaitSock.of(tp, state); // allocates: outlives the socket, found without a lock
            int rto = (tp.icskRto << 2) - (tp.icskRto >> 1);
            int wait = state == TcpStates.TCP_TIME_WAIT ? TcpConst.TCP_TIMEWAIT_LEN : Math.max(timeo, rto);
            tw.hashdanceSchedule(cpu, tp, wait);
        } else {
            tp.tcpNet.inc(cpu, LinuxMib.TCPTIMEWAITOVERFLOW);
        }
        TcpMetrics.update(cpu, tp);
        Tcp.tcpDone(cpu, tp);
    }

    /**
     * Decides about a segment for a TIME_WAIT (or orphaned FIN_WAIT2) connection: one of {@code TCP_TW_*}. For {@link
     * #TCP_TW_SYN} the new initial sequence number is in {@link TcpPcpu#twIsn}.
     *
     * <p>RFC 9293 3.10.7.4, RFC 1122 4.2.2.13, RFC 6191. Linux: tcp_timewait_state_process()
     */
    static int timewaitStateProcess(Cpu cpu, TcpTimewaitSock tw, SkBuff skb, TcpHdr th) {
        TcpNet net = TcpNet.of(tw.net);
        TcpOptionsReceived opt = TcpPcpu.of(cpu).tmpOpt;
        boolean pawsReject = parse(cpu, net, tw, skb, th, opt);
        if (tw.twSubstate == TcpStates.TCP_FIN_WAIT2) {
            return finWait2(cpu, net, tw, skb, th, opt, pawsReject);
        }
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        if (!pawsReject && seq == tw.twRcvNxt && (seq == endSeq || th.rst())) {
            if (th.rst()) { // assassination, RFC 1337
                if (net.sysctl.tcpRfc1337 == 0) {
                    tw.deschedule(cpu);
                    return TCP_TW_SUCCESS;
                }
            } else {
                tw.reschedule(cpu, TcpConst.TCP_TIMEWAIT_LEN);
            }
            storeTs(cpu, tw, opt);
            return TCP_TW_SUCCESS;
        }
        // A SYN that cannot be a late duplicate opens a new connection.
        boolean newer = TcpSeq.after(seq, tw.twRcvNxt) || opt.sawTstamp && tw.twTsRecent - opt.rcvTsval < 0;
        if (th.syn() && !th.rst() && !th.ack() && !pawsReject && newer) {
            int isn = tw.twSndNxt + 65535 + 2;
            TcpPcpu.of(cpu).twIsn = isn == 0 ? 1 : isn;
            return TCP_TW_SYN;
        }
        if (pawsReject) {
            net.inc(cpu, LinuxMib.PAWS_TW_REJECTED);
        }
        if (th.rst()) {
            return TCP_TW_SUCCESS;
        }
        if (pawsReject || th.ack()) {
            tw.reschedule(cpu, TcpConst.TCP_TIMEWAIT_LEN);
        }
        return checkOowRateLimit(cpu, net, tw, skb, LinuxMib.TCPACKSKIPPEDTIMEWAIT);
    }

    private static boolean parse(
            Cpu cpu, TcpNet net, TcpTimewaitSock tw, SkBuff skb, TcpHdr th, TcpOptionsReceived opt) {
        opt.clear();
        if (th.doff() <= 5 || tw.twTsRecentStamp == 0) {
            return false;
        }
        TcpParseOptions.tcpParseOptions(net.sysctl, skb, th, opt, false);
        if (!opt.sawTstamp) {
            return false;
        }
        if (opt.rcvTsecr != 0) {
            opt.rcvTsecr -= tw.twTsOffset;
        }
        opt.tsRecent = tw.twTsRecent;
        opt.tsRecentStamp = tw.twTsRecentStamp;
        return TcpPaws.tcpPawsReject(cpu, opt, th.rst());
    }

    private static void storeTs(Cpu cpu, TcpTimewaitSock tw, TcpOptionsReceived opt) {
        if (opt.sawTstamp) {
            tw.twTsRecent = opt.rcvTsval;
            tw.twTsRecentStamp = TcpPaws.seconds(cpu);
        }
    }

    /** The orphan waits for the peer's FIN. */
    private static int finWait2(
            Cpu cpu, TcpNet net, TcpTimewaitSock tw, SkBuff skb, TcpHdr th, TcpOptionsReceived opt, boolean paws) {
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        int rcvNxt = tw.twRcvNxt;
        if (paws || !inWindow(seq, endSeq, rcvNxt, rcvNxt + tw.twRcvWnd)) {
            return checkOowRateLimit(cpu, net, tw, skb, LinuxMib.TCPACKSKIPPEDFINWAIT2);
        }
        if (th.rst()) {
            tw.deschedule(cpu);
            return TCP_TW_SUCCESS;
        }
        if (th.syn() && !TcpSeq.before(seq, rcvNxt)) {
            return TCP_TW_RST;
        }
        if (!th.ack() || !TcpSeq.after(endSeq, rcvNxt) || endSeq == seq) {
            return TCP_TW_SUCCESS; // a duplicate ACK
        }
        if (!th.fin() || endSeq != rcvNxt + 1) {
            return TCP_TW_RST; // data that nobody will read
        }
        tw.twSubstate = TcpStates.TCP_TIME_WAIT;
        tw.twEntryStamp = (int) (cpu.nowNs() / 1_000_000);
        tw.twRcvNxt = endSeq;
        storeTs(cpu, tw, opt);
        tw.reschedule(cpu, TcpConst.TCP_TIMEWAIT_LEN);
        return TCP_TW_ACK;
    }

    private static int checkOowRateLimit(Cpu cpu, TcpNet net, TcpTimewaitSock tw, SkBuff skb, LinuxMib mib) {
        int now = (int) cpu.jiffies();
        if (oowLimited(cpu, net, skb, mib, tw.twLastOowAckTime, now)) {
            return TCP_TW_SUCCESS;
        }
        if (!isData(skb)) {
            tw.twLastOowAckTime = now;
        }
        return TCP_TW_ACK;
    }

    /** Data, or a FIN: always answered, and does not count. */
    static boolean isData(SkBuff skb) {
        return TcpSkbCb.seq(skb) != TcpSkbCb.endSeq(skb) && (TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) == 0;
    }

    /** ACKs for segments without data must not become a loop. Linux: tcp_oow_rate_limited(). */
    static boolean oowLimited(Cpu cpu, TcpNet net, SkBuff skb, LinuxMib mib, int last, int now) {
        if (isData(skb) || last == 0) {
            return false;
        }
        int elapsed = now - last;
        if (elapsed >= 0 && elapsed < net.sysctl.tcpInvalidRatelimit) {
            net.inc(cpu, mib);
            return true;
        }
        return false;
    }

    /** Whether a segment lies in a window. Linux: tcp_in_window(). */
    static boolean inWindow(int seq, int endSeq, int sWin, int eWin) {
        if (seq == sWin) {
            return true;
        }
        if (TcpSeq.after(endSeq, sWin) && TcpSeq.before(seq, eWin)) {
            return true;
        }
        return seq == eWin && seq == endSeq;
    }

    /**
     * Whether a port in TIME_WAIT may be used again to connect to the same place; then the new connection starts where
     * the old one ended. Linux: tcp_twsk_unique().
     */
    static boolean twskUnique(Cpu cpu, TcpSock tp, TcpTimewaitSock tw) {
        if (!twskMayReuse(cpu, tp, tw)) {
            return false;
        }
        if (!tp.repair) {
            int seq = tw.twSndNxt + 65535 + 2;
            tp.writeSeq = seq == 0 ? 1 : seq;
            tp.rxOpt.tsRecent = tw.twTsRecent;
            tp.rxOpt.tsRecentStamp = tw.twTsRecentStamp;
        }
        return true;
    }

    /** The part of {@link #twskUnique} that only looks. */
    static boolean twskMayReuse(Cpu cpu, TcpSock tp, TcpTimewaitSock tw) {
        int reuse = tp.sysctl.tcpTwReuse;
        if (reuse == 2) {
            boolean loopback =
                    tw.boundDevIf == 1 || net.ipv4.Inet.isLoopback(tw.daddr) || net.ipv4.Inet.isLoopback(tw.rcvSaddr);
            reuse = loopback ? 2 : 0;
        }
        int nowMs = (int) (cpu.nowNs() / 1_000_000);
        boolean late = nowMs - (tw.twEntryStamp + tp.sysctl.tcpTwReuseDelay) > 0;
        return tw.twTsRecentStamp != 0 && reuse != 0 && late;
    }

    // ---- the child

    /**
     * Makes the full socket of a finished handshake, its spinlock held; addresses and route are the caller's to set.
     *
     * <p>Linux: tcp_create_openreq_child(), net/ipv4/tcp_minisocks.c
     */
    static TcpSock createOpenreqChild(Cpu cpu, TcpSock listener, TcpRequestSock req, SkBuff skb) {
        TcpSock tp = new TcpSock(listener.net, Objects.requireNonNull(listener.prot)); // allocates: a connection
        tp.skCloneLock(listener);
        tp.icskCloneFrom(listener);
        cloneFrom(tp, listener);
        tp.state = TcpStates.TCP_SYN_RECV;
        tp.num = req.num;
        tp.sport = req.num;
        tp.dport = req.dport;
        tp.mark = req.irMark;
        int now = (int) cpu.jiffies();
        int seq = req.rcvIsn + 1;
        tp.rcvWup = seq;
        tp.copiedSeq = seq;
        tp.rcvNxt = seq;
        tp.segsIn = 1;
        seq = req.sntIsn + 1;
        tp.sndSml = seq;
        tp.sndUna = seq;
        tp.sndNxt = seq;
        tp.sndUp = seq;
        tp.sndWl1 = req.rcvIsn;
        tp.rttMin.reset(now, -1);
        tp.icskAckLrcvtime = cpu.jiffies();
        tp.lsndtime = now;
        tp.txHash = req.txhash;
        tp.totalRetrans = req.numRetrans;
        tp.writeSeq = seq;
        tp.pushedSeq = seq;
        if (tp.flag(SockFlag.KEEPOPEN)) {
            tp.resetKeepaliveTimer(cpu, TcpKeepalive.timeWhen(tp));
        }
        negotiated(cpu, tp, req, skb);
        listener.tcpNet.inc(cpu, TcpMib.PASSIVEOPENS);
        return tp;
    }

    /** What a listener's options mean for its children. */
    private static void cloneFrom(TcpSock tp, TcpSock listener) {
        Tcp.tcpInitSock(tp);
        tp.sndbuf = listener.sndbuf;
        tp.rcvbuf = listener.rcvbuf;
        tp.nonagle = listener.nonagle & ~TcpConst.TCP_NAGLE_PUSH;
        tp.notsentLowat = listener.notsentLowat;
        tp.keepaliveTime = listener.keepaliveTime;
        tp.keepaliveIntvl = listener.keepaliveIntvl;
        tp.keepaliveProbes = listener.keepaliveProbes;
        tp.linger2 = listener.linger2;
        tp.thinLto = listener.thinLto;
        tp.recvmsgInq = listener.recvmsgInq;
        tp.icskRtoMin = listener.icskRtoMin;
        tp.icskRtoMax = listener.icskRtoMax;
        tp.icskDelackMax = listener.icskDelackMax;
        tp.rxOpt.userMss = listener.rxOpt.userMss;
        tp.icskAckPingpong = listener.icskAckPingpong;
        if (listener.icskCaSetsockopt) {
            TcpCong.inherit(tp, listener);
        }
    }

    private static void negotiated(Cpu cpu, TcpSock tp, TcpRequestSock req, SkBuff skb) {
        TcpOptionsReceived opt = tp.rxOpt;
        opt.tstampOk = req.tstampOk;
        opt.sackOk = req.sackOk ? TcpOptionsReceived.TCP_SACK_SEEN : 0;
        tp.windowClamp = req.rskWindowClamp;
        tp.rcvSsthresh = req.rskRcvWnd;
        tp.rcvWnd = req.rskRcvWnd;
        opt.wscaleOk = req.wscaleOk;
        if (opt.wscaleOk) {
            opt.sndWscale = req.sndWscale;
            opt.rcvWscale = req.rcvWscale;
        } else {
            opt.sndWscale = 0;
            opt.rcvWscale = 0;
            tp.windowClamp = Math.min(tp.windowClamp, 65535);
        }
        tp.sndWnd = TcpPcpu.of(cpu).txTh.wrap(skb).window() << opt.sndWscale;
        tp.maxWindow = tp.sndWnd;
        tp.tcpHeaderLen = TcpHdr.LENGTH;
        if (opt.tstampOk) {
            tp.tcpUsecTs = req.usecTs;
            opt.tsRecent = req.tsRecent;
            opt.tsRecentStamp = TcpPaws.seconds(cpu);
            tp.tcpHeaderLen += TcpConst.TCPOLEN_TSTAMP_ALIGNED;
        }
        tp.mstampRefresh(cpu.nowNs());
        if (req.numTimeout != 0) {
            tp.totalRto = req.numTimeout;
            tp.undoMarker = req.sntIsn;
            tp.retransStampUna = tp.sndUna;
            tp.retransStamp = (int) (tp.tcpUsecTs ? req.sntSynackUs : req.sntSynackUs / 1000);
            tp.totalRtoRecoveries = 1;
            tp.totalRtoTime = tp.timeStampMs() - (int) (req.sntSynackUs / 1000);
        }
        tp.tsoffset = req.tsOff;
        if (skb.len >= TcpConst.TCP_MSS_DEFAULT + tp.tcpHeaderLen) {
            tp.icskAckLastSegSize = skb.len - tp.tcpHeaderLen;
        }
        opt.mssClamp = req.mss;
        openreqEcn(tp, req, skb);
        tp.undoRetrans = -1;
    }

    /** Linux: tcp_ecn_openreq_child(). */
    private static void openreqEcn(TcpSock tp, TcpRequestSock req, SkBuff skb) {
        if (!req.accecnOk) {
            tp.ecnFlags = req.ecnOk ? TcpConst.TCP_ECN_OK : 0;
            return;
        }
        tp.ecnFlags = TcpConst.TCP_ECN_MODE_ACCECN;
        TcpAccEcn a = TcpAccEcn.of(tp);
        a.synEctSnt = req.synEctSnt;
        a.synEctRcv = req.synEctRcv;
        a.thirdAck(tp, skb, req.synEctSnt);
        a.sawOption(req.sawAccecnOpt);
        a.prevEcnfield = req.synEctRcv;
        a.optDemand = 1;
        a.received(tp, skb, skb.len - TcpHdr.lengthAt(skb.transportAddress()));
    }

    /**
     * Gives the handshake's last segment to the child and lets its spinlock go.
     *
     * @return 0, or the reason why a reset is due (the segment is then still the caller's)
     * <p>Linux: tcp_child_process(), net/ipv4/tcp_minisocks.c
     */
    static int tcpChildProcess(Cpu cpu, TcpSock parent, TcpSock child, SkBuff skb, TcpHdr th) {
        int reason = 0;
        int state = child.state;
        child.napiId = skb.napiId;
        TcpV4.segsIn(child, skb);
        if (!child.ownedByUser()) {
            reason = TcpInput.tcpRcvStateProcess(cpu, child, skb, th);
            if (state == TcpStates.TCP_SYN_RECV && child.state != state) {
                parent.dataReady(cpu);
            }
        } else {
            child.addBacklog(cpu, skb, Long.MAX_VALUE); // the listener isn't locked: it was accepted already
        }
        child.bhUnlockSock(cpu);
        return reason;
    }
}
