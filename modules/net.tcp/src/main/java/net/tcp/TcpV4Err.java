package net.tcp;

import java.util.Objects;
import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.ipv4.Icmp;
import net.ipv4.IcmpHdr;
import net.ipv4.IpHdr;
import net.ipv4.IpMib;
import net.ipv4.IpSockGlue;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetHashtables;
import net.ipv4.inet.InetSock;
import net.ipv4.inet.ReqskQueue;
import net.ipv4.route.Route;
import net.skbuff.Errno;
import net.skbuff.SkBuff;

/**
 * What an ICMP error does to a connection: a smaller path MTU is taken over at once; the rest ends a handshake, but
 * leaves an established connection a soft error to report if it fails later (RFC 1122 4.2.3.9).
 *
 * <p><b>Context:</b> softirq.
 *
 * <p>Linux: tcp_v4_err(), net/ipv4/tcp_ipv4.c
 */
final class TcpV4Err {
    private TcpV4Err() {}

    static int tcpV4Err(Cpu cpu, SkBuff skb, int info) {
        net.core.dev.NetDevice dev = (net.core.dev.NetDevice) Objects.requireNonNull(skb.dev);
        TcpNet net = TcpNet.of(dev.net);
        long iph = skb.dataAddress(); // the quoted header: we are its source
        long quoted = iph + IpHdr.headerLength(iph);
        int sport = Bits.getBe16(quoted + TcpHdr.SOURCE_OFFSET);
        int dport = Bits.getBe16(quoted + TcpHdr.DEST_OFFSET);
        int seq = Bits.getBe32(quoted + TcpHdr.SEQ_OFFSET);
        int type = IcmpHdr.type(skb.transportAddress());
        int code = IcmpHdr.code(skb.transportAddress());
        SockCommon sk = InetHashtables.of(cpu)
                .inetLookupEstablished(net.net, IpHdr.daddr(iph), dport, IpHdr.saddr(iph), sport, Route.inetIif(skb));
        if (sk == null) {
            Ipv4Net.of(net.net).icmp.inc(cpu, IpMib.Icmp.INERRORS);
            return -Errno.ENOENT;
        }
        if (sk instanceof TcpRequestSock req) {
            reqErr(cpu, net, req, seq, type, code);
        } else if (sk instanceof TcpSock tp) {
            tp.bhLockSock(cpu);
            try {
                sockErr(cpu, net, tp, skb, seq, type, code, info);
            } finally {
                tp.bhUnlockSock(cpu);
            }
        }
        return 0;
    }

    /** Linux: tcp_req_err(). */
    private static void reqErr(Cpu cpu, TcpNet net, TcpRequestSock req, int seq, int type, int code) {
        boolean abort = type == IcmpHdr.ICMP_PARAMETERPROB
                || type == IcmpHdr.ICMP_TIME_EXCEEDED
                || type == IcmpHdr.ICMP_DEST_UNREACH
                        && (code == IcmpHdr.ICMP_NET_UNREACH || code == IcmpHdr.ICMP_HOST_UNREACH);
        if (seq != req.sntIsn) {
            net.inc(cpu, LinuxMib.OUTOFWINDOWICMPS);
        } else if (abort) {
            ReqskQueue.drop(cpu, req.rskListener, req);
            net.inc(cpu, LinuxMib.LISTENDROPS);
        }
    }

    private static void sockErr(Cpu cpu, TcpNet net, TcpSock tp, SkBuff skb, int seq, int type, int code, int info) {
        boolean fragNeeded = type == IcmpHdr.ICMP_DEST_UNREACH && code == IcmpHdr.ICMP_FRAG_NEEDED;
        if (tp.ownedByUser() && !fragNeeded) {
            net.inc(cpu, LinuxMib.LOCKDROPPEDICMPS);
        }
        if (tp.state == TcpStates.TCP_CLOSE) {
            return;
        }
        if (tp.minTtl > IpHdr.ttl(skb.dataAddress())) { // the quoted header's: it has come far (RFC 5082)
            net.inc(cpu, LinuxMib.TCPMINTTLDROP);
            return;
        }
        TcpRequestSock fastopen = tp.fastopenRsk;
        int sndUna = fastopen != null ? fastopen.sntIsn : tp.sndUna;
        if (tp.state != TcpStates.TCP_LISTEN && !TcpSeq.between(seq, sndUna, tp.sndNxt)) { // blind attacks, RFC 5927
            net.inc(cpu, LinuxMib.OUTOFWINDOWICMPS);
            return;
        }
        int err;
        switch (type) {
            case IcmpHdr.ICMP_REDIRECT -> {
                redirect(cpu, tp, skb);
                return;
            }
            case IcmpHdr.ICMP_PARAMETERPROB -> err = Errno.EPROTO;
            case IcmpHdr.ICMP_DEST_UNREACH -> {
                if (fragNeeded) {
                    fragNeeded(cpu, tp, info);
                    return;
                }
                err = Icmp.errnoOf(code);
                if (fastopen == null && (code == IcmpHdr.ICMP_NET_UNREACH || code == IcmpHdr.ICMP_HOST_UNREACH)) {
                    ldRtoRevert(cpu, tp, seq);
                }
            }
            case IcmpHdr.ICMP_TIME_EXCEEDED -> err = Errno.EHOSTUNREACH;
            default -> {
                return;
            }
        }
        report(cpu, tp, skb, err, info);
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // socket lock
    private static void report(Cpu cpu, TcpSock tp, SkBuff skb, int err, int info) {
        boolean owned = tp.ownedByUser();
        TcpRequestSock fastopen = tp.fastopenRsk;
        boolean accepted = fastopen != null && fastopen.sk == null; // a fast open child: treated as established
        if (tp.inStates(TcpConst.TCPF_SYN_SENT | TcpConst.TCPF_SYN_RECV) && !accepted) {
            IpSockGlue.icmpError(cpu, tp, skb, err, tp.dport, info, 0);
            if (!owned) {
                Tcp.tcpDoneWithError(cpu, tp, err);
            } else {
                tp.errSoft = err;
            }
        } else if (!owned && tp.recverr) {
            tp.err = err;
            tp.errorReport(cpu);
        } else {
            tp.errSoft = err;
        }
    }

    /** A router knows a better way. Linux: do_redirect(). */
    private static void redirect(Cpu cpu, TcpSock tp, SkBuff skb) {
        DstEntry dst = tp.ownedByUser() ? null : tp.skDstCheck(0);
        if (dst != null) {
            dst.ops.redirect(cpu, dst, tp, skb);
        }
    }

    private static void fragNeeded(Cpu cpu, TcpSock tp, int info) {
        if (tp.state == TcpStates.TCP_LISTEN) {
            return;
        }
        tp.mtuInfo = info;
        if (!tp.ownedByUser()) {
            mtuReduced(cpu, tp);
        } else {
            TcpTsq.set(tp, TcpConst.TCPF_MTU_REDUCED_DEFERRED);
            tp.deferWork();
        }
    }

    /** The path takes less: smaller segments from now on, and what was lost goes out again. Linux: tcp_v4_mtu_reduced(). */
    static void mtuReduced(Cpu cpu, TcpSock tp) {
        if (tp.inStates(TcpConst.TCPF_LISTEN | TcpConst.TCPF_CLOSE)) {
            return;
        }
        DstEntry dst = InetCsk.updatePmtu(cpu, tp, tp.mtuInfo);
        if (dst == null) {
            return;
        }
        if (tp.mtuInfo < dst.mtu() && tp.dontFragment(dst)) {
            tp.errSoft = Errno.EMSGSIZE;
        }
        int mtu = dst.mtu();
        if (tp.pmtudisc != InetSock.IP_PMTUDISC_DONT && tp.acceptPmtu() && tp.icskPmtuCookie > mtu) {
            TcpMss.tcpSyncMss(tp, mtu);
            TcpCaMachine.tcpSimpleRetransmit(cpu, tp);
        }
    }

    /** The path is back, or at least talks to us: undo one step of backoff (RFC 6069). Linux: tcp_ld_RTO_revert(). */
    private static void ldRtoRevert(Cpu cpu, TcpSock tp, int seq) {
        SkBuff skb = tp.rtxQueueHead();
        if (tp.ownedByUser() || seq != tp.sndUna || tp.icskRetransmits == 0 || tp.icskBackoff == 0 || skb == null) {
            return;
        }
        tp.icskBackoff--;
        int rto = tp.srttUs != 0 ? TcpTimer.usToJiffies((tp.srttUs >> 3) + tp.rttvarUs) : TcpConst.TCP_TIMEOUT_INIT;
        tp.icskRto = (int) Math.min((long) rto << tp.icskBackoff, tp.icskRtoMax);
        tp.mstampRefresh(cpu.nowNs());
        int elapsed = TcpTimer.usToJiffies(tp.tcpMstamp - TcpSkbCb.timestampUs(skb));
        int remaining = tp.icskRto - elapsed;
        if (remaining > 0) {
            tp.resetXmitTimer(cpu, TcpConst.ICSK_TIME_RETRANS, remaining, tp.icskRtoMax);
        } else {
            TcpTimer.retransmitTimer(cpu, tp);
        }
    }
}
