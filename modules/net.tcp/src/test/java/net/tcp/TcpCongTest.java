package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.neigh.DstEntry;
import net.core.neigh.DstOps;
import net.core.neigh.Neighbour;
import net.core.sock.Sock;
import net.core.sock.TcpStates;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The registry of algorithms, who may choose which, and what an algorithm is told. */
class TcpCongTest {
    /** Writes down every call. */
    private static class Recorder extends TcpCongestionOps {
        final String name;
        final int flags;
        final List<String> calls = new ArrayList<>();

        Recorder(String name, int flags) {
            this.name = name;
            this.flags = flags;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public int flags() {
            return flags;
        }

        @Override
        public Object newState() {
            return new int[1];
        }

        @Override
        public void init(Cpu cpu, TcpSock tp) {
            calls.add("init");
        }

        @Override
        public void release(TcpSock tp) {
            calls.add("release");
        }

        @Override
        public int ssthresh(Cpu cpu, TcpSock tp) {
            return 2;
        }

        @Override
        public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {}

        @Override
        public int undoCwnd(TcpSock tp) {
            return 10;
        }

        @Override
        public TcpCcInfo ccInfo(TcpSock tp) {
            return new TcpCcInfo.Vegas(1, 2, 3, 4);
        }
    }

    /** Overrides what may be left out. */
    private static class Complete extends Recorder {
        Complete(String name) {
            super(name, TcpCongestionOps.TCP_CONG_NON_RESTRICTED);
        }

        @Override
        public void setState(Cpu cpu, TcpSock tp, int newState) {
            calls.add("state " + newState);
        }

        @Override
        public void cwndEvent(Cpu cpu, TcpSock tp, int event) {
            calls.add("event " + event);
        }

        @Override
        public void inAckEvent(Cpu cpu, TcpSock tp, int flags) {
            calls.add("ack");
        }

        @Override
        public void pktsAcked(Cpu cpu, TcpSock tp, AckSample sample) {
            calls.add("acked");
        }

        @Override
        public boolean hasCongControl() {
            return true;
        }

        @Override
        public int minTsoSegs(TcpSock tp) {
            return 7;
        }

        @Override
        public void skbMarkedLost(Cpu cpu, TcpSock tp, SkBuff skb) {
            calls.add("lost");
        }
    }

    /** Inherits all of {@link Complete}'s. */
    private static final class Heir extends Complete {
        Heir(String name) {
            super(name);
        }
    }

    private static final class WithParam extends Recorder {
        final CongParam gain = param("gain", 3, 1, 9);

        WithParam() {
            super("tuned", 0);
        }
    }

    /** Neither grows the window nor controls it. */
    private static final class Useless extends TcpCongestionOps {
        @Override
        public String name() {
            return "useless";
        }

        @Override
        public int ssthresh(Cpu cpu, TcpSock tp) {
            return 2;
        }

        @Override
        public int undoCwnd(TcpSock tp) {
            return 2;
        }
    }

    private static final class NoDst extends DstOps {
        NoDst() {
            super(0x0800);
        }

        @Override
        public DstEntry check(DstEntry dst, int cookie) {
            return dst;
        }

        @Override
        public int mtu(DstEntry dst) {
            return 1500;
        }

        @Override
        public int defaultAdvmss(DstEntry dst) {
            return 1460;
        }

        @Override
        public int localOut(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
            throw new AssertionError("nothing is sent");
        }

        @Override
        public @Nullable Neighbour neighLookup(Cpu cpu, DstEntry dst, @Nullable SkBuff skb, long keyHi, long keyLo) {
            return null;
        }
    }

    private static final class Path extends DstEntry {
        final boolean locked;

        Path(TcpBench b, @Nullable String ccName, boolean locked) {
            super(b.kernel.initNet().devices.loopback(), new NoDst());
            this.ccName = ccName;
            this.locked = locked;
        }

        @Override
        public boolean metricLocked(int rtax) {
            return locked && rtax == RTAX_CC_ALGO;
        }

        @Override
        public int input(Cpu cpu, SkBuff skb) {
            throw new AssertionError("nothing is received");
        }

        @Override
        public int output(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
            throw new AssertionError("nothing is sent");
        }
    }

    private static TcpSock another(TcpBench b) {
        return new TcpSock(b.kernel.initNet(), TcpSockets.of(b.kernel).prot);
    }

    private static TcpCongestionOps named(TcpBench b, String name) {
        return Objects.requireNonNull(TcpCong.of(b.kernel).find(name));
    }

    // ---- registry

    @Test
    void shouldRefuseImpossibleNames() {
        try (TcpBench b = new TcpBench()) {
            TcpCong registry = TcpCong.of(b.kernel);
            for (String name : new String[] {"", "sixteen-letters-", "with space", " lead"}) {
                assertThatThrownBy(() -> registry.register(new Recorder(name, 0)))
                        .as(name)
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("1 to 15 characters");
                assertThat(registry.find(name)).isNull();
            }
            registry.register(new Recorder("fifteen-letters", 0));
            assertThat(registry.find("fifteen-letters")).isNotNull();
        }
    }

    @Test
    void shouldRefuseWhatCannotControl() {
        try (TcpBench b = new TcpBench()) {
            TcpCong registry = TcpCong.of(b.kernel);
            assertThatThrownBy(() -> registry.register(new Useless()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("neither congAvoid nor congControl");
            assertThatThrownBy(() -> registry.register(new Recorder("reno", 0)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("offered by");
        }
    }

    @Test
    void shouldKnowWhichMethodsAreThere() {
        try (TcpBench b = new TcpBench()) {
            Recorder bare = new Recorder("bare", 0);
            Complete complete = new Complete("complete");
            Heir heir = new Heir("heir");
            TcpCong registry = TcpCong.of(b.kernel);
            registry.register(bare);
            registry.register(complete);
            registry.register(heir);
            assertThat(bare.implemented).isZero();
            assertThat(complete.implemented).isEqualTo(63);
            assertThat(heir.implemented).isEqualTo(63);
            assertThat(registry.available()).endsWith(" bare complete heir").contains("reno", "cubic");
        }
    }

    @Test
    void shouldMakeParametersSettings() {
        try (TcpBench b = new TcpBench()) {
            WithParam ops = new WithParam();
            TcpCong.of(b.kernel).register(ops);
            assertThat(b.kernel.sysctl().get("tcp_tuned.gain")).isEqualTo("3");
            b.kernel.sysctl().set("tcp_tuned.gain", "9");
            assertThat(ops.gain.value).isEqualTo(9);
            assertThatThrownBy(() -> b.kernel.sysctl().set("tcp_tuned.gain", "10"))
                    .isInstanceOf(UserError.class);
            assertThat(ops.gain.value).isEqualTo(9);
        }
    }

    // ---- settings

    @Test
    void shouldStartWithCubicAndTheUnrestricted() {
        try (TcpBench b = new TcpBench()) {
            Net net = b.kernel.initNet();
            assertThat(net.sysctl().get("net.ipv4.tcp_congestion_control")).isEqualTo("cubic");
            assertThat(TcpCong.defaultOf(net).name()).isEqualTo("cubic");
            String[] allowed =
                    net.sysctl().get("net.ipv4.tcp_allowed_congestion_control").split(" ", -1);
            assertThat(allowed)
                    .contains("reno", "cubic")
                    .doesNotContain("dctcp", "")
                    .doesNotHaveDuplicates();
            assertThat(TcpCong.capable(net)).isTrue();
            net.sysctl().set("net.core.cap_net_admin", "0");
            assertThat(TcpCong.capable(net)).isFalse();
            for (String setting : new String[] {"available_congestion_control", "congestion_control"}) {
                assertThatThrownBy(() -> net.sysctl().set("net.ipv4.tcp_" + setting, "nosuch"))
                        .as(setting)
                        .isInstanceOf(UserError.class);
            }
            assertThatThrownBy(() -> net.sysctl().set("net.ipv4.tcp_allowed_congestion_control", "reno nosuch"))
                    .isInstanceOf(UserError.class);
        }
    }

    @Test
    void shouldAllowTheDefaultToEveryone() {
        try (TcpBench b = new TcpBench()) {
            Net net = b.kernel.initNet();
            net.sysctl().set("net.ipv4.tcp_allowed_congestion_control", "reno");
            assertThat(TcpCong.set(b.cpu, b.tp, "dctcp", false)).isEqualTo(-Errno.EPERM);
            net.sysctl().set("net.ipv4.tcp_congestion_control", "dctcp");
            assertThat(TcpCong.defaultOf(net).name()).isEqualTo("dctcp");
            assertThat(net.sysctl().get("net.ipv4.tcp_allowed_congestion_control"))
                    .isEqualTo("reno dctcp");
            assertThat(TcpCong.set(b.cpu, b.tp, "dctcp", false)).isZero();
            net.sysctl().set("net.ipv4.tcp_congestion_control", "reno");
            assertThat(net.sysctl().get("net.ipv4.tcp_allowed_congestion_control"))
                    .isEqualTo("reno dctcp");
            TcpSock next = another(b);
            TcpCong.assign(next);
            assertThat(TcpCong.name(next)).isEqualTo("reno");
        }
    }

    // ---- a connection

    @Test
    void shouldStartAndEndTheAlgorithmOnce() {
        try (TcpBench b = new TcpBench()) {
            Recorder ops = new Recorder("own", 0);
            TcpCong.of(b.kernel).register(ops);
            TcpSock tp = b.tp;
            tp.state = TcpStates.TCP_CLOSE;
            assertThat(TcpCong.set(b.cpu, tp, "own", true)).isZero();
            assertThat(ops.calls).isEmpty(); // it starts when the handshake is over
            assertThat(TcpCong.name(tp)).isEqualTo("own");
            assertThat(tp.icskCaSetsockopt).isTrue();
            assertThat(TcpCong.ccInfo(tp)).isNull();
            TcpCong.cleanup(tp);
            assertThat(ops.calls).isEmpty();

            tp.priorSsthresh = 5;
            tp.tos = 0x2b;
            TcpCong.init(b.cpu, tp);
            assertThat(ops.calls).containsExactly("init");
            assertThat(tp.priorSsthresh).isZero();
            assertThat(tp.icskCaInitialized).isTrue();
            assertThat(tp.tos).isEqualTo(0x28); // no ECT unless the algorithm wants it
            assertThat(TcpCong.ccInfo(tp)).isEqualTo(new TcpCcInfo.Vegas(1, 2, 3, 4));

            Object before = tp.ca;
            TcpCong.restart(tp);
            assertThat(ops.calls).containsExactly("init", "release");
            assertThat(tp.ca).isNotNull().isNotSameAs(before);
            assertThat(TcpCong.name(tp)).isEqualTo("own");
            assertThat(tp.icskCaInitialized).isFalse();
            TcpCong.cleanup(tp);
            assertThat(ops.calls).containsExactly("init", "release");

            tp.icskCaInitialized = true;
            TcpCong.cleanup(tp);
            assertThat(tp.icskCaInitialized).isFalse();
            tp.congOps = null;
            TcpCong.restart(tp);
            assertThat(TcpCong.name(tp)).isEqualTo("cubic");
        }
    }

    @Test
    void shouldChangeALiveConnection() {
        try (TcpBench b = new TcpBench()) {
            Recorder one = new Recorder("one", TcpCongestionOps.TCP_CONG_NEEDS_ECN);
            Recorder two = new Recorder("two", TcpCongestionOps.TCP_CONG_NON_RESTRICTED);
            TcpCong.of(b.kernel).register(one);
            TcpCong.of(b.kernel).register(two);
            TcpSock tp = b.tp;
            tp.tos = 0x28;
            assertThat(TcpCong.set(b.cpu, tp, "nosuch", true)).isEqualTo(-Errno.ENOENT);
            assertThat(TcpCong.set(b.cpu, tp, "one", false)).isEqualTo(-Errno.EPERM);
            assertThat(TcpCong.set(b.cpu, tp, "two", false)).isEqualTo(-Errno.EPERM); // registered after the settings
            assertThat(TcpCong.name(tp)).isEqualTo("cubic");
            assertThat(tp.icskCaSetsockopt).isFalse();

            assertThat(TcpCong.set(b.cpu, tp, "one", true)).isZero();
            assertThat(one.calls).containsExactly("init");
            assertThat(tp.tos).isEqualTo(0x2a);
            assertThat(TcpCong.needsEcn(tp)).isTrue();
            tp.icskCaSetsockopt = false;
            assertThat(TcpCong.set(b.cpu, tp, "one", false)).isZero(); // no change: allowed
            assertThat(tp.icskCaSetsockopt).isTrue();
            assertThat(one.calls).containsExactly("init");

            assertThat(TcpCong.set(b.cpu, tp, "two", true)).isZero();
            assertThat(one.calls).containsExactly("init", "release");
            assertThat(two.calls).containsExactly("init");
            assertThat(tp.tos).isEqualTo(0x28);
            assertThat(TcpCong.needsEcn(tp)).isFalse();

            tp.icskCaDstLocked = true;
            assertThat(TcpCong.set(b.cpu, tp, "one", true)).isEqualTo(-Errno.EPERM);
            assertThat(TcpCong.name(tp)).isEqualTo("two");
        }
    }

    /** Neither a closed socket nor a listener has a window to control; ECT is for its SYN. */
    @Test
    void shouldOnlyStartItWhereAConnectionIs() {
        int[] states = {TcpStates.TCP_CLOSE, TcpStates.TCP_LISTEN, TcpStates.TCP_SYN_SENT, TcpStates.TCP_CLOSE_WAIT};
        for (int state : states) {
            try (TcpBench b = new TcpBench()) {
                Recorder ops = new Recorder("one", TcpCongestionOps.TCP_CONG_NEEDS_ECN);
                TcpCong.of(b.kernel).register(ops);
                b.tp.state = state;
                assertThat(TcpCong.set(b.cpu, b.tp, "one", true)).isZero();
                boolean none = state == TcpStates.TCP_CLOSE || state == TcpStates.TCP_LISTEN;
                assertThat(ops.calls).as("state %d", state).hasSize(none ? 0 : 1);
                assertThat(b.tp.icskCaInitialized).isEqualTo(!none);
                assertThat(b.tp.tos & 3).isEqualTo(2);
                b.tp.state = TcpStates.TCP_ESTABLISHED;
            }
        }
    }

    @Test
    void shouldGiveAChildItsListenersAlgorithmAndAStateOfItsOwn() {
        try (TcpBench b = new TcpBench()) {
            Recorder ops = new Recorder("own", 0);
            TcpCong.of(b.kernel).register(ops);
            assertThat(TcpCong.set(b.cpu, b.tp, "own", true)).isZero();
            TcpSock child = another(b);
            child.icskCaInitialized = true;
            TcpCong.inherit(child, b.tp);
            assertThat(TcpCong.ops(child)).isSameAs(ops);
            assertThat(child.ca).isNotNull().isNotSameAs(b.tp.ca);
            assertThat(child.icskCaSetsockopt).isTrue();
            assertThat(child.icskCaInitialized).isFalse();
            b.tp.congOps = null;
            TcpCong.inherit(child, b.tp);
            assertThat(TcpCong.name(child)).isEqualTo("cubic");
            assertThat(TcpCong.name(b.tp)).isEmpty();
            assertThat(TcpCong.ccInfo(b.tp)).isNull();
            assertThat(TcpCong.needsEcn(b.tp)).isFalse();
            TcpCong.cleanup(b.tp);
            TcpCong.fallBack(b.tp, ops);
            assertThat(TcpCong.ops(b.tp)).isSameAs(ops);
        }
    }

    @Test
    void shouldFollowTheRoute() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            assertThat(TcpCong.dstInit(tp, new Path(b, null, true))).isFalse();
            assertThat(TcpCong.dstInit(tp, new Path(b, "nosuch", true))).isFalse();
            assertThat(tp.icskCaDstLocked).isFalse();
            assertThat(TcpCong.name(tp)).isEqualTo("cubic");
            assertThat(TcpCong.dstInit(tp, new Path(b, "reno", true))).isTrue();
            assertThat(tp.icskCaDstLocked).isTrue();
            assertThat(TcpCong.name(tp)).isEqualTo("reno");
            assertThat(TcpCong.dstInit(tp, new Path(b, "dctcp", false))).isTrue();
            assertThat(tp.icskCaDstLocked).isFalse();
            Object state = tp.ca;
            assertThat(state).isNotNull();
            assertThat(TcpCong.dstInit(tp, new Path(b, "dctcp", false))).isTrue();
            assertThat(tp.ca).isSameAs(state); // it has it already

            assertThat(TcpCong.dstNeedsEcn(tp, new Path(b, "dctcp", false))).isTrue();
            assertThat(TcpCong.dstNeedsEcn(tp, new Path(b, "reno", false))).isFalse();
            assertThat(TcpCong.dstNeedsEcn(tp, new Path(b, "nosuch", false))).isFalse();
            assertThat(TcpCong.dstNeedsEcn(tp, new Path(b, null, false))).isFalse();

            Path ecn = new Path(b, null, false);
            assertThat(TcpCong.dstAsksForEcn(null)).isFalse();
            assertThat(TcpCong.dstAsksForEcn(ecn)).isFalse();
            ecn.setMetric(DstEntry.RTAX_FEATURES, 2); // features sack, long gone
            assertThat(TcpCong.dstAsksForEcn(ecn)).isFalse();
            ecn.setMetric(DstEntry.RTAX_FEATURES, 3);
            assertThat(TcpCong.dstAsksForEcn(ecn)).isTrue();
        }
    }

    @Test
    void shouldStartAChildInOpen() {
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            tp.icskCaState = TcpConst.TCP_CA_LOSS;
            TcpCong.set(b.cpu, tp, "reno", true);
            TcpCong.openreqChild(b.cpu, tp, new Path(b, null, false));
            assertThat(tp.icskCaState).isEqualTo((byte) TcpConst.TCP_CA_OPEN);
            assertThat(TcpCong.name(tp)).isEqualTo("reno");
            TcpCong.openreqChild(b.cpu, tp, new Path(b, "dctcp", false));
            assertThat(TcpCong.name(tp)).isEqualTo("dctcp");
            tp.congOps = null;
            TcpCong.openreqChild(b.cpu, tp, new Path(b, null, false));
            assertThat(TcpCong.name(tp)).isEqualTo("cubic");
            tp.congOps = null;
            TcpCong.openreqChild(b.cpu, tp, new Path(b, "reno", false));
            assertThat(TcpCong.name(tp)).isEqualTo("reno");
        }
    }

    @Test
    void shouldTellAnAlgorithmOnlyWhatItImplements() {
        try (TcpBench b = new TcpBench()) {
            Recorder bare = new Recorder("bare", 0);
            Complete complete = new Complete("complete");
            TcpCong.of(b.kernel).register(bare);
            TcpCong.of(b.kernel).register(complete);
            SkBuff skb = b.sent(b.tp.sndUna, 1, 900_000);
            for (Recorder ops : List.of(bare, complete)) {
                assertThat(TcpCong.set(b.cpu, b.tp, ops.name, true)).isZero();
                TcpCong.skbMarkedLost(b.cpu, b.tp, skb);
                TcpCong.cwndEvent(b.cpu, b.tp, TcpConst.CA_EVENT_LOSS);
                TcpCaMachine.tcpSetCaState(b.cpu, b.tp, TcpConst.TCP_CA_CWR);
                assertThat(b.tp.icskCaState).isEqualTo((byte) TcpConst.TCP_CA_CWR);
                assertThat(TcpCong.hasCongControl(b.tp)).isEqualTo(ops == complete);
            }
            assertThat(bare.calls).containsExactly("init", "release");
            assertThat(complete.calls)
                    .containsExactly("init", "lost", "event " + TcpConst.CA_EVENT_LOSS, "state " + TcpConst.TCP_CA_CWR);
            assertThat(TcpCong.minTsoSegs(b.tp)).isEqualTo(7);
            TcpCong.set(b.cpu, b.tp, "reno", true);
            assertThat(TcpCong.minTsoSegs(b.tp)).isEqualTo(2); // net.ipv4.tcp_min_tso_segs
            assertThat(named(b, "reno").flags() & TcpCongestionOps.TCP_CONG_NEEDS_ECN)
                    .isZero();
        }
    }
}
