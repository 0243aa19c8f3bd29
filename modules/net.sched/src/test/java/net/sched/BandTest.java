package net.sched;

import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.core.UserError;
import net.core.tc.TcPrint;
import net.sched.cls.TcfFilters;
import org.junit.jupiter.api.Test;

/** Disciplines that choose among bands, and the filters that lead into them. */
class BandTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Strict: the first band has all it wants, the second the rest, the third nothing. */
    @Test
    void shouldServeBandsInStrictOrder() {
        try (QdiscLab lab = new QdiscLab("prio", 10 * MBIT)) {
            int[] prio = {6, 0, 2};
            for (int i = 0; i < 3; i++) {
                lab.flow(i).prio = prio[i];
                lab.cbr(i, i == 0 ? 4_000_000 : 20_000_000, i * 1000L);
            }
            lab.run(5 * SEC);
            assertThat(lab.flow(0).deliveredBytes * 8 / 5e6).isCloseTo(4, within(0.04));
            assertThat(lab.flow(0).drops).isZero();
            assertThat(lab.flow(0).meanDelayMs()).isLessThan(1.3);
            assertThat(lab.flow(1).deliveredBytes * 8 / 5e6).isCloseTo(6, within(0.06));
            assertThat(lab.flow(2).delivered).as(lab.stats()).isLessThanOrEqualTo(1);
        }
    }

    /** A priority that names a class wins over filters; a filter over the priority map. */
    @Test
    void shouldFollowPriorityThenFilterThenMap() {
        try (QdiscLab lab = new QdiscLab("prio bands 4 priomap 3 3 3", 0)) {
            TcfFilters filters = new TcfFilters();
            filters.change(lab.kernel.initNet(), 0, 0, 0x0800, "matchall", 0, List.of("flowid", "1:2"));
            lab.q.filters = filters;
            lab.send(lab.flow(0), s -> s.priority = 0x10001);
            lab.send(lab.flow(0));
            lab.send(lab.flow(0), s -> s.protocol = 0x86dd);
            lab.run(SEC / 1000);
            assertThat(packets(lab)).containsExactly(1L, 1L, 0L, 1L);
            TcPrint p = new TcPrint(false);
            filters.print(p, 0x10000, false);
            assertThat(p.toString()).isEqualTo("""
                    filter parent 1: protocol ip pref 49152 matchall chain 0\s
                    filter parent 1: protocol ip pref 49152 matchall chain 0 handle 0x1 flowid 1:2\s
                      not_in_hw
                    """);
            // Without the filter the map decides again.
            filters.delete(0, 49152, 0);
            lab.send(lab.flow(0));
            lab.run(SEC / 1000);
            assertThat(packets(lab)).containsExactly(1L, 1L, 0L, 2L);
            assertThatThrownBy(() -> filters.change(lab.kernel.initNet(), 0, 1, 3, "madeup", 0, List.of()))
                    .isInstanceOf(UserError.class)
                    .hasMessage("Error: TC classifier not found.");
        }
    }

    /** The smallest preference is asked first. */
    @Test
    void shouldAskFiltersByPreference() {
        try (QdiscLab lab = new QdiscLab("prio", 0)) {
            TcfFilters filters = new TcfFilters();
            filters.change(lab.kernel.initNet(), 0, 20, TcfFilters.ETH_P_ALL, "matchall", 0, List.of("flowid", "1:3"));
            filters.change(lab.kernel.initNet(), 0, 10, TcfFilters.ETH_P_ALL, "matchall", 7, List.of("flowid", "1:1"));
            lab.q.filters = filters;
            lab.send(lab.flow(0));
            lab.run(SEC / 1000);
            assertThat(packets(lab)).containsExactly(1L, 0L, 0L);
            assertThatThrownBy(() -> filters.delete(0, 10, 1)).isInstanceOf(UserError.class);
            filters.delete(0, 10, 7);
            lab.send(lab.flow(0));
            lab.run(SEC / 1000);
            assertThat(packets(lab)).containsExactly(1L, 0L, 1L);
        }
    }

    static List<Long> packets(QdiscLab lab) {
        List<Long> n = new java.util.ArrayList<>();
        lab.q.classOps().walk(cl -> {
            net.core.dev.QdiscStats s = new net.core.dev.QdiscStats();
            lab.q.classOps().stats(cl, s);
            return n.add(s.packets);
        });
        return n;
    }

    /** Bands are the transmit queues: in turn, and a stopped one holds up nobody else. */
    @Test
    void shouldServeTransmitQueuesInTurnByMultiq() {
        try (MultiQueueRig rig = new MultiQueueRig(3)) {
            rig.root("multiq");
            rig.dev.stopAllQueues();
            int[] queue = {0, 0, 0, 1, 1, 2};
            for (int i = 0; i < queue.length; i++) {
                rig.dev.xpsCpus = new int[] {queue[i]};
                rig.send(0, i, 100);
            }
            assertThat(rig.dev.qdisc.currentQlen()).isEqualTo(6);
            assertThat(rig.sent).isEmpty();
            // The middle one stays stopped.
            net.core.Cpu cpu = rig.kernel.localBhDisable(0);
            rig.dev.tx[0].wake(cpu);
            rig.dev.tx[2].wake(cpu);
            cpu.localBhEnable();
            rig.sleep(SEC / 1000);
            assertThat(rig.sent.stream().map(MultiQueueRig.Sent::mark)).containsExactlyInAnyOrder(1, 2, 3, 6);
            assertThat(rig.sent.stream().filter(s -> s.queue() == 0).map(MultiQueueRig.Sent::mark))
                    .containsExactly(1, 2, 3);
            assertThat(rig.dev.qdisc.currentQlen()).isEqualTo(2);
            cpu = rig.kernel.localBhDisable(0);
            rig.dev.tx[1].wake(cpu);
            cpu.localBhEnable();
            rig.sleep(SEC / 1000);
            assertThat(rig.sent).hasSize(6);
            assertThat(rig.sent.getLast().queue()).isOne();
        }
    }

    @Test
    void shouldPrintBandsAsIproute2() {
        try (QdiscLab lab = new QdiscLab("prio", MBIT)) {
            assertThat(lab.q.describe(false))
                    .isEqualTo("qdisc prio 1: root refcnt 2 bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1\n");
        }
        try (QdiscLab lab = new QdiscLab("multiq", MBIT)) {
            assertThat(lab.q.describe(false)).isEqualTo("qdisc multiq 1: root refcnt 2 bands 1/1 \n");
        }
    }
}
