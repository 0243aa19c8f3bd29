package net.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.core.task.WaitEntry;
import net.core.task.Waiter;
import org.junit.jupiter.api.Test;

class CpuTest {
    @Test
    void shouldRunSoftirqsAtTheOutermostEnableOnly() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            int[] runs = new int[1];
            kernel.openSoftirq(Softirq.NET_RX, cpu -> {
                assertThat(cpu.inSoftirq()).isTrue();
                assertThat(cpu.held()).isTrue();
                runs[0]++;
                // Nesting inside softirq starts nothing.
                cpu.localBhDisable();
                cpu.localBhEnable();
            });
            Cpu cpu = kernel.localBhDisable(0);
            cpu.localBhDisable();
            cpu.raiseSoftirq(Softirq.NET_RX);
            cpu.raiseSoftirq(Softirq.NET_RX);
            cpu.localBhEnable();
            assertThat(runs[0]).isZero();
            assertThat(cpu.held()).isTrue();
            cpu.localBhEnable();
            assertThat(runs[0]).isEqualTo(1);
            assertThat(cpu.held()).isFalse();
            assertThat(cpu.inSoftirq()).isFalse();
        }
    }

    @Test
    void shouldRunSoftirqsInTheirOrder() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            List<String> order = new ArrayList<>();
            kernel.openSoftirq(Softirq.NET_RX, cpu -> order.add("rx"));
            kernel.openSoftirq(Softirq.NET_TX, cpu -> order.add("tx"));
            Cpu cpu = kernel.localBhDisable(0);
            cpu.taskletSchedule(tasklet(order, "tasklet"));
            cpu.taskletHiSchedule(tasklet(order, "hi"));
            cpu.raiseSoftirq(Softirq.NET_RX);
            cpu.raiseSoftirq(Softirq.NET_TX);
            cpu.localBhEnable();
            assertThat(order).containsExactly("hi", "tx", "rx", "tasklet");
        }
    }

    @Test
    void shouldLeaveEndlessSoftirqsToTheWorkerAfterTenRounds() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            int[] runs = new int[1];
            int limit = 35;
            kernel.openSoftirq(Softirq.NET_TX, cpu -> {
                if (++runs[0] < limit) {
                    cpu.raiseSoftirq(Softirq.NET_TX);
                }
            });
            Cpu cpu = kernel.localBhDisable(0);
            cpu.raiseSoftirq(Softirq.NET_TX);
            cpu.localBhEnable();
            assertThat(runs[0]).isEqualTo(Cpu.MAX_RESTART);
            assertThat(cpu.deferrals).isEqualTo(1);
            assertThat(cpu.held()).isFalse();
            kernel.scheduler().sleep(1);
            kernel.scheduler().sleep(1_000_000);
            assertThat(runs[0]).isEqualTo(limit);
        }
    }

    @Test
    void shouldLeaveLongSoftirqsToTheWorkerAfterTwoMilliseconds() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            int[] runs = new int[1];
            kernel.openSoftirq(Softirq.NET_RX, cpu -> {
                kernel.scheduler().charge(900_000);
                if (++runs[0] < 100) {
                    cpu.raiseSoftirq(Softirq.NET_RX);
                }
            });
            Cpu cpu = kernel.localBhDisable(0);
            cpu.raiseSoftirq(Softirq.NET_RX);
            cpu.localBhEnable();
            assertThat(runs[0]).isEqualTo(3);
        }
    }

    @Test
    void shouldTakeAnotherCpuWhenTheHintedOneIsBusy() throws Exception {
        try (Kernel kernel = Kernel.boot("cpus=2")) {
            Cpu mine = kernel.localBhDisable(1);
            assertThat(mine.id).isEqualTo(1);
            int[] other = {-1};
            Thread thread = new Thread(() -> {
                Cpu cpu = kernel.localBhDisable(1);
                other[0] = cpu.id;
                cpu.localBhEnable();
            });
            thread.start();
            thread.join();
            assertThat(other[0]).isZero();
            mine.localBhEnable();
        }
    }

    @Test
    void shouldRefuseToBlockAsACpu() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug")) {
            Cpu cpu = kernel.localBhDisable(0);
            assertThatThrownBy(() -> kernel.scheduler().sleep(1)).hasMessageContaining("holding a CPU");
            assertThatThrownBy(() -> kernel.rtnl().lock()).hasMessageContaining("holding a CPU");
            cpu.localBhEnable();
        }
    }

    @Test
    void shouldWakeThreadsAfterThePollAndInOrder() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            net.core.task.WaitQueueHead wq = new net.core.task.WaitQueueHead();
            List<String> woken = new ArrayList<>();
            for (String name : List.of("a", "b", "c")) {
                kernel.threads().start(name, () -> {
                    Waiter waiter = kernel.scheduler().currentWaiter();
                    WaitEntry entry = new WaitEntry(waiter, WaitEntry.AUTOREMOVE);
                    wq.addExclusive(entry);
                    waiter.prepare();
                    kernel.scheduler().park(waiter, net.core.time.Clock.NEVER);
                    waiter.finish();
                    wq.remove(entry);
                    woken.add(name);
                });
            }
            kernel.scheduler().sleep(1_000);
            for (int i = 1; i <= 3; i++) {
                Cpu cpu = kernel.localBhDisable(0);
                wq.wake(cpu, 0, 1);
                cpu.localBhEnable();
                kernel.scheduler().sleep(1_000);
                assertThat(woken).hasSize(i);
            }
            kernel.threads().joinAll();
        }
    }

    /** A bug in one interrupt handler costs neither the lines behind it nor the softirqs that were pending. */
    @Test
    void shouldHandleTheLinesBehindAHandlerWithABug() {
        Kernel kernel = Kernel.boot("clock=virtual");
        List<String> order = new ArrayList<>();
        kernel.openSoftirq(Softirq.NET_RX, cpu -> order.add("rx"));
        Cpu cpu = kernel.localBhDisable(0);
        IrqLine broken = cpu.irqLine(c -> {
            throw new IllegalStateException("planted");
        });
        IrqLine behind = cpu.irqLine(c -> order.add("behind"));
        broken.raise();
        behind.raise();
        cpu.raiseSoftirq(Softirq.NET_RX);
        assertThatThrownBy(cpu::localBhEnable).hasMessageContaining("planted");
        assertThat(order).containsExactly("behind");
        assertThat(cpu.inInterrupt()).isFalse();
        kernel.scheduler().sleep(1_000_000);
        assertThat(order).containsExactly("behind", "rx");
        behind.raise();
        kernel.scheduler().sleep(1_000_000);
        assertThat(order).containsExactly("behind", "rx", "behind");
        kernel.close();
    }

    private static Tasklet tasklet(List<String> order, String name) {
        return new Tasklet() {
            @Override
            protected void run(Cpu cpu) {
                order.add(name);
            }
        };
    }
}
