package net.core.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.IrqLine;
import net.core.Kernel;
import net.core.Softirq;
import net.core.time.Clock;
import net.core.time.HrTimer;
import net.core.time.TimerList;
import org.junit.jupiter.api.Test;

class VirtualSchedulerTest {
    /** A mailbox of one number: what sockets are made of. */
    private static final class Mailbox {
        final WaitQueueHead wq = new WaitQueueHead();
        final Scheduler scheduler;
        long value = -1;

        Mailbox(Kernel kernel) {
            scheduler = kernel.scheduler();
        }

        void put(long v) {
            scheduler.syscallEnter();
            wq.waitEvent(scheduler, "room", () -> value < 0, Clock.NEVER);
            value = v;
            wq.wakeAll(null);
        }

        long take() {
            scheduler.syscallEnter();
            wq.waitEvent(scheduler, "mail", () -> value >= 0, Clock.NEVER);
            long v = value;
            value = -1;
            wq.wakeAll(null);
            return v;
        }
    }

    private static List<String> busyRun(long seed) {
        List<String> trace = new ArrayList<>();
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=4", "seed=" + seed)) {
            Clock clock = kernel.clock();
            Mailbox[] boxes = new Mailbox[5];
            for (int i = 0; i < boxes.length; i++) {
                boxes[i] = new Mailbox(kernel);
            }
            for (int i = 0; i < boxes.length; i++) {
                int me = i;
                kernel.threads().start("ring" + i, () -> {
                    if (me == 0) {
                        boxes[1].put(0);
                    }
                    for (int round = 0; round < 100; round++) {
                        long v = boxes[me].take();
                        trace.add(clock.nanoTime() + " " + me + " got " + v);
                        if (me != 0 || round < 99) {
                            boxes[(me + 1) % boxes.length].put(v + 1);
                        }
                        kernel.scheduler().preemptionPoint();
                    }
                });
            }
            TimerList tick = new TimerList() {
                int left = 50;

                @Override
                protected void expire(Cpu cpu) {
                    trace.add(clock.nanoTime() + " tick on " + cpu);
                    cpu.raiseSoftirq(Softirq.NET_RX);
                    cpu.kernel().cpu((cpu.id + 1) % 4).raiseSoftirqRemote(Softirq.NET_TX);
                    if (--left > 0) {
                        mod(cpu, cpu.jiffies());
                    }
                }
            };
            kernel.openSoftirq(Softirq.NET_RX, cpu -> trace.add(clock.nanoTime() + " rx on " + cpu));
            kernel.openSoftirq(Softirq.NET_TX, cpu -> trace.add(clock.nanoTime() + " tx on " + cpu));
            Cpu cpu = kernel.localBhDisable(2);
            tick.mod(cpu, cpu.jiffies() + 1);
            cpu.localBhEnable();
            kernel.threads().joinAll();
            kernel.scheduler().sleep(1_000_000_000);
        }
        return trace;
    }

    @Test
    void shouldRunTheSameOrderFromTheSameSeedToTheNanosecond() {
        List<String> first = busyRun(42);
        assertThat(first).hasSize(500 + 150);
        assertThat(busyRun(42)).isEqualTo(first);
        assertThat(busyRun(43)).isNotEqualTo(first);
    }

    @Test
    void shouldPassTheBatonBetweenManyThreads() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            Mailbox ping = new Mailbox(kernel);
            Mailbox pong = new Mailbox(kernel);
            int rounds = 20_000;
            kernel.threads().start("a", () -> {
                for (int i = 0; i < rounds; i++) {
                    ping.put(i);
                    assertThat(pong.take()).isEqualTo(i);
                }
            });
            kernel.threads().start("b", () -> {
                for (int i = 0; i < rounds; i++) {
                    pong.put(ping.take());
                }
            });
            long start = System.nanoTime();
            kernel.threads().joinAll();
            System.out.printf("ping-pong: %d ns a round%n", (System.nanoTime() - start) / rounds);
        }
    }

    @Test
    void shouldJumpOverIdleTime() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            long start = kernel.clock().nanoTime();
            kernel.scheduler().sleep(3_600_000_000_000L);
            assertThat(kernel.clock().nanoTime() - start).isEqualTo(3_600_000_000_000L);
        }
    }

    @Test
    void shouldTimeOutAtTheDeadlineAndIgnoreItAfterAWakeUp() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            Scheduler scheduler = kernel.scheduler();
            Mailbox box = new Mailbox(kernel);
            long start = kernel.clock().nanoTime();
            assertThat(box.wq.waitEvent(scheduler, "mail", () -> box.value >= 0, start + 5_000_000))
                    .isFalse();
            assertThat(kernel.clock().nanoTime()).isEqualTo(start + 5_000_000);
            scheduler.schedule(start + 6_000_000, () -> {
                box.value = 1;
                box.wq.wakeAll(null);
            });
            assertThat(box.wq.waitEvent(scheduler, "mail", () -> box.value >= 0, start + 50_000_000))
                    .isTrue();
            assertThat(kernel.clock().nanoTime()).isEqualTo(start + 6_000_000);
            scheduler.sleep(100_000_000);
            assertThat(kernel.clock().nanoTime()).isEqualTo(start + 106_000_000);
        }
    }

    @Test
    void shouldNameEveryThreadInADeadlock() {
        Kernel kernel = Kernel.boot("clock=virtual");
        Mailbox box = new Mailbox(kernel);
        kernel.threads().start("reader one", box::take);
        kernel.threads().start("reader two", box::take);
        assertThatThrownBy(() -> kernel.threads().joinAll())
                .isInstanceOf(DeadlockException.class)
                .hasMessageContaining("main waits for thread reader one")
                .hasMessageContaining("reader one waits for mail")
                .hasMessageContaining("reader two waits for mail");
        kernel.close();
    }

    @Test
    void shouldSeeADeadlockBehindATimerThatNeverEnds() {
        Kernel kernel = Kernel.boot("clock=virtual");
        TimerList gc = new TimerList() {
            @Override
            protected void expire(Cpu cpu) {
                mod(cpu, cpu.jiffies() + 60_000);
            }
        };
        Cpu cpu = kernel.localBhDisable(0);
        gc.mod(cpu, cpu.jiffies() + 1);
        cpu.localBhEnable();
        Mailbox box = new Mailbox(kernel);
        assertThatThrownBy(box::take).isInstanceOf(DeadlockException.class).hasMessageContaining("24 hours");
        gc.del();
        kernel.close();
    }

    @Test
    void shouldEndBlockedThreadsWhenTheKernelCloses() {
        List<String> ended = new ArrayList<>();
        Kernel kernel = Kernel.boot("clock=virtual");
        Mailbox box = new Mailbox(kernel);
        for (String name : List.of("a", "b")) {
            kernel.threads().start(name, () -> {
                try {
                    box.take();
                } finally {
                    ended.add(name);
                }
            });
        }
        kernel.threads().start("never started", () -> ended.add("never"));
        kernel.scheduler().sleep(0);
        kernel.scheduler().sleep(1_000_000);
        kernel.close();
        assertThat(ended).contains("a", "b");
    }

    @Test
    void shouldRethrowWhatAThreadThrew() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            kernel.threads().start("bad", () -> {
                throw new IllegalArgumentException("no good");
            });
            assertThatThrownBy(() -> kernel.threads().joinAll()).hasMessage("no good");
        }
    }

    @Test
    void shouldReportABugInSoftirq() {
        Kernel kernel = Kernel.boot("clock=virtual", "cpus=2");
        kernel.openSoftirq(Softirq.NET_RX, cpu -> {
            throw new IllegalStateException("broken");
        });
        kernel.cpu(1).raiseSoftirqRemote(Softirq.NET_RX);
        assertThatThrownBy(() -> kernel.scheduler().sleep(1000))
                .hasMessageContaining("broken")
                .hasMessageContaining("NET_RX");
        assertThat(kernel.holdsNoCpu()).isTrue();
        assertThat(kernel.cpu(1).tryAcquire()).isTrue();
        kernel.cpu(1).localBhEnable();
        kernel.close();
    }

    @Test
    void shouldRefuseThreadsOfOthers() throws Exception {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            List<Throwable> seen = new ArrayList<>();
            kernel.threads().start("program", () -> {
                Thread stranger = new Thread(() -> {
                    try {
                        kernel.scheduler().syscallEnter();
                    } catch (IllegalStateException e) {
                        seen.add(e);
                    }
                });
                stranger.start();
                stranger.join();
            });
            kernel.threads().joinAll();
            assertThat(seen).singleElement().asString().contains("is no program thread");
        }
    }

    @Test
    void shouldInterruptABlockedThread() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            Mailbox box = new Mailbox(kernel);
            boolean[] interrupted = new boolean[1];
            KernelThread thread = kernel.threads().start("sleeper", () -> {
                Waiter waiter = kernel.scheduler().currentWaiter();
                WaitEntry entry = new WaitEntry(waiter);
                box.wq.add(entry);
                waiter.prepare();
                assertThat(kernel.scheduler().park(waiter, Clock.NEVER)).isTrue();
                interrupted[0] = waiter.interrupted();
                waiter.finish();
                box.wq.remove(entry);
            });
            kernel.scheduler().sleep(1_000);
            thread.interrupt();
            kernel.threads().joinAll();
            assertThat(interrupted[0]).isTrue();
        }
    }

    @Test
    void shouldHandleInterruptsAtTheirTime() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=2")) {
            List<String> trace = new ArrayList<>();
            long t0 = kernel.clock().nanoTime();
            kernel.openSoftirq(Softirq.NET_RX, cpu -> trace.add("poll on " + cpu));
            kernel.raiseIrq(
                    kernel.cpu(1),
                    cpu -> {
                        trace.add("irq at " + (cpu.nowNs() - t0));
                        cpu.raiseSoftirq(Softirq.NET_RX);
                    },
                    t0 + 7_000);
            IrqLine line = kernel.cpu(0).irqLine(cpu -> trace.add("line on " + cpu));
            line.raise();
            line.raise();
            kernel.scheduler().sleep(1_000_000);
            assertThat(trace).containsExactly("line on cpu/0", "irq at 7000", "poll on cpu/1");
            assertThat(line.count()).isEqualTo(1);
        }
    }

    @Test
    void shouldFireHrTimersToTheNanosecondWhenIdle() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            long t0 = kernel.clock().nanoTime();
            List<Long> fired = new ArrayList<>();
            HrTimer timer = new HrTimer() {
                @Override
                protected void expire(Cpu cpu, long nowNs) {
                    fired.add(nowNs - t0);
                    if (fired.size() < 3) {
                        start(cpu, nowNs + 12_345);
                    }
                }
            };
            Cpu cpu = kernel.localBhDisable(0);
            timer.start(cpu, t0 + 1_234_567);
            cpu.localBhEnable();
            kernel.scheduler().sleep(10_000_000);
            assertThat(fired).containsExactly(1_234_567L, 1_234_567L + 12_345, 1_234_567L + 2 * 12_345);
        }
    }
}
