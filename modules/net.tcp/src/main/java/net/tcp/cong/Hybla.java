package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.CongParam;
import net.tcp.TcpConst;
import net.tcp.TcpSock;

/**
 * Hybla: a satellite's connection grows as one with a round trip of {@code rtt0} would: with {@code rho = rtt / rtt0}
 * each ACK adds {@code 2^rho - 1} segments in slow start and {@code rho^2 / cwnd} afterwards.
 *
 * <p>The first window is {@code rho}, as in Linux.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>C. Caini, R. Firrincieli, "TCP Hybla: a TCP enhancement for heterogeneous networks", 2004. Linux:
 * net/ipv4/tcp_hybla.c.
 */
@HotPath
public final class Hybla extends RenoBased {
    private static final int CWND_CLAMP = 65535;
    private static final int MAX_RHO = 16;
    /** 2^(i/8) in 1/128. */
    private static final int[] FRACTIONS = {128, 139, 152, 165, 181, 197, 215, 234};

    private final CongParam rtt0 = param("rtt0", 25, 1, 60_000);

    /** State of one connection. Linux: struct hybla. */
    static final class State {
        boolean enabled;
        /** Window still to add, in 1/128. */
        int cents;
        /** rho, whole. */
        int rho;
        /** rho in 1/8, its square in 1/128. */
        int rho3ls;

        int rho2In7ls;
        /** Smallest smoothed round trip, us times 8. */
        int minRttUs;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Hybla() {}

    @Override
    public String name() {
        return "hybla";
    }

    @Override
    public Object newState() {
        return new State();
    }

    private void recalcParam(TcpSock tp, State ca) {
        ca.rho3ls = Math.max((int) (u(tp.srttUs) / (rtt0.value * 1000L)), 8);
        ca.rho = ca.rho3ls >> 3;
        ca.rho2In7ls = ca.rho3ls * ca.rho3ls << 1;
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        ca.cents = 0;
        ca.enabled = true;
        tp.sndCwndClamp = CWND_CLAMP;
        recalcParam(tp, ca);
        ca.minRttUs = tp.srttUs;
        tp.setSndCwnd(ca.rho);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        ((State) ca(tp)).enabled = newState == TcpConst.TCP_CA_OPEN;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        State ca = (State) ca(tp);
        if (Integer.compareUnsigned(tp.srttUs, ca.minRttUs) < 0) {
            recalcParam(tp, ca);
            ca.minRttUs = tp.srttUs;
        }
        if (!tp.cwndLimited()) {
            return;
        }
        if (!ca.enabled) {
            Reno.avoid(tp, acked);
            return;
        }
        boolean slowStart = tp.inSlowStart();
        int increment;
        if (slowStart) {
            increment = (1 << Math.min(ca.rho, MAX_RHO)) * FRACTIONS[ca.rho3ls & 7] - 128;
        } else {
            increment = ca.rho2In7ls / tp.sndCwnd;
            if (increment < 128) {
                tp.sndCwndCnt++;
            }
        }
        ca.cents += increment & 127;
        int cwnd = tp.sndCwnd + (increment >> 7) + (ca.cents >> 7);
        if (ca.cents >= 128) {
            ca.cents &= 127;
            tp.sndCwndCnt = 0;
        }
        if (slowStart) {
            cwnd = Math.min(cwnd, tp.sndSsthresh);
        }
        tp.setSndCwnd(Math.min(cwnd, tp.sndCwndClamp));
    }
}
