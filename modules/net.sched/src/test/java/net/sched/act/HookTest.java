package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetXmit;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.sched.act.ActionLab.Wire;
import net.sched.cls.TcfFilters;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the hooks make of verdicts: who is told what, and why a packet was dropped. */
@Timeout(60)
class HookTest {
    /** A sender hears of a drop; a packet that an action took is as good as sent. */
    @ParameterizedTest
    @CsvSource({
        "pass, 0, 1, CONSUMED",
        "drop, 1, 0, TC_EGRESS",
        "trap, 0, 0, CONSUMED",
        "continue, 0, 1, CONSUMED",
        "reclassify, 1, 0, TC_RECLASSIFY_LOOP",
        "goto chain 7, 0, 1, CONSUMED",
        "mirred egress redirect dev eth1, 0, 0, CONSUMED",
        "mirred egress redirect dev eth0, 0, 0, CONSUMED",
    })
    void shouldTellTheSender(String action, int rc, int sent, SkbDropReason reason) {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            lab.wire("eth1");
            lab.filter(a.dev, ActionLab.OUT, "action " + action);
            List<SkbDropReason> why = new ArrayList<>();
            lab.inCpu(cpu -> {
                cpu.freeTracer = (skb, r) -> why.add(r);
                assertThat(Dev.devQueueXmit(cpu, ActionLab.frame(cpu, a.dev, 100)))
                        .isEqualTo(rc);
                cpu.freeTracer = null;
            });
            assertThat(a.out).hasSize(sent);
            assertThat(why).contains(reason);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "drop, 1, TC_INGRESS",
        "trap, 0, CONSUMED",
        "reclassify, 1, TC_RECLASSIFY_LOOP",
    })
    void shouldTellTheDriver(String action, int rc, SkbDropReason reason) {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            lab.filter(a.dev, ActionLab.IN, "action " + action);
            List<SkbDropReason> why = new ArrayList<>();
            lab.inCpu(cpu -> {
                cpu.freeTracer = (skb, r) -> why.add(r);
                var skb = ActionLab.frame(cpu, a.dev, 100);
                skb.pull(EthHdr.ETH_HLEN);
                assertThat(Dev.netifReceiveSkb(cpu, skb)).isEqualTo(rc);
                cpu.freeTracer = null;
            });
            assertThat(a.in).isEmpty();
            assertThat(why).containsExactly(reason);
        }
    }

    /** A filter of one's own may put another device into the packet and say so; a circle of those ends. */
    @Test
    void shouldSendWhatAFilterRedirects() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            hook(lab, a.dev, ActionLab.IN, b.dev);
            hook(lab, a.dev, ActionLab.OUT, b.dev);
            lab.receive(a.dev, 100);
            lab.send(a.dev, 200);
            assertThat(b.out).containsExactly(100, 200);
            hook(lab, b.dev, ActionLab.OUT, a.dev);
            lab.send(a.dev, 300);
            assertThat(b.out).hasSize(2);
            assertThat(a.out).isEmpty();
        }
    }

    private static void hook(ActionLab lab, NetDevice dev, int hook, NetDevice to) {
        if (dev.ingressQdisc == null) {
            SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "clsact", List.of());
        }
        var cops =
                Objects.requireNonNull(Objects.requireNonNull(dev.ingressQdisc).classOps());
        cops.setFilters(Objects.requireNonNull(cops.find(hook)), (cpu, skb) -> {
            skb.dev = to;
            return TcfBlock.TC_ACT_REDIRECT;
        });
        assertThat(lab.kernel.isClosed()).isFalse();
    }

    /** skbedit's queue is the one that the packet leaves by; one that is not there changes nothing. */
    @Test
    void shouldSendByTheQueueThatWasChosen() {
        try (ActionLab lab = new ActionLab()) {
            List<Integer> queues = new ArrayList<>();
            NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
                queues.add(txq.index);
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            };
            NetDevice dev = new NetDevice(lab.net, "eth0", ops, 4, 1);
            EthHdr.etherSetup(dev);
            dev.register();
            dev.open();
            TcfFilters f = lab.filter(dev, ActionLab.OUT, "action skbedit queue_mapping 3");
            lab.send(dev, 100);
            assertThat(queues).containsExactly(3);
            f.delete(0, 0, 0);
            lab.send(dev, 100);
            int byHash = queues.getLast();
            lab.filter(dev, ActionLab.OUT, "action skbedit queue_mapping 9");
            lab.send(dev, 100);
            assertThat(queues).containsExactly(3, byHash, byHash);
        }
    }

    /** Counted as in Linux: segments, with their link header on the way out only, without one for each segment on the way in. */
    @Test
    void shouldCountSegments() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            lab.filter(a.dev, ActionLab.IN, "action pass");
            lab.inCpu(cpu -> {
                var skb = ActionLab.frame(cpu, a.dev, 1014);
                skb.pull(EthHdr.ETH_HLEN);
                skb.setTransportHeader(20);
                skb.shinfo().gsoSize = 400;
                skb.shinfo().gsoSegs = 3;
                Dev.netifReceiveSkb(cpu, skb);
            });
            var hooks = Objects.requireNonNull(a.dev.ingressQdisc);
            assertThat(hooks.currentPackets()).isEqualTo(3);
            assertThat(hooks.currentBytes()).isEqualTo(1000);
            lab.filter(a.dev, ActionLab.OUT, "action pass");
            lab.send(a.dev, 100);
            assertThat(hooks.currentBytes()).isEqualTo(1100);
            assertThat(hooks.describe(false)).isEqualTo("qdisc clsact ffff: parent ffff:fff1 \n");
        }
    }

    /** The chain that an action names is asked next. */
    @Test
    void shouldGoOnInAnotherChain() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            TcfFilters f = lab.filter(a.dev, ActionLab.OUT, "action goto chain 3");
            f.change(lab.net, 3, 1, TcfFilters.ETH_P_ALL, "matchall", 0, List.of("action", "drop"));
            lab.send(a.dev, 100);
            assertThat(a.out).isEmpty();
            f.delete(3, 0, 0);
            lab.send(a.dev, 100);
            assertThat(a.out).containsExactly(100);
            assertThat(NetXmit.NET_XMIT_SUCCESS).isZero();
        }
    }
}
