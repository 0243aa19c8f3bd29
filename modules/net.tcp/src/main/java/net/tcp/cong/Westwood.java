package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * Westwood+: Reno that after a loss goes on with what the path was seen to carry, bandwidth times the smallest round
 * trip, instead of half the window. The bandwidth is what was acknowledged per round trip (at least 50 ms), filtered
 * twice.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>S. Mascolo et al., "TCP Westwood: Bandwidth Estimation for Enhanced Transport over Wireless Links", MobiCom 2001; L.
 * Grieco, S. Mascolo, CCR 34(2), 2004. Linux: net/ipv4/tcp_westwood.c.
 */
@HotPath
public final class Westwood extends RenoBased {
    private static final int RTT_MIN = TcpConst.HZ / 20;
    private static final int INIT_RTT = 20 * TcpConst.HZ;

    /** State of one connection; bandwidths in bytes per jiffy, times in jiffies. Linux: struct westwood. */
    static final class State {
        int bwNsEst;
        /** The estimate. */
        int bwEst;
        /** Start of the sample under way. */
        int rttWinSx;
        /** Bytes acknowledged in it. */
        int bk;
        /** Left edge at the last ACK. */
        int sndUna;
        /** Bytes counted for duplicate ACKs that a later ACK covers. */
        int accounted;

        int rtt;
        int rttMin;
        boolean firstAck;
        boolean resetRttMin;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Westwood() {}

    @Override
    public String name() {
        return "westwood";
    }

    @Override
    public Object newState() {
        return new State();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State w = (State) ca(tp);
        w.bk = 0;
        w.bwNsEst = 0;
        w.bwEst = 0;
        w.accounted = 0;
        w.resetRttMin = true;
        w.rtt = INIT_RTT;
        w.rttMin = INIT_RTT;
        w.rttWinSx = (int) cpu.jiffies();
        w.sndUna = tp.sndUna;
        w.firstAck = true;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        Reno.avoid(tp, acked);
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        if (sample.rttUs > 0) {
            ((State) ca(tp)).rtt = (sample.rttUs + 999) / 1000;
        }
    }

    private static int filter(int old, int sample) {
        return (int) (7L * old + sample >> 3);
    }

    private static void updateWindow(Cpu cpu, TcpSock tp, State w) {
        int now = (int) cpu.jiffies();
        int delta = now - w.rttWinSx;
        if (w.firstAck) { // the handshake's bytes are no bandwidth
            w.sndUna = tp.sndUna;
            w.firstAck = false;
        }
        if (w.rtt != 0 && delta > Math.max(w.rtt, RTT_MIN)) {
            int sample = w.bk / delta;
            if (w.bwNsEst == 0 && w.bwEst == 0) {
                w.bwNsEst = sample;
                w.bwEst = sample;
            } else {
                w.bwNsEst = filter(w.bwNsEst, sample);
                w.bwEst = filter(w.bwEst, w.bwNsEst);
            }
            w.bk = 0;
            w.rttWinSx = now;
        }
    }

    /** Bytes that an ACK off the fast path stands for: a duplicate for one segment, which a later ACK must not count again. */
    private static int ackedCount(TcpSock tp, State w) {
        int bytes = tp.sndUna - w.sndUna;
        if (bytes == 0) {
            w.accounted += tp.mssCache;
            bytes = tp.mssCache;
        }
        if (bytes > tp.mssCache) {
            if (w.accounted >= bytes) {
                w.accounted -= bytes;
                bytes = tp.mssCache;
            } else {
                bytes -= w.accounted;
                w.accounted = 0;
            }
        }
        w.sndUna = tp.sndUna;
        return bytes;
    }

    @Override
    public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {
        State w = (State) ca(tp);
        updateWindow(cpu, tp, w);
        if ((flags & CA_ACK_SLOWPATH) != 0) {
            w.bk += ackedCount(tp, w);
        } else {
            w.bk += tp.sndUna - w.sndUna;
            w.sndUna = tp.sndUna;
        }
        if (w.resetRttMin) {
            w.rttMin = w.rtt;
            w.resetRttMin = false;
        } else {
            w.rttMin = Math.min(w.rtt, w.rttMin);
        }
    }

    /** Bandwidth times smallest round trip, segments. Linux: tcp_westwood_bw_rttmin(). */
    static int bwRttMin(TcpSock tp) {
        State w = (State) ca(tp);
        return (int) Math.max((long) w.bwEst * w.rttMin / tp.mssCache, 2);
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        if (event == TcpConst.CA_EVENT_COMPLETE_CWR) {
            tp.sndSsthresh = bwRttMin(tp);
            tp.setSndCwnd(tp.sndSsthresh);
        } else if (event == TcpConst.CA_EVENT_LOSS) {
            tp.sndSsthresh = bwRttMin(tp);
            ((State) ca(tp)).resetRttMin = true;
        }
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        State w = (State) ca(tp);
        return new TcpCcInfo.Vegas(1, 0, w.rtt * 1000, w.rttMin * 1000); // allocates: diagnostics
    }
}
