package net.tcp;

import java.util.Objects;
import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.ipv4.Inet;
import net.ipv4.InetProtocol;
import net.ipv4.IpHdr;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetHashtables;
import net.ipv4.inet.ReqskQueue;
import net.ipv4.route.Route;
import net.skbuff.Checksum;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Where a segment enters TCP: checks header and checksum, finds the socket, and hands the segment to the connection, its
 * backlog, a request, or TIME_WAIT; without any of these the answer is a reset.
 *
 * <p><b>Context:</b> softirq; {@link #tcpV4DoRcv} also in process context when a backlog is worked off.
 *
 * <p>Linux: net/ipv4/tcp_ipv4.c
 */
public final class TcpV4 implements InetProtocol {
    /** {@link #deliver}: the packet found its place. */
    private static final int DONE = 0;
    /** Look the socket up again. */
    private static final int AGAIN = 1;

    TcpV4() {}

    /**
     * A segment for this host.
     *
     * <p>Linux: tcp_v4_rcv(), net/ipv4/tcp_ipv4.c
     */
    @Override
    @HotPath
    public int handler(Cpu cpu, SkBuff skb) {
        return tcpV4Rcv(cpu, skb);
    }

    @Override
    public int errHandler(Cpu cpu, SkBuff skb, int info) {
        return TcpV4Err.tcpV4Err(cpu, skb, info);
    }

    @Override
    public void earlyDemux(Cpu cpu, SkBuff skb) {
        tcpV4EarlyDemux(cpu, skb);
    }

    /** Linux: tcp_v4_rcv(). */
    @HotPath
    static int tcpV4Rcv(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.TCP_V4_RCV);
        net.core.dev.NetDevice dev = (net.core.dev.NetDevice) Objects.requireNonNull(skb.dev);
        TcpNet net = TcpNet.of(dev.net);
        if (skb.pktType != SkBuff.PACKET_HOST) {
            skb.kfree(cpu, SkbDropReason.OTHERHOST);
            return 0;
        }
        net.inc(cpu, TcpMib.INSEGS);
        if (!skb.mayPull(cpu, TcpHdr.LENGTH)) {
            return bad(cpu, net, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        TcpHdr th = TcpPcpu.of(cpu).rxTh.wrap(skb);
        int hdrLen = th.headerLength();
        if (hdrLen < TcpHdr.LENGTH) {
            return bad(cpu, net, skb, SkbDropReason.PKT_TOO_SMALL);
        }
        if (!skb.mayPull(cpu, hdrLen)) {
            skb.kfree(cpu, SkbDropReason.PKT_TOO_SMALL);
            return 0;
        }
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        int daddr = IpHdr.daddr(iph);
        if (!skb.csumUnnecessary()
                && skb.checksumInit(Checksum.tcpUdpNofold(saddr, daddr, skb.len, Inet.IPPROTO_TCP, 0)) != 0) {
            return csumError(cpu, net, skb);
        }
        th.wrap(skb); // pulling may have moved it
        while (deliver(cpu, net, skb, th, saddr, daddr) == AGAIN) {
            th.wrap(skb);
        }
        return 0;
    }

    /** One attempt: the socket that was found may be gone by the time it is locked. */
    @HotPath
    private static int deliver(Cpu cpu, TcpNet net, SkBuff skb, TcpHdr th, int saddr, int daddr) {
        int dif = Route.inetIif(skb);
        SockCommon sk = stealSock(skb);
        if (sk == null) {
            sk = InetHashtables.inetLookup(cpu, net.net, skb, saddr, th.source(), daddr, th.dest(), dif);
        }
        if (sk == null) {
            noSocket(cpu, net, skb, th);
            return DONE;
        }
        if (sk instanceof TcpSock tp) {
            return process(cpu, net, tp, skb, th);
        }
        if (sk instanceof TcpTimewaitSock tw) {
            return timeWait(cpu, net, tw, skb, th, saddr, daddr, dif);
        }
        return newSynRecv(cpu, net, (TcpRequestSock) sk, skb, th);
    }

    /** What early demux found. Linux: skb_steal_sock(). */
    private static @Nullable SockCommon stealSock(SkBuff skb) {
        if (skb.sk instanceof TcpSock tp) {
            skb.orphan();
            skb.sk = null;
            return tp;
        }
        return null;
    }

    private static int bad(Cpu cpu, TcpNet net, SkBuff skb, SkbDropReason reason) {
        net.inc(cpu, TcpMib.INERRS);
        skb.kfree(cpu, reason);
        return 0;
    }

    static int csumError(Cpu cpu, TcpNet net, SkBuff skb) {
        net.inc(cpu, TcpMib.INCSUMERRORS);
        return bad(cpu, net, skb, SkbDropReason.TCP_CSUM);
    }

    /** Linux: tcp_checksum_complete(). */
    @HotPath
    static boolean checksumBad(SkBuff skb) {
        return !skb.csumUnnecessary() && skb.checksumComplete() != 0;
    }

    private static void noSocket(Cpu cpu, TcpNet net, SkBuff skb, TcpHdr th) {
        fillCb(skb, th);
        if (checksumBad(skb)) {
            csumError(cpu, net, skb);
            return;
        }
        TcpV4Reply.sendReset(cpu, net, null, skb);
        skb.kfree(cpu, SkbDropReason.NO_SOCKET);
    }

    /** Copies the header's numbers to the control block. Linux: tcp_v4_fill_cb(). */
    @HotPath
    private static void fillCb(SkBuff skb, TcpHdr th) {
        TcpSkbCb.init(skb);
        int seq = th.seq();
        int flags = th.flags();
        TcpSkbCb.seq(skb, seq);
        TcpSkbCb.endSeq(
                skb,
                seq
                        + ((flags & TcpHdr.SYN) != 0 ? 1 : 0)
                        + ((flags & TcpHdr.FIN) != 0 ? 1 : 0)
                        + skb.len
                        - th.headerLength());
        TcpSkbCb.ackSeq(skb, th.ackSeq());
        TcpSkbCb.tcpFlags(skb, th.ae() ? flags | TcpHdr.AE : flags);
        TcpSkbCb.ipDsfield(skb, IpHdr.tos(skb.networkAddress()));
        TcpSkbCb.sacked(skb, 0);
        TcpSkbCb.hasRxtstamp(skb, skb.tstampNs != 0);
    }

    /** Counts a received segment. Linux: tcp_segs_in(). */
    @HotPath
    static void segsIn(TcpSock tp, SkBuff skb) {
        int segs = Math.max(1, skb.shinfo().gsoSegs);
        tp.segsIn += segs;
        if (skb.len > TcpHdr.lengthAt(skb.transportAddress())) {
            tp.dataSegsIn += segs;
        }
    }

    /** A full socket: a connection or a listener. */
    @HotPath
    private static int process(Cpu cpu, TcpNet net, TcpSock tp, SkBuff skb, TcpHdr th) {
        if (tp.minTtl > IpHdr.ttl(skb.networkAddress())) {
            net.inc(cpu, LinuxMib.TCPMINTTLDROP);
            skb.kfree(cpu, SkbDropReason.TCP_MINTTL);
            return DONE;
        }
        SkbDropReason refused = TcpMd5.inbound(cpu, net, tp, skb, th);
        if (refused != null) {
            return drop(cpu, tp, skb, refused);
        }
        fillCb(skb, th);
        skb.dev = null;
        if (tp.state == TcpStates.TCP_LISTEN) { // lockless: only reads, and makes requests
            tcpV4DoRcv(cpu, tp, skb);
            return DONE;
        }
        tp.incomingCpu = cpu.id;
        tp.bhLockSock(cpu);
        SkbDropReason reason;
        try { // a bug ahead must not stop the CPUs that come for this lock
            segsIn(tp, skb);
            if (!tp.ownedByUser()) {
                tcpV4DoRcv(cpu, tp, skb);
                return DONE;
            }
            reason = TcpBacklog.tcpAddBacklog(cpu, tp, skb, th);
        } finally {
            tp.bhUnlockSock(cpu);
        }
        if (reason != null) {
            tp.dropsAdd(1);
            skb.kfree(cpu, reason);
        }
        return DONE;
    }

    private static int drop(Cpu cpu, TcpSock tp, SkBuff skb, SkbDropReason reason) {
        tp.dropsAdd(Math.max(1, skb.shinfo().gsoSegs));
        skb.kfree(cpu, reason);
        return DONE;
    }

    /** The last segment of a handshake, or another one for a half-open connection. */
    private static int newSynRecv(Cpu cpu, TcpNet net, TcpRequestSock req, SkBuff skb, TcpHdr th) {
        TcpSock listener = (TcpSock) req.rskListener;
        SkbDropReason refused = TcpMd5.inbound(cpu, net, listener, skb, th);
        if (refused != null) {
            return drop(cpu, listener, skb, refused);
        }
        if (checksumBad(skb)) {
            csumError(cpu, net, skb);
            return DONE;
        }
        if (listener.state != TcpStates.TCP_LISTEN) {
            ReqskQueue.drop(cpu, listener, req);
            return AGAIN;
        }
        fillCb(skb, th);
        InetConnectionSock child = TcpCheckReq.tcpCheckReq(cpu, listener, skb, req, th, false);
        if (child == null) {
            if (TcpPcpu.of(cpu).reqStolen) {
                return AGAIN; // the child is in the hash by now
            }
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return DONE;
        }
        if (child == listener) {
            return process(cpu, net, listener, skb, th);
        }
        skb.dev = null;
        int reason = TcpMinisocks.tcpChildProcess(cpu, listener, (TcpSock) child, skb, th);
        if (reason != 0) {
            refuse(cpu, (TcpSock) child, skb, reason);
        }
        return DONE;
    }

    private static void refuse(Cpu cpu, TcpSock tp, SkBuff skb, int reason) {
        TcpV4Reply.sendReset(cpu, tp.tcpNet, tp, skb);
        skb.kfree(cpu, SkbDropReason.of(reason));
    }

    private static int timeWait(
            Cpu cpu, TcpNet net, TcpTimewaitSock tw, SkBuff skb, TcpHdr th, int saddr, int daddr, int dif) {
        fillCb(skb, th);
        if (checksumBad(skb)) {
            csumError(cpu, net, skb);
            return DONE;
        }
        int verdict = TcpMinisocks.timewaitStateProcess(cpu, tw, skb, th);
        if (verdict == TcpMinisocks.TCP_TW_SYN) {
            InetConnectionSock listener = InetHashtables.of(cpu)
                    .inetLookupListener(cpu, net.net, skb, saddr, th.source(), daddr, th.dest(), dif);
            if (listener != null) {
                tw.deschedule(cpu);
                int result = process(cpu, net, (TcpSock) listener, skb, th);
                TcpPcpu.of(cpu).twIsn = 0;
                return result;
            }
            TcpPcpu.of(cpu).twIsn = 0;
            verdict = TcpMinisocks.TCP_TW_ACK;
        }
        if (verdict == TcpMinisocks.TCP_TW_ACK) {
            TcpV4Reply.timewaitAck(cpu, net, tw, skb);
        } else if (verdict == TcpMinisocks.TCP_TW_RST) {
            TcpV4Reply.sendReset(cpu, net, null, skb);
            tw.deschedule(cpu);
        }
        skb.consume(cpu);
        return DONE;
    }

    /**
     * Processes a segment for a socket that nobody else is working on; takes it over.
     *
     * <p><b>Context:</b> spinlock held, or owner working off the backlog; a listener: no lock.
     *
     * <p>Linux: tcp_v4_do_rcv(), net/ipv4/tcp_ipv4.c
     */
    @HotPath
    static int tcpV4DoRcv(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpHdr th = TcpPcpu.of(cpu).rxTh.wrap(skb);
        if (tp.state == TcpStates.TCP_ESTABLISHED) {
            DstEntry dst = tp.rxDst;
            if (dst != null && (tp.rxDstIfindex != skb.skbIif || dst.check(0) == null)) {
                tp.rxDst = null;
            }
            tp.napiId = skb.napiId;
            TcpInput.tcpRcvEstablished(cpu, tp, skb, th);
            return 0;
        }
        if (checksumBad(skb)) {
            return csumError(cpu, tp.tcpNet, skb);
        }
        if (tp.state == TcpStates.TCP_LISTEN) {
            TcpSock child = TcpV4Cookie.cookieCheck(cpu, tp, skb, th);
            if (child == null) {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                return 0;
            }
            if (child != tp) {
                int reason = TcpMinisocks.tcpChildProcess(cpu, tp, child, skb, th);
                if (reason != 0) {
                    refuse(cpu, child, skb, reason);
                }
                return 0;
            }
        }
        int reason = TcpInput.tcpRcvStateProcess(cpu, tp, skb, th);
        if (reason != 0) {
            refuse(cpu, tp, skb, reason);
        }
        return 0;
    }

    /**
     * Finds an established connection before routing, so that its cached route spares the lookup.
     *
     * <p>Linux: tcp_v4_early_demux(), net/ipv4/tcp_ipv4.c
     */
    @HotPath
    private static void tcpV4EarlyDemux(Cpu cpu, SkBuff skb) {
        if (skb.pktType != SkBuff.PACKET_HOST) {
            return;
        }
        int offset = skb.transportOffset();
        if (!skb.mayPull(cpu, offset + TcpHdr.LENGTH)) {
            return;
        }
        long iph = skb.networkAddress();
        TcpHdr th = TcpPcpu.of(cpu).rxTh.wrap(skb);
        if (th.doff() < 5) {
            return;
        }
        net.core.dev.NetDevice dev = (net.core.dev.NetDevice) Objects.requireNonNull(skb.dev);
        SockCommon sk = InetHashtables.of(cpu)
                .inetLookupEstablished(dev.net, IpHdr.saddr(iph), th.source(), IpHdr.daddr(iph), th.dest(), skb.skbIif);
        if (sk instanceof TcpSock tp) {
            skb.setOwner(tp, net.core.sock.Sock.SOCK_EFREE);
            DstEntry dst = tp.rxDst;
            if (dst != null && tp.rxDstIfindex == skb.skbIif && dst.check(0) != null) {
                skb.dst = dst;
            }
        }
    }
}
