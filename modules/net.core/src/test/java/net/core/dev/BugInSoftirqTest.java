package net.core.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Tasklet;
import net.core.time.TimerList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A bug in one callback of a live kernel costs that callback alone: what stood behind it runs, what it owned is free. */
@Timeout(30)
class BugInSoftirqTest {
    private final Kernel kernel = Kernel.boot("cpus=1", "net.core.default_qdisc=noqueue");

    @AfterEach
    void shouldReportItAtTheEnd() {
        assertThatThrownBy(kernel::close).hasMessageContaining("softirq failed").hasMessageContaining("planted");
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(20, TimeUnit.SECONDS)).as("still alive").isTrue();
    }

    /** A queue whose first poll fails. */
    private static final class Queue extends NapiStruct {
        final CountDownLatch polled = new CountDownLatch(2);
        private boolean plant;

        Queue(NetDevice dev, boolean plant) {
            super(dev, NAPI_POLL_WEIGHT);
            this.plant = plant;
        }

        @Override
        protected int poll(Cpu cpu, int budget) {
            polled.countDown();
            if (plant) {
                plant = false;
                throw new IllegalStateException("planted");
            }
            complete(cpu);
            return 0;
        }
    }

    @Test
    void shouldPollOn() throws Exception {
        StubDevice nic = StubDevice.up(kernel.initNet(), "eth%d");
        Queue broken = new Queue(nic.dev, true);
        Queue behind = new Queue(nic.dev, false);
        broken.enable();
        behind.enable();
        Cpu cpu = kernel.localBhDisable(0);
        broken.schedule(cpu);
        behind.schedule(cpu);
        cpu.localBhEnable();
        await(broken.polled); // again, though nobody has scheduled it
        cpu = kernel.localBhDisable(0);
        behind.schedule(cpu);
        cpu.localBhEnable();
        await(behind.polled);
        broken.disable(); // would wait for ever for an owner that is gone
        behind.disable();
        broken.delete();
        behind.delete();
    }

    /** Busy polling is a thread's own call: it gets the bug, and the instance back to NET_RX. */
    @Test
    void shouldGiveBackWhatWasBusyPolled() throws Exception {
        StubDevice nic = StubDevice.up(kernel.initNet(), "eth%d");
        Queue broken = new Queue(nic.dev, true);
        broken.enable();
        Cpu cpu = kernel.localBhDisable(0);
        assertThatThrownBy(() -> broken.busyPoll(cpu, 8)).hasMessage("planted");
        cpu.localBhEnable();
        await(broken.polled); // the round in NET_RX that ends it
        Cpu again = kernel.localBhDisable(0);
        assertThat(broken.isScheduled()).isFalse();
        assertThat(broken.busyPoll(again, 8)).isZero();
        again.localBhEnable();
        broken.disable(); // would wait for ever for an owner that is gone
        broken.delete();
        kernel.cpu(0).oops("softirq", new IllegalStateException("planted")); // what the check at the end expects
    }

    @Test
    void shouldRunTheTimersAndTaskletsBehindIt() throws Exception {
        CountDownLatch timers = new CountDownLatch(6);
        CountDownLatch tasklets = new CountDownLatch(3);
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < 6; i++) {
            new TimerList() {
                @Override
                protected void expire(Cpu on) {
                    timers.countDown();
                    throw new IllegalStateException("planted");
                }
            }.mod(cpu, cpu.jiffies() + 2);
        }
        for (int i = 0; i < 3; i++) {
            cpu.taskletSchedule(new Tasklet() {
                @Override
                protected void run(Cpu on) {
                    tasklets.countDown();
                    throw new IllegalStateException("planted");
                }
            });
        }
        cpu.localBhEnable();
        await(tasklets);
        await(timers);
    }
}
