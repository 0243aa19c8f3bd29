package net.core;

import static org.assertj.core.api.Assertions.assertThat;

import net.core.task.Waiter;
import org.junit.jupiter.api.Test;

/** When a thread that stands in for a worker stops running softirqs. */
class CpuGuestTest {
    /** Softirq work without end, which may bring what the guest waits for. */
    private static final class Endless extends Tasklet {
        final Waiter wake;
        final int atRun;
        int runs;

        Endless(Waiter wake, int atRun) {
            this.wake = wake;
            this.atRun = atRun;
        }

        @Override
        protected void run(Cpu cpu) {
            if (++runs == atRun) {
                wake.wake(cpu);
            }
            cpu.taskletSchedule(this);
        }
    }

    private static int runsUntilLeft(int wakeAtRun) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=1")) {
            Cpu cpu = kernel.cpu(0);
            Waiter waiter = kernel.scheduler().currentWaiter();
            waiter.prepare();
            Endless work = new Endless(waiter, wakeAtRun);
            cpu.taskletScheduleRemote(work);
            assertThat(cpu.tryRunSoftirqs(waiter)).isTrue();
            assertThat(cpu.softirqPending()).as("the rest is the worker's").isTrue();
            assertThat(cpu.deferrals).isEqualTo(1);
            int runs = work.runs;
            cpu.localBhDisable();
            cpu.localBhEnable();
            assertThat(work.runs - runs).as("nobody else is bound by that wait").isEqualTo(Cpu.MAX_RESTART);
            waiter.finish();
            return runs;
        }
    }

    @Test
    void shouldGoBackToItsProgramAsSoonAsItsWaitIsOver() {
        assertThat(runsUntilLeft(1)).isEqualTo(1);
        assertThat(runsUntilLeft(3)).isEqualTo(3);
    }

    @Test
    void shouldServeOthersUpToTheBoundOtherwise() {
        assertThat(runsUntilLeft(Integer.MAX_VALUE)).isEqualTo(Cpu.MAX_RESTART);
    }
}
