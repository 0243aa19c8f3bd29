package net.tcp.cong;

import net.core.Cpu;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.tcp.AckSample;
import net.tcp.CongParam;
import net.tcp.LinuxMib;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpConst;
import net.tcp.TcpSock;
import org.jspecify.annotations.Nullable;

/**
 * CUBIC: after a loss the window follows a cubic function of the time since, with its plateau at the size where the loss
 * happened; so it is quickly back there, stays there a while, and then probes ever faster. It does not depend on the
 * round trip, and is never slower than Reno would be. HyStart leaves slow start before it causes losses: when ACKs come
 * in trains as long as the path, or the round trip rises.
 *
 * <p>The function in RFC 9438's units (segments, seconds): {@code W(t) = C (t - K)^3 + Wmax}, {@code C = 0.4},
 * {@code K = cbrt(Wmax (1 - beta) / C)}, {@code beta = 0.7}. Here time is in 1/1024 s and C is 410 / 2^10.
 *
 * <p>{@code hystart_plus} puts {@link HystartPlus} in HyStart's place, for connections that begin afterwards.
 *
 * <p>Deviation: K is the exact integer cube root, where Linux uses a table and one step of Newton's (0.2 % off at most).
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 9438, 9406. Linux: net/ipv4/tcp_cubic.c.
 */
@HotPath
public final class Cubic extends TcpCongestionOps {
    /** Scale of beta. */
    private static final int BETA_SCALE = 1024;
    /** 2^10 units of time make a second. */
    private static final int BICTCP_HZ = 10;

    private static final int HYSTART_ACK_TRAIN = 1;
    private static final int HYSTART_DELAY = 2;

    private static final int HYSTART_MIN_SAMPLES = 8;
    private static final int HYSTART_DELAY_MIN_US = 4000;
    private static final int HYSTART_DELAY_MAX_US = 16000;
    private static final long USEC_PER_SEC = 1_000_000;

    private final CongParam fastConvergence = param("fast_convergence", 1, 0, 1);
    private final CongParam beta = param("beta", 717, 1, BETA_SCALE - 1);
    private final CongParam initialSsthresh = param("initial_ssthresh", 0, 0, Integer.MAX_VALUE);
    private final CongParam bicScale = param("bic_scale", 41, 1, 4096);
    private final CongParam tcpFriendliness = param("tcp_friendliness", 1, 0, 1);
    private final CongParam hystart = param("hystart", 1, 0, 1);
    private final CongParam hystartDetect = param("hystart_detect", HYSTART_ACK_TRAIN | HYSTART_DELAY, 0, 3);
    private final CongParam hystartLowWindow = param("hystart_low_window", 16, 0, 1 << 16);
    private final CongParam hystartAckDeltaUs = param("hystart_ack_delta_us", 2000, 0, 1 << 20);
    private final CongParam hystartPlus = param("hystart_plus", 0, 0, 1);

    /** State of one connection. Linux: struct bictcp. */
    static final class State {
        /** Segments to acknowledge per step of the window. */
        int cnt;
        /** Window before the last reduction: Wmax. */
        int lastMaxCwnd;
        /** Window and time (jiffies) at the last update of {@link #cnt}. */
        int lastCwnd;

        int lastTime;
        /** Plateau of the curve. */
        int originPoint;
        /** Time from the start of the epoch to the plateau, 1/1024 s. */
        int k;
        /** Smallest round trip, us; 0: none yet. */
        int delayMin;
        /** Start of the epoch, jiffies; 0: the next ACK starts one. */
        int epochStart;
        /** Segments acknowledged in it, for {@link #tcpCwnd}. */
        int ackCnt;
        /** The window that Reno would have. */
        int tcpCwnd;
        /** HyStart: samples in this round. */
        int sampleCnt;
        /** HyStart: the exit was found. */
        boolean found;
        /** HyStart: start of the round, us. */
        int roundStart;
        /** HyStart: its last sequence number. */
        int endSeq;
        /** HyStart: last ACK of the train, us. */
        int lastAck;
        /** HyStart: smallest round trip in this round, us. */
        int currRtt;
        /** HyStart++ in HyStart's place, or null. */
        final @Nullable HystartPlus plus;

        State(@Nullable HystartPlus plus) {
            this.plus = plus;
        }

        private void reset() {
            cnt = 0;
            lastMaxCwnd = 0;
            lastCwnd = 0;
            lastTime = 0;
            originPoint = 0;
            k = 0;
            delayMin = 0;
            epochStart = 0;
            ackCnt = 0;
            tcpCwnd = 0;
            found = false;
        }
    }

    /** For {@link java.util.ServiceLoader}. */
    public Cubic() {}

    @Override
    public String name() {
        return "cubic";
    }

    @Override
    public int flags() {
        return TCP_CONG_NON_RESTRICTED;
    }

    @Override
    public Object newState() {
        return new State(hystartPlus.on() ? new HystartPlus() : null);
    }

    private static State state(TcpSock tp) {
        State ca = (State) tp.ca;
        if (ca == null) {
            throw new IllegalStateException("cubic without state");
        }
        return ca;
    }

    private static int clockUs(TcpSock tp) {
        return (int) tp.tcpMstamp;
    }

    private static void hystartReset(TcpSock tp, State ca) {
        ca.roundStart = clockUs(tp);
        ca.lastAck = ca.roundStart;
        ca.endSeq = tp.sndNxt;
        ca.currRtt = -1;
        ca.sampleCnt = 0;
    }

    @Override
    public void init(Cpu cpu, TcpSock tp) {
        State ca = state(tp);
        ca.reset();
        hystartReset(tp, ca);
        if (ca.plus != null) {
            ca.plus.init(tp);
        }
        if (initialSsthresh.on() && !hystart.on() && ca.plus == null) {
            tp.sndSsthresh = initialSsthresh.value;
        }
    }

    @Override
    public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        if (event != TcpConst.CA_EVENT_TX_START) {
            return;
        }
        // Idle time must not move the connection along the curve.
        State ca = state(tp);
        int now = (int) cpu.jiffies();
        int idle = now - tp.lsndtime;
        if (ca.epochStart != 0 && idle > 0) {
            ca.epochStart += idle;
            if (ca.epochStart - now > 0) {
                ca.epochStart = now;
            }
        }
    }

    /** Integer cube root, rounded down. */
    static int cubicRoot(long a) {
        int root = 0;
        for (int bit = 1 << 20; bit != 0; bit >>= 1) {
            long r = root | bit;
            if (r * r * r <= a) {
                root = (int) r;
            }
        }
        return root;
    }

    /** Recomputes {@link State#cnt}. Linux: bictcp_update(). */
    void update(State ca, int cwnd, int acked, int nowJiffies) {
        ca.ackCnt += acked;
        if (ca.lastCwnd == cwnd && nowJiffies - ca.lastTime <= TcpConst.HZ / 32) {
            return;
        }
        if (ca.epochStart == 0 || nowJiffies != ca.lastTime) { // the curve at most once a jiffy
            ca.lastCwnd = cwnd;
            ca.lastTime = nowJiffies;
            if (ca.epochStart == 0) {
                startEpoch(ca, cwnd, acked, nowJiffies);
            }
            ca.cnt = curve(ca, cwnd, nowJiffies);
            if (ca.lastMaxCwnd == 0 && ca.cnt > 20) {
                ca.cnt = 20; // no loss yet: the bandwidth is unknown, be quicker
            }
        }
        if (tcpFriendliness.on()) {
            notSlowerThanReno(ca, cwnd);
        }
        ca.cnt = Math.max(ca.cnt, 2); // at most 1.5 times per round trip
    }

    private void notSlowerThanReno(State ca, int cwnd) {
        // Segments to be acknowledged per step of Reno with the same beta, times 8.
        int scale = 8 * (BETA_SCALE + beta.value) / 3 / (BETA_SCALE - beta.value);
        int perStep = Math.max((int) ((long) cwnd * scale >> 3), 1);
        while (ca.ackCnt > perStep) {
            ca.ackCnt -= perStep;
            ca.tcpCwnd++;
        }
        if (ca.tcpCwnd > cwnd) {
            ca.cnt = Math.min(ca.cnt, cwnd / (ca.tcpCwnd - cwnd));
        }
    }

    private void startEpoch(State ca, int cwnd, int acked, int nowJiffies) {
        ca.epochStart = nowJiffies;
        ca.ackCnt = acked;
        ca.tcpCwnd = cwnd;
        if (ca.lastMaxCwnd <= cwnd) {
            ca.k = 0;
            ca.originPoint = cwnd;
        } else {
            long factor = (1L << 10 + 3 * BICTCP_HZ) / (bicScale.value * 10);
            ca.k = cubicRoot(factor * (ca.lastMaxCwnd - cwnd));
            ca.originPoint = ca.lastMaxCwnd;
        }
    }

    /** Segments per step that lead to where the curve is one minimal round trip from now. */
    private int curve(State ca, int cwnd, int nowJiffies) {
        long t = (long) nowJiffies - ca.epochStart;
        t += (ca.delayMin + 999) / 1000;
        t = (t << BICTCP_HZ) / TcpConst.HZ;
        long offs = Math.abs(t - ca.k);
        int delta = (int) (bicScale.value * 10 * offs * offs * offs >> 10 + 3 * BICTCP_HZ);
        int target = t < ca.k ? ca.originPoint - delta : ca.originPoint + delta;
        return target - cwnd > 0 ? cwnd / (target - cwnd) : 100 * cwnd;
    }

    private static int slowStart(TcpSock tp, State ca, int acked) {
        if (ca.plus == null || !tp.inInitialSlowStart()) {
            return Reno.slowStart(tp, acked);
        }
        Reno.slowStart(tp, ca.plus.growth(acked, tp.pacingStatus != Sock.SK_PACING_NONE));
        return 0;
    }

    @Override
    public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
        if (!tp.cwndLimited()) {
            return;
        }
        int left = acked;
        if (tp.inSlowStart()) {
            left = slowStart(tp, state(tp), acked);
            if (left == 0) {
                return;
            }
        }
        State ca = state(tp);
        update(ca, tp.sndCwnd, left, (int) cpu.jiffies());
        Reno.congAvoidAi(tp, ca.cnt, left);
    }

    @Override
    public int ssthresh(Cpu cpu, TcpSock tp) {
        State ca = state(tp);
        ca.epochStart = 0;
        int cwnd = tp.sndCwnd;
        // Fast convergence: a flow that did not regain its window leaves room to new ones.
        ca.lastMaxCwnd = cwnd < ca.lastMaxCwnd && fastConvergence.on()
                ? (int) ((long) cwnd * (BETA_SCALE + beta.value) / (2 * BETA_SCALE))
                : cwnd;
        return Math.max((int) ((long) cwnd * beta.value / BETA_SCALE), 2);
    }

    @Override
    public int undoCwnd(TcpSock tp) {
        return Math.max(tp.sndCwnd, tp.priorCwnd);
    }

    @Override
    public void setState(Cpu cpu, TcpSock tp, int newState) {
        if (newState == TcpConst.TCP_CA_LOSS) {
            State ca = state(tp);
            ca.reset();
            hystartReset(tp, ca);
        }
    }

    // ---- HyStart ----------------------------------------------------------------------------------------------------

    /** What one GSO burst takes at the pacing rate, us, at most 1 ms. */
    private static int hystartAckDelay(TcpSock tp) {
        long rate = tp.pacingRate;
        return rate == 0 ? 0 : (int) Math.min(1000, tp.gsoMaxSize * 4 * USEC_PER_SEC / rate);
    }

    private static void exitSlowStart(Cpu cpu, TcpSock tp, State ca, LinuxMib event, LinuxMib window) {
        ca.found = true;
        tp.tcpNet.inc(cpu, event);
        tp.tcpNet.add(cpu, window, tp.sndCwnd);
        tp.sndSsthresh = tp.sndCwnd;
    }

    private void hystartUpdate(Cpu cpu, TcpSock tp, State ca, int delay) {
        if (tp.sndUna - ca.endSeq > 0) { // rounds begin whatever the window (since Linux 6.14)
            hystartReset(tp, ca);
        }
        if (tp.sndCwnd < hystartLowWindow.value) {
            return;
        }
        if ((hystartDetect.value & HYSTART_ACK_TRAIN) != 0) {
            watchTrain(cpu, tp, ca);
        }
        if ((hystartDetect.value & HYSTART_DELAY) != 0) {
            watchDelay(cpu, tp, ca, delay);
        }
    }

    private void watchTrain(Cpu cpu, TcpSock tp, State ca) {
        int now = clockUs(tp);
        if (now - ca.lastAck > hystartAckDeltaUs.value) {
            return;
        }
        ca.lastAck = now; // still the same train
        int threshold = ca.delayMin + hystartAckDelay(tp);
        if (tp.pacingStatus == Sock.SK_PACING_NONE) {
            threshold >>= 1; // unpaced, a train of half the round trip fills the pipe
        }
        if (now - ca.roundStart > threshold) {
            exitSlowStart(cpu, tp, ca, LinuxMib.TCPHYSTARTTRAINDETECT, LinuxMib.TCPHYSTARTTRAINCWND);
        }
    }

    private static void watchDelay(Cpu cpu, TcpSock tp, State ca, int delay) {
        if (Integer.compareUnsigned(ca.currRtt, delay) > 0) {
            ca.currRtt = delay;
        }
        if (ca.sampleCnt < HYSTART_MIN_SAMPLES) {
            ca.sampleCnt++;
            return;
        }
        int allowed = Math.clamp(ca.delayMin >> 3, HYSTART_DELAY_MIN_US, HYSTART_DELAY_MAX_US);
        if (Integer.compareUnsigned(ca.currRtt, ca.delayMin + allowed) > 0) {
            exitSlowStart(cpu, tp, ca, LinuxMib.TCPHYSTARTDELAYDETECT, LinuxMib.TCPHYSTARTDELAYCWND);
        }
    }

    @Override
    public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
        if (sample.rttUs < 0) {
            return;
        }
        State ca = state(tp);
        if (ca.epochStart != 0 && (int) cpu.jiffies() - ca.epochStart < TcpConst.HZ) {
            return; // right after recovery the round trip is not the path's
        }
        int delay = Math.max(sample.rttUs, 1);
        if (ca.delayMin == 0 || ca.delayMin > delay) {
            ca.delayMin = delay;
        }
        if (ca.plus != null) {
            if (tp.inInitialSlowStart() && ca.plus.sample(tp, delay)) {
                tp.sndSsthresh = tp.sndCwnd;
            }
        } else if (!ca.found && hystart.on() && tp.inSlowStart()) {
            hystartUpdate(cpu, tp, ca, delay);
        }
    }

    @Override
    public @Nullable String info(TcpSock tp) {
        State ca = state(tp);
        return "cubic wmax:" + ca.lastMaxCwnd + " minrtt:" + ca.delayMin; // allocates: diagnostics
    }
}
