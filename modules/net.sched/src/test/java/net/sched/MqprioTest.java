package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.TreeSet;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Priority, traffic class, range of queues; mq's classes. */
class MqprioTest {
    private static final String SPEC = "mqprio num_tc 3 map 2 2 1 0 2 2 2 2 2 2 2 2 2 2 2 2 queues 1@0 2@1 5@3 hw 0";

    @Test
    void shouldMapPrioritiesToQueueRanges() {
        try (MultiQueueRig rig = new MultiQueueRig(8)) {
            rig.root(SPEC);
            Set<Integer> used = new TreeSet<>();
            for (int prio = 0; prio < 20; prio++) {
                for (int flow = 0; flow < 64; flow++) {
                    rig.send(prio, flow, 100);
                    int queue = rig.sent.getLast().queue();
                    // Only the low four bits of a priority count.
                    switch (prio & 15) {
                        case 3 -> assertThat(queue).isZero();
                        case 2 -> assertThat(queue).isBetween(1, 2);
                        default -> assertThat(queue).isBetween(3, 7);
                    }
                    used.add(queue);
                }
            }
            assertThat(used).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
            rig.dev.xpsCpus = new int[] {1};
            rig.send(2, 5, 100);
            assertThat(rig.sent.getLast().queue()).as("XPS within the class").isOne();
            rig.send(3, 5, 100);
            assertThat(rig.sent.getLast().queue()).as("XPS outside of it").isZero();
        }
    }

    @Test
    void shouldTakeItsClassesBackUnlessAnotherHasSetThem() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("mqprio");
            assertThat(java.util.Objects.requireNonNull(rig.dev.trafficClasses).size())
                    .isEqualTo(4);
            SchApi.delete(rig.dev, TcHandle.ROOT);
            assertThat(rig.dev.trafficClasses).isNull();
            rig.root("mqprio num_tc 2 map 0 1 queues 1@0 3@1");
            SchApi.modify(
                    rig.dev,
                    SchApi.Verb.REPLACE,
                    TcHandle.ROOT,
                    0x20000,
                    "mqprio",
                    java.util.List.of("num_tc", "1", "map", "0"));
            assertThat(java.util.Objects.requireNonNull(rig.dev.trafficClasses).size())
                    .isOne();
            SchApi.modify(rig.dev, SchApi.Verb.REPLACE, TcHandle.ROOT, 0x30000, "fq", java.util.List.of());
            assertThat(rig.dev.trafficClasses).isNull();
        }
    }

    @Test
    void shouldPrintAsIproute2() {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            rig.root("mqprio num_tc 2 map 0 1 queues 1@0 2@1 hw 0");
            assertThat(rig.show(false)).startsWith("""
                    qdisc mqprio 1: dev eth0 root refcnt 5 tc 2 map 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\s
                                 queues:(0:0) (1:2)\s
                                 mode:dcb
                                 shaper:dcb
                    qdisc pfifo_fast 0: dev eth0 parent 1:1 bands 3""");
            assertThat(rig.show(true))
                    .contains("\"tc\":2,\"map\":[0,1,0,0", "\"queues\":[[0,0],[1,2]],\"mode\":\"dcb\"");
            SchApi.modify(rig.dev, SchApi.Verb.ADD, 0x10002, 0x100000, "fq_codel", java.util.List.of());
            assertThat(rig.classes()).isEqualTo("""
                    class mqprio 1:ffe0 root\s
                    class mqprio 1:ffe1 root\s
                    class mqprio 1:1 parent 1:ffe0\s
                    class mqprio 1:2 parent 1:ffe1 leaf 10:\s
                    class mqprio 1:3 parent 1:ffe1\s
                    class mqprio 1:4 parent none\s
                    """);
            SchApi.modify(rig.dev, SchApi.Verb.REPLACE, TcHandle.ROOT, 0x20000, "mq", java.util.List.of());
            assertThat(rig.classes()).startsWith("class mq 2:1 root \nclass mq 2:2 root \n");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "mqprio num_tc 2 map 0 2 queues 1@0 1@1 | priority 1 has class 2",
                "mqprio num_tc 2 map 0 1 queues 1@0 | No queues for TC 1",
                "mqprio num_tc 2 map 0 1 queues 3@0 2@2 | TC 1 queues 2@2 overlap with TC 0 queues 3@0",
                "mqprio num_tc 2 map 0 1 queues 2@0 3@2 | exceed the 4 TX queues available",
                "mqprio num_tc 1 queues 1@0 1@1 | can not be higher than given num_tc 1",
                "mqprio num_tc 17 | outside valid range",
                "mqprio hw 1 | does not support hardware offload",
                "mqprio shaper bw_rlimit | Illegal shaper",
                "mqprio queues x | wants COUNT@OFFSET",
                "mqprio quues 1@0 | unknown argument \"quues\""
            })
    void shouldRefuse(String spec, String says) {
        try (MultiQueueRig rig = new MultiQueueRig(4)) {
            assertThatThrownBy(() -> rig.root(spec))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining(says);
            assertThat(rig.dev.trafficClasses).isNull();
        }
    }

    /** What groups queues as the default kind: the queues get pfifo_fast. */
    @ParameterizedTest
    @CsvSource({"1,mq", "4,mq", "1,mqprio", "4,mqprio"})
    void shouldNotBePutInFrontOfAQueue(int queues, String kind) {
        try (MultiQueueRig rig = new MultiQueueRig(queues, "net.core.default_qdisc=" + kind)) {
            assertThat(rig.dev.tx[0].qdisc.id()).isEqualTo("pfifo_fast");
            rig.send(0, 1, 100);
            rig.root(kind);
            rig.send(0, 1, 100);
            assertThat(rig.sent).hasSize(2);
        }
    }
}
