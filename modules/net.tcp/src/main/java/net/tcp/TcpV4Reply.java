package net.tcp;

import net.core.Cpu;
import net.core.sock.TcpStates;
import net.ipv4.Inet;
import net.ipv4.IpHdr;
import net.ipv4.IpOutput;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Segments that no connection sends: resets, and ACKs of TIME_WAIT and of requests.
 *
 * <p><b>Context:</b> softirq, or process context with a CPU word.
 *
 * <p>Linux: tcp_v4_send_reset(), tcp_v4_send_ack(), net/ipv4/tcp_ipv4.c
 */
public final class TcpV4Reply {
    private static final int TS_OPTION = TcpConst.TCPOPT_NOP << 24
            | TcpConst.TCPOPT_NOP << 16
            | TcpConst.TCPOPT_TIMESTAMP << 8
            | TcpConst.TCPOLEN_TIMESTAMP;

    private TcpV4Reply() {}

    /**
     * Answers a segment with a reset, unless it is one.
     *
     * @param tp the connection it was for; or null, then it must have been for this host
     * <p>RFC 9293 3.10.7.1. Linux: tcp_v4_send_reset()
     */
    static void sendReset(Cpu cpu, TcpNet net, @Nullable TcpSock tp, SkBuff skb) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        TcpHdr th = pcpu.tailTh.wrap(skb);
        if (th.rst()) {
            return;
        }
        if (tp == null && skb.dst instanceof Rtable rt && rt.rtType != RtType.RTN_LOCAL) {
            return;
        }
        if (!TcpMd5.mayReset(cpu, net, tp, skb, th)) {
            return;
        }
        TcpMd5Key key = pcpu.md5Key;
        if (cpu.tracing) {
            TcpTrace.sendReset(cpu, tp, skb);
        }
        int seq = 0;
        int ack = 0;
        int flags = TcpHdr.RST;
        if (th.ack()) {
            seq = th.ackSeq();
        } else {
            flags |= TcpHdr.ACK;
            int payload = skb.len - (th.address() == skb.dataAddress() ? th.headerLength() : 0);
            ack = th.seq() + (th.syn() ? 1 : 0) + (th.fin() ? 1 : 0) + payload;
        }
        SkBuff reply = build(cpu, th, TcpHdr.LENGTH + size(key), flags, seq, ack, 0);
        if (reply == null) {
            return;
        }
        if (key != null) {
            sign(cpu, key, skb, reply, TcpHdr.LENGTH);
        }
        send(cpu, net, tp, skb, reply, IpHdr.tos(skb.networkAddress()), tp == null ? 0 : tp.txHash);
        net.inc(cpu, TcpMib.OUTRSTS);
    }

    /** Acknowledges on behalf of a connection in TIME_WAIT. Linux: tcp_v4_timewait_ack(). */
    static void timewaitAck(Cpu cpu, TcpNet net, TcpTimewaitSock tw, SkBuff skb) {
        long nowNs = cpu.nowNs();
        int tsval = (int) (tw.twUsecTs ? nowNs / 1000 : nowNs / 1_000_000) + tw.twTsOffset;
        sendAck(
                cpu,
                net,
                skb,
                tw.twSndNxt,
                tw.twRcvNxt,
                tw.twRcvWnd >> tw.twRcvWscale,
                tsval,
                tw.twTsRecent,
                tw.twTos,
                tw.twTxhash,
                tw.twMd5Key);
    }

    /** Acknowledges on behalf of a request. Linux: tcp_v4_reqsk_send_ack(). */
    static void reqskSendAck(Cpu cpu, TcpSock sk, SkBuff skb, TcpRequestSock req) {
        int seq = sk.state == TcpStates.TCP_LISTEN ? req.sntIsn + 1 : sk.sndNxt;
        long nowNs = cpu.nowNs();
        int tsval = (int) (req.usecTs ? nowNs / 1000 : nowNs / 1_000_000) + req.tsOff;
        sendAck(
                cpu,
                sk.tcpNet,
                skb,
                seq,
                req.rcvNxt,
                req.synackWindow() >> req.rcvWscale,
                tsval,
                req.tsRecent,
                IpHdr.tos(skb.networkAddress()),
                req.txhash,
                TcpMd5.keyFor(sk, req.daddr));
    }

    /** Linux: tcp_v4_send_ack(). */
    private static void sendAck(
            Cpu cpu,
            TcpNet net,
            SkBuff skb,
            int seq,
            int ack,
            int win,
            int tsval,
            int tsecr,
            int tos,
            int txhash,
            @Nullable TcpMd5Key key) {
        TcpHdr th = TcpPcpu.of(cpu).tailTh.wrap(skb);
        int length = TcpHdr.LENGTH + (tsecr != 0 ? TcpConst.TCPOLEN_TSTAMP_ALIGNED : 0);
        SkBuff reply = build(cpu, th, length + size(key), TcpHdr.ACK, seq, ack, win);
        if (reply == null) {
            return;
        }
        if (tsecr != 0) {
            long at = reply.transportAddress() + TcpHdr.LENGTH;
            Bits.putBe32(at, TS_OPTION);
            Bits.putBe32(at + 4, tsval);
            Bits.putBe32(at + 8, tsecr);
        }
        if (key != null) {
            sign(cpu, key, skb, reply, length);
        }
        send(cpu, net, null, skb, reply, tos, txhash);
    }

    private static int size(@Nullable TcpMd5Key key) {
        return key == null ? 0 : TcpConst.TCPOLEN_MD5SIG_ALIGNED;
    }

    /** Puts the signature of the answer to {@code skb} at {@code offset} of its header. */
    private static void sign(Cpu cpu, TcpMd5Key key, SkBuff skb, SkBuff reply, int offset) {
        long iph = skb.networkAddress();
        long at = reply.transportAddress() + offset;
        Bits.putBe32(at, TcpMd5.WORD);
        TcpMd5Hash.sign(cpu, key, IpHdr.daddr(iph), IpHdr.saddr(iph), reply, at + 4);
    }

    private static @Nullable SkBuff build(Cpu cpu, TcpHdr th, int length, int flags, int seq, int ack, int win) {
        SkBuff reply = TcpOutput.allocControl(cpu);
        if (reply == null) {
            return null;
        }
        reply.push(length);
        reply.resetTransportHeader();
        TcpHdr out = TcpPcpu.of(cpu).txTh.wrap(reply);
        out.source(th.dest());
        out.dest(th.source());
        out.seq(seq);
        out.ackSeq(ack);
        out.flagWord(length, flags, win);
        out.check(0);
        out.urgPtr(0);
        return reply;
    }

    private static void send(Cpu cpu, TcpNet net, @Nullable TcpSock tp, SkBuff skb, SkBuff reply, int tos, int txhash) {
        long iph = skb.networkAddress();
        int from = IpHdr.daddr(iph);
        int to = IpHdr.saddr(iph);
        reply.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        partialCheck(reply, from, to);
        net.inc(cpu, TcpMib.OUTSEGS);
        if (txhash != 0) {
            reply.setHash(txhash, true, true);
        }
        TcpHdr th = TcpPcpu.of(cpu).txTh;
        IpOutput.ipSendUnicastReply(
                cpu,
                net.net,
                skb,
                reply,
                Inet.IPPROTO_TCP,
                to,
                from,
                th.dest(),
                th.source(),
                tos,
                tp == null ? 0 : tp.mark,
                tp == null ? 0 : tp.boundDevIf,
                0);
    }

    /** Stores the pseudo header's sum and where the device, or software before it, puts the rest. Linux: __tcp_v4_send_check(). */
    static void partialCheck(SkBuff skb, int saddr, int daddr) {
        int sum = Checksum.tcpUdpMagic(saddr, daddr, skb.len, Inet.IPPROTO_TCP, 0);
        Bits.putBe16(skb.transportAddress() + TcpHdr.CHECK_OFFSET, ~sum & 0xffff);
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = TcpHdr.CHECK_OFFSET;
    }
}
