package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.api.ErrnoException;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Transfers over a wire that loses, reorders, doubles and damages frames in both directions: every byte arrives, and the
 * same seed gives the same packets. {@code -Dsoftnet.full=true} runs all thousand of 1 to 8 MiB;
 * {@code -Dsoftnet.seed=N} one of them.
 */
class FaultTransferTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final int TRANSFERS = FULL ? 1000 : 60;
    private static final FaultPlan.Rates FAULTS = FaultPlan.Rates.of(0.02, 0.02, 0.01, 0.01);
    private static final @Nullable Long ONLY = Long.getLong("softnet.seed");
    private static final int PORT = 5001;

    /** Counters of which each must have moved in the sum of all transfers. */
    private static final String[][] MUST_MOVE = {
        {"TcpExtTCPBacklogCoalesce"},
        {"TcpExtTCPOFOQueue"},
        {"TcpExtTCPTimeouts"},
        {"TcpExtTCPSackRecovery"},
        {"TcpExtTCPRenoRecovery"},
        {"TcpExtTCPFastRetrans"},
        {"TcpInCsumErrors", "TcpExtInCsumErrors"},
        {"TcpExtTCPDSACKRecv"}
    };

    private record Transfer(long seed) {
        int cpus() {
            return new int[] {1, 2, 4}[(int) Math.floorMod(seed, 3L)];
        }

        boolean clientSends() {
            return (seed & 1) == 0;
        }

        /** 1 to 8 MiB, or an eighth to one MiB in the short version. */
        int bytes() {
            int unit = FULL ? 1 << 20 : 1 << 17;
            return unit + new java.util.SplittableRandom(seed).nextInt(7 * unit);
        }

        /** Half of the wires take time, from 50 us to 5 ms. */
        FaultPlan.Rates faults() {
            if ((seed & 2) == 0) {
                return FAULTS;
            }
            long delay = 50_000L << (seed >> 2 & 7) % 7;
            return new FaultPlan.Rates(
                    FAULTS.loss(), FAULTS.reorder(), FAULTS.duplicate(), FAULTS.corrupt(), delay, delay / 50);
        }

        /** Most run with the defaults; some without an option or with another congestion control. */
        String[] sysctls() {
            List<String> words = new ArrayList<>();
            if (seed % 10 == 9) {
                words.add("net.ipv4.tcp_sack=0");
            }
            if (seed % 11 == 5) {
                words.add("net.ipv4.tcp_timestamps=0");
            }
            if (seed % 13 == 6) {
                words.add("net.ipv4.tcp_window_scaling=0");
            }
            if (seed % 7 == 3) {
                words.add("net.ipv4.tcp_congestion_control=reno");
            }
            if (seed % 17 == 8) {
                words.add("net.ipv4.tcp_rmem=4096 20000 20000");
            }
            if (seed % 19 == 4) {
                words.add("net.ipv4.tcp_early_retrans=0");
            }
            return words.toArray(new String[0]);
        }

        boolean gro() {
            return seed % 5 == 2;
        }

        @Override
        public String toString() {
            return "transfer seed " + seed + " (" + cpus() + " CPUs, " + bytes() + " bytes, "
                    + (clientSends() ? "client" : "server") + " sends)";
        }
    }

    private static void send(SoftSocket s, Transfer t) throws IOException {
        PayloadStream payload = new PayloadStream(t.seed());
        byte[] chunk = new byte[16_000];
        for (int left = t.bytes(); left > 0; ) {
            int n = Math.min(left, chunk.length);
            payload.fill(chunk, 0, n);
            for (int at = 0; at < n; ) {
                at += s.write(chunk, at, n - at);
            }
            left -= n;
        }
        s.shutdownOutput();
        assertThat(s.read(chunk, 0, 1)).as("the receiver's end of stream").isEqualTo(-1);
    }

    private static void receive(SoftSocket s, Transfer t) throws IOException {
        PayloadStream payload = new PayloadStream(t.seed());
        byte[] chunk = new byte[20_000];
        for (int n = s.read(chunk, 0, chunk.length); n >= 0; n = s.read(chunk, 0, chunk.length)) {
            payload.check(chunk, 0, n);
        }
        assertThat(payload.position()).as("bytes received").isEqualTo(t.bytes());
        s.shutdownOutput();
    }

    /** Keeps what goes wrong: a close on the way out may hang, with the socket owned by a call that threw. */
    private static void transfer(SoftSocket s, Transfer t, boolean sends, List<Throwable> bugs) throws IOException {
        try {
            if (sends) {
                send(s, t);
            } else {
                receive(s, t);
            }
        } catch (IOException | RuntimeException | Error e) {
            bugs.add(e);
            throw e;
        }
    }

    /**
     * Connects. ARP has no checksum: a damaged answer leads into the void until the entry is found stale, which may take
     * longer than the SYNs last; and lost questions leave the host unreachable. Both are worth another try.
     */
    private static SoftSocket connect(Lab.Host from, Lab.Host to) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return from.network.connect(to.at(PORT));
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EHOSTUNREACH && e.errno() != Errno.ETIMEDOUT || attempt == 4) {
                    throw e;
                }
            }
        }
    }

    /** Has a veth end receive through NAPI and GRO. */
    private static void gro(NetDevice dev) {
        dev.kernel().rtnl().run(() -> {
            dev.wantedFeatures |= NetdevFeatures.NETIF_F_GRO;
            dev.updateFeatures();
        });
    }

    /** Looks at the connections every now and then: often at first, then ever less. */
    private static final class Inspector {
        private final Lab lab;
        private long periodNs = 200_000;
        private boolean stopped;
        /** Kept for the end: thrown here, it would hit a thread that happens to be asleep with a socket in its hands. */
        private @Nullable AssertionError found;

        Inspector(Lab lab) {
            this.lab = lab;
        }

        void again() {
            periodNs += periodNs / 16;
            lab.kernel.scheduler().schedule(lab.nowNs() + periodNs, this::look);
        }

        private void look() {
            if (stopped) {
                return;
            }
            try {
                TcpInvariants.checkAll(lab);
                again();
            } catch (AssertionError e) {
                found = e;
            }
        }

        void stop() {
            stopped = true;
            if (found != null) {
                throw found;
            }
        }
    }

    private static long run(Transfer t, Map<String, Long> sum) {
        return run(t, sum, 0);
    }

    /** @param failEvery once connected, each so manieth allocation of a packet or page fails; 0: none */
    private static long run(Transfer t, Map<String, Long> sum, int failEvery) {
        Lab lab = Lab.twoHosts(t.seed(), t.cpus(), t.faults(), t.sysctls());
        PacketTrace trace = lab.trace();
        if (ONLY != null) {
            trace.keepFrames();
        }
        List<Throwable> bugs = new ArrayList<>();
        if (t.gro()) {
            lab.hosts().forEach(h -> gro(h.devices.getFirst()));
        }
        Inspector inspector = new Inspector(lab);
        inspector.again();
        try {
            Lab.Host a = lab.host("a");
            Lab.Host b = lab.host("b");
            SoftServerSocket listener = Lab.listen(b, PORT);
            lab.start("server", () -> {
                try (listener;
                        SoftSocket s = listener.accept()) {
                    failAllocations(lab, failEvery);
                    transfer(s, t, !t.clientSends(), bugs);
                }
            });
            lab.start("client", () -> {
                try (SoftSocket s = connect(a, b)) {
                    transfer(s, t, t.clientSends(), bugs);
                }
            });
            lab.joinAll();
            inspector.stop();
            failAllocations(lab, 0);
            trace.close();
            for (Lab.Host h : lab.hosts()) {
                h.net.mib().snapshot().forEach((k, v) -> sum.merge(k, v, Long::sum));
            }
            lab.close();
            return trace.digest();
        } catch (IOException | RuntimeException | Error e) {
            AssertionError failure = new AssertionError(t + ": " + e, e);
            bugs.forEach(failure::addSuppressed);
            if (ONLY != null) {
                trace.lines().forEach(System.out::println);
            }
            lab.abandon();
            throw failure;
        }
    }

    @Test
    @Timeout(1400)
    void shouldDeliverEveryByteOverADamagedWire() {
        Map<String, Long> sum = new TreeMap<>();
        if (ONLY != null) {
            run(new Transfer(ONLY), sum);
            return;
        }
        long bytes = 0;
        long start = System.nanoTime();
        for (int seed = 1; seed <= TRANSFERS; seed++) {
            Transfer t = new Transfer(seed);
            run(t, sum);
            bytes += t.bytes();
        }
        System.out.printf(
                "%d transfers, %d MiB in %d s: %s%n",
                TRANSFERS, bytes >> 20, (System.nanoTime() - start) / 1_000_000_000, moved(sum));
        moved(sum).forEach((name, value) -> assertThat(value).as(name).isPositive());
    }

    private static void failAllocations(Lab lab, int every) {
        for (int i = 0; i < lab.kernel.cpus(); i++) {
            lab.kernel.cpu(i).failEvery = every;
        }
    }

    @Test
    @Timeout(600)
    void shouldDeliverEveryByteThoughMemoryIsShort() {
        for (int seed = 1; seed <= (FULL ? 200 : 20); seed++) {
            if (ONLY == null || ONLY == seed) {
                run(new Transfer(5000 + seed), new TreeMap<>(), 20 + seed % 100);
            }
        }
    }

    private static Map<String, Long> moved(Map<String, Long> sum) {
        Map<String, Long> m = new LinkedHashMap<>();
        for (String[] names : MUST_MOVE) {
            long v = 0;
            for (String name : names) {
                v += sum.getOrDefault(name, 0L);
            }
            m.put(names[0], v);
        }
        return m;
    }

    @Test
    void shouldGiveTheSamePacketsForTheSameSeed() {
        for (long seed = 1; seed <= 6; seed++) {
            Transfer t = new Transfer(seed * 1001);
            assertThat(run(t, new TreeMap<>())).as(t.toString()).isEqualTo(run(t, new TreeMap<>()));
        }
    }
}
