package net.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.DevGlobals;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QdiscContractTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pfifo",
                "pfifo limit 10",
                "pfifo limit 1",
                "bfifo limit 20000",
                "pfifo_head_drop limit 10",
                "pfifo_fast",
                "mq",
                "codel limit 50",
                "codel ecn target 1ms interval 10ms",
                "fq_codel",
                "fq_codel limit 20 flows 4",
                "fq_codel memory_limit 20kb target 1ms interval 5ms noecn",
                "fq",
                "fq limit 30 flow_limit 5",
                "fq maxrate 1gbit",
                "cake",
                "cake bandwidth 1gbit diffserv8",
                "cake bandwidth 10mbit memlimit 15kb besteffort ack-filter",
                "cake rtt 1ms flowblind ingress bandwidth 50mbit",
                "pie limit 20",
                "pie ecn target 1ms tupdate 1ms dq_rate_estimator",
                "fq_pie flows 16 limit 100",
                "red limit 20000 min 3000 max 9000",
                "red ecn adaptive",
                "choke limit 40 min 5 max 20",
                "gred",
                "gred DPs 2 default 1 limit 20kb",
                "sfb limit 30 max 10 target 5 increment 0.05",
                "sfq",
                "sfq limit 20 depth 5 headdrop perturb 1",
                "sfq redflowlimit 20000 min 2000 max 6000 ecn",
                "dualpi2",
                "dualpi2 limit 30 drop_enqueue any_ect step_thresh 3p",
                "skbprio",
                "skbprio limit 7",
                "qfq",
                "cbs",
                "cbs idleslope 20000 sendslope -80000 hicredit 300 locredit -1300",
                "etf",
                "plug",
                "blackhole",
                "netem",
                "netem limit 10 delay 1ms",
                "netem delay 1ms loss 5% 25% corrupt 3%",
                "netem rate 100mbit slot 100us 300us packets 3",
                "noqueue"
            })
    void shouldHoldForOurDisciplines(String spec) {
        for (long seed : new SplittableRandom(42).longs(3).toArray()) {
            QdiscContract.verify(spec, seed);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"netem delay 1ms 500us", "netem delay 1ms reorder 50% gap 3", "hhf limit 50 admit_bytes 10kb"})
    void shouldHoldForThoseThatReorder(String spec) {
        for (long seed : new SplittableRandom(43).longs(3).toArray()) {
            QdiscContract.verify(spec, seed, QdiscContract.Leave.REORDER);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pfifo",
                "bfifo",
                "pfifo_head_drop limit 10",
                "pfifo_fast",
                "codel",
                "fq_codel",
                "fq",
                "netem delay 10us 5us"
            })
    void shouldAllocateNothingPerPacket(String spec) {
        QdiscContract.verifyAllocation(spec);
    }

    /** Drops every hundredth packet without a word. */
    private record Thief(String id) implements QdiscOps {
        @Override
        public Qdisc create(NetdevQueue devQueue) {
            return new Qdisc(this, devQueue, 0) {
                private int n;

                @Override
                public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
                    if (++n % 100 == 0) {
                        toFree.addTail(skb);
                        return NetXmit.NET_XMIT_SUCCESS;
                    }
                    return enqueueTail(skb);
                }

                @Override
                public @Nullable SkBuff dequeue(Cpu cpu) {
                    return dequeueHead();
                }
            };
        }
    }

    /** Last in, first out. */
    private record Stack(String id) implements QdiscOps {
        @Override
        public Qdisc create(NetdevQueue devQueue) {
            return new Qdisc(this, devQueue, 0) {
                @Override
                public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
                    q.addHead(skb);
                    qlen++;
                    backlog += net.core.dev.QdiscSkbCb.pktLen(skb);
                    return NetXmit.NET_XMIT_SUCCESS;
                }

                @Override
                public @Nullable SkBuff dequeue(Cpu cpu) {
                    return dequeueHead();
                }
            };
        }
    }

    @Test
    void shouldFindADisciplineThatLies() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "leakcheck=off")) {
            DevGlobals.of(kernel).qdiscs.register(new Thief("thief"));
            assertThatThrownBy(() -> QdiscContract.verify(kernel, "thief", 1))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("dropped an arrival and called it queued");
        }
    }

    @Test
    void shouldFindADisciplineThatReorders() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "leakcheck=off")) {
            DevGlobals.of(kernel).qdiscs.register(new Stack("stack"));
            assertThatThrownBy(() -> QdiscContract.verify(kernel, "stack", 1))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("left after packet");
        }
    }
}
