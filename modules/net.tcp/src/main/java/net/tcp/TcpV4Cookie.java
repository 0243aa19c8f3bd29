package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.ipv4.IpHdr;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.ReqskQueue;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The ACK of a handshake of which nothing was kept: if its cookie proves it, the request is made up again and becomes a
 * connection at once.
 *
 * <p><b>Context:</b> softirq, without the listener's lock.
 *
 * <p>Linux: cookie_v4_check(), net/ipv4/syncookies.c
 */
final class TcpV4Cookie {
    private TcpV4Cookie() {}

    /** The listener itself: not about a cookie; a child, its spinlock held; or null: drop. Linux: tcp_v4_cookie_check(). */
    static @Nullable TcpSock cookieCheck(Cpu cpu, TcpSock listener, SkBuff skb, TcpHdr th) {
        TcpSysctl sysctl = listener.sysctl;
        if (th.syn() || th.rst() || !th.ack() || sysctl.tcpSyncookies == 0 || noRecentOverflow(cpu, listener)) {
            return listener;
        }
        TcpRequestSock req = check(cpu, listener, skb, th);
        if (req == null) {
            listener.tcpNet.inc(cpu, LinuxMib.SYNCOOKIESFAILED);
            return listener;
        }
        return makeChild(cpu, listener, skb, req);
    }

    /**
     * No cookie was sent for as long as one is good: then this can't be one, and nobody may try to guess any. Linux:
     * tcp_synq_no_recent_overflow().
     */
    private static boolean noRecentOverflow(Cpu cpu, TcpSock listener) {
        int last = listener.synqOverflow;
        return last == 0 || (int) cpu.jiffies() - last > SynCookies.MAX_AGE_MINUTES * 60 * TcpConst.HZ;
    }

    private static @Nullable TcpRequestSock check(Cpu cpu, TcpSock listener, SkBuff skb, TcpHdr th) {
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        int cookie = th.ackSeq() - 1;
        int peerIsn = th.seq() - 1;
        TcpSeqSecret secret = TcpSeqSecret.of(cpu.kernel());
        int mss = secret.cookies.check(saddr, daddr, th.source(), th.dest(), peerIsn, cookie, cpu.nowNs());
        if (mss == 0) {
            return null;
        }
        listener.tcpNet.inc(cpu, LinuxMib.SYNCOOKIESRECV);
        TcpSysctl sysctl = listener.sysctl;
        TcpOptionsReceived opt = TcpPcpu.of(cpu).tmpOpt;
        opt.clear();
        TcpParseOptions.tcpParseOptions(sysctl, skb, th, opt, false);
        int tsOff = 0;
        if (opt.sawTstamp && opt.rcvTsecr != 0) {
            tsOff = secret.tsOffset(sysctl, daddr, saddr);
            opt.rcvTsecr -= tsOff;
        }
        if (!SynCookies.decodeTimestamp(
                opt, sysctl.tcpTimestamps != 0, sysctl.tcpSack != 0, sysctl.tcpWindowScaling != 0)) {
            return null;
        }
        TcpRequestSock req =
                new TcpRequestSock(TcpSockets.of(cpu.kernel()).requestOps, listener); // allocates: a connection
        req.rcvIsn = peerIsn;
        req.sntIsn = cookie;
        req.rcvNxt = th.seq();
        req.mss = mss;
        req.daddr = saddr;
        req.rcvSaddr = daddr;
        req.dport = th.source();
        req.num = th.dest();
        req.irMark = listener.mark;
        req.irIif = listener.boundDevIf;
        req.tsOff = tsOff;
        req.tstampOk = opt.tstampOk;
        req.sackOk = opt.sackOk != 0;
        req.wscaleOk = opt.wscaleOk;
        req.sndWscale = opt.sndWscale;
        req.tsRecent = opt.sawTstamp ? opt.rcvTsval : 0;
        req.ecnOk = SynCookies.ecnOk(opt) && sysctl.tcpEcn != 0;
        req.synCookie = true;
        req.txhash = Tcp.newTxhash(listener);
        return req;
    }

    private static @Nullable TcpSock makeChild(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req) {
        DstEntry dst = InetCsk.routeReq(cpu, listener, TcpPcpu.of(cpu).fl4, req);
        if (dst == null) {
            return null;
        }
        // About as for the SYN-ACK, whose scale the peer knows; in segments of the peer's size, as in Linux.
        TcpConnRequest.openreqInitRwin(cpu, listener, req, dst, req.mss);
        InetConnectionSock child = Tcp.afOps(listener).synRecvSock(cpu, listener, skb, req, dst, null);
        if (child == null) {
            return null;
        }
        // The request was never in the hash: it only carries the child to the accept queue.
        if (ReqskQueue.add(cpu, listener, req, child) == null) {
            child.bhUnlockSock(cpu);
            return null;
        }
        return (TcpSock) child;
    }
}
