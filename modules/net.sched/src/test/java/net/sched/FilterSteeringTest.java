package net.sched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscStats;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.sched.QdiscLab.Flow;
import net.sched.cls.FilterId;
import net.sched.cls.LlProto;
import net.sched.cls.TcfFilters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Filters lead packets into classes and flows of the disciplines that take them. */
class FilterSteeringTest {
    private static final int MS = 1_000_000;

    /** {@code tc filter add pref 1 protocol ip KIND ...} on the discipline, or on a class of it. */
    private static void filter(QdiscLab lab, String at, int pref, String words) {
        int parent = (int) TcHandle.parseClassid(at);
        QdiscClassOps cops = lab.q.classOps();
        Object cl = TcHandle.minor(parent) == 0 || cops == null ? null : Objects.requireNonNull(cops.find(parent));
        TcfFilters f = (TcfFilters) (cl == null ? lab.q.filters : cops.filters(cl));
        if (f == null) {
            f = new TcfFilters(parent, (TcfFilters) lab.q.filters);
            if (cl == null) {
                assertThat(lab.q.takesFilters()).isTrue();
                lab.q.filters = f;
            } else {
                cops.setFilters(cl, f);
            }
        }
        List<String> w = Arrays.asList(words.split(" "));
        FilterId id = new FilterId(0, pref, LlProto.parse("ip"), w.getFirst(), null);
        f.modify(lab.kernel.initNet(), SchApi.Verb.ADD, id, w.subList(1, w.size()));
    }

    /** Packets that each class has sent, classes that sent none left out. */
    private static TreeMap<String, Long> sent(QdiscLab lab) {
        TreeMap<String, Long> all = new TreeMap<>();
        QdiscClassOps cops = Objects.requireNonNull(lab.q.classOps());
        cops.walk(cl -> {
            QdiscStats s = new QdiscStats();
            cops.stats(cl, s);
            if (s.packets != 0) {
                all.put(TcHandle.format(cops.classid(cl)), s.packets);
            }
            return true;
        });
        return all;
    }

    private static Flow to(QdiscLab lab, int dport) {
        Flow f = lab.flow(dport);
        f.dport = dport;
        return f;
    }

    /** As htb_classify(): down through inner classes and their filters, else to the default, or directly. */
    @Test
    void shouldGoDownTheTreeOfHtb() {
        try (QdiscLab lab = new QdiscLab("htb default 30", 0)) {
            HtbTest.add(lab, "root", "1:1", "rate 900mbit");
            HtbTest.add(lab, "1:1", "1:2", "rate 100mbit");
            HtbTest.add(lab, "1:2", "1:10", "rate 100mbit");
            HtbTest.add(lab, "1:2", "1:20", "rate 100mbit");
            HtbTest.add(lab, "1:1", "1:30", "rate 100mbit");
            filter(lab, "1:", 1, "u32 match ip dport 1 0xffff flowid 1:10");
            filter(lab, "1:", 1, "u32 match ip dport 2 0xfffe flowid 1:2"); // 2 and 3, to an inner class
            filter(lab, "1:2", 1, "flower ip_proto udp dst_port 2 classid 1:20");
            filter(lab, "1:", 1, "u32 match ip dport 4 0xffff flowid 1:"); // the discipline itself
            filter(lab, "1:", 1, "u32 match ip dport 5 0xffff flowid 1:99"); // no such class
            filter(lab, "1:", 1, "u32 match ip dport 6 0xffff flowid 1:10 action drop");
            filter(lab, "1:", 1, "u32 match ip dport 7 0xffff action pass"); // no class
            for (int dport = 0; dport <= 7; dport++) {
                lab.send(to(lab, dport));
            }
            lab.send(to(lab, 100), s -> s.priority = (int) TcHandle.parseClassid("1:2")); // starts at the inner class
            lab.run(10 * MS);
            assertThat(sent(lab))
                    .containsEntry("1:10", 1L) // 1
                    .containsEntry("1:20", 1L) // 2
                    .containsEntry("1:30", 5L); // 0, 3, 5, 7, 100
            assertThat(lab.sent).isEqualTo(8); // and 4, directly
            assertThat(lab.flow(6).drops).isOne();
            assertThat(lab.stats()).contains("direct_packets_stat 1");
        }
    }

    /** Two classes by port share a link as their rates say, within 2 %. */
    @Test
    void shouldShareByPort() {
        try (QdiscLab lab = new QdiscLab("htb", 10_000_000 / 8)) {
            HtbTest.add(lab, "root", "1:1", "rate 10mbit ceil 10mbit");
            HtbTest.add(lab, "1:1", "1:10", "rate 7500kbit ceil 10mbit quantum 6000");
            HtbTest.add(lab, "1:1", "1:20", "rate 2500kbit ceil 10mbit quantum 2000");
            filter(lab, "1:", 1, "flower ip_proto udp dst_port 80 classid 1:10");
            filter(lab, "1:", 2, "flower ip_proto udp dst_port 1000-2000 classid 1:20");
            to(lab, 80);
            to(lab, 1500);
            lab.cbr(80, 20_000_000, 0);
            lab.cbr(1500, 20_000_000, 0);
            lab.run(4000L * MS);
            double a = lab.flow(80).deliveredBytes;
            double b = lab.flow(1500).deliveredBytes;
            assertThat(a / (a + b)).isCloseTo(0.75, within(0.015));
        }
    }

    /** Disciplines whose classes have no filters of their own; packets that no filter knows go where each says. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "prio bands 4 priomap 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3;",
                "ets bands 4 priomap 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3;",
                "drr;quantum 1514",
                "qfq;weight 1",
                "hfsc default 4;ls rate 10mbit",
            })
    void shouldSteerIntoClasses(String spec) {
        String[] s = spec.split(";", -1);
        try (QdiscLab lab = new QdiscLab(s[0], 0)) {
            for (int i = 1; i <= 4 && !s[1].isEmpty(); i++) {
                HtbTest.add(lab, s[0].startsWith("hfsc") ? "root" : "1:", "1:" + i, s[1]);
            }
            filter(lab, "1:", 1, "basic match cmp(u16 at 2 layer transport eq 1) flowid 1:1");
            filter(lab, "1:", 2, "u32 match ip dport 2 0xffff flowid 1:2");
            filter(lab, "1:", 3, "flower ip_proto udp dst_port 3 classid 1:3");
            filter(lab, "1:", 4, "u32 match ip dport 9 0xffff flowid 1:77");
            for (int dport = 1; dport <= 4; dport++) {
                lab.send(to(lab, dport));
                lab.send(to(lab, dport));
            }
            lab.run(10 * MS);
            boolean dropsUnknown = s[0].startsWith("drr") || s[0].startsWith("qfq");
            assertThat(sent(lab))
                    .containsEntry("1:1", 2L)
                    .containsEntry("1:2", 2L)
                    .containsEntry("1:3", 2L);
            assertThat(lab.flow(4).drops).isEqualTo(dropsUnknown ? 2 : 0);
            assertThat(lab.sent).isEqualTo(dropsUnknown ? 6 : 8);
        }
    }

    /** Flows that a filter sends into one queue leave in the order in which they came; by hash they take turns. */
    @ParameterizedTest
    @ValueSource(strings = {"fq_codel flows 1024", "sfq", "cake", "sfb", "dualpi2"})
    void shouldChooseTheQueue(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 1_000_000)) {
            filter(lab, "1:", 1, "matchall flowid 1:3");
            lab.send(to(lab, 1)); // goes at once
            for (int i = 0; i < 5; i++) {
                lab.send(to(lab, 1));
            }
            for (int i = 0; i < 5; i++) {
                lab.send(to(lab, 2));
            }
            lab.run(100 * MS);
            assertThat(lab.flow(2).delivered).isEqualTo(5);
            assertThat(lab.flow(1).times.getLast()).isLessThan(lab.flow(2).times.getFirst());
        }
    }

    /** Without the filter fair queues let them take turns, so that the test above means something. */
    @ParameterizedTest
    @ValueSource(strings = {"fq_codel flows 1024", "sfq", "cake"})
    void shouldTakeTurnsWithoutFilters(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 1_000_000)) {
            lab.send(to(lab, 1));
            for (int i = 0; i < 5; i++) {
                lab.send(to(lab, 1));
            }
            for (int i = 0; i < 5; i++) {
                lab.send(to(lab, 2));
            }
            lab.run(100 * MS);
            assertThat(lab.flow(1).times.getLast())
                    .isGreaterThan(lab.flow(2).times.getFirst());
        }
    }
}
