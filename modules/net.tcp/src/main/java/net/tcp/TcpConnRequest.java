package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.ipv4.inet.ReqskQueue;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * Answers a SYN to a listener: makes a request of it, or a cookie if too many wait.
 *
 * <p>Data in a SYN is ignored, and sent again by the peer, unless it opens fast ({@link TcpFastOpen}).
 *
 * <p><b>Context:</b> softirq without the listener's lock, or the listener's backlog; CPU word held. The packet stays the
 * caller's.
 *
 * <p>Linux: tcp_conn_request(), net/ipv4/tcp_input.c.
 */
public final class TcpConnRequest {
    private TcpConnRequest() {}

    /** The queue of requests is full: are cookies the answer? Linux: tcp_syn_flood_action(). */
    private static boolean tcpSynFloodAction(Cpu cpu, TcpSock listener) {
        boolean cookies = listener.sysctl.tcpSyncookies != 0;
        TcpCount.netInc(cpu, listener, cookies ? LinuxMib.TCPREQQFULLDOCOOKIES : LinuxMib.TCPREQQFULLDROP);
        return cookies;
    }

    private static int drop(Cpu cpu, TcpSock listener) {
        listener.dropsAdd(1);
        TcpCount.netInc(cpu, listener, LinuxMib.LISTENDROPS);
        return 0;
    }

    /** Takes a SYN of IPv4. */
    public static int tcpConnRequest(Cpu cpu, TcpSock listener, SkBuff skb) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        int twIsn = pcpu.twIsn;
        pcpu.twIsn = 0;
        return tcpConnRequest(cpu, TcpSockets.of(cpu.kernel()).requestOps, listener, skb, twIsn);
    }

    /**
     * Takes a SYN. {@code twIsn}: the initial sequence number that a connection in TIME_WAIT, which this one replaces,
     * asks for; 0 if there was none. Always returns 0: nothing is told to a peer that isn't served.
     */
    public static int tcpConnRequest(Cpu cpu, TcpRequestSockOps ops, TcpSock listener, SkBuff skb, int twIsn) {
        TcpSysctl sysctl = listener.sysctl;
        boolean wantCookie = false;
        // What comes out of TIME_WAIT is a real peer, and costs no more than it did.
        if (twIsn == 0 && (sysctl.tcpSyncookies == 2 || listener.reqskQueueIsFull())) {
            wantCookie = tcpSynFloodAction(cpu, listener);
            if (!wantCookie) {
                return drop(cpu, listener);
            }
        }
        if (listener.acceptqIsFull()) {
            TcpCount.netInc(cpu, listener, LinuxMib.LISTENOVERFLOWS);
            return drop(cpu, listener);
        }
        TcpScratch s = TcpScratch.of(cpu);
        TcpHdr th = s.hdr.wrap(skb);
        TcpRequestSock req = new TcpRequestSock(ops, listener); // allocates: once per connection
        req.synCookie = wantCookie;
        TcpOptionsReceived opt = s.rxOpt;
        opt.clear();
        opt.mssClamp = ops.mssClamp;
        opt.userMss = listener.rxOpt.userMss;
        TcpParseOptions.tcpParseOptions(sysctl, skb, th, opt, false);
        if (wantCookie && !opt.sawTstamp) {
            opt.clearHandshake(); // a cookie has no room for options, unless a time stamp carries them
        }
        opt.tstampOk = opt.sawTstamp;
        tcpOpenreqInit(listener, req, opt, skb, th);
        DstEntry dst = ops.routeReq(cpu, listener, skb, req);
        if (dst == null) {
            return drop(cpu, listener);
        }
        if (opt.tstampOk) {
            req.tsOff = ops.initTsOff(cpu, listener, skb);
        }
        int isn = twIsn;
        if (!wantCookie && isn == 0) {
            if (sysctl.tcpSyncookies == 0 && lastQuarter(listener) && !listener.tcpNet.metrics.peerIsProven(req)) {
                return drop(cpu, listener);
            }
            isn = ops.initSeq(cpu, listener, skb);
        }
        ecnCreateRequest(listener, req, skb, th, dst);
        if (wantCookie) {
            int now = (int) cpu.jiffies(); // Linux: tcp_synq_overflow()
            listener.synqOverflow = now == 0 ? 1 : now;
            isn = ops.cookieInitSequence(cpu, listener, skb, req);
            req.accecnOk = false; // nowhere to remember what the SYN was marked with
            if (!opt.tstampOk) {
                req.ecnOk = false;
            }
        }
        req.sntIsn = isn;
        req.txhash = cpu.kernel().getRandomU32() | 1;
        req.synTos = TcpSkbCb.ipDsfield(skb);
        openreqInitRwin(cpu, listener, req, dst);
        TcpFastOpenCookie foc = null;
        if (!wantCookie) {
            recordSyn(listener, req, skb, th);
            TcpSock child = TcpFastOpen.tryFastopen(cpu, listener, skb, req, opt.fastopen, dst);
            if (child != null) {
                return openedFast(cpu, ops, listener, dst, req, child, skb);
            }
            foc = TcpPcpu.of(cpu).fastopenReply;
            req.timeout = TcpConst.TCP_TIMEOUT_INIT;
            if (!ReqskQueue.hashAdd(cpu, listener, req, req.timeout)) {
                return 0; // another CPU was first: its SYN-ACK is under way
            }
        }
        ops.sendSynack(cpu, listener, dst, req, wantCookie, foc, skb);
        return 0;
    }

    /** The SYN made a child, its spinlock held: answers, and lets a program accept it. */
    private static int openedFast(
            Cpu cpu,
            TcpRequestSockOps ops,
            TcpSock listener,
            DstEntry dst,
            TcpRequestSock req,
            TcpSock child,
            SkBuff skb) {
        ops.sendSynack(cpu, child, dst, req, false, TcpPcpu.of(cpu).fastopenReply, skb);
        boolean queued = ReqskQueue.add(cpu, listener, req, child) != null;
        child.bhUnlockSock(cpu);
        if (!queued) {
            return drop(cpu, listener);
        }
        listener.dataReady(cpu);
        return 0;
    }

    /** TCP_SAVE_SYN: keeps the SYN's headers, with the link's if asked for twice. Linux: tcp_reqsk_record_syn(). */
    private static void recordSyn(TcpSock listener, TcpRequestSock req, SkBuff skb, TcpHdr th) {
        if (listener.saveSyn == 0) {
            return;
        }
        long from = listener.saveSyn == 2 && skb.macHeaderWasSet() ? skb.macAddress() : skb.networkAddress();
        byte[] saved = new byte[(int) (th.address() + th.headerLength() - from)]; // allocates: once per connection
        for (int i = 0; i < saved.length; i++) {
            saved[i] = UnsafeApi.getByte(from + i);
        }
        req.savedSyn = saved;
    }

    /** Without cookies the last quarter of the queue is for peers that have proven to be alive. */
    private static boolean lastQuarter(TcpSock listener) {
        int max = listener.sysctl.tcpMaxSynBacklog;
        return max - listener.reqskQueueLen() < max >> 2;
    }

    /** Takes the SYN's sequence number, ports and options over. Linux: tcp_openreq_init(). */
    static void tcpOpenreqInit(TcpSock listener, TcpRequestSock req, TcpOptionsReceived opt, SkBuff skb, TcpHdr th) {
        req.rskRcvWnd = 0;
        req.rcvIsn = TcpSkbCb.seq(skb);
        req.rcvNxt = req.rcvIsn + 1;
        req.sntSynackUs = 0;
        req.lastOowAckTime = 0;
        req.mss = opt.mssClamp;
        req.tsRecent = opt.sawTstamp ? opt.rcvTsval : 0;
        req.tstampOk = opt.tstampOk;
        req.sackOk = opt.sackOk != 0;
        req.sndWscale = opt.sndWscale;
        req.wscaleOk = opt.wscaleOk;
        req.acked = false;
        req.ecnOk = false;
        req.dport = th.source();
        req.num = th.dest();
        req.irMark = listener.mark;
    }

    /** ECN is agreed if the SYN offers it, accurate or as RFC 3168 says, and we may. Linux: tcp_ecn_create_request(). */
    private static void ecnCreateRequest(TcpSock listener, TcpRequestSock req, SkBuff skb, TcpHdr th, DstEntry dst) {
        int dsfield = TcpSkbCb.ipDsfield(skb) & 3;
        if (TcpAccEcn.requested(TcpAccEcn.ace(skb)) && listener.sysctl.tcpEcn >= 3) {
            req.ecnOk = true;
            req.accecnOk = true;
            req.synEctRcv = (byte) dsfield;
            return;
        }
        if (!th.ece() || !th.cwr()) {
            return;
        }
        // ECT on a SYN is against RFC 3168, except for algorithms that ask for it (DCTCP, RFC 8257).
        boolean plain = dsfield == 0 || th.ae() || th.reserved() != 0;
        boolean allowed = listener.sysctl.tcpEcn != 0 || TcpCong.dstAsksForEcn(dst);
        boolean needed = TcpCong.needsEcn(listener) || TcpCong.dstNeedsEcn(listener, dst);
        req.ecnOk = plain && allowed || needed;
    }

    /** The window of the SYN-ACK. Linux: tcp_openreq_init_rwin(). */
    private static void openreqInitRwin(Cpu cpu, TcpSock listener, TcpRequestSock req, DstEntry dst) {
        int mss = TcpMss.mssClamp(listener, dst.advmss());
        openreqInitRwin(cpu, listener, req, dst, mss - (req.tstampOk ? TcpConst.TCPOLEN_TSTAMP_ALIGNED : 0));
    }

    /** The window in whole segments of {@code payload} bytes. */
    static void openreqInitRwin(Cpu cpu, TcpSock listener, TcpRequestSock req, DstEntry dst, int payload) {
        int fullSpace = TcpWindow.fullSpace(listener);
        int clamp = listener.windowClamp != 0 ? listener.windowClamp : dst.metric(DstEntry.RTAX_WINDOW);
        if ((listener.userlocks & Sock.SOCK_RCVBUF_LOCK) != 0 && (clamp > fullSpace || clamp == 0)) {
            clamp = fullSpace;
        }
        TcpPcpu out = TcpPcpu.of(cpu);
        TcpWindow.selectInitialWindow(
                out, listener.tcpNet, fullSpace, payload, clamp, req.wscaleOk, dst.metric(DstEntry.RTAX_INITRWND));
        req.rskRcvWnd = out.initRcvWnd;
        req.rskWindowClamp = out.initWindowClamp;
        req.rcvWscale = out.initRcvWscale;
    }
}
