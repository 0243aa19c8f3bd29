package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.SchApi;
import net.core.dev.SchApi.Verb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Numbers at and beyond the ends of what a discipline takes, while packets go through: it answers in a line or works, but
 * throws nothing else, loops nowhere and forgets no packet.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QdiscWordsFuzzTest {
    private static final int ROUNDS = 30;
    private static final long MS = 1_000_000L;

    /** In place of {@code #}. */
    private static final String[] VALUES = {
        "0",
        "1",
        "2",
        "7",
        "-1",
        "100",
        "1500",
        "65535",
        "65536",
        "1000000",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
        "99999999999999999999999",
        "0.5",
        "1e300",
        "nan",
        "x",
        "",
        "8bit",
        "1tbit",
        "100%",
        "1us",
        "3600s"
    };

    /** What comes before the first bar belongs to every line; of the other parts each line takes some. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pfifo|limit #",
                "bfifo|limit #",
                "pfifo_head_drop|limit #",
                "plug|limit #|block|release|release_indefinite",
                "codel|limit #|target #|interval #|ce_threshold #|ecn",
                "fq_codel|limit #|flows 8|target #|interval #|ce_threshold #|quantum #|memory_limit #|drop_batch #",
                "fq_codel|flows #",
                "fq|limit #|flow_limit #|quantum #|initial_quantum #|maxrate #|buckets #|orphan_mask #|refill_delay #"
                        + "|low_rate_threshold #|ce_threshold #|timer_slack #|horizon #|horizon_cap|weights # # #",
                "fq_pie|limit #|flows 8|target #|tupdate #|alpha #|beta #|quantum #|memory_limit #|ecn_prob #|ecn|bytemode",
                "sfq|quantum 0|limit #|quantum #|perturb #|depth #|headdrop|flows #|divisor #",
                "sfq|redflowlimit # min # max #|avpkt #|burst #|probability #|ecn|harddrop|limit #",
                "hhf|limit #|quantum #|hh_limit #|reset_timeout #|admit_bytes #|evict_timeout #|non_hh_weight #",
                "cake|bandwidth #|rtt #|memlimit #|fwmark #|overhead #|mpu #|atm|ptm|ingress|autorate-ingress|diffserv8"
                        + "|flowblind|ack-filter|precedence|besteffort|wash",
                "netem|limit #|delay #|delay # #|loss #|duplicate #|corrupt #|delay 1ms reorder #|rate #|rate # # # #|slot # #"
                        + "|packets #|bytes #|gap #|seed #|loss state # # # #|loss gemodel # # # #",
                "pie|limit #|target #|tupdate #|alpha #|beta #|ecn|bytemode|dq_rate_estimator",
                "red|limit #|min #|max #|avpkt #|burst #|probability #|bandwidth #|adaptive|ecn|harddrop",
                "red limit 100000 min 3000 max 9000|avpkt #|burst #|probability #|bandwidth #|adaptive|ecn",
                "choke|limit #|min #|max #|avpkt #|burst #|probability #|bandwidth #|ecn",
                "gred|setup|DPs 4 default 3|DPs 2|DPs #|default #|grio|limit #",
                "gred|DP #|limit #|min #|max #|avpkt #|burst #|probability #|prio #",
                "sfb|rehash #|db #|limit #|max #|target #|increment #|decrement #|penalty_rate #|penalty_burst #",
                "dualpi2|limit #|memlimit #|target #|tupdate #|alpha #|beta #|coupling_factor #|step_thresh #"
                        + "|min_qlen_step #|classic_protection #|any_ect|drop_enqueue",
                "tbf rate 1mbit burst 5kb limit 20kb|rate #|burst #|limit #|latency #|mtu #|peakrate #|mpu #|overhead #"
                        + "|linklayer atm",
                "cbs|idleslope #|sendslope #|hicredit #|locredit #",
                "etf clockid CLOCK_TAI|delta #|deadline_mode|skip_sock_check",
                "prio|bands #|priomap # # # # # # # # # # # # # # # #",
                "ets|bands #|strict #|quanta # #|priomap # # #",
                "skbprio|limit #",
                "taprio clockid CLOCK_TAI num_tc 1 map 0 queues 1@0|base-time #|cycle-time #|cycle-time-extension #"
                        + "|sched-entry S 1 #|sched-entry S 0 #|sched-entry S # 1000000|max-sdu #|speed #",
                "htb|default #|r2q #|direct_qlen #",
                "hfsc|default #",
                "class htb rate 1mbit|rate #|ceil #|burst #|cburst #|quantum #|prio #|mtu #|mpu #|overhead #|linklayer atm",
                "class hfsc|ls rate #|rt m1 # d # m2 #|sc umax # dmax # rate #|ul rate #|ls m1 # d # m2 #",
                "class drr|quantum #",
                "class qfq|weight #|maxpkt #"
            })
    void shouldAnswerInALineOrWork(String grammar) {
        String[] parts = grammar.split("\\|");
        for (long seed : new SplittableRandom(grammar.hashCode()).longs(2).toArray()) {
            try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=" + seed)) {
                fuzz(kernel, parts, new SplittableRandom(seed), "seed " + seed + ": ");
            }
        }
    }

    private static List<String> words(String[] parts, SplittableRandom random) {
        List<String> line = new ArrayList<>(Arrays.asList(parts[0].split(" ")));
        for (int n = random.nextInt(4); n > 0; n--) {
            line.addAll(Arrays.asList(parts[1 + random.nextInt(parts.length - 1)].split(" ")));
        }
        line.replaceAll(w -> w.equals("#") ? VALUES[random.nextInt(VALUES.length)] : w);
        return line;
    }

    private static void fuzz(Kernel kernel, String[] parts, SplittableRandom random, String at) {
        long[] sent = {0};
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            sent[0]++;
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        NetDevice dev = new NetDevice(kernel.initNet(), "fuzz0", ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
        dev.open();
        long offered = 0;
        for (int round = 0; round < ROUNDS; round++) {
            List<String> w = words(parts, random);
            String said = at + String.join(" ", w);
            try {
                configure(dev, w, random.nextBoolean());
            } catch (UserError e) {
                assertThat(e.getMessage()).as(said).isNotBlank().doesNotContain("\n");
            } catch (RuntimeException e) {
                throw new AssertionError(said, e);
            }
            try {
                for (int n = random.nextInt(30); n > 0; n--) {
                    Cpu cpu = kernel.localBhDisable(0);
                    int flow = random.nextInt(8);
                    int priority = parts[0].startsWith("class") ? 0x10010 : random.nextInt(16);
                    int len = 60 + random.nextInt(1454);
                    Dev.devQueueXmit(cpu, ContractPackets.udp(cpu, dev, flow, len, priority, 1));
                    offered++;
                    cpu.localBhEnable();
                }
                kernel.scheduler().sleep(random.nextLong(20 * MS));
                TcPrint p = new TcPrint(random.nextBoolean());
                dev.qdisc.print(p, true, true);
                assertThat(dev.qdisc.currentQlen()).as(said).isNotNegative();
                assertThat(sent[0] + dev.qdisc.currentQlen()).as(said).isLessThanOrEqualTo(offered);
            } catch (RuntimeException e) {
                throw new AssertionError(said, e);
            }
        }
        dev.unregister();
    }

    private static void configure(NetDevice dev, List<String> w, boolean change) {
        if (w.getFirst().equals("class")) {
            String kind = w.get(1);
            if (!dev.qdisc.id().equals(kind)) {
                SchApi.modify(dev, Verb.REPLACE, TcHandle.ROOT, 0x10000, kind, List.of());
            }
            SchApi.modifyClass(dev, Verb.REPLACE, 0x10000, 0x10010, w.subList(2, w.size()));
            return;
        }
        String kind = w.getFirst();
        Verb verb = change && dev.qdisc.id().equals(kind) ? Verb.CHANGE : Verb.REPLACE;
        SchApi.modify(dev, verb, TcHandle.ROOT, verb == Verb.CHANGE ? 0 : 0x10000, kind, w.subList(1, w.size()));
    }
}
