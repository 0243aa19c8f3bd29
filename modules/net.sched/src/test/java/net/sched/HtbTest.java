package net.sched;

import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import net.core.UserError;
import net.core.dev.QdiscClassOps;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** The hierarchical token bucket: guarantees, ceilings, borrowing, priorities. */
class HtbTest {
    private static final long MBIT = 1_000_000 / 8;

    /** {@code tc class add ... classid WORD parent WORD ...}. */
    static void add(QdiscLab lab, String parent, String classid, String words) {
        QdiscClassOps cops = Objects.requireNonNull(lab.q.classOps());
        int id = (int) TcHandle.parseClassid(classid);
        List<String> args = words.isEmpty() ? List.of() : Arrays.asList(words.split(" "));
        lab.inCpu(cpu -> cops.change(cpu, id, (int) TcHandle.parseClassid(parent), args, cops.find(id)));
    }

    static void delete(QdiscLab lab, String classid) {
        QdiscClassOps cops = Objects.requireNonNull(lab.q.classOps());
        Object cl = Objects.requireNonNull(cops.find((int) TcHandle.parseClassid(classid)));
        lab.inCpu(cpu -> cops.delete(cpu, cl));
    }

    /** Flow {@code i} goes into the class {@code classid}, at a constant rate. */
    static void load(QdiscLab lab, int i, String classid, long bps) {
        lab.flow(i).prio = (int) TcHandle.parseClassid(classid);
        lab.cbr(i, bps, i * 1000L);
    }

    static double mbit(QdiscLab lab, int i, double seconds) {
        return lab.flow(i).deliveredBytes * 8 / seconds / 1e6;
    }

    /** Each has its rate; what is left of the parent goes to those who want it, in proportion to their quanta. */
    @Test
    void shouldGuaranteeRatesAndLendTheRestByQuantum() {
        try (QdiscLab lab = new QdiscLab("htb", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 10mbit");
            add(lab, "1:1", "1:10", "rate 2mbit ceil 10mbit quantum 6000");
            add(lab, "1:1", "1:20", "rate 1mbit ceil 10mbit quantum 3000");
            add(lab, "1:1", "1:30", "rate 1mbit ceil 1mbit");
            for (int i = 1; i <= 3; i++) {
                load(lab, i, "1:" + i + "0", 20_000_000);
            }
            lab.run(10 * SEC);
            // 10 - 4 guaranteed: 6 lent as 2 to 1.
            assertThat(mbit(lab, 3, 10)).as(lab.stats()).isCloseTo(1, within(0.01));
            assertThat(mbit(lab, 1, 10)).isCloseTo(6, within(0.12));
            assertThat(mbit(lab, 2, 10)).isCloseTo(3, within(0.06));
            assertThat(mbit(lab, 1, 10) + mbit(lab, 2, 10) + mbit(lab, 3, 10)).isCloseTo(10, within(0.1));
        }
    }

    /** Nobody passes the ceiling, however idle the others are. */
    @Test
    void shouldKeepTheCeiling() {
        try (QdiscLab lab = new QdiscLab("htb default 10", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 10mbit");
            add(lab, "1:1", "1:10", "rate 1mbit ceil 4mbit");
            lab.cbr(1, 20_000_000, 0); // no priority: the default class
            lab.run(10 * SEC);
            assertThat(mbit(lab, 1, 10)).isCloseTo(4, within(0.04));
            assertThat(lab.q.currentOverlimits()).isPositive();
        }
    }

    /** What is lent goes to the higher priority first; a rate of one's own is kept whatever the priority. */
    @Test
    void shouldLendByPriority() {
        try (QdiscLab lab = new QdiscLab("htb", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 10mbit");
            add(lab, "1:1", "1:10", "rate 1mbit ceil 10mbit prio 0");
            add(lab, "1:1", "1:20", "rate 2mbit ceil 10mbit prio 1");
            load(lab, 1, "1:10", 20_000_000);
            load(lab, 2, "1:20", 20_000_000);
            lab.run(10 * SEC);
            assertThat(mbit(lab, 1, 10)).isCloseTo(8, within(0.16));
            assertThat(mbit(lab, 2, 10)).isCloseTo(2, within(0.04));
        }
    }

    /** Three levels: an organisation's unused share goes to its own members before others. */
    @Test
    void shouldBorrowThroughTheHierarchy() {
        try (QdiscLab lab = new QdiscLab("htb", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 12mbit");
            add(lab, "1:1", "1:2", "rate 6mbit ceil 12mbit");
            add(lab, "1:1", "1:3", "rate 6mbit ceil 12mbit");
            add(lab, "1:2", "1:10", "rate 3mbit ceil 12mbit");
            add(lab, "1:2", "1:11", "rate 3mbit ceil 12mbit");
            add(lab, "1:3", "1:20", "rate 6mbit ceil 12mbit");
            load(lab, 1, "1:10", 20_000_000);
            load(lab, 3, "1:20", 20_000_000);
            lab.run(10 * SEC);
            // 1:11 is idle: its 3 go to its sister, not to the other branch.
            assertThat(mbit(lab, 1, 10)).isCloseTo(6, within(0.12));
            assertThat(mbit(lab, 3, 10)).isCloseTo(6, within(0.12));
            load(lab, 2, "1:11", 20_000_000);
            long before1 = lab.flow(1).deliveredBytes;
            lab.run(10 * SEC);
            assertThat((lab.flow(1).deliveredBytes - before1) * 8 / 10e6).isCloseTo(3, within(0.09));
            assertThat(mbit(lab, 2, 10)).isCloseTo(3, within(0.06));
            // All of 1:3 idle: its 6 are shared.
            try (QdiscLab other = new QdiscLab("htb", 1000 * MBIT)) {
                add(other, "root", "1:1", "rate 12mbit");
                add(other, "1:1", "1:2", "rate 6mbit ceil 12mbit");
                add(other, "1:1", "1:3", "rate 6mbit ceil 12mbit");
                add(other, "1:2", "1:10", "rate 3mbit ceil 12mbit");
                add(other, "1:2", "1:11", "rate 3mbit ceil 12mbit");
                load(other, 1, "1:10", 20_000_000);
                load(other, 2, "1:11", 20_000_000);
                other.run(10 * SEC);
                assertThat(mbit(other, 1, 10)).isCloseTo(6, within(0.12));
                assertThat(mbit(other, 2, 10)).isCloseTo(6, within(0.12));
            }
        }
    }

    @Test
    void shouldSendUnclassifiedPacketsDirectly() {
        try (QdiscLab lab = new QdiscLab("htb direct_qlen 5", MBIT)) {
            for (int i = 0; i < 10; i++) {
                lab.send(lab.flow(1));
            }
            lab.run(SEC);
            assertThat(lab.flow(1).delivered).isEqualTo(6); // one was on its way
            assertThat(lab.flow(1).drops).isEqualTo(4);
            assertThat(lab.q.describe(false)).contains("direct_packets_stat 6");
        }
    }

    @Test
    void shouldDropWhatADeletedClassHolds() {
        try (QdiscLab lab = new QdiscLab("htb default 10", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 1mbit");
            add(lab, "1:1", "1:10", "rate 1mbit");
            for (int i = 0; i < 10; i++) {
                lab.send(lab.flow(1));
            }
            assertThatThrownBy(() -> delete(lab, "1:1")).isInstanceOf(UserError.class);
            assertThat(lab.q.qlen).isPositive();
            delete(lab, "1:10");
            assertThat(lab.q.qlen).isZero();
            assertThat(lab.q.backlog).isZero();
            assertThat(lab.flow(1).delivered + lab.flow(1).drops).isEqualTo(10);
            // The parent is a leaf again.
            lab.flow(2).prio = 0x10001;
            lab.send(lab.flow(2));
            lab.run(SEC);
            assertThat(lab.flow(2).delivered).isOne();
            // And an inner class again, which has no queue.
            lab.send(lab.flow(2));
            lab.send(lab.flow(2));
            lab.send(lab.flow(2));
            add(lab, "1:1", "1:20", "rate 1mbit");
            assertThat(lab.q.qlen).isZero();
        }
    }

    @Test
    void shouldPrintAsIproute2() {
        try (QdiscLab lab = new QdiscLab("htb default 10", 1000 * MBIT)) {
            add(lab, "root", "1:1", "rate 10mbit");
            add(lab, "1:1", "1:10", "rate 3mbit ceil 10mbit prio 1 burst 15k");
            assertThat(lab.q.describe(false))
                    .isEqualTo(
                            "qdisc htb 1: root refcnt 2 r2q 10 default 0x10 direct_packets_stat 0 direct_qlen 1000\n");
            TcPrint p = new TcPrint(false);
            SchApi.showClasses(lab.q, p, true);
            assertThat(p.toString()).isEqualTo("""
                    class htb 1:1 root rate 10Mbit ceil 10Mbit burst 1600b cburst 1600b\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                     lended: 0 borrowed: 0 giants: 0
                     tokens: 20000 ctokens: 20000

                    class htb 1:10 parent 1:1 prio 1 rate 3Mbit ceil 10Mbit burst 15Kb cburst 1600b\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                     lended: 0 borrowed: 0 giants: 0
                     tokens: 640000 ctokens: 20000

                    """);
            TcPrint d = new TcPrint(false).details(true);
            SchApi.showClasses(lab.q, d, false);
            assertThat(d.toString())
                    .contains("class htb 1:10 parent 1:1 prio 1 quantum 37500 rate 3Mbit ceil 10Mbit linklayer ethernet"
                            + " burst 15Kb/1 mpu 0b cburst 1600b/1 mpu 0b level 0 \n");
            assertThatThrownBy(() -> add(lab, "1:1", "1:11", "ceil 1mbit"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("\"rate\" is required.");
            assertThatThrownBy(() -> add(lab, "1:7", "1:11", "rate 1mbit")).isInstanceOf(UserError.class);
        }
    }
}
