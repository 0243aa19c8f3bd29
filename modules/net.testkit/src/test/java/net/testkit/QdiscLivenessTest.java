package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.SchApi;
import net.core.dev.SchApi.Verb;
import net.core.tc.TcHandle;
import net.sched.act.TcActionTable;
import net.sched.cls.TcfFilters;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing stalls: not what a replaced leaf held back, not those beside a leaf that drops all it has, not after a change. */
@Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QdiscLivenessTest {
    private static final long MS = 1_000_000L;

    /** A device whose card takes all, in virtual time. */
    private static final class Rig implements AutoCloseable {
        final Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=42");
        final List<Integer> sent = new ArrayList<>();
        final NetDevice dev;
        private int mark;

        Rig(String... lines) {
            NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
                sent.add(skb.mark);
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            dev = new NetDevice(kernel.initNet(), "live0", ops, 1, 1);
            EthHdr.etherSetup(dev);
            dev.register();
            dev.open();
            for (String line : lines) {
                tc(line);
            }
        }

        /** {@code [change ]qdisc|class parent PARENT|root ID KIND WORDS}. */
        void tc(String line) {
            List<String> w = new ArrayList<>(Arrays.asList(line.split(" ")));
            boolean change = w.getFirst().equals("change");
            if (change) {
                w.removeFirst();
            }
            String what = w.removeFirst();
            String above = w.removeFirst();
            int parent = above.equals("root") ? TcHandle.ROOT : (int) TcHandle.parseClassid(above);
            String id = w.removeFirst();
            String kind = w.removeFirst();
            if (what.equals("qdisc")) {
                SchApi.modify(dev, change ? Verb.CHANGE : Verb.REPLACE, parent, (int) TcHandle.parseQdisc(id), kind, w);
            } else {
                SchApi.modifyClass(dev, change ? Verb.CHANGE : Verb.ADD, parent, (int) TcHandle.parseClassid(id), w);
            }
        }

        void send(String classid, int count, int len) {
            int priority = (int) TcHandle.parseClassid(classid);
            Cpu cpu = kernel.localBhDisable(0);
            for (int i = 0; i < count; i++) {
                Dev.devQueueXmit(cpu, ContractPackets.udp(cpu, dev, priority & 0xff, len, priority, ++mark));
            }
            cpu.localBhEnable();
        }

        void stop() {
            dev.tx[0].stop();
        }

        void wake() {
            Cpu cpu = kernel.localBhDisable(0);
            dev.wakeAllQueues(cpu);
            cpu.localBhEnable();
        }

        void run(long ns) {
            kernel.scheduler().sleep(ns);
        }

        @Override
        public void close() {
            dev.unregister();
            kernel.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tbf rate 8kbit burst 2kb limit 100kb",
                "netem delay 3600s",
                "netem delay 3600s limit 20",
                "cbs idleslope 1 sendslope -1000000 hicredit 1 locredit -100000"
            })
    void shouldSendWhatAReplacedLeafHeldBack(String leaf) {
        try (Rig rig = new Rig("qdisc root 1: prio", "qdisc 1:1 10: " + leaf)) {
            rig.send("1:1", 10, 1000);
            rig.run(MS);
            assertThat(rig.sent.size()).isLessThan(10);
            rig.tc("qdisc 1:1 11: pfifo");
            rig.run(MS);
            assertThat(rig.sent).hasSize(10).isSorted();
        }
    }

    @Test
    void shouldGoAtTheNewRateAfterAChange() {
        try (Rig rig = new Rig("qdisc root 1: tbf rate 8bit burst 2kb limit 100kb")) {
            rig.send("1:1", 10, 1000);
            rig.run(MS);
            rig.tc("change qdisc root 1: tbf rate 1gbit burst 2kb limit 100kb");
            rig.run(MS);
            assertThat(rig.sent).hasSize(10);
        }
    }

    @Test
    void shouldSendWhenTheGatesAreOpenedByAChange() {
        String taprio = "qdisc root 1: taprio clockid CLOCK_TAI num_tc 1 map 0 queues 1@0 speed 1gbit base-time 0 ";
        try (Rig rig = new Rig(taprio + "sched-entry S 1 100000 sched-entry S 0 3000000000")) {
            rig.stop();
            rig.send("0:0", 10, 1000);
            rig.run(500 * MS);
            rig.wake();
            rig.run(MS);
            assertThat(rig.sent).isEmpty();
            rig.tc("change " + taprio + "sched-entry S 1 200000");
            rig.run(2 * MS);
            assertThat(rig.sent).hasSize(10);
        }
    }

    @Test
    void shouldSendWhenAClassIsChanged() {
        try (Rig rig = new Rig("qdisc root 1: hfsc default 10", "class 1: 1:10 hfsc ls rate 8bit ul rate 8bit")) {
            rig.send("1:10", 10, 1000);
            rig.run(MS);
            assertThat(rig.sent.size()).isLessThan(10);
            rig.tc("change class 1: 1:10 hfsc ls rate 1gbit ul rate 1gbit");
            rig.run(3600_000 * MS);
            assertThat(rig.sent).hasSize(10);
        }
    }

    /** A bucket that was made smaller than the packets that wait for it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "rate 8mbit burst 1000b limit 100kb",
                "rate 8mbit burst 5kb peakrate 16mbit mtu 1000b limit 100kb"
            })
    void shouldNotWaitForABucketThatIsTooSmall(String smaller) {
        try (Rig rig = new Rig("qdisc root 1: tbf rate 8mbit burst 2kb limit 100kb")) {
            rig.send("1:1", 10, 1500);
            rig.send("1:1", 1, 500);
            rig.tc("change qdisc root 1: tbf " + smaller);
            rig.run(1000 * MS);
            assertThat(rig.dev.qdisc.currentQlen()).isZero();
            assertThat(rig.sent).contains(11);
            assertThat(rig.sent.size() + rig.dev.qdisc.currentDrops()).isEqualTo(11);
        }
    }

    /** A leaf that drops all it has in its dequeue is no reason not to look at the others. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "htb:htb rate 100mbit",
                "drr:drr",
                "qfq:qfq weight 1",
                "hfsc:hfsc ls rate 100mbit",
                "hfsc:hfsc rt rate 100mbit",
                "ets bands 2 quanta 1500 1500:",
                "ets bands 2 strict 2:",
                "prio bands 2 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1:"
            })
    void shouldPassByALeafThatDropsAll(String tree) {
        String[] t = tree.split(":", -1);
        for (String other : List.of("pfifo", "netem delay 100ms")) {
            try (Rig rig = new Rig("qdisc root 1: " + t[0])) {
                if (!t[1].isEmpty()) {
                    rig.tc("class 1: 1:1 " + t[1]);
                    rig.tc("class 1: 1:2 " + t[1]);
                }
                rig.tc("qdisc 1:1 10: netem delay 1ms");
                rig.tc("qdisc 10:1 11: bfifo limit 1");
                rig.tc("qdisc 1:2 20: " + other);
                rig.stop();
                rig.send("1:1", 3, 1000);
                rig.send("1:2", 3, 1000);
                rig.run(2 * MS);
                rig.wake();
                rig.run(200 * MS);
                assertThat(rig.sent).as(other).containsExactly(4, 5, 6);
                assertThat(rig.dev.qdisc.currentQlen()).as(other).isZero();
            }
        }
    }

    /** A duplicate goes in at the root while its original is on its way into the same class. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "htb:htb rate 100mbit",
                "drr:drr",
                "qfq:qfq weight 1",
                "hfsc:hfsc ls rate 100mbit",
                "hfsc:hfsc rt rate 100mbit",
                "hfsc:hfsc sc rate 100mbit",
                "ets bands 2 quanta 1500 1500:",
                "prio bands 2 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1:"
            })
    void shouldTakeADuplicateIntoTheSameClass(String tree) {
        String[] t = tree.split(":", -1);
        for (String leaf :
                List.of("netem duplicate 100%", "netem delay 1ms duplicate 100%", "netem duplicate 100% limit 3")) {
            try (Rig rig = new Rig("qdisc root 1: " + t[0])) {
                if (!t[1].isEmpty()) {
                    rig.tc("class 1: 1:1 " + t[1]);
                    rig.tc("class 1: 1:2 " + t[1]);
                }
                rig.tc("qdisc 1:1 10: " + leaf);
                rig.stop();
                rig.send("1:1", 1, 1000);
                rig.send("1:2", 1, 1000);
                rig.send("1:1", 4, 1000);
                rig.run(10 * MS);
                rig.wake();
                rig.run(200 * MS);
                assertThat(rig.sent).as(leaf).contains(1, 2).hasSizeGreaterThanOrEqualTo(4);
                assertThat(rig.dev.qdisc.currentQlen()).as(leaf).isZero();
                assertThat(rig.dev.qdisc.currentBacklog()).as(leaf).isZero();
                rig.send("1:1", 1, 1000);
                rig.run(10 * MS);
                assertThat(rig.sent).as(leaf).contains(7);
            }
        }
    }

    /** What is left of a split packet in a queue that was empty: its class must know that it has something to send. */
    @ParameterizedTest
    @ValueSource(strings = {"htb:htb rate 1gbit", "drr:drr", "qfq:qfq weight 1 maxpkt 9000", "hfsc:hfsc ls rate 1gbit"})
    void shouldSendWhatIsLeftOfASplitPacket(String tree) {
        String[] t = tree.split(":", -1);
        try (Rig rig = new Rig("qdisc root 1: " + t[0], "class 1: 1:1 " + t[1])) {
            rig.tc("qdisc 1:1 10: cake memlimit 6kb besteffort");
            rig.stop();
            Cpu cpu = rig.kernel.localBhDisable(0);
            SkBuff skb = ContractPackets.udp(cpu, rig.dev, 1, 42 + 8000, 0x10001, 1);
            skb.setTransportHeader(34);
            skb.shinfo().gsoSize = 1000;
            skb.shinfo().gsoSegs = 8;
            skb.shinfo().gsoType = SkbSharedInfo.SKB_GSO_UDP_L4;
            skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
            skb.csumStart = 34;
            skb.csumOffset = 6;
            Dev.devQueueXmit(cpu, skb);
            cpu.localBhEnable();
            assertThat(rig.dev.qdisc.currentQlen()).isPositive().isLessThan(8);
            rig.wake();
            rig.run(MS);
            assertThat(rig.sent).isNotEmpty();
            assertThat(rig.sent.size() + rig.dev.qdisc.currentDrops()).isEqualTo(8);
        }
    }

    /** Filters below a discipline of one class hold actions, and let them go with the tree. */
    @ParameterizedTest
    @ValueSource(
            strings = {"tbf rate 1mbit burst 5kb limit 20kb", "netem", "red limit 20000 min 3000 max 9000", "sfb", "cbs"
            })
    void shouldLetActionsGoWithTheTree(String root) {
        try (Rig rig = new Rig("qdisc root 1: " + root, "qdisc 1:1 10: prio")) {
            var net = rig.kernel.initNet();
            TcfFilters filters = new TcfFilters();
            filters.change(net, 0, 0, TcfFilters.ETH_P_ALL, "matchall", 0, List.of("action", "pass", "index", "5"));
            SchApi.walk(rig.dev, q -> {
                if (q.id().equals("prio")) {
                    q.filters = filters;
                }
                return true;
            });
            assertThat(TcActionTable.of(net).find("gact", 5)).isNotNull();
            rig.tc("qdisc root 2: pfifo");
            assertThat(TcActionTable.of(net).find("gact", 5)).isNull();
        }
    }
}
