package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import net.sched.QdiscLab.Flow;
import net.sched.cls.TcfFilters;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Fifty flows of mixed kinds on one link, each after more than its share: fifteen that do not care (constant bit rate, three
 * packet sizes, up to four times the share), twenty of Reno with round trips of 10 to 50 ms, half of them with ECN, and fifteen
 * of a scalable control with ECN.
 */
class FairnessTest {
    private static final long MBIT = 1_000_000 / 8;
    private static final int FLOWS = 50;

    private static void mix(QdiscLab lab, List<Integer> cbrSizes) {
        for (int i = 0; i < FLOWS; i++) {
            Flow f = lab.flow(i);
            long rtt = (10 + i % 5 * 10) * MS;
            if (i < 15) {
                f.size = cbrSizes.get(i % 3);
                lab.cbr(i, 4_000_000 + i % 5 * 1_000_000L, i * 100_000L);
            } else if (i < 35) {
                f.size = List.of(1514, 1000).get(i % 2);
                lab.new Aimd(i, rtt, i % 4 < 2 ? InetEcn.ECT_0 : 0, false);
            } else {
                lab.new Aimd(i, rtt, InetEcn.ECT_1, true);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fq orphan_mask 0xffffffff",
                "fq_codel flows 65536",
                "fq_pie flows 65536",
                "sfq divisor 65536 limit 3000",
                "cake bandwidth 100mbit besteffort flows",
                "drr",
                "qfq"
            })
    void shouldShareEquallyAmongFiftyFlowsOfMixedKinds(String spec) {
        boolean shapes = spec.startsWith("cake");
        try (QdiscLab lab = new QdiscLab(spec, shapes ? 0 : 100 * MBIT)) {
            if (spec.equals("drr") || spec.equals("qfq")) {
                for (int i = 0; i < FLOWS; i++) {
                    HtbTest.add(lab, "root", "1:" + Integer.toHexString(i + 1), "");
                }
                // A class for each flow, by its source port.
                TcfFilters filters = new TcfFilters();
                String[] flow = "map key proto-src addend -1000 divisor 50 baseclass 1:1".split(" ");
                filters.change(lab.kernel.initNet(), 0, 0, TcfFilters.ETH_P_ALL, "flow", 1, List.of(flow));
                lab.q.filters = filters;
            }
            // cake, as on Linux, gives a flow that is empty again before its quantum is spent a new one at once:
            // packets
            // below a quantum at a constant rate count as sparse and go first. fq_codel sends such a flow round first.
            mix(lab, shapes ? List.of(1514, 1514, 1514) : List.of(1514, 1000, 300));
            lab.run(2 * SEC);
            List<Integer> all = IntStream.range(0, FLOWS).boxed().toList();
            all.forEach(i -> lab.flow(i).deliveredBytes = 0);
            lab.run(8 * SEC);
            long total = all.stream().mapToLong(i -> lab.flow(i).deliveredBytes).sum();
            assertThat(lab.jain(all)).as(lab.stats()).isGreaterThanOrEqualTo(0.99);
            assertThat(total * 8 / 8e6).isCloseTo(100, within(1.0));
        }
    }
}
