package net.tcp.cong;

import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * Vegas' look at the round trip, which YeAH shares: the smallest of all (propagation), and the smallest of this round
 * (with the queue), which is free of delayed ACKs.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: struct vegas, net/ipv4/tcp_vegas.h.
 */
@HotPath
class VegasState {
    /** End of the round under way. */
    int begSndNxt;
    /** It decides now; off from a loss till its repair. */
    boolean doingVegasNow;
    /** Samples in this round. */
    int cntRtt;
    /** Smallest round trip of this round, us. */
    int minRtt;
    /** Smallest of all, us. */
    int baseRtt;

    final void enable(TcpSock tp) {
        doingVegasNow = true;
        begSndNxt = tp.sndNxt;
        nextRound();
    }

    final void nextRound() {
        cntRtt = 0;
        minRtt = RenoBased.NO_RTT;
    }

    final void init(TcpSock tp) {
        baseRtt = RenoBased.NO_RTT;
        enable(tp);
    }

    final void sample(AckSample sample) {
        if (sample.rttUs < 0) {
            return;
        }
        int rtt = sample.rttUs + 1;
        baseRtt = Math.min(baseRtt, rtt);
        minRtt = Math.min(minRtt, rtt);
        cntRtt++;
    }

    final void state(TcpSock tp, int newState) {
        if (newState == TcpConst.TCP_CA_OPEN) {
            enable(tp);
        } else {
            doingVegasNow = false;
        }
    }

    /** After a pause the last round says nothing. */
    final void event(TcpSock tp, int event) {
        if (event == TcpConst.CA_EVENT_CWND_RESTART || event == TcpConst.CA_EVENT_TX_START) {
            init(tp);
        }
    }

    final TcpCcInfo info() {
        return new TcpCcInfo.Vegas(doingVegasNow ? 1 : 0, cntRtt, baseRtt, minRtt); // allocates: diagnostics
    }
}
