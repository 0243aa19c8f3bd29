package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.core.UserError;
import net.core.dev.Qdisc;
import net.core.dev.SchGeneric;
import net.sched.QdiscLab.Flow;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

/** netem, parameter by parameter, against tc-netem(8). */
class NetemTest {
    private static final long MBIT = 1_000_000 / 8;

    private static Flow through(QdiscLab lab, int packets, long gapNs) {
        Flow f = lab.flow(1);
        f.size = 200;
        for (int i = 0; i < packets; i++) {
            lab.after(i * gapNs, () -> lab.send(f));
        }
        lab.run(packets * gapNs + 2 * SEC);
        return f;
    }

    private static double deviationMs(Flow f) {
        double mean = f.delaysNs.stream().mapToLong(Long::longValue).average().orElse(0);
        return Math.sqrt(f.delaysNs.stream()
                        .mapToDouble(d -> (d - mean) * (d - mean))
                        .average()
                        .orElse(0))
                / 1e6;
    }

    @Test
    void shouldDelay() {
        try (QdiscLab lab = new QdiscLab("netem delay 100ms", 0)) {
            Flow f = through(lab, 100, MS);
            assertThat(f.delivered).isEqualTo(100);
            assertThat(f.order).isSorted();
            assertThat(f.delaysNs).allSatisfy(d -> assertThat(d).isBetween(100 * MS, 100 * MS + 30_000));
        }
    }

    @Test
    void shouldJitterUniformlyAndByDistribution() {
        try (QdiscLab lab = new QdiscLab("netem limit 100000 delay 100ms 10ms seed 5", 0)) {
            Flow f = through(lab, 3000, MS);
            assertThat(f.meanDelayMs(0)).isCloseTo(100, within(0.6));
            assertThat(deviationMs(f)).isCloseTo(10 / Math.sqrt(3), within(0.3));
            assertThat(f.delaysNs).allSatisfy(d -> assertThat(d).isBetween(90 * MS, 110 * MS + 30_000));
            assertThat(f.order).isNotEqualTo(f.order.stream().sorted().toList());
        }
        try (QdiscLab lab = new QdiscLab("netem limit 100000 delay 100ms 10ms distribution normal seed 5", 0)) {
            Flow f = through(lab, 3000, MS);
            assertThat(f.meanDelayMs(0)).isCloseTo(100, within(0.6));
            assertThat(deviationMs(f)).isCloseTo(10, within(0.4));
            double within1 = f.delaysNs.stream()
                            .filter(d -> Math.abs(d - 100 * MS) < 10 * MS)
                            .count()
                    / 3000.0;
            assertThat(within1).isCloseTo(0.683, within(0.03));
        }
        try (QdiscLab lab = new QdiscLab("netem limit 100000 delay 100ms 10ms distribution pareto seed 5", 0)) {
            Flow f = through(lab, 3000, MS);
            assertThat(f.meanDelayMs(0)).isCloseTo(100, within(1.0));
            // A long tail to one side only.
            long median = f.delaysNs.stream().sorted().skip(1500).findFirst().orElseThrow();
            assertThat(median).isLessThan(98 * MS);
        }
    }

    @Test
    void shouldCorrelateDelays() {
        List<Double> r = new ArrayList<>();
        for (String corr : List.of("0%", "90%")) {
            try (QdiscLab lab = new QdiscLab("netem limit 100000 delay 50ms 10ms " + corr + " seed 9", 0)) {
                // Far enough apart not to be reordered.
                Flow f = through(lab, 2000, 25 * MS);
                double mean =
                        f.delaysNs.stream().mapToLong(Long::longValue).average().orElse(0);
                double cov = 0;
                double var = 0;
                for (int i = 1; i < f.delaysNs.size(); i++) {
                    cov += (f.delaysNs.get(i) - mean) * (f.delaysNs.get(i - 1) - mean);
                    var += (f.delaysNs.get(i) - mean) * (f.delaysNs.get(i) - mean);
                }
                r.add(cov / var);
            }
        }
        assertThat(r.get(0)).isCloseTo(0, within(0.08));
        assertThat(r.get(1)).isGreaterThan(0.3);
    }

    @Test
    void shouldLoseAtRandom() {
        try (QdiscLab lab = new QdiscLab("netem loss 10% seed 3", 0)) {
            Flow f = through(lab, 20_000, 10_000);
            assertThat(f.drops / 20_000.0).isCloseTo(0.10, within(0.007));
            assertThat(f.delivered + f.drops).isEqualTo(20_000);
        }
    }

    /** Gilbert: losses come in bursts of mean length 1/r, and a share p/(p+r) of all packets is lost. */
    @Test
    void shouldLoseInBurstsByGilbertElliott() {
        for (String model : List.of("gemodel 2% 25%", "state 2% 25%")) {
            try (QdiscLab lab = new QdiscLab("netem loss " + model + " seed 3", 0)) {
                Flow f = through(lab, 50_000, 10_000);
                assertThat(f.drops / 50_000.0).as(model).isCloseTo(0.02 / 0.27, within(0.008));
                int bursts = 0;
                int last = 0;
                for (int n : f.order) {
                    bursts += n - last > 1 ? 1 : 0;
                    last = n;
                }
                assertThat(f.drops / (double) bursts).as(model).isCloseTo(4, within(0.4));
            }
        }
        // 1-h and 1-k: half lost in the bad state, a little in the good one.
        try (QdiscLab lab = new QdiscLab("netem loss gemodel 2% 25% 50% 1% seed 3", 0)) {
            Flow f = through(lab, 50_000, 10_000);
            double bad = 0.02 / 0.27;
            assertThat(f.drops / 50_000.0).isCloseTo(bad * 0.5 + (1 - bad) * 0.01, within(0.006));
        }
    }

    @Test
    void shouldDuplicateAndCorrupt() {
        try (QdiscLab lab = new QdiscLab("netem limit 100000 duplicate 20% seed 3", 0)) {
            Flow f = through(lab, 10_000, 10_000);
            assertThat(f.delivered).isBetween(11_800L, 12_200L);
        }
        try (QdiscLab lab = new QdiscLab("netem corrupt 100% seed 3", 0)) {
            Flow f = lab.flow(1);
            int[] bits = {0};
            byte[] before = new byte[f.size];
            f.onDelivered = skb -> {
                for (int i = 0; i < skb.len; i++) {
                    bits[0] += Integer.bitCount((UnsafeApi.getByte(skb.dataAddress() + i) ^ before[i]) & 0xff);
                }
            };
            for (int i = 0; i < 50; i++) {
                lab.send(f, skb -> {
                    for (int b = 0; b < skb.len; b++) {
                        before[b] = UnsafeApi.getByte(skb.dataAddress() + b);
                    }
                });
                lab.run(MS);
            }
            assertThat(bits[0]).isEqualTo(50);
        }
    }

    /** man page: "reorder 100% gap 5": every fifth packet goes at once, the others after the delay. */
    @Test
    void shouldReorderEveryFifthPacket() {
        try (QdiscLab lab = new QdiscLab("netem delay 10ms reorder 100% gap 5", 0)) {
            Flow f = through(lab, 100, 100_000);
            assertThat(f.delaysNs.stream().filter(d -> d < MS).count()).isEqualTo(20);
            assertThat(f.order.subList(0, 3)).containsExactly(5, 10, 15);
        }
        try (QdiscLab lab = new QdiscLab("netem delay 10ms reorder 25% seed 4", 0)) {
            Flow f = through(lab, 4000, 1_000_000);
            assertThat(f.delaysNs.stream().filter(d -> d < MS).count() / 4000.0).isCloseTo(0.25, within(0.03));
        }
    }

    @Test
    void shouldLimitTheRate() {
        try (QdiscLab lab = new QdiscLab("netem limit 10000 rate 8mbit", 0)) {
            lab.flow(1).size = 1000;
            lab.cbr(1, 20_000_000, 0);
            lab.run(2 * SEC);
            assertThat(lab.flow(1).deliveredBytes / 2e6).isCloseTo(1.0, within(0.01));
        }
        // 20 bytes of overhead each, in cells of 48 that take 53: 1020 bytes are 22 cells, 1166 bytes.
        try (QdiscLab lab = new QdiscLab("netem limit 10000 rate 8mbit 20 48 5", 0)) {
            lab.flow(1).size = 1000;
            lab.cbr(1, 20_000_000, 0);
            lab.run(2 * SEC);
            assertThat(lab.flow(1).deliveredBytes / 2e6).isCloseTo(1000 / 1166.0, within(0.01));
        }
    }

    @Test
    void shouldSendInSlots() {
        try (QdiscLab lab = new QdiscLab("netem slot 10ms 10ms packets 4", 0)) {
            Flow f = lab.flow(1);
            long t0 = lab.now();
            for (int i = 0; i < 20; i++) {
                lab.send(f);
            }
            lab.run(SEC);
            assertThat(f.delivered).isEqualTo(20);
            List<Long> slots = IntStream.range(0, 20)
                    .mapToObj(i -> Math.round((f.times.get(i) - t0) / 10e6))
                    .toList();
            for (int i = 0; i < 20; i++) {
                assertThat(slots.get(i)).as("packet %d", i).isEqualTo(i / 4L);
            }
        }
    }

    @Test
    void shouldRepeatBySeed() {
        List<List<Integer>> orders = new ArrayList<>();
        for (String seed : List.of("11", "11", "12")) {
            try (QdiscLab lab = new QdiscLab("netem delay 10ms 5ms loss 5% duplicate 5% seed " + seed, 0)) {
                orders.add(List.copyOf(through(lab, 500, MS).order));
            }
        }
        assertThat(orders.get(0)).isEqualTo(orders.get(1)).isNotEqualTo(orders.get(2));
    }

    @Test
    void shouldServeThroughAChild() {
        try (QdiscLab lab = new QdiscLab("netem delay 10ms", MBIT)) {
            Qdisc child = SchGeneric.createChild(lab.q, 0x10001, "pfifo");
            assertThat(child).isNotNull();
            lab.inCpu(cpu -> {
                child.limit = 5;
                lab.q.replaceChild(cpu, lab.q.classOps(), lab.q.classOps().find(0x10001), child);
            });
            for (int i = 0; i < 20; i++) {
                lab.send(lab.flow(1));
            }
            lab.run(SEC);
            assertThat(lab.flow(1).delivered + lab.flow(1).drops).isEqualTo(20);
            assertThat(lab.flow(1).drops).isPositive();
            assertThat(lab.q.currentQlen()).isZero();
            assertThat(lab.q.currentBacklog()).isZero();
        }
    }

    @Test
    void shouldReadAndPrintItsOptions() {
        try (QdiscLab lab =
                new QdiscLab("netem delay 100ms 10ms 25% loss 0.3% 25% duplicate 1% reorder 5% 50% seed 1", 0)) {
            assertThat(lab.q.describe(false))
                    .isEqualTo(
                            "qdisc netem 1: root refcnt 2 limit 1000 delay 100ms  10ms 25% loss 0.3% 25% duplicate 1%"
                                    + " reorder 5% 50% seed 1 gap 1\n");
        }
        assertThatThrownBy(() -> new QdiscLab("netem speed 3", 0))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("What is \"speed\"? Usage:");
        assertThatThrownBy(() -> new QdiscLab("netem delay fast", 0)).hasMessageContaining("\"fast\"");
        assertThatThrownBy(() -> new QdiscLab("netem reorder 5%", 0))
                .hasMessageContaining("without specifying some delay");
    }
}
