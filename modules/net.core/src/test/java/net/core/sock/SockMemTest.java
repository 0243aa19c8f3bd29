package net.core.sock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.sock.LoopFamily.Host;
import net.core.sock.LoopFamily.LoopSock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;

class SockMemTest {
    private static LoopSock sock(Host host) {
        int fd = LoopFamily.ok(host.sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
        return host.sk(fd);
    }

    @Test
    void shouldReserveWholePagesAndGiveThemBack() {
        try (Host host = Host.virtual(1, 1)) {
            LoopSock sk = sock(host);
            assertThat(sk.wmemSchedule(100)).isTrue();
            assertThat(sk.forwardAlloc).isEqualTo(4096);
            assertThat(host.family.memory.allocatedPages()).isEqualTo(1);
            sk.memCharge(100);
            assertThat(sk.wmemSchedule(3996)).isTrue();
            assertThat(host.family.memory.allocatedPages())
                    .as("what is left was enough")
                    .isEqualTo(1);
            assertThat(sk.wmemSchedule(3997)).isTrue();
            assertThat(host.family.memory.allocatedPages()).isEqualTo(2);
            sk.memUncharge(100);
            assertThat(sk.forwardAlloc).isZero();
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }

    @Test
    void shouldEnterAndLeavePressureAndRefuseAboveTheLimit() {
        try (Host host = Host.virtual(1, 1)) {
            LoopFamily.Memory memory = host.family.memory;
            memory.limits[0] = 10;
            memory.limits[1] = 20;
            memory.limits[2] = 30;
            LoopSock sk = sock(host);
            LoopSock other = sock(host);
            int page = SockMem.SK_MEM_QUANTUM;
            assertThat(sk.memSchedule(15 * page, SockMem.SK_MEM_RECV)).isTrue();
            assertThat(memory.underPressure()).as("between low and pressure").isFalse();
            sk.memCharge(15 * page);
            sk.rmemAllocAdd(15 * page);
            assertThat(sk.memSchedule(6 * page, SockMem.SK_MEM_RECV))
                    .as("under pressure a socket with more than its share gets no more")
                    .isFalse();
            assertThat(memory.entered).isEqualTo(1);
            assertThat(memory.underPressure()).isTrue();
            assertThat(other.memSchedule(6 * page, SockMem.SK_MEM_RECV))
                    .as("one with nothing gets its minimum")
                    .isTrue();
            assertThat(other.memSchedule(10 * page, SockMem.SK_MEM_RECV))
                    .as("above the hard limit")
                    .isFalse();
            assertThat(memory.allocatedPages()).isEqualTo(21);
            sk.rmemAllocAdd(-15 * page);
            sk.memUncharge(15 * page);
            assertThat(memory.underPressure()).isFalse();
            assertThat(memory.left).isEqualTo(1);
            other.memReclaim();
            assertThat(memory.allocatedPages()).isZero();
        }
    }

    @Test
    void shouldShrinkTheSendBufferInsteadOfFailingAWriter() {
        try (Host host = Host.virtual(1, 1)) {
            host.family.memory.limits[2] = 0;
            host.family.memory.limits[1] = 0;
            host.family.memory.limits[0] = 0;
            LoopSock sk = sock(host);
            sk.wmemQueued = 50_000;
            assertThat(sk.wmemSchedule(5_000))
                    .as("at its bound it may go on, and then waits")
                    .isTrue();
            assertThat(sk.sndbuf).isEqualTo(25_000);
            sk.wmemQueued = 0;
            sk.memReclaim();
            assertThat(host.family.memory.allocatedPages()).isZero();
            assertThat(sk.wmemSchedule(1_000))
                    .as("far below its bound it fails")
                    .isFalse();
            assertThat(sk.forwardAlloc).isZero();
        }
    }

    @Test
    void shouldBalanceUnderRandomUse() {
        long seed = 77;
        SplittableRandom r = new SplittableRandom(seed);
        try (Host host = Host.virtual(3, seed)) {
            LoopSock sk = sock(host);
            int charged = 0;
            for (int i = 0; i < 50_000; i++) {
                Cpu cpu = r.nextBoolean() ? host.kernel.localBhDisable(r.nextInt(3)) : null;
                if (r.nextBoolean()) {
                    int n = 1 + r.nextInt(20_000);
                    if (sk.wmemSchedule(cpu, n)) {
                        sk.memCharge(n);
                        charged += n;
                    }
                } else if (charged > 0) {
                    int n = 1 + r.nextInt(charged);
                    sk.memUncharge(cpu, n);
                    charged -= n;
                }
                if (cpu != null) {
                    cpu.localBhEnable();
                }
                assertThat(sk.forwardAlloc).as("step %d seed %d", i, seed).isBetween(0, 2 * 4096 + 20_000);
                assertThat(host.family.memory.allocatedPages() * 4096L).isEqualTo(charged + (long) sk.forwardAlloc);
            }
            sk.memUncharge(charged);
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }

    @Test
    void shouldReturnAReceivedPacketsBytesWhereverItIsFreed() {
        try (Host host = Host.virtual(2, 1)) {
            LoopSock sk = sock(host);
            Cpu cpu = sk.localBhDisable();
            SkBuff skb = java.util.Objects.requireNonNull(cpu.allocSkb(1000));
            assertThat(sk.rmemSchedule(cpu, skb, skb.truesize)).isTrue();
            sk.setOwnerR(skb);
            assertThat(sk.rmemAlloc()).isEqualTo(skb.truesize);
            SkBuff down = java.util.Objects.requireNonNull(cpu.allocSkb(1000));
            sk.setOwnerW(down);
            assertThat(sk.wmemAlloc()).isEqualTo(down.truesize);
            cpu.localBhEnable();
            skb.freeDeferred(SkbDropReason.CONSUMED);
            down.freeDeferred(SkbDropReason.CONSUMED);
            assertThat(sk.rmemAlloc()).isZero();
            assertThat(sk.wmemAlloc()).isZero();
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }
}
