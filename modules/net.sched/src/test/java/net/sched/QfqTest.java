package net.sched;

import static net.sched.HtbTest.add;
import static net.sched.HtbTest.delete;
import static net.sched.HtbTest.load;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** Quick fair queueing. */
class QfqTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Bytes are shared by weight to 2 %, whatever the packets' sizes. */
    @Test
    void shouldShareByWeight() {
        try (QdiscLab lab = new QdiscLab("qfq", 10 * MBIT)) {
            int[] weight = {1, 2, 5, 10, 40};
            int[] size = {1514, 300, 900, 1200, 100};
            for (int i = 0; i < 5; i++) {
                add(lab, "root", "1:" + (i + 1), "weight " + weight[i]);
                lab.flow(i).size = size[i];
                load(lab, i, "1:" + (i + 1), 10_000_000);
            }
            lab.run(10 * SEC);
            double all = IntStream.range(0, 5)
                    .mapToLong(i -> lab.flow(i).deliveredBytes)
                    .sum();
            assertThat(all * 8 / 10e6).isCloseTo(10, within(0.02));
            for (int i = 0; i < 5; i++) {
                double due = weight[i] / 58.0;
                assertThat(lab.flow(i).deliveredBytes / all)
                        .as("class of weight %d", weight[i])
                        .isCloseTo(due, within(due * 0.02));
            }
        }
    }

    /** Fifty classes of mixed packet sizes: Jain's index is at least 0.99. */
    @Test
    void shouldBeFairToFifty() {
        try (QdiscLab lab = new QdiscLab("qfq", 100 * MBIT)) {
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

    /** A class below its share waits for about its largest packet at its share, not for a round of all others. */
    @Test
    void shouldServeAHeavyClassSoon() {
        try (QdiscLab lab = new QdiscLab("qfq", 100 * MBIT)) {
            add(lab, "root", "1:1", "weight 50");
            load(lab, 0, "1:1", 30_000_000);
            for (int i = 1; i <= 50; i++) {
                String id = "1:" + Integer.toHexString(i + 1);
                add(lab, "root", id, "weight 1");
                load(lab, i, id, 4_000_000);
            }
            lab.run(2 * SEC);
            // A round of fifty takes 6 ms; a packet at half the link 0.24 ms.
            assertThat(lab.flow(0).drops).isZero();
            assertThat(lab.flow(0).meanDelayMs()).isLessThan(0.5);
            assertThat(lab.flow(0).delaysNs).allMatch(ns -> ns < SEC / 1000);
        }
    }

    /** Classes that come and go, change and are taken away lose nothing but what they hold. */
    @Test
    void shouldGoOnWhileClassesComeAndGo() {
        SplittableRandom random = new SplittableRandom(3);
        try (QdiscLab lab = new QdiscLab("qfq", 20 * MBIT)) {
            for (int i = 0; i < 20; i++) {
                String id = "1:" + Integer.toHexString(i + 1);
                add(lab, "root", id, "weight " + (1 << random.nextInt(11)) + " maxpkt " + random.nextInt(512, 3000));
                lab.flow(i).size = random.nextInt(64, 4000);
                load(lab, i, id, random.nextLong(100_000, 3_000_000));
            }
            for (int i = 0; i < 100; i++) {
                lab.run(SEC / 50);
                String id = "1:" + Integer.toHexString(1 + random.nextInt(20));
                int weight = 1 << random.nextInt(11);
                if (random.nextInt(4) == 0) {
                    delete(lab, id);
                    add(lab, "root", id, "weight " + weight);
                } else {
                    add(lab, "root", id, "weight " + weight + " maxpkt " + random.nextInt(512, 60000));
                }
            }
            lab.flows.values().forEach(f -> f.size = 64);
            long kept = lab.q.qlen;
            long lost = lab.flows.values().stream().mapToLong(f -> f.drops).sum();
            assertThat(lab.offered).isEqualTo(lab.sent + kept + lost);
            lab.run(20 * SEC);
            assertThat(lab.q.qlen).as(lab.stats()).isLessThan(20);
        }
    }

    /** Without classes one queue; with classes a packet of none is dropped. */
    @Test
    void shouldDropWhatHasNoClassAndPrintAsIproute2() {
        try (QdiscLab lab = new QdiscLab("qfq", 0)) {
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).delivered).isOne();
            add(lab, "root", "1:1", "weight 3 maxpkt 2000");
            lab.run(SEC / 1000);
            lab.send(lab.flow(1));
            assertThat(lab.flow(1).drops).isOne();
            TcPrint p = new TcPrint(false);
            SchApi.showClasses(lab.q, p, true);
            assertThat(p.toString()).isEqualTo("""
                    class qfq 1:1 root weight 3 maxpkt 2000\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                     weight 3 lmax 2000

                    """);
            assertThatThrownBy(() -> add(lab, "root", "1:2", "weight 0")).isInstanceOf(UserError.class);
            assertThatThrownBy(() -> add(lab, "root", "1:2", "maxpkt 100")).isInstanceOf(UserError.class);
        }
    }
}
