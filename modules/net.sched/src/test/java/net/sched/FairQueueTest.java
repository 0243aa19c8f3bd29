package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.List;
import java.util.stream.IntStream;
import net.sched.QdiscLab.Flow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fair queues: shares, pacing, protection of the sparse from the greedy. */
class FairQueueTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Fifty flows of mixed packet sizes and offered loads, all above their share: Jain's index is at least 0.99. */
    @ParameterizedTest
    @ValueSource(strings = {"fq orphan_mask 0xffffffff", "fq_codel flows 65536", "sfq divisor 65536 limit 1000"})
    void shouldShareEquallyAmongFiftyMixedFlows(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 100 * MBIT)) {
            for (int i = 0; i < 50; i++) {
                Flow f = lab.flow(i);
                f.size = List.of(1514, 1000, 300).get(i % 3);
                lab.cbr(i, 3_000_000 + i % 5 * 1_000_000L, i * 100_000L);
            }
            lab.run(4 * SEC);
            List<Integer> all = IntStream.range(0, 50).boxed().toList();
            assertThat(lab.jain(all)).as(lab.stats()).isGreaterThanOrEqualTo(0.99);
            long total = all.stream().mapToLong(i -> lab.flow(i).deliveredBytes).sum();
            assertThat(total * 8 / 4e6).isCloseTo(100, within(1.0));
        }
    }

    /** RFC 8290: a sparse flow among greedy ones hardly waits. */
    @ParameterizedTest
    @ValueSource(strings = {"fq", "fq_codel", "fq_pie", "sfq"})
    void shouldSendASparseFlowAtOnce(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 10 * MBIT)) {
            for (int i = 0; i < 4; i++) {
                lab.cbr(i, 10_000_000, 0);
            }
            lab.flow(9).size = 100;
            lab.cbr(9, 40_000, 3 * MS);
            lab.run(3 * SEC);
            // Two packets of 1514 bytes are 2.4 ms on this link; sfq lets it wait for a round of four.
            assertThat(lab.flow(9).meanDelayMs()).as(lab.stats()).isLessThan(spec.equals("sfq") ? 5.0 : 2.5);
            assertThat(lab.flow(9).drops).isZero();
            assertThat(lab.flow(0).meanDelayMs()).isGreaterThan(20);
        }
    }

    /** Departure times that a sender stamps are kept to the watchdog's precision. */
    @Test
    void shouldSendAtTheEarliestDepartureTime() {
        try (QdiscLab lab = new QdiscLab("fq", 0)) {
            Flow f = lab.flow(1);
            long t0 = lab.now();
            for (int i = 0; i < 10; i++) {
                long due = t0 + (i + 1) * MS;
                lab.send(f, skb -> skb.skbMstampNs = due);
            }
            lab.run(20 * MS);
            for (int i = 0; i < 10; i++) {
                assertThat(f.times.get(i) - t0).isBetween((i + 1) * MS, (i + 1) * MS + 30_000);
            }
            assertThat(f.order).isSorted();
            // Out of order departure times are sorted.
            f.order.clear();
            long t1 = lab.now();
            int a = lab.send(f, skb -> skb.skbMstampNs = t1 + 3 * MS);
            int b = lab.send(f, skb -> skb.skbMstampNs = t1 + MS);
            int c = lab.send(f, skb -> skb.skbMstampNs = t1 + 2 * MS);
            lab.run(10 * MS);
            assertThat(f.order).containsExactly(b, c, a);
            // Beyond the horizon: dropped, and counted.
            lab.send(f, skb -> skb.skbMstampNs = lab.now() + 11 * SEC);
            assertThat(f.drops).isOne();
            assertThat(lab.stats()).contains("horizon_drops 1");
        }
    }

    @Test
    void shouldHoldAFlowToItsMaximumRate() {
        try (QdiscLab lab = new QdiscLab("fq maxrate 8mbit", 100 * MBIT)) {
            lab.cbr(1, 20_000_000, 0);
            lab.cbr(2, 20_000_000, 0);
            lab.run(2 * SEC);
            assertThat(lab.flow(1).deliveredBytes * 8 / 2e6).isCloseTo(8, within(0.08));
            assertThat(lab.flow(2).deliveredBytes * 8 / 2e6).isCloseTo(8, within(0.08));
        }
    }

    /** Bands of 6.8 and later: weights 9:3:1 by default, none starves. */
    @Test
    void shouldShareAmongBandsByWeight() {
        try (QdiscLab lab = new QdiscLab("fq limit 300", 100 * MBIT)) {
            int[] prio = {6, 0, 1}; // bands 0, 1, 2
            for (int i = 0; i < 3; i++) {
                lab.flow(i).prio = prio[i];
                lab.cbr(i, 100_000_000, 0);
            }
            lab.run(8 * SEC); // a round of the bands is 850 kB
            double sum = lab.flow(0).deliveredBytes + lab.flow(1).deliveredBytes + lab.flow(2).deliveredBytes;
            assertThat(lab.flow(0).deliveredBytes / sum).isCloseTo(9 / 13.0, withinPercentage(2));
            assertThat(lab.flow(1).deliveredBytes / sum).isCloseTo(3 / 13.0, withinPercentage(2));
            assertThat(lab.flow(2).deliveredBytes / sum).isCloseTo(1 / 13.0, withinPercentage(2));
        }
    }

    /** When the whole is full the fattest flow pays. */
    @Test
    void shouldDropFromTheFattestFlow() {
        try (QdiscLab lab = new QdiscLab("fq_codel limit 200", 1 * MBIT)) {
            lab.cbr(1, 50_000_000, 0);
            lab.cbr(2, 300_000, 0);
            lab.run(SEC);
            assertThat(lab.flow(2).drops).as(lab.stats()).isZero();
            assertThat(lab.flow(1).drops).isGreaterThan(1000);
            assertThat(lab.q.currentQlen()).isLessThanOrEqualTo(200);
        }
    }

    @Test
    void shouldPrintAsIproute2() {
        try (QdiscLab lab = new QdiscLab("fq_codel", MBIT)) {
            assertThat(lab.stats()).isEqualTo("""
                            qdisc fq_codel 1: root refcnt 2 limit 10240p flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64\s
                             Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                             backlog 0b 0p requeues 0
                              maxpacket 0 drop_overlimit 0 new_flow_count 0 ecn_mark 0
                              new_flows_len 0 old_flows_len 0
                            """);
            net.core.tc.TcPrint p = new net.core.tc.TcPrint(true);
            lab.q.print(p, true, true);
            assertThat(p.toString())
                    .isEqualTo("{\"kind\":\"fq_codel\",\"handle\":\"1:\",\"dev\":\"lab0\",\"root\":true,\"refcnt\":2,"
                            + "\"options\":{\"limit\":10240,\"flows\":1024,\"quantum\":1514,\"target\":5000,"
                            + "\"interval\":100000,\"memory_limit\":33554432,\"ecn\":true,\"drop_batch\":64},"
                            + "\"bytes\":0,\"packets\":0,\"drops\":0,\"overlimits\":0,\"requeues\":0,\"backlog\":0,"
                            + "\"qlen\":0,\"maxpacket\":0,\"drop_overlimit\":0,\"new_flow_count\":0,\"ecn_mark\":0,"
                            + "\"new_flows_len\":0,\"old_flows_len\":0}");
        }
        try (QdiscLab lab = new QdiscLab("fq", MBIT)) {
            assertThat(lab.q.describe(false))
                    .isEqualTo("qdisc fq 1: root refcnt 2 limit 10000p flow_limit 100p buckets 1024 orphan_mask 1023 "
                            + "bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1 weights 589824 196608 65536 "
                            + "quantum 3028b initial_quantum 15140b low_rate_threshold 550Kbit refill_delay 40ms "
                            + "timer_slack 10us horizon 10s horizon_drop \n");
        }
    }

    /** Responsive flows of several round trips and packet sizes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "fq_pie flows 65536",
                "fq_codel flows 65536",
                "sfq divisor 65536 limit 3000 redflowlimit 100000 min 8000 max 60000"
            })
    void shouldShareEquallyAmongFiftyResponsiveFlows(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 100 * MBIT)) {
            for (int i = 0; i < 50; i++) {
                lab.flow(i).size = List.of(1514, 1000).get(i % 2);
                lab.new Aimd(i, (10 + i % 5 * 10) * MS, 0, false);
            }
            lab.run(10 * SEC);
            assertThat(lab.jain(IntStream.range(0, 50).boxed().toList()))
                    .as(lab.stats())
                    .isGreaterThanOrEqualTo(0.99);
        }
    }

    /** RFC 8290: CoDel within each flow, towards 5 ms, with drops and with marks. */
    @Test
    void shouldKeepFqCodelsDelayNearItsTarget() {
        for (int ect : new int[] {0, InetEcn.ECT_0}) {
            try (QdiscLab lab = new QdiscLab("fq_codel", 10 * MBIT)) {
                assertThat(AqmTest.reno(lab, 4, ect, 30)).isGreaterThan(0.95);
                assertThat(AqmTest.delayMs(lab)).as(lab.stats()).isBetween(2.0, 15.0);
            }
        }
    }

    /** RFC 8033 within each flow: a standing flow alone comes down to the target. */
    @Test
    void shouldKeepFqPiesDelayNearItsTarget() {
        try (QdiscLab lab = new QdiscLab("fq_pie", 10 * MBIT)) {
            AqmTest.reno(lab, 2, 0, 40);
            assertThat(AqmTest.delayMs(lab)).as(lab.stats()).isBetween(5.0, 30.0);
        }
    }

    /** Under another hash nothing is lost or reordered. */
    @Test
    void shouldPerturbSfqsHash() {
        try (QdiscLab lab = new QdiscLab("sfq perturb 1", 1 * MBIT)) {
            for (int i = 0; i < 10; i++) {
                lab.cbr(i, 95_000, i * 1_000_000L);
            }
            lab.run(5 * SEC);
            for (int i = 0; i < 10; i++) {
                assertThat(lab.flow(i).order).isSorted();
                assertThat(lab.flow(i).drops).isZero();
            }
        }
    }

    /** A flow above 128 KiB in 40 ms is a heavy hitter, and goes behind a short one. */
    @Test
    void shouldPutHeavyHittersBehind() {
        try (QdiscLab lab = new QdiscLab("hhf", 50 * MBIT)) {
            lab.cbr(1, 100_000_000, 0);
            lab.cbr(2, 1_000_000, SEC);
            lab.run(3 * SEC);
            assertThat(lab.stats()).contains("tot_hh 1 cur_hh 1");
            assertThat(lab.flow(2).meanDelayMs()).isLessThan(1);
            assertThat(lab.flow(2).drops).isZero();
            assertThat(lab.flow(1).meanDelayMs()).isGreaterThan(50);
        }
    }
}
