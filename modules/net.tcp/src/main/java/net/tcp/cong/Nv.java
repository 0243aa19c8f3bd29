package net.tcp.cong;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.TcpCcInfo;
import net.tcp.TcpConst;
import net.tcp.TcpSeq;
import net.tcp.TcpSock;

/**
 * NV ("New Vegas"), for data centers: from the largest rate of a round and the smallest round trip it computes the window
 * that this rate needs; {@code nv_pad} segments more are tolerated, beyond that it reduces towards it.
 *
 * <p>It decides only after enough measurements, because offloads make single round trips noisy. The smallest round trip
 * is forgotten every {@code nv_reset_period} seconds, give or take a quarter.
 *
 * <p>Deviation: no base round trip from BPF.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>L. Brakmo, "TCP-NV: An Update to TCP-Vegas", 2015. Linux: net/ipv4/tcp_nv.c.
 */
@HotPath
public final class Nv extends RenoBased {
    private static final int PAD_BUFFER = 2;
    /** Share of the excess that a reduction takes, in 1/128: 30 %. */
    private static final int CONG_DEC_MULT = 30 * 128 / 100;
    /** What a loss leaves, in 1/1024: 80 %. */
    private static final int LOSS_DEC_FACTOR = 819;
    /** Rounds without congestion before growth below one segment per round speeds up. */
    private static final int GROWTH_RATE_NEG = 8;

    private static final int DEC_EVAL_MIN_CALLS = 60;
    private static final int INC_EVAL_MIN_CALLS = 20;
    private static final int SSTHRESH_EVAL_MIN_CALLS = 30;
    private static final int STOP_RTT_CNT = 10;
    private static final int RTT_MIN_CNT = 2;
    private static final int INIT_RTT = -1;
    private static final int MIN_CWND = 4;
    private static final int MIN_CWND_GROW = 2;
    private static final int TSO_CWND_BOUND = 80;

    private final CongParam pad = param("nv_pad", 10, PAD_BUFFER, 1 << 16);
    private final CongParam resetPeriod = param("nv_reset_period", 5, 1, 3600);
    private final CongParam minCwnd = param("nv_min_cwnd", 2, 1, 1 << 16);

    /** State of one connection; round trips in microseconds. Linux: struct tcpnv. */
    static final class State {
        long minRttResetJiffies;
        /** Below 0: less than a segment per round, halved so many times. */
        int growthFactor;

        boolean allowGrowth;
        boolean reset;
        boolean catchup;
        /** Measurements since the last decision. */
        int evalCalls;
        /** Smallest window it decides at; larger when offloads bundle. */
        int minCwnd;
        /** Rounds since the last decision. */
        int rttCnt;

        int lastRtt;
        /** Unsigned; -1: none. */
        int minRtt;

        int minRttNew;
        /** Largest rate in this round, 100 bit/s. */
        long maxRate;

        int rttStartSeq;
        int lastSndUna;
        int noCongCnt;
    }

    /** For {@link java.util.ServiceLoader}. */
    public Nv() {}

    @Override
    public String name() {
        return "nv";
    }

    @Override
    public Object newState() {
        return new State();
    }

    private static void startOver(TcpSock tp, State ca) {
        ca.reset = false;
        ca.noCongCnt = 0;
        ca.rttCnt = 0;
        ca.lastRtt = 0;
        ca.maxRate = 0;
        ca.rttStartSeq = tp.sndUna;
        ca.evalCalls = 0;
        ca.lastSndUna = tp.sndUna;
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = (State) ca(tp);
        startOver(tp, ca);
        ca.allowGrowth = true;
        ca.minRttResetJiffies = cpu.jiffies() + 2 * TcpConst.HZ;
        ca.minRtt = INIT_RTT;
        ca.minRttNew = INIT_RTT;
        ca.minCwnd = MIN_CWND;
        ca.catchup = false;
        ca.growthFactor = 0;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        State ca = (State) ca(tp);
        if (!tp.cwndLimited() || !ca.allowGrowth) {
            return;
        }
        int left = tp.inSlowStart() ? Reno.slowStart(tp, acked) : acked;
        if (left != 0) {
            int w = ca.growthFactor < 0 ? tp.sndCwnd << -ca.growthFactor : Math.max(4, tp.sndCwnd >> ca.growthFactor);
            Reno.congAvoidAi(tp, w, left);
        }
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        return Math.max((int) ((long) tp.sndCwnd * LOSS_DEC_FACTOR >> 10), 2);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        State ca = (State) ca(tp);
        if (newState == TcpConst.TCP_CA_OPEN) {
            if (ca.reset) {
                startOver(tp, ca);
            }
        } else if (newState >= TcpConst.TCP_CA_CWR) {
            ca.reset = true;
            ca.allowGrowth = false;
            if (newState == TcpConst.TCP_CA_LOSS) {
                ca.growthFactor = Math.min(ca.growthFactor, 0);
                if (ca.growthFactor > -8) {
                    ca.growthFactor--;
                }
            }
        }
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        if (sample.rttUs < 0 || tp.icskCaState != TcpConst.TCP_CA_OPEN && tp.icskCaState != TcpConst.TCP_CA_DISORDER) {
            return;
        }
        State ca = (State) ca(tp);
        if (ca.catchup && tp.sndCwnd >= minCwnd.value) {
            ca.catchup = false;
            ca.allowGrowth = false;
        }
        int bytesAcked = tp.sndUna - ca.lastSndUna;
        ca.lastSndUna = tp.sndUna;
        if (sample.inFlight == 0) {
            return;
        }
        measure(cpu, ca, sample);
        if (TcpSeq.before(ca.rttStartSeq, tp.sndUna)) {
            ca.rttStartSeq = tp.sndNxt;
            ca.rttCnt = Math.min(ca.rttCnt + 1, 0xff);
            if (ca.evalCalls == 1 && bytesAcked >= (ca.minCwnd - 1) * tp.mssCache && ca.minCwnd <= TSO_CWND_BOUND) {
                // One measurement a round: offloads bundle all of it. Decide at larger windows only.
                ca.minCwnd = Math.min(ca.minCwnd + MIN_CWND_GROW, TSO_CWND_BOUND + 1);
                ca.rttStartSeq = tp.sndNxt + ca.minCwnd * tp.mssCache;
                ca.evalCalls = 0;
                ca.allowGrowth = true;
                return;
            }
            decide(tp, ca);
        }
    }

    /** Takes a sample into rate and smallest round trip. */
    private void measure(Cpu cpu, State ca, AckSample sample) {
        int rtt;
        if (ca.lastRtt > 0) {
            rtt = (int) ((long) sample.rttUs + ca.lastRtt >> 1);
        } else {
            rtt = sample.rttUs;
            ca.minRtt = rtt << 1;
        }
        ca.lastRtt = rtt;
        long rate = u(sample.inFlight) * 80_000 / Math.max(rtt, 1);
        ca.maxRate = Math.max(ca.maxRate, rate);
        ca.evalCalls = Math.min(ca.evalCalls + 1, 255);
        if (Integer.compareUnsigned(rtt, ca.minRtt) < 0) {
            ca.minRtt = rtt;
        }
        if (Integer.compareUnsigned(rtt, ca.minRttNew) < 0) {
            ca.minRttNew = rtt;
        }
        long now = cpu.jiffies();
        if (now - ca.minRttResetJiffies >= 0) {
            ca.minRtt = ca.minRttNew;
            ca.minRttNew = INIT_RTT;
            int random = cpu.kernel().getRandomBelow(256);
            ca.minRttResetJiffies = now + ((long) resetPeriod.value * (384 + random) * TcpConst.HZ >> 9);
            ca.minCwnd = Math.max(ca.minCwnd / 2, MIN_CWND);
        }
    }

    /** Once per round: too much in flight, too little, or right? */
    private void decide(TcpSock tp, State ca) {
        int needed = (int) (ca.maxRate * u(ca.minRtt) / (80_000L * tp.mssCache));
        int maxWin = needed + pad.value;
        if (tp.sndCwnd > maxWin) {
            if (!mayReduce(tp, ca)) {
                return;
            }
            ca.allowGrowth = false;
            tp.sndSsthresh = Math.max(maxWin, 2);
            int excess = tp.sndCwnd - maxWin;
            tp.setSndCwnd(excess > 2 ? tp.sndCwnd - Math.max(2, excess * CONG_DEC_MULT >> 7) : maxWin);
            ca.growthFactor = Math.min(ca.growthFactor, 0);
            ca.noCongCnt = 0;
        } else if (tp.sndCwnd <= maxWin - PAD_BUFFER) {
            if (ca.evalCalls < INC_EVAL_MIN_CALLS) {
                return;
            }
            ca.allowGrowth = true;
            ca.noCongCnt++;
            if (ca.growthFactor < 0 && ca.noCongCnt > GROWTH_RATE_NEG) {
                ca.growthFactor++;
                ca.noCongCnt = 0;
            }
        } else {
            return;
        }
        ca.evalCalls = 0;
        ca.rttCnt = 0;
        ca.maxRate = 0;
        if (tp.sndCwnd < minCwnd.value) {
            tp.setSndCwnd(minCwnd.value);
        }
    }

    private static boolean mayReduce(TcpSock tp, State ca) {
        if (ca.rttCnt < RTT_MIN_CNT) {
            return false;
        }
        if (tp.inInitialSlowStart()) {
            return ca.evalCalls >= SSTHRESH_EVAL_MIN_CALLS;
        }
        if (ca.evalCalls < DEC_EVAL_MIN_CALLS) {
            if (ca.allowGrowth && ca.rttCnt > STOP_RTT_CNT) {
                ca.allowGrowth = false;
            }
            return false;
        }
        return true;
    }

    @Override
    public TcpCcInfo ccInfo(TcpSock tp) {
        State ca = (State) ca(tp);
        return new TcpCcInfo.Vegas(1, ca.rttCnt, ca.lastRtt, ca.minRtt); // allocates: diagnostics
    }
}
