package net.testkit;

import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.tcp.AckSample;
import net.tcp.RateSample;
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
 *   <li>Growth: {@code congAvoid} adds at most one segment per segment acknowledged, nothing while the program or the
 *       peer is what limits sending, and never goes past the clamp or below 1.
 *   <li>Undo: {@code undoCwnd} answers no less than the window in force.
 *   <li>Life: {@code init} once before anything else, {@code release} once; a state of its own for each connection.
 *   <li>Progress: the window grows past where it started, and every byte arrives.
 * </ul>
 */
public final class CongestionContract {
    private static final String CHECKED = "contract";
    private static final int PORT = 9;
    private static final int CLEAN_BYTES = 3 << 20;
    private static final int DAMAGED_BYTES = 2 << 20;
    private static final long PATIENCE_NS = 120_000_000_000L;

    private final String name;
    private final long seed;

    private CongestionContract(String name, long seed) {
        this.name = name;
        this.seed = seed;
    }

    /** Checks an algorithm that ServiceLoader finds. */
    public static void verify(String name, long seed) {
        verify(name, null, seed);
    }

    /** Checks an algorithm that is not registered, such as one under test. */
    public static void verify(TcpCongestionOps ops, long seed) {
        verify(ops.name(), ops, seed);
    }

    private static void verify(String name, @Nullable TcpCongestionOps ops, long seed) {
        CongestionContract c = new CongestionContract(name, seed);
        Checked clean = c.transfer(ops, new FaultPlan.Rates(0, 0, 0, 0, 5_000_000, 0), CLEAN_BYTES);
        c.check(clean.largest > TcpConst.TCP_INIT_CWND, "the window never grew past " + clean.largest);
        FaultPlan.Rates faults = new FaultPlan.Rates(0.02, 0.02, 0.01, 0.01, 1_000_000, 20_000);
        Checked damaged = c.transfer(ops, faults, DAMAGED_BYTES);
        c.check(damaged.thresholds > 0 || damaged.controls > 0, "was not asked for a threshold in spite of losses");
    }

    private void check(boolean ok, String otherwise) {
        if (!ok) {
            throw new AssertionError(name + ", seed " + seed + ": " + otherwise);
        }
    }

    private Checked transfer(@Nullable TcpCongestionOps given, FaultPlan.Rates faults, int bytes) {
        Lab lab = Lab.twoHosts(seed, 2, faults);
        boolean done = false;
        try {
            Checked checked = install(lab.kernel, given);
            for (Lab.Host h : lab.hosts()) {
                h.net.sysctl().set("net.ipv4.tcp_congestion_control", CHECKED);
            }
            run(lab, bytes);
            lab.close();
            done = true;
            if (checked.wrong != null) {
                throw checked.wrong;
            }
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
        Checked checked = new Checked(ops);
        registry.register(checked);
        return checked;
    }

    private void run(Lab lab, int bytes) throws IOException {
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
                byte[] buf = new byte[16_384];
                while (sent.position() < bytes) {
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

    /** Passes every call on and looks at what it did. */
    private static final class Checked extends TcpCongestionOps {
        private final TcpCongestionOps inner;
        /** Connections that were initialised and not released, with their state. */
        final Map<TcpSock, Object> alive = new IdentityHashMap<>();

        int largest;
        long thresholds;
        long controls;
        /** The first violation; thrown at the end, in a thread that can take it. */
        @Nullable
        AssertionError wrong;

        Checked(TcpCongestionOps inner) {
            this.inner = inner;
        }

        private void check(boolean ok, TcpSock tp, String otherwise) {
            if (!ok && wrong == null) {
                wrong = new AssertionError(inner.name() + " on " + tp + ": " + otherwise);
            }
        }

        private void alive(TcpSock tp, String what) {
            check(alive.containsKey(tp), tp, what + " before init or after release");
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
            inner.congAvoid(cpu, tp, ack, acked);
            int grown = tp.sndCwnd - before;
            check(grown <= acked, tp, "grows by " + grown + " for " + acked + " segments acknowledged");
            check(limited || grown <= 0, tp, "grows by " + grown + " while the window limits nothing");
            check(tp.sndCwnd >= 1, tp, "window of " + tp.sndCwnd);
            check(tp.sndCwnd <= tp.sndCwndClamp, tp, "window of " + tp.sndCwnd + ", clamp " + tp.sndCwndClamp);
            largest = Math.max(largest, tp.sndCwnd);
        }

        @Override
        public void setState(Cpu cpu, TcpSock tp, int newState) {
            inner.setState(cpu, tp, newState);
        }

        @Override
        public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
            inner.cwndEvent(cpu, tp, event);
        }

        @Override
        public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {
            inner.inAckEvent(cpu, tp, flags);
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
            inner.pktsAcked(cpu, tp, sample);
        }

        @Override
        public boolean hasCongControl() {
            return inner.hasCongControl();
        }

        @Override
        public void congControl(Cpu cpu, TcpSock tp, int ack, int flag, RateSample rs) {
            alive(tp, "congControl");
            controls++;
            inner.congControl(cpu, tp, ack, flag, rs);
            check(tp.sndCwnd >= 1, tp, "window of " + tp.sndCwnd);
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
        public @Nullable String info(TcpSock tp) {
            return inner.info(tp);
        }
    }
}
