package net.tcp;

import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Registered;
import net.core.Cpu;
import net.core.TraceEvent;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.TcpStates;
import net.ipv4.IpHdr;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Tracepoints of TCP. Call only if {@link Cpu#tracing}. Context: CPU word held, socket lock.
 *
 * <p>Linux: include/trace/events/tcp.h
 */
final class TcpTrace {
    private TcpTrace() {}

    /** A segment reached an established connection. Linux: trace_tcp_probe() */
    static void probe(Cpu cpu, TcpSock tp, SkBuff skb, int headerLength) {
        Probe e = new Probe();
        if (e.of(cpu, tp)) {
            e.dataLen = skb.len - headerLength;
            e.sndNxt = Integer.toUnsignedLong(tp.sndNxt);
            e.sndUna = Integer.toUnsignedLong(tp.sndUna);
            e.sndCwnd = tp.sndCwnd;
            e.ssthresh = tp.sndSsthresh;
            e.sndWnd = tp.sndWnd;
            e.srttUs = tp.srttUs >> 3;
            e.rcvWnd = tp.rcvWnd;
            e.mark = tp.mark;
            e.commit();
        }
    }

    /** A segment was sent again. Linux: trace_tcp_retransmit_skb() */
    static void retransmitSkb(Cpu cpu, TcpSock tp, SkBuff skb, int err) {
        RetransmitSkb e = new RetransmitSkb();
        if (e.of(cpu, tp)) {
            e.state = TcpStates.name(tp.state);
            e.seq = Integer.toUnsignedLong(TcpSkbCb.seq(skb));
            e.len = skb.len;
            e.err = err;
            e.commit();
        }
    }

    /** A reset goes out, in answer to {@code skb} or (null) because we give up. Linux: trace_tcp_send_reset() */
    static void sendReset(Cpu cpu, @Nullable TcpSock tp, @Nullable SkBuff skb) {
        SendReset e = new SendReset();
        if (tp != null ? e.of(cpu, tp) : e.answers(cpu, skb)) {
            e.state = tp == null ? "" : TcpStates.name(tp.state);
            e.active = skb == null;
            e.commit();
        }
    }

    /** A valid reset ends the connection. Linux: trace_tcp_receive_reset() */
    static void receiveReset(Cpu cpu, TcpSock tp) {
        ReceiveReset e = new ReceiveReset();
        if (e.of(cpu, tp)) {
            e.commit();
        }
    }

    /** Congestion control goes to another state. Linux: trace_tcp_cong_state_set() */
    static void congStateSet(Cpu cpu, TcpSock tp, int state) {
        CongStateSet e = new CongStateSet();
        if (e.of(cpu, tp)) {
            e.congState = state;
            e.commit();
        }
    }

    /** The program has read; the receive buffer may follow. Linux: trace_tcp_rcv_space_adjust() */
    static void rcvSpaceAdjust(Cpu cpu, TcpSock tp) {
        RcvSpaceAdjust e = new RcvSpaceAdjust();
        if (e.of(cpu, tp)) {
            e.rcvbuf = tp.rcvbuf;
            e.space = tp.rcvqSpaceSpace;
            e.commit();
        }
    }

    /** What every event of a connection says. */
    abstract static class SockEvent extends TraceEvent {
        @Label("Cookie")
        long sock;

        @Label("Source Address")
        String saddr = "";

        @Label("Source Port")
        int sport;

        @Label("Destination Address")
        String daddr = "";

        @Label("Destination Port")
        int dport;

        @Label("Family")
        int family;

        final boolean of(Cpu on, TcpSock tp) {
            if (!at(on)) {
                return false;
            }
            sock = tp.cookie();
            saddr = SockAddrIn.text(tp.saddr);
            sport = tp.num;
            daddr = SockAddrIn.text(tp.daddr);
            dport = tp.dport;
            family = tp.family;
            return true;
        }

        /** No connection: the addresses are those of our answer. */
        final boolean answers(Cpu on, @Nullable SkBuff skb) {
            if (!at(on) || skb == null) {
                return false;
            }
            TcpHdr th = TcpPcpu.of(on).tailTh.wrap(skb);
            saddr = SockAddrIn.text(IpHdr.daddr(skb.networkAddress()));
            sport = th.dest();
            daddr = SockAddrIn.text(IpHdr.saddr(skb.networkAddress()));
            dport = th.source();
            family = SockConst.AF_INET;
            return true;
        }
    }

    /** tcp:tcp_probe */
    @Name("tcp.tcp_probe")
    @Label("Segment Of A Connection")
    @Registered
    static final class Probe extends SockEvent {
        @Label("Bytes")
        int dataLen;

        @Label("Next To Send")
        long sndNxt;

        @Label("Oldest Unacknowledged")
        long sndUna;

        @Label("Congestion Window")
        int sndCwnd;

        @Label("Slow-start Threshold")
        int ssthresh;

        @Label("Send Window")
        int sndWnd;

        @Label("Smoothed Round Trip, us")
        int srttUs;

        @Label("Receive Window")
        int rcvWnd;

        @Label("Mark")
        int mark;
    }

    /** tcp:tcp_retransmit_skb */
    @Name("tcp.tcp_retransmit_skb")
    @Label("Retransmission")
    @Registered
    static final class RetransmitSkb extends SockEvent {
        @Label("State")
        String state = "";

        @Label("Sequence Number")
        long seq;

        @Label("Bytes")
        int len;

        @Label("Error")
        int err;
    }

    /** tcp:tcp_send_reset */
    @Name("tcp.tcp_send_reset")
    @Label("Reset Sent")
    @Registered
    static final class SendReset extends SockEvent {
        @Label("State")
        String state = "";

        @Label("Not In Answer To A Segment")
        boolean active;
    }

    /** tcp:tcp_receive_reset */
    @Name("tcp.tcp_receive_reset")
    @Label("Reset Received")
    @Registered
    static final class ReceiveReset extends SockEvent {}

    /** tcp:tcp_cong_state_set */
    @Name("tcp.tcp_cong_state_set")
    @Label("Congestion State")
    @Registered
    static final class CongStateSet extends SockEvent {
        @Label("State")
        int congState;
    }

    /** tcp:tcp_rcv_space_adjust */
    @Name("tcp.tcp_rcv_space_adjust")
    @Label("Receive Buffer Looked At")
    @Registered
    static final class RcvSpaceAdjust extends SockEvent {
        @Label("Receive Buffer")
        int rcvbuf;

        @Label("Bytes Read In A Round Trip")
        int space;
    }
}
