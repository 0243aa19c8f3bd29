package net.sched;

import static net.sched.HtbTest.add;
import static net.sched.HtbTest.delete;
import static net.sched.HtbTest.load;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.stream.IntStream;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** Disciplines whose classes take turns. */
class RoundRobinTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Bytes are shared by quantum, whatever the packets' sizes. */
    @Test
    void shouldShareByQuantum() {
        try (QdiscLab lab = new QdiscLab("drr", 10 * MBIT)) {
            add(lab, "root", "1:1", "quantum 6000");
            add(lab, "root", "1:2", "quantum 3000");
            add(lab, "root", "1:3", "");
            int[] size = {0, 1514, 300, 900};
            for (int i = 1; i <= 3; i++) {
                lab.flow(i).size = size[i];
                load(lab, i, "1:" + i, 10_000_000);
            }
            lab.run(5 * SEC);
            double all = IntStream.rangeClosed(1, 3)
                    .mapToLong(i -> lab.flow(i).deliveredBytes)
                    .sum();
            assertThat(lab.flow(1).deliveredBytes / all).as(lab.stats()).isCloseTo(6000 / 10514.0, withinPercentage(2));
            assertThat(lab.flow(2).deliveredBytes / all).isCloseTo(3000 / 10514.0, withinPercentage(2));
            assertThat(lab.flow(3).deliveredBytes / all).isCloseTo(1514 / 10514.0, withinPercentage(2));
        }
    }

    /** Fifty classes of mixed packet sizes: Jain's index is at least 0.99. */
    @Test
    void shouldBeFairToFifty() {
        try (QdiscLab lab = new QdiscLab("drr", 100 * MBIT)) {
            for (int i = 0; i < 50; i++) {
                String id = "1:" + Integer.toHexString(i + 1);
                add(lab, "root", id, "");
                lab.flow(i).size = new int[] {1514, 1000, 300}[i % 3];
                load(lab, i, id, 4_000_000);
            }
            lab.run(2 * SEC);
            assertThat(lab.jain(IntStream.range(0, 50).boxed().toList())).isGreaterThanOrEqualTo(0.99);
        }
    }

    /** Without classes one queue; with classes a packet of none is dropped. */
    @Test
    void shouldDropWhatHasNoClass() {
        try (QdiscLab lab = new QdiscLab("drr", 0)) {
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).delivered).isOne();
            add(lab, "root", "1:1", "quantum 1500");
            lab.run(SEC / 1000);
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).drops).isOne();
            TcPrint p = new TcPrint(false);
            SchApi.showClasses(lab.q, p, true);
            assertThat(p.toString()).isEqualTo("""
                    class drr 1:1 root quantum 1500b\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                     deficit 0b\s

                    """);
            assertThatThrownBy(() -> add(lab, "root", "1:2", "quantum 0")).isInstanceOf(UserError.class);
            delete(lab, "1:1");
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).drops).isOne();
        }
    }

    /** Two strict bands, then three that share 3:2:1. */
    @Test
    void shouldServeStrictBandsThenShare() {
        try (QdiscLab lab = new QdiscLab("ets bands 5 strict 2 quanta 4500 3000 1500 priomap 0 1 2 3 4", 10 * MBIT)) {
            for (int i = 0; i < 5; i++) {
                lab.flow(i).prio = i;
                lab.cbr(i, i < 2 ? 2_000_000 : 10_000_000, i * 1000L);
            }
            lab.run(5 * SEC);
            double[] mbit = IntStream.range(0, 5)
                    .mapToDouble(i -> HtbTest.mbit(lab, i, 5))
                    .toArray();
            assertThat(mbit[0]).isCloseTo(2, within(0.02));
            assertThat(mbit[1]).isCloseTo(2, within(0.02));
            assertThat(mbit[2]).isCloseTo(3, within(0.06));
            assertThat(mbit[3]).isCloseTo(2, within(0.04));
            assertThat(mbit[4]).isCloseTo(1, within(0.02));
            assertThat(lab.q.describe(false))
                    .isEqualTo("qdisc ets 1: root refcnt 2 bands 5 strict 2 quanta 4500 3000 1500 "
                            + "priomap 0 1 2 3 4 4 4 4 4 4 4 4 4 4 4 4 \n");
        }
        assertThatThrownBy(() -> new QdiscLab("ets bands 2 strict 1 quanta 1 2", 0))
                .isInstanceOf(UserError.class);
    }
}
