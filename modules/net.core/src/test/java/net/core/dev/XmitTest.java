package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class XmitTest {
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "cpus=2", "net.core.default_qdisc=noqueue");
    private StubDevice nic;
    private FifoForTests.Fifo q;

    @BeforeEach
    void up() {
        nic = StubDevice.up(kernel.initNet(), "eth%d");
        q = FifoForTests.on(nic.dev);
    }

    @AfterEach
    void close() {
        Cpu cpu = kernel.localBhDisable(0);
        nic.complete(cpu);
        cpu.localBhEnable();
        cpu = kernel.localBhDisable(0);
        nic.complete(cpu);
        cpu.localBhEnable();
        kernel.close();
    }

    private int send(Cpu cpu, int seq) {
        return Dev.devQueueXmit(cpu, Frames.tcp(cpu, nic.dev, 1, 2, 3, 4, seq, 100));
    }

    @Test
    void shouldPassAnEmptyQdiscBy() {
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(send(cpu, 1)).isZero();
        assertThat(nic.sent).containsExactly(1);
        assertThat(q.bstatsPackets).isEqualTo(1);
        assertThat(q.bstatsBytes).isEqualTo(154);
        assertThat(q.currentQlen()).isZero();
        cpu.localBhEnable();
    }

    @Test
    void shouldKeepPacketsWhileTheRingIsFullAndDrainThemInNetTx() {
        nic.room = 2;
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 7; i++) {
            assertThat(send(cpu, i)).isZero();
        }
        assertThat(nic.sent).containsExactly(0, 1);
        assertThat(q.currentQlen()).isEqualTo(5);
        nic.room = 100;
        nic.complete(cpu);
        assertThat(nic.sent).hasSize(2);
        cpu.localBhEnable();
        assertThat(nic.sent).containsExactly(0, 1, 2, 3, 4, 5, 6);
        assertThat(q.currentQlen()).isZero();
        assertThat(q.currentBacklog()).isZero();
    }

    @Test
    void shouldRequeueWhatTheDriverRefusesAheadOfTheRest() {
        nic.busy = true;
        Cpu cpu = kernel.localBhDisable(0);
        send(cpu, 1);
        send(cpu, 2);
        assertThat(nic.sent).isEmpty();
        assertThat(q.requeues).isPositive();
        assertThat(q.currentQlen()).isEqualTo(2);
        nic.busy = false;
        cpu.localBhEnable();
        assertThat(nic.sent).containsExactly(1, 2);
        assertThat(q.describe(true)).contains("Sent 308 bytes 2 pkt (dropped 0, overlimits 0 requeues ");
    }

    @Test
    void shouldSaySoWhenMoreFollows() {
        nic.room = 1;
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 4; i++) {
            send(cpu, i);
        }
        nic.room = 100;
        nic.dev.tx[0].dql.reset(0);
        nic.dev.tx[0].dql.minLimit = 100_000;
        nic.dev.tx[0].dql.completed(0, 0);
        nic.complete(cpu);
        cpu.localBhEnable();
        assertThat(nic.sent).containsExactly(0, 1, 2, 3);
        // The second was refused when the ring was full, and goes alone.
        assertThat(nic.more).containsExactly(false, false, true, false);
    }

    @Test
    void shouldDropFromAFullQdiscAndCountIt() {
        nic.room = 1;
        q.limit = 3;
        Cpu cpu = kernel.localBhDisable(0);
        long before = cpu.dropCounts[SkbDropReason.QDISC_DROP.ordinal()];
        List<Integer> rcs = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            rcs.add(send(cpu, i));
        }
        // One is in the ring, one was refused and waits ahead of the queue, three are queued.
        assertThat(rcs).containsExactly(0, 0, 0, 0, 0, NetXmit.NET_XMIT_DROP);
        assertThat(q.drops).isEqualTo(1);
        assertThat(cpu.dropCounts[SkbDropReason.QDISC_DROP.ordinal()] - before).isEqualTo(1);
        nic.room = 10;
        nic.complete(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldLeaveTheRestToNetTxAfterItsQuota() {
        nic.room = 1;
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 200; i++) {
            send(cpu, i);
        }
        nic.room = 1000;
        nic.complete(cpu);
        long runs = cpu.softirqCounts[net.core.Softirq.NET_TX.ordinal()];
        cpu.localBhEnable();
        assertThat(nic.sent).hasSize(200).isSorted();
        assertThat(cpu.softirqCounts[net.core.Softirq.NET_TX.ordinal()] - runs).isGreaterThan(2);
    }

    @Test
    void shouldLetASecondCpuEnqueueAndLeaveWhileOneRuns() {
        // In the middle of CPU 0's transmit, with the root lock dropped, CPU 1 sends: its packet goes after.
        boolean[] once = {true};
        nic.onXmit = () -> {
            if (once[0]) {
                once[0] = false;
                Cpu other = kernel.cpu(1);
                other.localBhDisable();
                send(other, 2);
                assertThat(nic.sent).isEmpty();
                assertThat(q.currentQlen()).isEqualTo(1);
                other.localBhEnable();
            }
        };
        Cpu cpu = kernel.cpu(0);
        cpu.localBhDisable();
        send(cpu, 1);
        cpu.localBhEnable();
        assertThat(nic.sent).containsExactly(1, 2);
    }

    @Test
    void shouldRefuseWhenDown() {
        nic.dev.close();
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(send(cpu, 1)).isEqualTo(-Errno.ENETDOWN);
        cpu.localBhEnable();
        assertThat(nic.dev.getStats().txDropped).isEqualTo(1);
    }

    @Test
    void shouldDropWhatAQdiscHoldsWhenTheDeviceGoesDown() {
        nic.room = 1;
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 5; i++) {
            send(cpu, i);
        }
        nic.ring.forEach(s -> s.consume(kernel.cpu(0)));
        nic.ring.clear();
        cpu.localBhEnable();
        nic.dev.close();
        assertThat(q.currentQlen()).isZero();
        assertThat(kernel.memory().outstandingSkbs()).isZero();
    }

    @Test
    void shouldCatchDevicesThatStackInALoop() {
        int[] depth = {0, 0};
        NetDeviceOps ops = (cpu, skb, dev, txq, more) -> {
            depth[0]++;
            depth[1] = Math.max(depth[0], depth[1]);
            skb.dev = dev;
            Dev.devQueueXmit(cpu, skb);
            depth[0]--;
            return NetDeviceOps.NETDEV_TX_OK;
        };
        NetDevice loop = new NetDevice(kernel.initNet(), "loop0", ops, 1, 1);
        EthHdr.etherSetup(loop);
        loop.lltx = true;
        loop.privFlags |= NetDevice.IFF_NO_QUEUE;
        loop.register();
        loop.open();
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Frames.tcp(cpu, loop, 1, 2, 3, 4, 1, 10);
        assertThat(Dev.devQueueXmit(cpu, skb)).isZero();
        assertThat(depth[1]).isEqualTo(8);
        assertThat(cpu.sd.xmitRecursionDrops).isEqualTo(1);
        cpu.localBhEnable();
        assertThat(kernel.memory().outstandingSkbs()).isZero();
        loop.unregister();
    }

    @Test
    void shouldReportAQueueThatStaysStopped() {
        nic.room = 1;
        Cpu cpu = kernel.localBhDisable(0);
        send(cpu, 1);
        cpu.localBhEnable();
        kernel.scheduler().sleep(12_000_000_000L);
        assertThat(nic.timeouts).isPositive();
        assertThat(nic.dev.txTimeouts()).isEqualTo(nic.timeouts);
    }

    @Test
    void shouldHoldBackByBytesInFlight() {
        NetdevQueue txq = nic.dev.tx[0];
        Cpu cpu = kernel.localBhDisable(0);
        txq.sentQueue(1000);
        assertThat(txq.xmitStopped()).isTrue();
        assertThat(txq.stopped()).isFalse();
        send(cpu, 1);
        assertThat(nic.sent).isEmpty();
        txq.completedQueue(cpu, 1, 1000);
        assertThat(txq.xmitStopped()).isFalse();
        cpu.localBhEnable();
        assertThat(nic.sent).containsExactly(1);
    }

    @Test
    void shouldValidateAPacketThatWasPeekedAt() {
        nic.dev.setFeatures(nic.dev.features, false);
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Frames.tcpFrags(cpu, nic.dev, 0, 3000, 1000);
        assertThat(q.enqueue(cpu, skb, new SkBuffHead())).isZero();
        assertThat(q.peek(cpu)).isSameAs(skb);
        q.rootLock().lock();
        SchGeneric.qdiscRun(cpu, q);
        q.rootLock().unlock();
        assertThat(nic.ring).containsExactly(skb);
        assertThat(skb.isNonlinear()).as("for a device that cannot gather").isFalse();
        assertThat(skb.peeked).isFalse();
        cpu.localBhEnable();
    }

    /** Takes packets without a lock, and is taken out of force while a packet is on its way in. */
    private static final class Leaving extends Qdisc {
        boolean resetWhileRunning;
        int resets;

        Leaving(NetdevQueue txq) {
            super(null, txq, TCQ_F_NOLOCK);
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            enqueueTail(skb);
            setDeactivated(cpu.id == 1);
            return NetXmit.NET_XMIT_SUCCESS;
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return dequeueHead();
        }

        @Override
        public void reset(Cpu cpu) {
            resets++;
            resetWhileRunning |= isRunning();
            super.reset(cpu);
        }
    }

    @Test
    void shouldNotEmptyALocklessQdiscUnderItsRunner() {
        Leaving leaving = new Leaving(nic.dev.tx[0]);
        nic.dev.tx[0].qdisc = leaving;
        nic.dev.tx[0].qdiscSleeping = leaving;
        nic.onXmit = () -> {
            nic.onXmit = () -> {};
            Cpu other = kernel.cpu(1);
            other.localBhDisable();
            send(other, 2);
            other.localBhEnable();
        };
        Cpu cpu = kernel.cpu(0);
        cpu.localBhDisable();
        send(cpu, 1);
        cpu.localBhEnable();
        assertThat(leaving.resetWhileRunning).isFalse();
        nic.dev.close();
        assertThat(leaving.resets).as("by the one who took it out of force").isEqualTo(1);
        assertThat(leaving.currentQlen()).isZero();
    }
}
