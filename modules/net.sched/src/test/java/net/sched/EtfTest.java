package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.core.UserError;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.junit.jupiter.api.Test;

/** Earliest transmit time first. */
class EtfTest {
    private static int sendAt(QdiscLab lab, long inNs) {
        long at = lab.kernel.clock().realTimeNs() + inNs;
        return lab.send(lab.flow(0), s -> s.tstampNs = at);
    }

    /** By time and delta early, whatever the order they came in. */
    @Test
    void shouldSendAtTheTimeLessDelta() {
        try (QdiscLab lab = new QdiscLab("etf clockid CLOCK_TAI delta 1000000 skip_sock_check", 0)) {
            long start = lab.now();
            int c = sendAt(lab, 30 * MS);
            int a = sendAt(lab, 10 * MS);
            int b = sendAt(lab, 20 * MS);
            int b2 = sendAt(lab, 20 * MS);
            assertThat(lab.q.qlen).isEqualTo(4);
            lab.run(SEC / 10);
            assertThat(lab.flow(0).order).containsExactly(a, b, b2, c);
            long[] due = {9 * MS, 19 * MS, 19 * MS, 29 * MS};
            for (int i = 0; i < 4; i++) {
                assertThat(lab.flow(0).times.get(i) - start).isBetween(due[i], due[i] + 50_000);
            }
            assertThat(lab.q.drops).isZero();
        }
    }

    /** In the past, before one that went, without a socket that agrees: dropped on arrival. */
    @Test
    void shouldDropWhatIsLateOnArrival() {
        try (QdiscLab lab = new QdiscLab("etf clockid CLOCK_TAI delta 5000000 skip_sock_check", 0)) {
            sendAt(lab, -1);
            assertThat(lab.q.drops).isOne();
            sendAt(lab, 4 * MS);
            assertThat(lab.flow(0).delivered).isOne();
            sendAt(lab, 3 * MS);
            assertThat(lab.q.drops).isEqualTo(2);
        }
        try (QdiscLab lab = new QdiscLab("etf", 0)) {
            sendAt(lab, MS);
            assertThat(lab.q.drops).isOne();
        }
    }

    /** A link that is busy past a packet's time: it is dropped and counted as an overlimit. */
    @Test
    void shouldDropWhatHasBecomeLate() {
        // 1514 bytes take 15 ms.
        try (QdiscLab lab = new QdiscLab("etf clockid TAI delta 500000 skip_sock_check", 100_000)) {
            int first = sendAt(lab, 2 * MS);
            sendAt(lab, 5 * MS);
            sendAt(lab, 9 * MS);
            int last = sendAt(lab, 40 * MS);
            lab.run(SEC / 10);
            assertThat(lab.flow(0).order).containsExactly(first, last);
            assertThat(lab.q.drops).isEqualTo(2);
            assertThat(lab.q.overlimits).isEqualTo(2);
        }
    }

    /** In deadline mode the link is never idle: the earliest deadline first. */
    @Test
    void shouldSendAtOnceInDeadlineMode() {
        try (QdiscLab lab = new QdiscLab("etf clockid CLOCK_TAI deadline_mode skip_sock_check", 1_514_000)) {
            long start = lab.now();
            int a = sendAt(lab, 50 * MS);
            int c = sendAt(lab, 80 * MS);
            int b = sendAt(lab, 60 * MS);
            lab.run(SEC / 10);
            assertThat(lab.flow(0).order).containsExactly(a, b, c);
            assertThat(lab.flow(0).times).containsExactly(start, start + MS, start + 2 * MS);
        }
    }

    /** What waits for a far time is handed over, in order, and forgotten at a reset. */
    @Test
    void shouldHandOverWhatWaits() {
        try (QdiscLab lab = new QdiscLab("etf clockid CLOCK_TAI delta 100000 skip_sock_check", 0)) {
            sendAt(lab, 3600 * SEC);
            sendAt(lab, 1800 * SEC);
            sendAt(lab, 2700 * SEC);
            assertThat(lab.q.backlog).isEqualTo(3 * 1514);
            lab.inCpu(cpu -> {
                SkBuffHead out = new SkBuffHead();
                lab.q.handOver(cpu, out);
                assertThat(out.qlen).isEqualTo(3);
                long last = 0;
                for (SkBuff skb = out.dequeue(); skb != null; skb = out.dequeue()) {
                    assertThat(skb.tstampNs).isGreaterThan(last);
                    last = skb.tstampNs;
                    skb.consume(cpu);
                }
            });
            assertThat(lab.q.qlen).isZero();
            assertThat(lab.q.backlog).isZero();
            int next = sendAt(lab, MS);
            lab.run(2 * MS);
            assertThat(lab.flow(0).order).containsExactly(next);
        }
    }

    @Test
    void shouldPrintEtfAsIproute2() {
        try (QdiscLab lab = new QdiscLab("etf clockid CLOCK_TAI delta 300000", 0)) {
            assertThat(lab.q.describe(false))
                    .isEqualTo("qdisc etf 1: root refcnt 2 clockid TAI delta 300000 offload off deadline_mode off"
                            + " skip_sock_check off\n");
        }
        assertThatThrownBy(() -> new QdiscLab("etf delta 3", 0)).isInstanceOf(UserError.class);
    }
}
