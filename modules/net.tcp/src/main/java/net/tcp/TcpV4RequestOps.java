package net.tcp;

import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.ipv4.Inet;
import net.ipv4.IpHdr;
import net.ipv4.IpOutput;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.RequestSock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Requests over IPv4: their route, their numbers, their SYN-ACK.
 *
 * <p>Linux: tcp_request_sock_ops, tcp_request_sock_ipv4_ops, net/ipv4/tcp_ipv4.c
 */
final class TcpV4RequestOps extends TcpRequestSockOps {
    TcpV4RequestOps() {
        super(SockConst.AF_INET, TcpConst.TCP_MSS_DEFAULT);
    }

    /** Fills in the addresses from the SYN and finds the way back. Linux: tcp_v4_route_req(). */
    @Override
    public @Nullable DstEntry routeReq(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req) {
        long iph = skb.networkAddress();
        req.rcvSaddr = IpHdr.daddr(iph);
        req.daddr = IpHdr.saddr(iph);
        req.irIif = listener.boundDevIf;
        if (listener.transparent) {
            req.noSrccheck = true;
        }
        return InetCsk.routeReq(cpu, listener, TcpPcpu.of(cpu).fl4, req);
    }

    /** Linux: tcp_v4_init_seq(). */
    @Override
    public int initSeq(Cpu cpu, TcpSock listener, SkBuff skb) {
        long iph = skb.networkAddress();
        TcpHdr th = TcpPcpu.of(cpu).tailTh.wrap(skb);
        return TcpSeqSecret.of(cpu.kernel())
                .isn(cpu.nowNs(), IpHdr.daddr(iph), IpHdr.saddr(iph), th.dest(), th.source());
    }

    /** Linux: tcp_v4_init_ts_off(). */
    @Override
    public int initTsOff(Cpu cpu, TcpSock listener, SkBuff skb) {
        long iph = skb.networkAddress();
        return TcpSeqSecret.of(cpu.kernel()).tsOffset(listener.sysctl, IpHdr.daddr(iph), IpHdr.saddr(iph));
    }

    /** Linux: cookie_v4_init_sequence(). */
    @Override
    public int cookieInitSequence(Cpu cpu, TcpSock listener, SkBuff skb, TcpRequestSock req) {
        listener.tcpNet.inc(cpu, LinuxMib.SYNCOOKIESSENT);
        int mss = req.mss;
        req.mss = SynCookies.roundMss(mss);
        return TcpSeqSecret.of(cpu.kernel())
                .cookies
                .initSequence(req.daddr, req.rcvSaddr, req.dport, req.num, req.rcvIsn, mss, cpu.nowNs());
    }

    /** Linux: tcp_v4_send_synack(). */
    @Override
    public int sendSynack(
            Cpu cpu,
            TcpSock listener,
            @Nullable DstEntry route,
            TcpRequestSock req,
            boolean cookie,
            @Nullable TcpFastOpenCookie foc,
            @Nullable SkBuff synSkb) {
        DstEntry dst = route != null ? route : InetCsk.routeReq(cpu, listener, TcpPcpu.of(cpu).fl4, req);
        if (dst == null) {
            return -1;
        }
        SkBuff skb = TcpConnect.tcpMakeSynack(cpu, listener, dst, req, cookie, foc);
        if (skb == null) {
            return -net.skbuff.Errno.ENOMEM;
        }
        TcpV4Reply.partialCheck(skb, req.rcvSaddr, req.daddr);
        int tos = listener.tos;
        if (listener.sysctl.tcpReflectTos != 0) {
            tos = req.synTos & ~Inet.ECN_MASK | listener.tos & Inet.ECN_MASK;
        }
        req.synEctSnt = (byte) (tos & Inet.ECN_MASK);
        int err = IpOutput.ipBuildAndSendPkt(cpu, skb, listener, req.rcvSaddr, req.daddr, req.ireqOpt, tos);
        return net.core.dev.NetXmit.eval(err);
    }

    /** The SYN-ACK again. Linux: tcp_rtx_synack(). */
    @Override
    public int rtxSynAck(Cpu cpu, Sock sk, RequestSock request) {
        TcpSock listener = (TcpSock) sk;
        TcpRequestSock req = (TcpRequestSock) request;
        if (listener.txrehash) {
            req.txhash = Tcp.newTxhash(listener);
        }
        int err = sendSynack(cpu, listener, null, req, false, null, null);
        if (err == 0) {
            listener.tcpNet.inc(cpu, TcpMib.RETRANSSEGS);
            listener.tcpNet.inc(cpu, LinuxMib.TCPSYNRETRANS);
            if (TcpFastOpen.passive(listener)) {
                listener.totalRetrans++;
            }
        }
        return err;
    }

    @Override
    public void sendAck(Cpu cpu, Sock sk, SkBuff skb, RequestSock req) {
        TcpV4Reply.reqskSendAck(cpu, (TcpSock) sk, skb, (TcpRequestSock) req);
    }

    @Override
    public void sendReset(Cpu cpu, Sock sk, SkBuff skb, SkbDropReason reason) {
        TcpSock tp = (TcpSock) sk;
        TcpV4Reply.sendReset(cpu, tp.tcpNet, tp, skb);
    }

    /** Linux: tcp_syn_ack_timeout(). */
    @Override
    public void synAckTimeout(Cpu cpu, RequestSock req) {
        TcpNet.of(req.net).inc(cpu, LinuxMib.TCPTIMEOUTS);
    }
}
