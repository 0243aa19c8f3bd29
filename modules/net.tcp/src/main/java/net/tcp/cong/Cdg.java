package net.tcp.cong;

import java.util.Arrays;
import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.LinuxMib;
import net.tcp.TcpCaMachine;
import net.tcp.TcpConst;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * CDG: backs off by chance, the likelier the faster the round trip grows: {@code 1 - e^(-gradient / G)}. A backoff leaves
 * 0.7 of the window. Against loss-based competitors, backoffs that did not help stop after {@code use_ineff} of them, and
 * a shadow window remembers what Reno would have.
 *
 * <p>The gradients of the smallest and largest round trip per round are averaged over {@code window} rounds (which cannot
 * be changed after the start: power of two up to 256).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>D. Hayes, G. Armitage, "Revisiting TCP Congestion Control using Delay Gradients", Networking 2011. Linux:
 * net/ipv4/tcp_cdg.c.
 */
@HotPath
public final class Cdg extends RenoBased {
    private static final int UNKNOWN = 0;
    private static final int NONFULL = 1;
    private static final int FULL = 2;
    private static final int BACKOFF = 3;
    private static final int HYSTART_ACK_TRAIN = 1;
    private static final int HYSTART_DELAY = 2;

    private final CongParam window = param("window", 8, 1, 256);
    private final CongParam backoffBeta = param("backoff_beta", 724, 0, 1024);
    private final CongParam backoffFactor = param("backoff_factor", 42, 0, 1 << 20);
    private final CongParam hystartDetect = param("hystart_detect", 3, 0, 3);
    private final CongParam useIneff = param("use_ineff", 5, 0, 1 << 16);
    private final CongParam useShadow = param("use_shadow", 1, 0, 1);
    private final CongParam useTolerance = param("use_tolerance", 0, 0, 1);

    /** State of one connection; round trips in microseconds. Linux: struct cdg. */
    static final class State {
        /** Smallest and largest round trip of this round and of the one before; 0: none. */
        int rttMin, rttMax, prevMin, prevMax;
        /** Gradients of the last rounds, their sums and where the oldest is. */
        final int[] gradMin, gradMax;

        int sumMin, sumMax, tail;
        boolean filled;
        int state;
        int delack;
        /** End of the round under way. */
        int rttSeq;
        /** What Reno would have. */
        int shadowWnd;

        int backoffCnt;
        int sampleCnt;
        int delayMin;
        int lastAck;
        int roundStart;

        State(int window) {
            gradMin = new int[window];
            gradMax = new int[window];
        }

        void reset(TcpSock tp) {
            Arrays.fill(gradMin, 0);
            Arrays.fill(gradMax, 0);
            rttMin = rttMax = prevMin = prevMax = 0;
            sumMin = sumMax = tail = 0;
            filled = false;
            state = UNKNOWN;
            delack = 0;
            backoffCnt = 0;
            sampleCnt = 0;
            delayMin = 0;
            lastAck = 0;
            roundStart = 0;
            rttSeq = tp.sndNxt;
            shadowWnd = tp.sndCwnd;
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Cdg() {}

    @Override
    public String name() {
        return "cdg";
    }

    @Override
    public Object newState() {
        return new State(Integer.highestOneBit(window.value));
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        ((State) ca(tp)).reset(tp);
    }

    /** {@code 2^32 e^(-x / 10^6)}, unsigned, within 1/1000 of 2^32. */
    static long nexp(long x) {
        return (long) (Math.exp(x * -1e-6) * 0xffffffffL);
    }

    private static void leaveSlowStart(Cpu cpu, TcpSock tp, LinuxMib event, LinuxMib cwnd) {
        tp.tcpNet.inc(cpu, event);
        tp.tcpNet.add(cpu, cwnd, tp.sndCwnd);
        tp.sndSsthresh = tp.sndCwnd;
    }

    private void hystart(Cpu cpu, TcpSock tp, State ca) {
        if (ca.rttMin != 0 && (ca.delayMin == 0 || ca.rttMin < ca.delayMin)) {
            ca.delayMin = ca.rttMin;
        }
        if (ca.delayMin == 0) {
            return;
        }
        if ((hystartDetect.value & HYSTART_ACK_TRAIN) != 0) {
            int now = (int) tp.tcpMstamp;
            if (ca.lastAck == 0 || !tp.cwndLimited()) {
                ca.lastAck = now;
                ca.roundStart = now;
            } else if (now - (ca.lastAck + 3000) < 0) {
                ca.lastAck = now;
                if (now - (ca.roundStart + Math.max(ca.delayMin / 2, 125)) > 0) {
                    leaveSlowStart(cpu, tp, LinuxMib.TCPHYSTARTTRAINDETECT, LinuxMib.TCPHYSTARTTRAINCWND);
                    return;
                }
            }
        }
        if ((hystartDetect.value & HYSTART_DELAY) != 0) {
            if (ca.sampleCnt < 8) {
                ca.sampleCnt++;
            } else if (ca.rttMin > Math.max(ca.delayMin + ca.delayMin / 8, 125)) {
                leaveSlowStart(cpu, tp, LinuxMib.TCPHYSTARTDELAYDETECT, LinuxMib.TCPHYSTARTDELAYCWND);
            }
        }
    }

    /** The sum of the last rounds' gradients, and what it says of the queue. Linux: tcp_cdg_grad(). */
    private int gradient(State ca) {
        int n = ca.gradMin.length;
        int min = ca.rttMin - ca.prevMin;
        int max = ca.rttMax - ca.prevMax;
        ca.sumMin += min - ca.gradMin[ca.tail];
        ca.sumMax += max - ca.gradMax[ca.tail];
        ca.gradMin[ca.tail] = min;
        ca.gradMax[ca.tail] = max;
        ca.tail = ca.tail + 1 & n - 1;
        min = ca.sumMin;
        max = ca.sumMax;
        int grad = min > 0 ? min : max;
        if (!ca.filled) {
            if (ca.tail == 0) {
                ca.filled = true;
            } else {
                grad = grad * n / ca.tail;
            }
        }
        if (min <= -32 || max <= -32) {
            ca.backoffCnt = 0; // backing off helped
        }
        if (useTolerance.on()) {
            min = Math.round(min / 64f);
            max = Math.round(max / 64f);
            if (min > 0 && max <= 0) {
                ca.state = FULL;
            } else if (min > 0 && max > 0 || max < 0) {
                ca.state = NONFULL;
            }
        }
        return grad;
    }

    private boolean backoff(Cpu cpu, TcpSock tp, State ca, int grad) {
        if (u(cpu.kernel().getRandomU32()) <= nexp((long) grad * backoffFactor.value)) {
            return false;
        }
        if (useIneff.on()) {
            ca.backoffCnt++;
            if (ca.backoffCnt > useIneff.value) {
                return false;
            }
        }
        ca.shadowWnd = Math.max(ca.shadowWnd, tp.sndCwnd);
        ca.state = BACKOFF;
        TcpCaMachine.tcpEnterCwr(cpu, tp);
        return true;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        State ca = (State) ca(tp);
        if (tp.inSlowStart() && hystartDetect.on()) {
            hystart(cpu, tp, ca);
        }
        if (TcpSeq.after(ack, ca.rttSeq) && (ca.rttMin | ca.rttMax) != 0) {
            int grad = (ca.prevMin | ca.prevMax) != 0 ? gradient(ca) : 0;
            nextRound(tp, ca);
            ca.lastAck = 0;
            ca.sampleCnt = 0;
            if (grad > 0 && backoff(cpu, tp, ca, grad)) {
                return;
            }
        }
        if (!tp.cwndLimited()) {
            ca.shadowWnd = Math.min(ca.shadowWnd, tp.sndCwnd);
            return;
        }
        int prior = tp.sndCwnd;
        Reno.avoid(tp, acked);
        ca.shadowWnd += Math.max(tp.sndCwnd - prior, 0);
    }

    private static void nextRound(TcpSock tp, State ca) {
        ca.rttSeq = tp.sndNxt;
        ca.prevMin = ca.rttMin;
        ca.prevMax = ca.rttMax;
        ca.rttMin = 0;
        ca.rttMax = 0;
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        int rtt = sample.rttUs;
        if (rtt <= 0) {
            return;
        }
        State ca = (State) ca(tp);
        if (tp.sackedOut == 0) {
            if (sample.pktsAcked == 1 && ca.delack != 0) {
                // Perhaps delayed: it may lower the minimum, nothing else.
                ca.rttMin = Math.min(ca.rttMin, rtt);
                ca.delack--;
                return;
            }
            if (sample.pktsAcked > 1 && ca.delack < 5) {
                ca.delack++;
            }
        }
        ca.rttMin = ca.rttMin == 0 ? rtt : Math.min(ca.rttMin, rtt);
        ca.rttMax = Math.max(ca.rttMax, rtt);
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        int cwnd = tp.sndCwnd;
        if (ca.state == BACKOFF) {
            return Math.max(2, (int) ((long) cwnd * backoffBeta.value >> 10));
        }
        if (ca.state == NONFULL && useTolerance.on()) {
            return Math.max(cwnd, 2); // the queue was not full: the loss was random
        }
        ca.shadowWnd = Math.min(ca.shadowWnd >> 1, cwnd);
        return Math.max(Math.max(2, cwnd >> 1), useShadow.on() ? ca.shadowWnd : 0);
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        State ca = (State) ca(tp);
        if (event == TcpConst.CA_EVENT_CWND_RESTART) {
            ca.reset(tp);
        } else if (event == TcpConst.CA_EVENT_COMPLETE_CWR) {
            ca.state = UNKNOWN;
            nextRound(tp, ca);
        }
    }
}
