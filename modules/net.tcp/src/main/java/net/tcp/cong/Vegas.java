package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.TcpCcInfo;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * Vegas: keeps between {@code alpha} and {@code beta} segments in the bottleneck's queue, which it computes once per
 * round from the round trip: {@code diff = cwnd (rtt - baseRtt) / baseRtt}. Slow start ends at {@code gamma}.
 *
 * <p>After an idle time the base is measured anew. The window may move by one per round even when it limits nothing, as
 * in Linux.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>L. Brakmo, L. Peterson, "TCP Vegas: End to End Congestion Avoidance on a Global Internet", JSAC 13(8), 1995. Linux:
 * net/ipv4/tcp_vegas.c.
 */
@HotPath
public final class Vegas extends RenoBased {
    private final CongParam alpha = param("alpha", 2, 0, 1 << 16);
    private final CongParam beta = param("beta", 4, 0, 1 << 16);
    private final CongParam gamma = param("gamma", 1, 0, 1 << 16);

    /** For {@link java.util.ServiceLoader}. */
    public Vegas() {}

    @Override
    public String name() {
        return "vegas";
    }

    @Override
    public Object newState() {
        return new VegasState();
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        ((VegasState) ca(tp)).init(tp);
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        ((VegasState) ca(tp)).sample(sample);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        ((VegasState) ca(tp)).state(tp, newState);
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        ((VegasState) ca(tp)).event(tp, event);
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        VegasState ca = (VegasState) ca(tp);
        if (!ca.doingVegasNow) {
            Reno.avoid(tp, acked);
        } else if (TcpSeq.after(ack, ca.begSndNxt)) {
            ca.begSndNxt = tp.sndNxt;
            if (ca.cntRtt <= 2) {
                Reno.avoid(tp, acked); // perhaps delayed ACKs all of them
            } else {
                decide(tp, ca, acked);
            }
            ca.nextRound();
        } else if (tp.inSlowStart()) {
            Reno.slowStart(tp, acked);
        }
    }

    /** Once per round. */
    private void decide(TcpSock tp, VegasState ca, int acked) {
        int cwnd = tp.sndCwnd;
        long diff = (long) cwnd * (ca.minRtt - ca.baseRtt) / ca.baseRtt;
        if (tp.inSlowStart()) {
            if (diff > gamma.value) {
                int target = (int) ((long) cwnd * ca.baseRtt / ca.minRtt); // what the path carries without a queue
                tp.setSndCwnd(Math.min(cwnd, target + 1));
                tp.sndSsthresh = Math.min(tp.sndSsthresh, tp.sndCwnd);
            } else {
                Reno.slowStart(tp, acked);
            }
        } else if (diff > beta.value) {
            tp.setSndCwnd(Math.max(cwnd - 1, 1));
            tp.sndSsthresh = Math.min(tp.sndSsthresh, tp.sndCwnd);
        } else if (diff < alpha.value) {
            tp.setSndCwnd(cwnd + 1);
        }
        tp.setSndCwnd(tp.sndCwnd < 2 ? 2 : Math.min(tp.sndCwnd, tp.sndCwndClamp));
        tp.sndSsthresh = tp.currentSsthresh();
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        return ((VegasState) ca(tp)).info();
    }
}
