package net.testkit;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import net.core.Cpu;
import net.core.Kernel;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.TcpStates;
import net.skbuff.SkBuff;
import net.tcp.AckSample;
import net.tcp.RateSample;
import net.tcp.TcpCcInfo;
import net.tcp.TcpCong;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpConst;
import net.tcp.TcpSock;
import org.jspecify.annotations.Nullable;

/**
 * What every congestion control owes the stack, checked at each of its calls while it carries transfers over a clean and
 * over a damaged wire. Of use to the authors of modules: {@code CongestionContract.verify("mycc", seed)}; it throws an
 * {@link AssertionError} that names the seed.
 *
 * <ul>
 *   <li>Threshold: {@code ssthresh} answers at least 2 and no more than the window, and leaves the window alone.
 *   <li>Growth: {@code congAvoid} adds at most one segment per segment acknowledged (and one for credit of before), nothing while the program or the
 *       peer is what limits sending, and never goes past the clamp or below 1.
 *   <li>Undo: {@code undoCwnd} answers no less than the window in force.
 *   <li>Life: {@code init} once before anything else, {@code release} once; a state of its own for each connection.
 *   <li>Bounds: after every call, in every state (Open, Disorder, CWR, Recovery, Loss), the window is at least 1 and at most
 *       the clamp.
 *   <li>Idle: the same after pauses, where {@code CA_EVENT_TX_START} and {@code CA_EVENT_CWND_RESTART} are told.
 *   <li>Change: a connection may change to it and from it at any time, in a recovery too; on a wire that loses nothing this
 *       retransmits nothing.
 *   <li>Garbage: its calls for an ACK allocate nothing.
 *   <li>Progress: the window grows past where it started, and every byte arrives.
 * </ul>
 */
public final class CongestionContract {
    private static final String CHECKED = "contract";
    private static final int PORT = 9;
    private static final int CLEAN_BYTES = 3 << 20;
    private static final int DAMAGED_BYTES = 2 << 20;
    private static final int STORMS = 12;
    private static final int STORM_BYTES = 400 << 10;
    private static final long PATIENCE_NS = 240_000_000_000L;

    /** What an algorithm does on purpose although the contract forbids it. */
    public enum Leave {
        /** {@code congAvoid} may add more than one segment per segment acknowledged (hybla; illinois while its step is large and its window small). */
        FAST_GROWTH,
        /** {@code congAvoid} may grow a window that limits nothing (vegas). */
        UNUSED_GROWTH
    }

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    /** Calls before allocations count: classes are loaded and linked first. */
    private static final long WARM_UP_CALLS = 1000;

    private static final int WRITE_BYTES = 16_384;
    private static final int ALL_STATES = 1 << TcpConst.TCP_CA_OPEN
            | 1 << TcpConst.TCP_CA_DISORDER
            | 1 << TcpConst.TCP_CA_RECOVERY
            | 1 << TcpConst.TCP_CA_LOSS;

    private final String name;
    private final long seed;
    private final Set<Leave> leaves;

    private CongestionContract(String name, long seed, Leave... leaves) {
        this.name = name;
        this.seed = seed;
        this.leaves = Set.of(leaves);
    }

    /** Checks an algorithm that ServiceLoader finds. */
    public static void verify(String name, long seed, Leave... leaves) {
        verify(name, null, seed, leaves);
    }

    /** Checks an algorithm that is not registered, such as one under test. */
    public static void verify(TcpCongestionOps ops, long seed, Leave... leaves) {
        verify(ops.name(), ops, seed, leaves);
    }

    /** How the sender behaves. */
    private enum Sender {
        STEADY,
        /** Pauses now and then. */
        PAUSES,
        /** Changes to Reno and back. */
        CHANGES
    }

    private static void verify(String name, @Nullable TcpCongestionOps ops, long seed, Leave... leaves) {
        CongestionContract c = new CongestionContract(name, seed, leaves);
        FaultPlan.Rates delay = new FaultPlan.Rates(0, 0, 0, 0, 5_000_000, 0);
        FaultPlan.Rates faults = new FaultPlan.Rates(0.02, 0.02, 0.01, 0.01, 1_000_000, 20_000);
        FaultPlan.Rates storm = new FaultPlan.Rates(0.1, 0, 0, 0, 1_000_000, 0);
        Checked clean = c.transfer(ops, delay, CLEAN_BYTES, Sender.STEADY);
        c.check(clean.largest > TcpConst.TCP_INIT_CWND, "the window never grew past " + clean.largest);
        c.check(
                clean.dirtyCalls * 50 <= clean.measuredCalls,
                clean.dirtyCalls + " of " + clean.measuredCalls + " calls for an ACK allocated");
        Checked damaged = c.transfer(ops, faults, DAMAGED_BYTES, Sender.STEADY);
        c.check(damaged.thresholds > 0 || damaged.controls > 0, "was not asked for a threshold in spite of losses");
        int seen = clean.states | damaged.states;
        for (int i = 0; i < STORMS && (seen & ALL_STATES) != ALL_STATES; i++) { // time-outs are a matter of luck
            CongestionContract other = new CongestionContract(name, seed * STORMS + i, leaves);
            seen |= other.transfer(ops, storm, STORM_BYTES, Sender.STEADY).states;
        }
        c.check((seen & ALL_STATES) == ALL_STATES, "met states " + Integer.toBinaryString(seen) + " only");
        c.transfer(ops, delay, CLEAN_BYTES, Sender.PAUSES);
        c.transfer(ops, faults, DAMAGED_BYTES, Sender.CHANGES);
        c.transfer(ops, delay, CLEAN_BYTES, Sender.CHANGES);
    }

    private void check(boolean ok, String otherwise) {
        if (!ok) {
            throw new AssertionError(name + ", seed " + seed + ": " + otherwise);
        }
    }

    private Checked transfer(@Nullable TcpCongestionOps given, FaultPlan.Rates faults, int bytes, Sender sender) {
        Lab lab = Lab.twoHosts(seed, 2, faults);
        boolean done = false;
        try {
            Checked checked = install(lab.kernel, given);
            for (Lab.Host h : lab.hosts()) {
                h.net.sysctl().set("net.ipv4.tcp_congestion_control", CHECKED);
            }
            run(lab, bytes, sender);
            long retransmitted = lab.counter("TcpRetransSegs");
            lab.close();
            done = true;
            if (checked.wrong != null) {
                throw checked.wrong;
            }
            check(
                    faults.loss() != 0 || retransmitted == 0,
                    retransmitted + " segments retransmitted on a wire that loses none, " + sender);
            check(checked.alive.isEmpty(), checked.alive.size() + " connections were not released");
            return checked;
        } catch (IOException e) {
            throw new AssertionError(name + ", seed " + seed + ": " + e, e);
        } finally {
            if (!done) {
                lab.abandon();
            }
        }
    }

    private Checked install(Kernel kernel, @Nullable TcpCongestionOps given) {
        TcpCong registry = TcpCong.of(kernel);
        TcpCongestionOps ops = given != null ? given : registry.find(name);
        if (ops == null) {
            throw new AssertionError("no congestion control \"" + name + "\": there are " + registry.available());
        }
        Checked checked = new Checked(ops, leaves);
        registry.register(checked);
        return checked;
    }

    private void run(Lab lab, int bytes, Sender sender) throws IOException {
        SoftServerSocket listener = Lab.listen(lab.host("b"), PORT);
        lab.start("receiver", () -> {
            try (listener;
                    SoftSocket s = listener.accept()) {
                PayloadStream wanted = new PayloadStream(seed);
                byte[] buf = new byte[16_384];
                for (int n = s.read(buf, 0, buf.length); n >= 0; n = s.read(buf, 0, buf.length)) {
                    wanted.check(buf, 0, n);
                }
                check(wanted.position() == bytes, wanted.position() + " of " + bytes + " bytes arrived");
            }
        });
        long start = lab.nowNs();
        lab.start("sender", () -> {
            try (SoftSocket s = lab.host("a").network.connect(lab.host("b").at(PORT))) {
                PayloadStream sent = new PayloadStream(seed);
                byte[] buf = new byte[WRITE_BYTES];
                while (sent.position() < bytes) {
                    betweenWrites(lab, s, (int) (sent.position() / WRITE_BYTES), sender);
                    int n = (int) Math.min(buf.length, bytes - sent.position());
                    sent.fill(buf, 0, n);
                    for (int at = 0; at < n; ) {
                        at += s.write(buf, at, n - at);
                    }
                }
            }
        });
        lab.joinAll();
        check(lab.nowNs() - start < PATIENCE_NS, "took " + (lab.nowNs() - start) / 1_000_000_000 + " s");
    }

    private static void betweenWrites(Lab lab, SoftSocket s, int count, Sender sender) throws IOException {
        if (sender == Sender.PAUSES && count % 64 == 63) {
            lab.sleep(count % 128 == 63 ? 100_000_000L : 1_500_000_000L);
        } else if (sender == Sender.CHANGES && count % 4 == 3) {
            s.setOption(SoftOption.TCP_CONGESTION, count % 8 == 3 ? "reno" : CHECKED);
        }
    }

    /** Passes every call on and looks at what it did. */
    private static final class Checked extends TcpCongestionOps {
        private final TcpCongestionOps inner;
        private final Set<Leave> leaves;
        /** Connections that were initialised and not released, with their state. */
        final Map<TcpSock, Object> alive = new IdentityHashMap<>();

        int largest;
        /** States met, as bits. */
        int states = 1 << TcpConst.TCP_CA_OPEN;
        /** Calls whose allocations were looked at, and those that allocated. */
        long measuredCalls;

        long dirtyCalls;
        private long calls;
        private long allocatedBefore;
        long thresholds;
        long controls;
        /** The first violation; thrown at the end, in a thread that can take it. */
        @Nullable
        AssertionError wrong;

        Checked(TcpCongestionOps inner, Set<Leave> leaves) {
            this.inner = inner;
            this.leaves = leaves;
        }

        private void check(boolean ok, TcpSock tp, String otherwise) {
            if (!ok && wrong == null) {
                wrong = new AssertionError(inner.name() + " on " + tp + ": " + otherwise);
            }
        }

        /** Begins a call for an ACK. */
        private void begin() {
            allocatedBefore = THREADS.getCurrentThreadAllocatedBytes(); // -1 on a virtual thread
        }

        private void end(TcpSock tp, String what) {
            long allocated = THREADS.getCurrentThreadAllocatedBytes() - allocatedBefore;
            calls++;
            if (calls > WARM_UP_CALLS && allocatedBefore >= 0) {
                measuredCalls++;
                dirtyCalls += allocated > 0 ? 1 : 0;
            }
            bounds(tp, what);
        }

        private void bounds(TcpSock tp, String what) {
            if (tp.sndCwnd < 1 || tp.sndCwnd > tp.sndCwndClamp) {
                check(false, tp, what + " leaves a window of " + tp.sndCwnd + ", clamp " + tp.sndCwndClamp);
            }
        }

        private void alive(TcpSock tp, String what) {
            // A SYN that is lost, and the SYN-ACK's acknowledgment, come before init, as in Linux.
            boolean early = tp.state == TcpStates.TCP_SYN_SENT || tp.state == TcpStates.TCP_SYN_RECV;
            check(early || alive.containsKey(tp), tp, what + " before init or after release");
            largest = Math.max(largest, tp.sndCwnd);
        }

        @Override
        public String name() {
            return CHECKED;
        }

        @Override
        public int flags() {
            return inner.flags();
        }

        @Override
        public @Nullable Object newState() {
            return inner.newState();
        }

        @Override
        public void init(Cpu cpu, TcpSock tp) {
            check(!alive.containsKey(tp), tp, "init twice");
            Object state = tp.ca;
            check(state == null || !alive.containsValue(state), tp, "shares its state with another connection");
            alive.put(tp, Objects.requireNonNullElse(state, tp));
            inner.init(cpu, tp);
        }

        @Override
        public void release(TcpSock tp) {
            check(alive.remove(tp) != null, tp, "release without init");
            inner.release(tp);
        }

        @Override
        public int ssthresh(Cpu cpu, TcpSock tp) {
            alive(tp, "ssthresh");
            thresholds++;
            int before = tp.sndCwnd;
            int answer = inner.ssthresh(cpu, tp);
            check(answer >= 2, tp, "ssthresh answers " + answer);
            boolean own = inner.hasCongControl();
            check(own || answer <= Math.max(2, before), tp, "ssthresh answers " + answer + " at a window of " + before);
            check(own || tp.sndCwnd == before, tp, "ssthresh moves the window from " + before + " to " + tp.sndCwnd);
            return answer;
        }

        @Override
        public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
            alive(tp, "congAvoid");
            int before = tp.sndCwnd;
            boolean limited = tp.cwndLimited();
            begin();
            inner.congAvoid(cpu, tp, ack, acked);
            end(tp, "congAvoid");
            int grown = tp.sndCwnd - before;
            check(
                    leaves.contains(Leave.FAST_GROWTH) || grown <= acked + 1,
                    tp,
                    "grows by " + grown + " for " + acked + " segments acknowledged");
            check(
                    leaves.contains(Leave.UNUSED_GROWTH) || limited || grown <= 0,
                    tp,
                    "grows by " + grown + " while the window limits nothing");
            largest = Math.max(largest, tp.sndCwnd);
        }

        @Override
        public void setState(Cpu cpu, TcpSock tp, int newState) {
            inner.setState(cpu, tp, newState);
            states |= 1 << newState;
            bounds(tp, "setState");
        }

        @Override
        public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
            inner.cwndEvent(cpu, tp, event);
            bounds(tp, "cwndEvent");
        }

        @Override
        public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {
            begin();
            inner.inAckEvent(cpu, tp, flags);
            end(tp, "inAckEvent");
        }

        @Override
        public int undoCwnd(TcpSock tp) {
            alive(tp, "undoCwnd");
            int answer = inner.undoCwnd(tp);
            check(answer >= tp.sndCwnd, tp, "undoCwnd answers " + answer + " at a window of " + tp.sndCwnd);
            return answer;
        }

        @Override
        public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
            begin();
            inner.pktsAcked(cpu, tp, sample);
            end(tp, "pktsAcked");
        }

        @Override
        public boolean hasCongControl() {
            return inner.hasCongControl();
        }

        @Override
        public void congControl(Cpu cpu, TcpSock tp, int ack, int flag, RateSample rs) {
            alive(tp, "congControl");
            controls++;
            begin();
            inner.congControl(cpu, tp, ack, flag, rs);
            end(tp, "congControl");
            check(tp.pacingRate > 0, tp, "pacing rate of " + tp.pacingRate);
            largest = Math.max(largest, tp.sndCwnd);
        }

        @Override
        public int sndbufExpand(TcpSock tp) {
            return inner.sndbufExpand(tp);
        }

        @Override
        public int minTsoSegs(TcpSock tp) {
            return inner.minTsoSegs(tp);
        }

        @Override
        public void skbMarkedLost(Cpu cpu, TcpSock tp, SkBuff skb) {
            inner.skbMarkedLost(cpu, tp, skb);
        }

        @Override
        public @Nullable TcpCcInfo ccInfo(TcpSock tp) {
            return inner.ccInfo(tp);
        }

        @Override
        public @Nullable String info(TcpSock tp) {
            return inner.info(tp);
        }
    }
}
