package net.sched;

import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** Priorities with one limit among them. */
class SkbprioTest {
    private static final long MBIT = 1_000_000 / 8;

    /** Under overload the higher priority has all it wants, and drops fall on the lowest. */
    @Test
    void shouldDropTheLowestPriority() {
        try (QdiscLab lab = new QdiscLab("skbprio limit 20", 10 * MBIT)) {
            int[] prio = {63, 5, 0};
            for (int i = 0; i < 3; i++) {
                lab.flow(i).prio = prio[i];
                lab.cbr(i, i == 0 ? 4_000_000 : 20_000_000, i * 1000L);
            }
            lab.run(5 * SEC);
            assertThat(lab.flow(0).deliveredBytes * 8 / 5e6).isCloseTo(4, within(0.04));
            assertThat(lab.flow(0).drops).isZero();
            assertThat(lab.flow(1).deliveredBytes * 8 / 5e6).isCloseTo(6, within(0.06));
            assertThat(lab.flow(2).delivered).as(lab.stats()).isLessThanOrEqualTo(2);
        }
    }

    /** Of the lowest priority the newest goes; an arrival that is not above it is dropped itself. */
    @Test
    void shouldReplaceTheNewestOfTheLowest() {
        try (QdiscLab lab = new QdiscLab("skbprio limit 3", MBIT)) {
            int onTheWire = lab.send(lab.flow(0), s -> s.priority = 9);
            int oldest = lab.send(lab.flow(0), s -> s.priority = 2);
            int newest = lab.send(lab.flow(0), s -> s.priority = 2);
            int middle = lab.send(lab.flow(0), s -> s.priority = 4);
            assertThat(lab.q.qlen).isEqualTo(3);
            int refused = lab.send(lab.flow(0), s -> s.priority = 2);
            assertThat(lab.q.drops).isOne();
            // As an unsigned number this is beyond 63, the highest.
            int highest = lab.send(lab.flow(0), s -> s.priority = -1);
            assertThat(lab.q.drops).isEqualTo(2);
            TcPrint p = new TcPrint(false);
            SchApi.showClasses(lab.q, p, true);
            assertThat(p.toString())
                    .contains("class skbprio 1:3 root \n Sent 0 bytes 0 pkt (dropped 2, overlimits 2 requeues 0) \n"
                            + " backlog 1514b 1p requeues 0\n");
            lab.run(SEC);
            assertThat(lab.flow(0).order)
                    .isEqualTo(List.of(onTheWire, highest, middle, oldest))
                    .doesNotContain(newest, refused);
        }
    }

    @Test
    void shouldPrintSkbprioAsIproute2() {
        try (QdiscLab lab = new QdiscLab("skbprio", MBIT)) {
            assertThat(lab.stats()).isEqualTo("""
                    qdisc skbprio 1: root refcnt 2 limit 64\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                    """);
        }
        assertThatThrownBy(() -> new QdiscLab("skbprio bands 3", 0)).isInstanceOf(UserError.class);
    }
}
