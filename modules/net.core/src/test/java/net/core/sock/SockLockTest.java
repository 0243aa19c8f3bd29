package net.core.sock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import net.core.Cpu;
import net.core.Kernel;
import net.core.sock.LoopFamily.Host;
import net.core.sock.LoopFamily.LoopSock;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The lock word: exclusion, backlog, deferred work, sleeping waiters; in virtual time and with real threads. */
@Timeout(60)
class SockLockTest {
    private static final int LIVE_ROUNDS = Boolean.getBoolean("softnet.full") ? 1_000_000 : 50_000;

    /** Remembers the order in which packets reached the protocol, and that nobody else was in. */
    private static final class Probe extends Sock {
        final List<Integer> order = new ArrayList<>();
        boolean inside;
        int deferredRuns;
        int wanted;
        int failAt = -1;
        boolean failDeferred;

        Probe(LoopFamily family) {
            super(family.kernel.initNet(), family.proto, SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        }

        void enter() {
            assertThat(inside).as("two owners").isFalse();
            inside = true;
        }

        void leave() {
            inside = false;
        }

        @Override
        protected int backlogRcv(Cpu cpu, SkBuff skb) {
            int id = skb.cb0;
            order.add(id);
            skb.consume(cpu);
            if (id == failAt) {
                throw new IllegalStateException("bug at packet " + id);
            }
            return 0;
        }

        @Override
        protected void releaseCb(Cpu cpu) {
            deferredRuns++;
            if (failDeferred) {
                throw new IllegalStateException("bug in deferred work");
            }
        }

        /** What a driver would do with a packet for this socket. */
        void softirq(Cpu cpu, int id) {
            SkBuff skb = java.util.Objects.requireNonNull(cpu.allocSkb(64));
            skb.cb0 = id;
            bhLockSock(cpu);
            if (ownedByUser()) {
                assertThat(addBacklog(cpu, skb, Long.MAX_VALUE)).isZero();
            } else {
                enter();
                backlogRcv(cpu, skb);
                leave();
            }
            bhUnlockSock(cpu);
        }
    }

    private static void free(Probe sk) {
        Cpu cpu = sk.localBhDisable();
        sk.skFree(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldExcludeOwnersFromEachOther() {
        for (long seed = 1; seed <= 20; seed++) {
            try (Host host = Host.virtual(2, seed)) {
                Probe sk = new Probe(host.family);
                int[] count = new int[1];
                for (int t = 0; t < 5; t++) {
                    host.kernel.threads().start("owner" + t, () -> {
                        for (int i = 0; i < 50; i++) {
                            sk.lockSock();
                            sk.enter();
                            int seen = count[0];
                            host.kernel.scheduler().preemptionPoint();
                            if (i % 7 == 0) {
                                host.sleep(1_000); // an owner that blocks: the others must sleep, not spin
                            }
                            count[0] = seen + 1;
                            sk.leave();
                            sk.releaseSock();
                        }
                    });
                }
                host.kernel.threads().joinAll();
                assertThat(count[0]).as("seed %d", seed).isEqualTo(250);
                assertThat(sk.lockdepIsHeld()).isFalse();
                free(sk);
            }
        }
    }

    @Test
    void shouldRunTheBacklogInOrderOnRelease() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.lockSock();
            Cpu cpu = sk.localBhDisable();
            for (int i = 0; i < 200; i++) {
                sk.softirq(cpu, i);
            }
            cpu.localBhEnable();
            assertThat(sk.order).isEmpty();
            assertThat(sk.backlogLen).isPositive();
            sk.releaseSock();
            assertThat(sk.order).hasSize(200).isSorted();
            assertThat(sk.backlogLen).isZero();
            free(sk);
        }
    }

    @Test
    void shouldGiveTheSocketUpThoughItsBacklogHasABug() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.failAt = 70;
            sk.lockSock();
            Cpu cpu = sk.localBhDisable();
            for (int i = 0; i < 200; i++) {
                sk.softirq(cpu, i);
            }
            cpu.localBhEnable();
            assertThatThrownBy(sk::releaseSock).hasMessageContaining("bug at packet 70");
            assertThat(sk.lockdepIsHeld()).isFalse();
            assertThat(host.kernel.holdsNoCpu()).isTrue();
            assertThat(sk.order)
                    .as("packets behind the bug still run")
                    .hasSize(200)
                    .isSorted();
            assertThat(sk.sockError()).isEqualTo(-Errno.EIO);
            sk.lockSock();
            sk.releaseSock(); // reported once
            free(sk);
        }
    }

    @Test
    void shouldGiveTheSocketUpThoughDeferredWorkHasABug() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.failDeferred = true;
            sk.lockSock();
            sk.deferWork();
            assertThatThrownBy(sk::releaseSock).hasMessageContaining("bug in deferred work");
            assertThat(sk.lockdepIsHeld()).isFalse();
            assertThat(sk.sockError()).isEqualTo(-Errno.EIO);
            free(sk);
        }
    }

    /** In virtual time a softirq's bug is thrown where the loop runs: also at the preemption points of lock and release. */
    @Test
    void shouldNotStayOwnedWhenASoftirqFailsAtAPreemptionPoint() {
        int failed = 0;
        for (long seed = 1; seed <= 200; seed++) {
            try (Host host = Host.virtual(2, seed)) {
                Probe sk = new Probe(host.family);
                host.kernel.openSoftirq(net.core.Softirq.TASKLET, cpu -> {
                    throw new IllegalStateException("bug in softirq");
                });
                host.kernel.cpu(0).raiseSoftirqRemote(net.core.Softirq.TASKLET);
                try {
                    sk.lockSock();
                    sk.releaseSock();
                } catch (IllegalStateException e) {
                    failed++;
                }
                assertThat(sk.lockdepIsHeld()).as("seed %d", seed).isFalse();
                host.kernel.openSoftirq(net.core.Softirq.TASKLET, cpu -> {});
                free(sk);
            }
        }
        assertThat(failed).isPositive();
    }

    @Test
    void shouldReportABacklogsBugAtTheEndWhenLive() {
        Host host = new Host("cpus=1", "debug");
        Probe sk = new Probe(host.family);
        sk.failAt = 0;
        sk.lockSock();
        Cpu cpu = sk.localBhDisable();
        sk.softirq(cpu, 0);
        cpu.localBhEnable();
        sk.releaseSock();
        assertThat(sk.lockdepIsHeld()).isFalse();
        assertThat(sk.sockError()).isEqualTo(-Errno.EIO);
        free(sk);
        assertThatThrownBy(host::close).hasRootCauseMessage("bug at packet 0");
    }

    @Test
    void shouldFlushTheBacklogWithoutGivingTheSocketUp() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.lockSock();
            assertThat(sk.flushBacklog()).isFalse();
            Cpu cpu = sk.localBhDisable();
            sk.softirq(cpu, 7);
            cpu.localBhEnable();
            assertThat(sk.flushBacklog()).isTrue();
            assertThat(sk.order).containsExactly(7);
            assertThat(sk.ownedByUser()).isTrue();
            sk.releaseSock();
            free(sk);
        }
    }

    @Test
    void shouldBoundTheBacklog() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.lockSock();
            Cpu cpu = sk.localBhDisable();
            int taken = 0;
            SkBuff skb = java.util.Objects.requireNonNull(cpu.allocSkb(64));
            while (sk.addBacklog(cpu, skb, 20_000) == 0) {
                taken++;
                skb = java.util.Objects.requireNonNull(cpu.allocSkb(64));
            }
            assertThat(sk.backlogLen).isGreaterThan(20_000).isLessThan(20_000 + 2 * skb.truesize);
            skb.consume(cpu);
            cpu.localBhEnable();
            sk.releaseSock();
            assertThat(sk.order).hasSize(taken);
            free(sk);
        }
    }

    @Test
    void shouldRunDeferredWorkOnceOnRelease() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            sk.lockSock();
            sk.releaseSock();
            assertThat(sk.deferredRuns).as("nothing was deferred").isZero();
            sk.lockSock();
            Cpu cpu = sk.localBhDisable();
            sk.bhLockSock(cpu);
            sk.deferWork();
            sk.deferWork();
            sk.bhUnlockSock(cpu);
            cpu.localBhEnable();
            sk.releaseSock();
            assertThat(sk.deferredRuns).isEqualTo(1);
            free(sk);
        }
    }

    @Test
    void shouldRefuseAReleaseByNobody() {
        try (Host host = Host.virtual(1, 1)) {
            Probe sk = new Probe(host.family);
            assertThatThrownBy(sk::releaseSock).isInstanceOf(IllegalStateException.class);
            free(sk);
        }
    }

    /** Packets from real softirqs against real owners: each is run once, in order, with nobody else inside. */
    @Test
    void shouldLoseNoPacketBetweenSoftirqsAndOwners() throws Exception {
        try (Host host = new Host("cpus=2")) {
            Kernel kernel = host.kernel;
            Probe sk = new Probe(host.family);
            AtomicBoolean done = new AtomicBoolean();
            KernelThread[] owners = new KernelThread[3];
            for (int t = 0; t < owners.length; t++) {
                owners[t] = kernel.threads().start("owner" + t, () -> {
                    Random random = new Random(42);
                    while (!done.get()) {
                        sk.lockSock();
                        sk.enter();
                        for (int spin = random.nextInt(200); spin > 0; spin--) {
                            Thread.onSpinWait();
                        }
                        sk.leave();
                        sk.releaseSock();
                    }
                });
            }
            KernelThread softirq = kernel.threads().start("softirq", () -> {
                for (int i = 0; i < LIVE_ROUNDS; i++) {
                    Cpu cpu = kernel.localBhDisable(i);
                    sk.softirq(cpu, i);
                    cpu.localBhEnable();
                }
            });
            kernel.threads().join(softirq);
            done.set(true);
            for (KernelThread owner : owners) {
                kernel.threads().join(owner);
            }
            assertThat(sk.lockdepIsHeld()).isFalse();
            assertThat(sk.order).hasSize(LIVE_ROUNDS).isSorted();
            free(sk);
        }
    }

    /** Many sleepers: a wake-up that goes astray hangs the test. */
    @Test
    void shouldWakeEverySleepingWaiter() throws Exception {
        try (Host host = new Host("cpus=2")) {
            Kernel kernel = host.kernel;
            Probe sk = new Probe(host.family);
            long[] plain = new long[1];
            int rounds = LIVE_ROUNDS / 50;
            KernelThread[] threads = new KernelThread[6];
            for (int t = 0; t < threads.length; t++) {
                threads[t] = kernel.threads().start("owner" + t, () -> {
                    for (int i = 0; i < rounds; i++) {
                        sk.lockSock();
                        plain[0]++;
                        if (i % 64 == 0) {
                            kernel.scheduler().sleep(20_000);
                        }
                        sk.releaseSock();
                    }
                });
            }
            for (KernelThread thread : threads) {
                kernel.threads().join(thread);
            }
            assertThat(plain[0]).isEqualTo((long) rounds * threads.length);
            free(sk);
        }
    }

    @Test
    void shouldKeepChildrenLockedUntilTheyAreShown() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            LoopSock child = host.sk(fds[1]);
            assertThat(child.lockdepIsHeld()).isFalse();
            assertThat(child.trylockSock()).isTrue();
            assertThat(child.trylockSock()).isFalse();
            child.releaseSock();
        }
    }
}
