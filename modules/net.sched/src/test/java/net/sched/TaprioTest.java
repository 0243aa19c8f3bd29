package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The time aware shaper, against IEEE 802.1Q-2018, 8.6.8.4 and 8.6.9, and tc-taprio(8). */
class TaprioTest {
    private static final long MS = 1_000_000L;
    /** 100 Mbit/s: 80 ns a byte. */
    private static final long BYTE_NS = 80;

    private static final String THREE = "num_tc 3 map 2 1 0 queues 1@0 1@1 2@2 clockid CLOCK_MONOTONIC speed 100mbit ";

    /** Time of the cycle at which each gate is open: tc 0 in [0, 300), tc 1 in [300, 600), tc 2 in [500, 1000) us. */
    private static final String GATES = "cycle-time 1000000 sched-entry S 1 300000 sched-entry S 2 200000"
            + " sched-entry S 6 100000 sched-entry S 4 400000";

    private static final long[][] WINDOWS = {{0, 300_000}, {300_000, 600_000}, {500_000, 1_000_000}};

    /** What was given to the driver by {@code queue} from {@code baseNs} on left in its class's windows, to the last bit. */
    private static void checkWindows(MultiQueueRig rig, long baseNs, long[][] windows) {
        long free = 0;
        for (MultiQueueRig.Sent s : rig.sent) {
            int tc = Math.min(s.queue(), 2);
            long start = Math.max(s.ns(), free);
            free = start + s.len() * BYTE_NS;
            if (s.ns() < baseNs) {
                continue;
            }
            long cycle = (s.ns() - baseNs) / MS * MS + baseNs;
            assertThat(s.ns() - cycle).as("%s of class %d", s, tc).isGreaterThanOrEqualTo(windows[tc][0]);
            assertThat(free - cycle).as("the end of %s of class %d", s, tc).isLessThanOrEqualTo(windows[tc][1]);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldSendNothingPastAClosedGate(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try (MultiQueueRig rig = new MultiQueueRig(4, "seed=" + seed)) {
            rig.root("taprio " + THREE + "base-time 0 " + GATES);
            long[] bytes = new long[3];
            for (int i = 0; i < 4000; i++) {
                // More than the windows carry: 30 %, 30 % and 40 % of 100 Mbit/s.
                rig.send(random.nextInt(3), random.nextInt(20), 60 + random.nextInt(1455));
                rig.sleep(random.nextInt(60_000));
            }
            rig.sleep(500 * MS);
            assertThat(rig.dev.qdisc.currentQlen()).isZero();
            assertThat(rig.sent.size() + rig.dev.qdisc.currentDrops()).isEqualTo(4000);
            checkWindows(rig, 0, WINDOWS);
            rig.sent.forEach(s -> bytes[Math.min(s.queue(), 2)] += s.len());
            assertThat(bytes).doesNotContain(0);
        }
    }

    /** A backlogged class fills its window but for the guard band: at most its largest frame before the gate closes. */
    @Test
    void shouldUseTheWindowUpToTheGuardBand() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("taprio " + THREE + "base-time 0 " + GATES);
            for (int i = 0; i < 900; i++) {
                rig.send(2, i, 1000);
            }
            rig.sleep(100 * MS);
            // 300 us hold three frames of 80 us; the fourth would end at 320.
            long cycles = rig.sent.getLast().ns() / MS - rig.sent.getFirst().ns() / MS;
            assertThat(rig.sent.size() / (double) cycles).isBetween(2.99, 3.05);
            checkWindows(rig, 0, WINDOWS);
        }
    }

    /** Where two gates are open the higher class goes first. */
    @Test
    void shouldSendTheHighestOpenClassFirst() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("taprio num_tc 2 map 0 1 queues 2@0 2@2 clockid CLOCK_MONOTONIC speed 100mbit base-time 0"
                    + " cycle-time 10000000 sched-entry S 0 5000000 sched-entry S 3 5000000");
            rig.sleep(10 * MS - rig.kernel.clock().nanoTime() % (10 * MS) + MS);
            for (int i = 0; i < 10; i++) {
                rig.send(i % 2, i, 500);
            }
            assertThat(rig.sent).isEmpty();
            rig.sleep(9 * MS);
            assertThat(rig.sent.stream().map(s -> s.queue() / 2)).containsExactly(1, 1, 1, 1, 1, 0, 0, 0, 0, 0);
        }
    }

    /** What can never fit is dropped on arrival: past max-sdu, or longer than the longest window. */
    @Test
    void shouldDropWhatCanNeverFit() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("taprio " + THREE + "base-time 0 " + GATES + " max-sdu 0 200");
            rig.send(1, 1, 215);
            assertThat(rig.dev.qdisc.currentDrops()).isOne();
            rig.send(1, 1, 214);
            // 300 us are 3750 bytes.
            rig.send(2, 1, 3751);
            assertThat(rig.dev.qdisc.currentDrops()).isEqualTo(2);
            rig.send(2, 1, 3700);
            rig.sleep(3 * MS);
            assertThat(rig.sent).hasSize(2);
            checkWindows(rig, 0, WINDOWS);
        }
    }

    /** All gates are open until the base time, and a new schedule takes over at its own. */
    @Test
    void shouldChangeSchedulesAtTheirTimes() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            long now = rig.kernel.clock().nanoTime();
            long base = (now / MS + 20) * MS;
            rig.root("taprio " + THREE + "base-time " + base + " " + GATES);
            for (int i = 0; i < 20; i++) {
                rig.send(i % 3, i, 500);
                rig.sleep(MS / 3);
            }
            assertThat(rig.sent).hasSize(20).allMatch(s -> s.ns() < base);
            rig.sleep(base - rig.kernel.clock().nanoTime());
            for (int i = 0; i < 300; i++) {
                rig.send(i % 3, i, 500);
            }
            rig.sleep(2 * MS);
            // The other way round, from base + 10 ms on.
            long next = base + 10 * MS;
            rig.root("taprio base-time " + next
                    + " cycle-time 1000000 sched-entry S 4 300000 sched-entry S 2 300000 sched-entry S 1 400000");
            assertThat(rig.show(false)).contains("base-time " + base + " ").contains("base-time " + next + " ");
            rig.sleep(30 * MS);
            assertThat(rig.show(false)).doesNotContain("base-time " + base + " ");
            long[][] turned = {{600_000, 1_000_000}, {300_000, 600_000}, {0, 300_000}};
            List<MultiQueueRig.Sent> all = List.copyOf(rig.sent);
            rig.sent.removeIf(s -> s.ns() >= next);
            assertThat(rig.sent.size()).isGreaterThan(100);
            checkWindows(rig, base, WINDOWS);
            rig.sent.clear();
            rig.sent.addAll(all);
            checkWindows(rig, next, turned);
            assertThat(all).hasSize(320);
        }
    }

    /** A rest of a cycle within the extension keeps the last gates: no short cycle. 802.1Q, CycleTimeExtension */
    @Test
    void shouldExtendTheLastCycle() {
        try (MultiQueueRig rig = new MultiQueueRig(2)) {
            long base = (rig.kernel.clock().nanoTime() / MS + 2) * MS;
            String two = "taprio num_tc 2 map 0 1 queues 1@0 1@1 clockid CLOCK_MONOTONIC speed 100mbit ";
            rig.root(two + "base-time " + base
                    + " cycle-time-extension 500000 sched-entry S 1 500000 sched-entry S 2 500000");
            rig.sleep(base - rig.kernel.clock().nanoTime() + 100_000);
            long next = base + 5 * MS + 400_000;
            rig.root(two + "base-time " + next + " sched-entry S 1 500000 sched-entry S 2 500000");
            rig.sleep(base + 5 * MS + 10_000 - rig.kernel.clock().nanoTime());
            rig.send(0, 0, 100);
            rig.send(1, 0, 100);
            assertThat(rig.sent).extracting(MultiQueueRig.Sent::queue).containsExactly(1);
            rig.sleep(MS);
            assertThat(rig.sent.getLast().queue()).isZero();
            assertThat(rig.sent.getLast().ns()).isBetween(next, next + 1000);
        }
    }

    /** With transmit times packets go to etf below, which sends them in their windows. */
    @Test
    void shouldGiveTransmitTimesInTxtimeAssist() {
        try (MultiQueueRig rig = new MultiQueueRig(3)) {
            rig.root("taprio num_tc 3 map 2 1 0 queues 1@0 1@1 1@2 clockid CLOCK_TAI speed 100mbit flags 0x1"
                    + " txtime-delay 200000 base-time 0 " + GATES);
            for (int i = 1; i <= 3; i++) {
                SchApi.modify(
                        rig.dev,
                        SchApi.Verb.ADD,
                        TcHandle.make(0x10000, i),
                        i << 20,
                        "etf",
                        List.of("clockid", "CLOCK_TAI", "delta", "100000", "skip_sock_check"));
            }
            long skew = rig.kernel.clock().realTimeNs() - rig.kernel.clock().nanoTime();
            for (int i = 0; i < 30; i++) {
                rig.send(i % 3, i, 1000);
            }
            rig.sleep(50 * MS);
            assertThat(rig.sent).hasSize(30);
            for (MultiQueueRig.Sent s : rig.sent) {
                long[] w = WINDOWS[s.queue()];
                long inCycle = Math.floorMod(s.tstampNs(), MS);
                assertThat(inCycle).as("%s", s).isBetween(w[0], w[1] - 1000 * BYTE_NS);
                assertThat(s.ns() + skew).isBetween(s.tstampNs() - 100_000, s.tstampNs());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "num_tc 1 map 0 queues 1@0 clockid CLOCK_TAI | at least one entry",
                "num_tc 1 map 0 queues 1@0 sched-entry S 1 1000 | Invalid 'clockid'",
                "num_tc 1 map 0 queues 1@0 clockid CLOCK_FOO sched-entry S 1 1000 | illegal value for \"clockid\"",
                "num_tc 1 map 0 queues 1@0 clockid TAI sched-entry S 1 0 | Interval can never be 0",
                "num_tc 1 map 0 queues 1@0 clockid TAI speed 1mbit sched-entry S 1 1000 | too small for a frame",
                "num_tc 1 map 0 queues 1@0 clockid TAI sched-entry X 1 1000 | Usage: ... taprio ... sched-entry",
                "num_tc 1 map 0 queues 1@0 clockid TAI flags 0x2 sched-entry S 1 1000 | does not support taprio offload",
                "num_tc 2 map 0 1 queues 1@0 clockid TAI sched-entry S 1 1000 | No queues for TC 1",
                "num_tc 1 map 0 queues 1@0 clockid TAI txtime-delay 5 sched-entry S 1 1000 | txtime-assist mode",
                "sched S 1 1000 | Unknown argument"
            })
    void shouldRefuse(String spec, String says) {
        try (MultiQueueRig rig = new MultiQueueRig(2)) {
            assertThatThrownBy(() -> rig.root("taprio " + spec))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(says);
        }
    }

    @Test
    void shouldPrintAsIproute2() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("taprio num_tc 2 map 0 1 queues 1@0 2@1 clockid CLOCK_TAI base-time 1000 sched-entry S 01 300000"
                    + " sched-entry S 2 300000 flags 0x1 txtime-delay 500");
            assertThat(rig.show(false)).startsWith("""
                    qdisc taprio 1: dev eth0 root refcnt 5 tc 2 map 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0
                    queues offset 0 count 1 offset 1 count 2
                    clockid TAI flags 0x1 txtime delay 500\tbase-time 1000 cycle-time 600000 cycle-time-extension 0
                    \tindex 0 cmd S gatemask 0x1 interval 300000
                    \tindex 1 cmd S gatemask 0x2 interval 300000

                    """);
            assertThat(rig.show(true))
                    .contains("\"schedule\":[{\"index\":0,\"cmd\":\"S\",\"gatemask\":\"0x1\",\"interval\":300000}");
            assertThat(rig.classes()).startsWith("class taprio 1:1 root \nclass taprio 1:2 root \n");
            assertThatThrownBy(() -> rig.root("taprio num_tc 1 map 0 queues 1@0 sched-entry S 1 1000000 flags 0x1"))
                    .hasMessageContaining("Changing the traffic mapping");
            assertThatThrownBy(() -> rig.root("taprio sched-entry S 1 1000000"))
                    .hasMessageContaining("Changing 'flags'");
        }
    }
}
