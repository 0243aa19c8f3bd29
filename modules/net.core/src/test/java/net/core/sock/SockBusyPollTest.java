package net.core.sock;

import static org.assertj.core.api.Assertions.assertThat;

import net.core.Cpu;
import net.core.dev.NapiStruct;
import net.core.dev.NetDevice;
import net.core.sock.LoopFamily.Host;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** A device that never raises an interrupt: only a reader that polls it gets its packets. */
class SockBusyPollTest {
    private static final class Reader extends Sock {
        Reader(LoopFamily family) {
            super(family.kernel.initNet(), family.proto, SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
        }

        @Override
        protected int backlogRcv(Cpu cpu, SkBuff skb) {
            throw new AssertionError();
        }
    }

    /** Has a packet for its reader at the poll {@code at}, counted from 1. */
    private static final class Queue extends NapiStruct {
        private final Reader reader;
        private final int at;
        int seen;
        int lastBudget;

        Queue(NetDevice dev, Reader reader, int at) {
            super(dev, 64);
            this.reader = reader;
            this.at = at;
            enable();
            reader.napiId = napiId;
        }

        @Override
        protected int poll(Cpu cpu, int budget) {
            lastBudget = budget;
            int work = 0;
            if (++seen == at) {
                reader.receiveQueue.addTail(java.util.Objects.requireNonNull(cpu.allocSkb(64)));
                work = 1;
            }
            completeDone(cpu, work);
            return work;
        }

        void end(Host host) {
            disable();
            Cpu cpu = host.kernel.localBhDisable(0);
            for (SkBuff skb = reader.receiveQueue.dequeue(); skb != null; skb = reader.receiveQueue.dequeue()) {
                skb.consume(cpu);
            }
            reader.skFree(cpu);
            cpu.localBhEnable();
        }
    }

    private static NetDevice lo(Host host) {
        return host.kernel.initNet().devices.loopback();
    }

    @Test
    void shouldPollUntilThereIsAPacket() {
        try (Host host = Host.virtual(1, 1)) {
            Reader sk = new Reader(host.family);
            sk.llUsec = 1_000_000;
            Queue queue = new Queue(lo(host), sk, 5);
            assertThat(SockBusyPoll.canBusyLoop(sk)).isTrue();
            SockBusyPoll.loop(sk, false);
            assertThat(sk.receiveQueue.isEmpty()).isFalse();
            assertThat(queue.seen).isGreaterThanOrEqualTo(5);
            assertThat(host.kernel.holdsNoCpu()).isTrue();
            queue.end(host);
        }
    }

    @Test
    void shouldStopAfterItsTime() {
        try (Host host = Host.virtual(1, 1)) {
            Reader sk = new Reader(host.family);
            sk.llUsec = 50;
            Queue queue = new Queue(lo(host), sk, -1);
            long began = host.kernel.clock().nanoTime();
            SockBusyPoll.loop(sk, false);
            assertThat(host.kernel.clock().nanoTime() - began).isBetween(50_000L, 200_000L);
            assertThat(queue.seen).isGreaterThan(1);
            queue.end(host);
        }
    }

    @Test
    void shouldPollOnceForACallThatMayNotWaitWithItsOwnBudget() {
        try (Host host = Host.virtual(1, 1)) {
            Reader sk = new Reader(host.family);
            sk.llUsec = 1_000_000;
            sk.busyPollBudget = 3;
            Queue queue = new Queue(lo(host), sk, 1);
            long began = host.kernel.clock().nanoTime();
            SockBusyPoll.loop(sk, true);
            assertThat(sk.receiveQueue.isEmpty()).isFalse();
            assertThat(host.kernel.clock().nanoTime() - began).isLessThan(1_000_000);
            assertThat(queue.seen)
                    .as("one by the reader, at most one by NET_RX after it")
                    .isBetween(1, 2);
            queue.end(host);
        }
    }

    @Test
    void shouldStopForAnErrorAndForAShutdown() {
        try (Host host = Host.virtual(1, 1)) {
            Reader sk = new Reader(host.family);
            sk.llUsec = 1_000_000_000;
            sk.shutdown = SockConst.RCV_SHUTDOWN;
            Queue queue = new Queue(lo(host), sk, -1);
            SockBusyPoll.loop(sk, false);
            assertThat(queue.seen).isBetween(1, 2);
            queue.end(host);
        }
    }

    @Test
    void shouldPollOnlyWhereASocketAsksForItAndKnowsItsQueue() {
        try (Host host = new Host("clock=virtual", "net.core.busy_read=70")) {
            Reader sk = new Reader(host.family);
            assertThat(sk.llUsec)
                    .as("net.core.busy_read is the default of SO_BUSY_POLL")
                    .isEqualTo(70);
            assertThat(SockBusyPoll.canBusyLoop(sk)).as("no packet yet").isFalse();
            sk.napiId = 1234;
            assertThat(SockBusyPoll.canBusyLoop(sk)).isTrue();
            SockBusyPoll.loop(sk, false); // the queue is gone: nothing to poll
            sk.llUsec = 0;
            assertThat(SockBusyPoll.canBusyLoop(sk)).isFalse();
            Cpu cpu = host.kernel.localBhDisable(0);
            sk.skFree(cpu);
            cpu.localBhEnable();
        }
    }
}
