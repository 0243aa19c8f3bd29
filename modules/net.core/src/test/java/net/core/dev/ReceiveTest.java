package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Softirq;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReceiveTest {
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "cpus=4", "net.core.default_qdisc=noqueue");
    private final Sink sink = new Sink(EthHdr.ETH_P_IP);
    private StubDevice nic;

    /** Takes packets and notes where. */
    private static final class Sink extends PacketType {
        final List<Integer> seqs = new ArrayList<>();
        final List<Integer> cpus = new ArrayList<>();
        final List<Integer> lens = new ArrayList<>();
        boolean inSoftirq = true;

        Sink(int type) {
            super(type);
        }

        @Override
        public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
            seqs.add(EthHdr.be32(skb.networkAddress() + 24));
            cpus.add(cpu.id);
            lens.add(skb.len);
            inSoftirq &= cpu.inSoftirq();
            if (type != ETH_P_ALL) {
                skb.consume(cpu);
            }
            return 0;
        }
    }

    @BeforeEach
    void up() {
        nic = StubDevice.up(kernel.initNet(), "eth%d");
        Dev.addPack(kernel, sink);
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private SkBuff rx(Cpu cpu, int sport, int seq) {
        return Frames.received(cpu, nic.dev, 0x0a000001, 0x0a000002, sport, 80, seq, 10);
    }

    @Test
    void shouldDeliverByEthertypeAndShowTapsEverything() {
        Sink tap = new Sink(PacketType.ETH_P_ALL);
        Dev.addPack(kernel, tap);
        Cpu cpu = kernel.localBhDisable(0);
        Dev.netifReceiveSkb(cpu, rx(cpu, 1, 7));
        SkBuff alien = rx(cpu, 1, 8);
        alien.protocol = 0x9999;
        assertThat(Dev.netifReceiveSkb(cpu, alien)).isEqualTo(NetXmit.NET_RX_DROP);
        assertThat(sink.seqs).containsExactly(7);
        assertThat(tap.seqs).containsExactly(7, 8);
        assertThat(cpu.dropCounts[SkbDropReason.UNHANDLED_PROTO.ordinal()]).isEqualTo(1);
        assertThat(nic.dev.getStats().rxDropped).isEqualTo(1);
        cpu.localBhEnable();
        Dev.removePack(kernel, tap);
    }

    @Test
    void shouldGiveEachOfTwoHandlersItsOwn() {
        Sink second = new Sink(EthHdr.ETH_P_IP);
        Dev.addPack(kernel, second);
        Cpu cpu = kernel.localBhDisable(0);
        Dev.netifReceiveSkb(cpu, rx(cpu, 1, 7));
        cpu.localBhEnable();
        assertThat(sink.seqs).containsExactly(7);
        assertThat(second.seqs).containsExactly(7);
    }

    @Test
    void shouldProcessTheBacklogInSoftirqInOrder() {
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 200; i++) {
            assertThat(Dev.netifRx(cpu, rx(cpu, 1, i))).isZero();
        }
        assertThat(sink.seqs).isEmpty();
        cpu.localBhEnable();
        assertThat(sink.seqs).hasSize(200).isSorted();
        assertThat(sink.inSoftirq).isTrue();
        assertThat(cpu.sd.processed).isEqualTo(200);
    }

    @Test
    void shouldDropWhenTheBacklogIsFull() {
        kernel.sysctl().set("net.core.netdev_max_backlog", "10");
        Cpu cpu = kernel.localBhDisable(0);
        int dropped = 0;
        for (int i = 0; i < 15; i++) {
            dropped += Dev.netifRx(cpu, rx(cpu, 1, i));
        }
        cpu.localBhEnable();
        assertThat(dropped).isEqualTo(5);
        assertThat(cpu.sd.dropped()).isEqualTo(5);
        assertThat(sink.seqs).hasSize(10);
        assertThat(cpu.dropCounts[SkbDropReason.CPU_BACKLOG.ordinal()]).isEqualTo(5);
    }

    @Test
    void shouldHandPacketsToAnotherCpu() {
        Cpu cpu = kernel.cpu(0);
        cpu.localBhDisable();
        for (int i = 0; i < 5; i++) {
            Dev.enqueueToBacklog(cpu, kernel.cpu(2), rx(cpu, 1, i));
        }
        cpu.localBhEnable();
        kernel.scheduler().sleep(1_000_000);
        assertThat(sink.seqs).containsExactly(0, 1, 2, 3, 4);
        assertThat(sink.cpus).containsOnly(2);
        assertThat(kernel.cpu(2).sd.receivedRps).isPositive();
    }

    @Test
    void shouldSteerFlowsByHashAndKeepEachInOrder() {
        DevGlobals.of(kernel).setRpsMap(nic.dev, 0, Rps.parseMask("f", 4));
        Cpu cpu = kernel.cpu(0);
        cpu.localBhDisable();
        for (int i = 0; i < 64; i++) {
            Dev.netifReceiveSkb(cpu, rx(cpu, 1000 + i % 16, i));
        }
        cpu.localBhEnable();
        kernel.scheduler().sleep(1_000_000);
        assertThat(sink.seqs).hasSize(64);
        for (int flow = 0; flow < 16; flow++) {
            int f = flow;
            List<Integer> at = new ArrayList<>();
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                if (sink.seqs.get(i) % 16 == f) {
                    at.add(sink.cpus.get(i));
                    order.add(sink.seqs.get(i));
                }
            }
            assertThat(at.stream().distinct()).hasSize(1);
            assertThat(order).isSorted();
        }
        assertThat(sink.cpus.stream().distinct().count()).isGreaterThan(1);
    }

    @Test
    void shouldFollowTheReaderOfAFlow() {
        kernel.sysctl().set("net.core.rps_sock_flow_entries", "256");
        nic.dev.rx[0].rpsFlowTable = new Rps.RpsDevFlowTable(256);
        Cpu cpu = kernel.cpu(0);
        cpu.localBhDisable();
        SkBuff probe = rx(cpu, 77, 1);
        probe.resetNetworkHeader();
        int hash = FlowDissector.getHash(cpu, probe);
        DevGlobals.of(kernel).rpsSockFlowTable().record(hash, 3);
        Dev.netifReceiveSkb(cpu, probe);
        cpu.localBhEnable();
        kernel.scheduler().sleep(1_000_000);
        assertThat(sink.cpus).containsExactly(3);
    }

    @Test
    void shouldFlushTheBacklogOfADeviceThatGoes() {
        StubDevice other = StubDevice.up(kernel.initNet(), "other");
        Cpu cpu = kernel.cpu(1);
        cpu.localBhDisable();
        Dev.netifRx(cpu, rx(cpu, 1, 1));
        SkBuff skb = rx(cpu, 1, 2);
        skb.dev = other.dev;
        Dev.netifRx(cpu, skb);
        Dev.netifRx(cpu, rx(cpu, 1, 3));
        cpu.sd.flushBacklog(other.dev);
        cpu.localBhEnable();
        assertThat(sink.seqs).containsExactly(1, 3);
        other.dev.unregister();
    }

    @Test
    void shouldLoopBack() {
        NetDevice lo = kernel.initNet().devices.loopback();
        lo.open();
        assertThat(lo.ifindex).isEqualTo(1);
        Cpu cpu = kernel.localBhDisable(0);
        SkBuff skb = Frames.tcp(cpu, lo, 1, 1, 1, 1, 9, 5);
        assertThat(Dev.devQueueXmit(cpu, skb)).isZero();
        assertThat(sink.seqs).isEmpty();
        cpu.localBhEnable();
        assertThat(sink.seqs).containsExactly(9);
        assertThat(lo.getStats().rxBytes).isEqualTo(59);
        assertThat(lo.getStats().txPackets).isEqualTo(1);
    }

    // ---- NAPI

    /** Has {@code waiting} packets and polls them. */
    private static final class Ring extends NapiStruct {
        int waiting;
        boolean irqOn = true;
        int duringPoll;
        int polled;

        Ring(NetDevice dev) {
            super(dev, NAPI_POLL_WEIGHT);
        }

        @Override
        protected int poll(Cpu cpu, int budget) {
            int n = Math.min(budget, waiting);
            waiting -= n;
            polled++;
            if (duringPoll > 0) {
                // New packets and an interrupt in the middle.
                waiting += duringPoll;
                duringPoll = 0;
                schedule(cpu);
            }
            if (n < budget && completeDone(cpu, n)) {
                irqOn = true;
            }
            return n;
        }
    }

    @Test
    void shouldPollUntilEmptyThenEnableTheInterrupt() {
        Ring r = new Ring(nic.dev);
        r.enable();
        r.waiting = 150;
        r.irqOn = false;
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(r.schedule(cpu)).isTrue();
        assertThat(r.schedule(cpu)).isFalse();
        cpu.localBhEnable();
        assertThat(r.waiting).isZero();
        assertThat(r.irqOn).isTrue();
        assertThat(r.isScheduled()).isFalse();
        r.disable();
    }

    @Test
    void shouldPollAgainAfterAnInterruptDuringThePoll() {
        Ring r = new Ring(nic.dev);
        r.enable();
        r.waiting = 1;
        r.duringPoll = 3;
        r.irqOn = false;
        Cpu cpu = kernel.localBhDisable(0);
        r.schedule(cpu);
        cpu.localBhEnable();
        assertThat(r.waiting).isZero();
        assertThat(r.irqOn).isTrue();
        r.disable();
    }

    @Test
    void shouldEndTheRunWhenTheBudgetIsUsed() {
        List<Ring> rings = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Ring r = new Ring(nic.dev);
            r.enable();
            r.waiting = 1000;
            rings.add(r);
        }
        Cpu cpu = kernel.localBhDisable(0);
        rings.forEach(r -> r.schedule(cpu));
        long runs = cpu.softirqCounts[Softirq.NET_RX.ordinal()];
        cpu.localBhEnable();
        kernel.scheduler().sleep(10_000_000);
        assertThat(rings).allMatch(r -> r.waiting == 0);
        // 300 packets a run, so 6000 take 20 runs or so, and nobody starves.
        assertThat(cpu.sd.timeSqueeze).isBetween(10L, 25L);
        assertThat(cpu.softirqCounts[Softirq.NET_RX.ordinal()] - runs).isBetween(15L, 30L);
        rings.forEach(Ring::disable);
    }

    @Test
    void shouldRefuseToScheduleWhileDisabled() {
        Ring r = new Ring(nic.dev);
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(r.schedule(cpu)).isFalse();
        cpu.localBhEnable();
        r.enable();
        r.disable();
        cpu = kernel.localBhDisable(0);
        assertThat(r.schedule(cpu)).isFalse();
        cpu.localBhEnable();
        assertThat(r.polled).isZero();
    }

    @Test
    void shouldServeAThreadThatPollsForItself() {
        Ring r = new Ring(nic.dev);
        r.enable();
        r.waiting = 5;
        Cpu cpu = kernel.localBhDisable(0);
        assertThat(r.busyPoll(cpu, 8)).isEqualTo(5);
        cpu.localBhEnable();
        assertThat(r.isScheduled()).isFalse();
        assertThat(r.irqOn).isTrue();
        r.disable();
    }
}
