package net.testkit;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trees of classes keep the contract while they are changed under load. */
class QdiscTreeContractTest {
    enum Tree {
        HTB(
                "qdisc root handle 1: htb default 30",
                "class parent 1: classid 1:1 htb rate 100mbit",
                "class parent 1:1 classid 1:10 htb rate 40mbit ceil 100mbit prio 1",
                "class parent 1:1 classid 1:20 htb rate 30mbit ceil 100mbit prio 0",
                "class parent 1:1 classid 1:2 htb rate 30mbit ceil 90mbit",
                "class parent 1:2 classid 1:30 htb rate 10mbit ceil 20mbit",
                "class parent 1:2 classid 1:31 htb rate 20mbit ceil 90mbit prio 3",
                "class parent 1: classid 1:40 htb rate 5mbit",
                "qdisc parent 1:10 handle 10: fq_codel limit 100",
                "change parent 1:1 classid 1:10 htb rate 10mbit ceil 30mbit prio 4",
                "change parent 1:2 classid 1:31 htb rate 40mbit ceil 40mbit prio 0 quantum 3000",
                "change parent 1: classid 1:1 htb rate 50mbit ceil 60mbit"),
        HFSC(
                "qdisc root handle 1: hfsc default 30",
                "class parent 1: classid 1:1 hfsc ls rate 100mbit ul rate 100mbit",
                "class parent 1:1 classid 1:10 hfsc sc m1 60mbit d 2ms m2 20mbit",
                "class parent 1:1 classid 1:20 hfsc rt umax 1500b dmax 1ms rate 10mbit",
                "class parent 1:1 classid 1:2 hfsc ls rate 30mbit",
                "class parent 1:2 classid 1:30 hfsc ls rate 5mbit ul rate 20mbit",
                "class parent 1:2 classid 1:31 hfsc ls m1 0 d 5ms m2 20mbit",
                "class parent 1: classid 1:40 hfsc rt rate 5mbit",
                "change parent 1:1 classid 1:10 hfsc ls rate 40mbit ul rate 50mbit",
                "change parent 1:2 classid 1:31 hfsc sc rate 10mbit",
                "change parent 1:2 classid 1:30 hfsc rt rate 5mbit",
                "change parent 1:1 classid 1:2 hfsc ls rate 90mbit ul rate 95mbit"),
        DRR(
                "qdisc root handle 1: drr",
                "class parent 1: classid 1:1 drr",
                "class parent 1: classid 1:2 drr quantum 600",
                "class parent 1: classid 1:3 drr quantum 3000",
                "class parent 1: classid 1:4 drr quantum 60",
                "qdisc parent 1:3 handle 3: sfq",
                "change parent 1: classid 1:1 drr quantum 200",
                "change parent 1: classid 1:3 drr quantum 20000"),
        QFQ(
                "qdisc root handle 1: qfq",
                "class parent 1: classid 1:1 qfq weight 1",
                "class parent 1: classid 1:2 qfq weight 10 maxpkt 700",
                "class parent 1: classid 1:3 qfq weight 100",
                "class parent 1: classid 1:4 qfq weight 7 maxpkt 3000",
                "class parent 1: classid 1:5 qfq weight 7 maxpkt 3000",
                "change parent 1: classid 1:1 qfq weight 50",
                "change parent 1: classid 1:3 qfq weight 2 maxpkt 600"),
        ETS(
                "qdisc root handle 1: ets bands 5 strict 2 quanta 500 1500 6000 priomap 4 3 2 1 0",
                "qdisc parent 1:1 handle 11: tbf rate 30mbit burst 5kb limit 20kb",
                "qdisc parent 1:4 handle 14: fq_codel"),
        PRIO("qdisc root handle 1: prio bands 4", "qdisc parent 1:1 handle 11: tbf rate 20mbit burst 5kb limit 20kb"),
        PRIO_OVER_HTB(
                "qdisc root handle 1: prio bands 2 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                "qdisc parent 1:2 handle 2: htb default 20",
                "class parent 2: classid 2:1 htb rate 50mbit",
                "class parent 2:1 classid 2:10 htb rate 20mbit ceil 50mbit",
                "class parent 2:1 classid 2:20 htb rate 30mbit",
                "change parent 2:1 classid 2:10 htb rate 1mbit ceil 2mbit"),
        HTB_OVER_DRR(
                "qdisc root handle 1: htb default 10",
                "class parent 1: classid 1:10 htb rate 50mbit",
                "class parent 1: classid 1:20 htb rate 5mbit ceil 9mbit",
                "qdisc parent 1:10 handle 10: drr",
                "class parent 10: classid 10:1 drr quantum 1000",
                "class parent 10: classid 10:2 drr quantum 300",
                "change parent 10: classid 10:2 drr quantum 5000",
                "change parent 1: classid 1:10 htb rate 30mbit"),
        HFSC_OVER_QFQ(
                "qdisc root handle 1: hfsc default 10",
                "class parent 1: classid 1:10 hfsc sc rate 50mbit ul rate 60mbit",
                "class parent 1: classid 1:20 hfsc sc umax 1500 dmax 2ms rate 5mbit",
                "qdisc parent 1:10 handle 10: qfq",
                "class parent 10: classid 10:1 qfq weight 10",
                "class parent 10: classid 10:2 qfq weight 3",
                "change parent 10: classid 10:2 qfq weight 30 maxpkt 4000"),
        TBF_OVER_ETS(
                "qdisc root handle 1: tbf rate 50mbit burst 5kb limit 50kb",
                "qdisc parent 1:1 handle 2: ets bands 3 quanta 1000 2000 3000 priomap 0 1 2"),
        TAPRIO("qdisc root handle 1: taprio clockid CLOCK_TAI num_tc 1 map 0 queues 1@0 speed 1gbit base-time 0"
                + " sched-entry S 1 200000 sched-entry S 0 100000");

        final List<String> lines;

        Tree(String... lines) {
            this.lines = List.of(lines);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldHold(Tree tree) {
        for (long seed : new SplittableRandom(45).longs(2).toArray()) {
            QdiscTreeContract.verify(seed, tree.lines);
        }
    }
}
