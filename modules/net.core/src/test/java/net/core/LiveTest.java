package net.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import net.core.sys.Sys;
import net.core.task.KernelThread;
import net.core.task.Scheduler;
import net.core.task.WaitQueueHead;
import net.core.time.Clock;
import net.core.time.HrTimer;
import net.core.time.TimerList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real threads: a lost wake-up shows as a time-out here. Bounded by counts, not by time. */
@Timeout(60)
class LiveTest {
    private static final int ROUNDS = Boolean.getBoolean("softnet.full") ? 2_000_000 : 100_000;
    /** Two spinning threads on a machine that is busy otherwise do few rounds: then so few it is. */
    private static final long LIMIT_NS = 8_000_000_000L;

    /** Bounces a number between softirqs of two CPUs: each round crosses sleeping, IPI and release in some order. */
    @Test
    void shouldLoseNoRemoteSoftirq() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            AtomicInteger bounces = new AtomicInteger();
            CountDownLatch done = new CountDownLatch(1);
            kernel.openSoftirq(Softirq.NET_RX, cpu -> {
                if (bounces.incrementAndGet() < ROUNDS) {
                    kernel.cpu(1 - cpu.id).raiseSoftirqRemote(Softirq.NET_RX);
                } else {
                    done.countDown();
                }
            });
            kernel.cpu(0).raiseSoftirqRemote(Softirq.NET_RX);
            assertThat(done.await(50, TimeUnit.SECONDS))
                    .as("stuck after %d bounces", bounces.get())
                    .isTrue();
        }
    }

    /** The same while process context keeps taking the words, so that releases race with raises. */
    @Test
    void shouldLoseNoSoftirqThatIsRaisedWhileTheWordIsHeld() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            AtomicInteger bounces = new AtomicInteger();
            CountDownLatch done = new CountDownLatch(1);
            kernel.openSoftirq(Softirq.NET_RX, cpu -> {
                if (bounces.incrementAndGet() < ROUNDS) {
                    kernel.cpu(1 - cpu.id).raiseSoftirqRemote(Softirq.NET_RX);
                } else {
                    done.countDown();
                }
            });
            KernelThread[] threads = new KernelThread[3];
            long[] plain = new long[2 * 64];
            AtomicLong taken = new AtomicLong();
            for (int i = 0; i < threads.length; i++) {
                int hint = i;
                threads[i] = kernel.threads().start("taker" + i, () -> {
                    while (done.getCount() != 0) {
                        Cpu cpu = kernel.localBhDisable(hint);
                        plain[cpu.id * 64]++;
                        cpu.localBhEnable();
                        taken.incrementAndGet();
                    }
                });
            }
            kernel.cpu(0).raiseSoftirqRemote(Softirq.NET_RX);
            assertThat(done.await(50, TimeUnit.SECONDS))
                    .as("stuck after %d bounces", bounces.get())
                    .isTrue();
            kernel.threads().joinAll();
            assertThat(plain[0] + plain[64]).as("the word excludes").isEqualTo(taken.get());
        }
    }

    /**
     * A raise against a release, aimed: the raiser finds the word taken and leaves, the holder must see the bit. Nobody
     * else touches the CPU, so a lost bit stays lost. Fails without the fence in the release.
     */
    @Test
    void shouldServeWhatIsRaisedDuringARelease() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=1")) {
            Cpu cpu = kernel.cpu(0);
            AtomicInteger served = new AtomicInteger();
            AtomicInteger turn = new AtomicInteger();
            AtomicBoolean over = new AtomicBoolean();
            kernel.openSoftirq(Softirq.NET_RX, c -> served.lazySet(served.getPlain() + 1));
            Thread holder = Thread.ofPlatform().daemon().start(() -> {
                for (int round = 1; !over.get(); round++) {
                    cpu.localBhDisable();
                    turn.set(round);
                    spin(round * 7 & 63);
                    cpu.localBhEnable();
                    await(served, round);
                }
            });
            long end = System.nanoTime() + LIMIT_NS;
            for (int round = 1; !over.get(); round++) {
                await(turn, round);
                spin(round * 5 & 127);
                over.set(round == ROUNDS || System.nanoTime() > end);
                cpu.raiseSoftirqRemote(Softirq.NET_RX);
                assertThat(await(served, round)).as("lost in round %d", round).isTrue();
            }
            holder.join();
        }
    }

    /** A raise against the worker's going to sleep, aimed by its delay after the last one was served. */
    @Test
    void shouldServeWhatIsRaisedWhileTheWorkerFallsAsleep() {
        try (Kernel kernel = Kernel.boot("cpus=1")) {
            Cpu cpu = kernel.cpu(0);
            AtomicInteger served = new AtomicInteger();
            kernel.openSoftirq(Softirq.NET_RX, c -> served.lazySet(served.getPlain() + 1));
            SplittableRandom random = new SplittableRandom(1);
            long end = System.nanoTime() + LIMIT_NS;
            for (int round = 1; round <= ROUNDS && System.nanoTime() < end; round++) {
                cpu.raiseSoftirqRemote(Softirq.NET_RX);
                assertThat(await(served, round)).as("lost in round %d", round).isTrue();
                spin(random.nextInt(200));
            }
        }
    }

    private static void spin(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Thread.onSpinWait();
        }
    }

    private static boolean await(AtomicInteger counter, int value) {
        long end = 0;
        for (long i = 1; counter.get() < value; i++) {
            if (i % 100_000 == 0) {
                if (end == 0) {
                    end = System.nanoTime() + 5_000_000_000L;
                } else if (System.nanoTime() > end) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Threads woken from softirq through the wake list, and answering through another softirq. */
    @Test
    void shouldLoseNoWakeUpOfAThread() {
        int rounds = ROUNDS / 10;
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            Scheduler scheduler = kernel.scheduler();
            WaitQueueHead wq = new WaitQueueHead();
            AtomicLong posted = new AtomicLong();
            kernel.openSoftirq(Softirq.NET_RX, cpu -> {
                posted.incrementAndGet();
                wq.wake(cpu, 0, 0);
            });
            KernelThread reader = kernel.threads().start("reader", () -> {
                for (long seen = 0; seen < rounds; ) {
                    long want = seen;
                    boolean ok = wq.waitEvent(
                            scheduler,
                            "mail",
                            () -> posted.get() > want,
                            kernel.clock().nanoTime() + 10_000_000_000L);
                    assertThat(ok).as("wake-up %d was lost", seen).isTrue();
                    seen = posted.get();
                    kernel.cpu((int) (seen & 1)).raiseSoftirqRemote(Softirq.NET_RX);
                }
            });
            kernel.cpu(0).raiseSoftirqRemote(Softirq.NET_RX);
            kernel.threads().join(reader);
        }
    }

    @Test
    void shouldParkAndWakeThoseWhoWantTheWord() {
        try (Kernel kernel = Kernel.boot("cpus=1")) {
            long[] plain = new long[1];
            int each = ROUNDS / 5;
            for (int i = 0; i < 4; i++) {
                kernel.threads().start("taker" + i, () -> {
                    for (int n = 0; n < each; n++) {
                        Cpu cpu = kernel.localBhDisable(0);
                        plain[0]++;
                        if ((n & 1023) == 0) {
                            // As if the operating system had taken the holder off its core.
                            Thread.yield();
                        }
                        cpu.localBhEnable();
                    }
                });
            }
            kernel.threads().joinAll();
            assertThat(plain[0]).isEqualTo(4L * each);
        }
    }

    @Test
    void shouldFireTimersOfAnIdleKernel() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            CountDownLatch fired = new CountDownLatch(2);
            long[] late = new long[2];
            TimerList timer = new TimerList() {
                @Override
                protected void expire(Cpu cpu) {
                    late[0] = cpu.jiffies() - expires;
                    fired.countDown();
                }
            };
            HrTimer hrtimer = new HrTimer() {
                @Override
                protected void expire(Cpu cpu, long nowNs) {
                    late[1] = nowNs - expiresNs;
                    fired.countDown();
                }
            };
            // Let the workers fall asleep for ever first.
            kernel.scheduler().sleep(20_000_000);
            Cpu cpu = kernel.localBhDisable(1);
            timer.mod(cpu, cpu.jiffies() + 5);
            hrtimer.start(cpu, cpu.nowNs() + 2_000_000);
            cpu.localBhEnable();
            assertThat(fired.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(late[0]).isBetween(0L, 1_000L);
            assertThat(late[1]).isNotNegative();
            System.out.println("late: timer " + late[0] + " jiffies, hrtimer " + late[1] + " ns");
        }
    }

    @Test
    void shouldTakeAReadableDescriptorForAnInterrupt() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=1")) {
            int fd = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK), "eventfd");
            AtomicInteger irqs = new AtomicInteger();
            CountDownLatch polled = new CountDownLatch(3);
            kernel.openSoftirq(Softirq.NET_RX, cpu -> polled.countDown());
            kernel.cpu(0).requestIrq(fd, cpu -> {
                irqs.incrementAndGet();
                cpu.raiseSoftirq(Softirq.NET_RX);
            });
            for (int i = 1; i <= 3; i++) {
                Sys.eventfdSignal(fd);
                long end = kernel.clock().nanoTime() + 10_000_000_000L;
                while (irqs.get() < i && kernel.clock().nanoTime() < end) {
                    kernel.scheduler().sleep(100_000);
                }
                assertThat(irqs.get()).isEqualTo(i);
            }
            assertThat(polled.await(10, TimeUnit.SECONDS)).isTrue();
            kernel.cpu(0).freeIrq(fd);
            Sys.close(fd);
        }
    }

    @Test
    void shouldSpendNothingWhenIdle() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            kernel.scheduler().sleep(50_000_000);
            long before = sleeps(kernel);
            kernel.scheduler().sleep(500_000_000);
            assertThat(sleeps(kernel) - before).isZero();
        }
    }

    private static long sleeps(Kernel kernel) {
        long sum = 0;
        for (int i = 0; i < kernel.cpus(); i++) {
            CpuWorker worker = kernel.cpu(i).worker();
            sum += worker == null ? 0 : worker.sleeps();
        }
        return sum;
    }

    @Test
    void shouldTimeOutAndInterruptLiveThreads() {
        try (Kernel kernel = Kernel.boot("cpus=1")) {
            WaitQueueHead wq = new WaitQueueHead();
            long start = kernel.clock().nanoTime();
            assertThat(wq.waitEvent(kernel.scheduler(), "nothing", () -> false, start + 2_000_000))
                    .isFalse();
            assertThat(kernel.clock().nanoTime() - start).isGreaterThanOrEqualTo(2_000_000);
            CountDownLatch waiting = new CountDownLatch(1);
            KernelThread thread = kernel.threads().start("sleeper", () -> {
                waiting.countDown();
                assertThat(wq.waitEvent(kernel.scheduler(), "nothing", () -> false, Clock.NEVER))
                        .isFalse();
            });
            try {
                waiting.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            thread.interrupt();
            kernel.threads().join(thread);
        }
    }
}
