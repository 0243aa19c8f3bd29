package net.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import net.core.sys.Sys;
import net.core.task.KernelThread;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.core.time.TimerList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread that waits for packets in the place of cpu/0's worker. The device is an eventfd; nothing is timed. */
@Timeout(60)
class CpuIdleTest {
    private static final int ROUNDS = Boolean.getBoolean("softnet.full") ? 200_000 : 20_000;
    /** On a loaded machine a round takes two turns of the scheduler. */
    private static final long ENOUGH_NS = Boolean.getBoolean("softnet.full") ? 40_000_000_000L : 10_000_000_000L;

    private Kernel kernel;
    private Cpu cpu;
    private CpuIdle idle;
    private int device;
    private final WaitQueueHead wq = new WaitQueueHead();
    /** What the device's softirq has taken in, and who ran it last. */
    private final AtomicLong mail = new AtomicLong();

    private final AtomicReference<Thread> ranBy = new AtomicReference<>();

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("cpus=1", "waitspin=0", "debug");
        cpu = kernel.cpu(0);
        idle = cpu.worker().idle();
        device = Sys.check(Sys.eventfd(0, Sys.EFD_NONBLOCK | Sys.EFD_CLOEXEC), "eventfd");
        kernel.openSoftirq(Softirq.NET_RX, c -> {
            ranBy.set(Thread.currentThread());
            mail.incrementAndGet();
            wq.wake(c, 0, 0);
        });
        cpu.requestIrq(device, c -> c.raiseSoftirq(Softirq.NET_RX));
    }

    @AfterEach
    void close() {
        cpu.freeIrq(device);
        kernel.close();
        Sys.close(device);
    }

    /** Waits for mail past {@code seen}; whether it came. */
    private boolean waitForMail(long seen, long deadlineNs) {
        Waiter waiter = kernel.scheduler().currentWaiter();
        WaitEntry entry = waiter.entry();
        wq.add(entry);
        try {
            while (true) {
                waiter.waitsFor("mail").expectsCpu(0).prepare();
                if (mail.get() > seen) {
                    return true;
                }
                if (!kernel.scheduler().park(waiter, deadlineNs) || waiter.interrupted()) {
                    return mail.get() > seen;
                }
            }
        } finally {
            waiter.finish();
            wq.remove(entry);
        }
    }

    private void awaitGuest(long atLeast) {
        while (idle.waits() < atLeast) {
            Thread.onSpinWait();
        }
    }

    @Test
    void shouldTakeTheInterruptInTheWaitingThread() {
        KernelThread reader = kernel.threads().start("reader", () -> {
            while (ranBy.get() != Thread.currentThread()) {
                // The worker may have been awake at first, or the test's write late: then it is parked, and tries
                // again.
                assertThat(waitForMail(mail.get(), Clock.NEVER)).isTrue();
            }
        });
        while (!reader.isDone()) {
            Sys.eventfdSignal(device);
            Thread.yield();
        }
        kernel.threads().join(reader);
        assertThat(idle.interrupts()).isPositive();
    }

    /** Interrupts aimed at every moment of going in and coming out: whoever hears the device, somebody must. */
    @Test
    void shouldLoseNoInterruptBetweenWorkerAndGuest() {
        AtomicInteger turn = new AtomicInteger();
        KernelThread reader = kernel.threads().start("reader", () -> {
            long enough = System.nanoTime() + ENOUGH_NS;
            for (int round = 1; round <= ROUNDS && System.nanoTime() < enough; round++) {
                long seen = mail.get();
                turn.set(round);
                assertThat(waitForMail(seen, kernel.clock().nanoTime() + 20_000_000_000L))
                        .as("lost in round %d", round)
                        .isTrue();
            }
        });
        for (int round = 1; round <= ROUNDS && !reader.isDone(); round++) {
            while (turn.get() < round && !reader.isDone()) {
                Thread.yield(); // not a spin: the reader may want this core
            }
            for (int i = round * 7 & 1023; i > 0; i--) {
                Thread.onSpinWait();
            }
            Sys.eventfdSignal(device);
        }
        kernel.threads().join(reader);
        System.out.printf("stood in %d times, took %d interrupts of %d%n", idle.waits(), idle.interrupts(), turn.get());
        assertThat(idle.interrupts()).isPositive();
    }

    /** Wake-ups by another thread, without the device: a store, or a kick of the native wait. */
    @Test
    void shouldLoseNoWakeUpInTheNativeWait() {
        AtomicInteger turn = new AtomicInteger();
        KernelThread reader = kernel.threads().start("reader", () -> {
            long enough = System.nanoTime() + ENOUGH_NS;
            for (int round = 1; round <= ROUNDS && System.nanoTime() < enough; round++) {
                long seen = mail.get();
                turn.set(round);
                assertThat(waitForMail(seen, kernel.clock().nanoTime() + 20_000_000_000L))
                        .as("lost in round %d", round)
                        .isTrue();
            }
        });
        for (int round = 1; round <= ROUNDS && !reader.isDone(); round++) {
            while (turn.get() < round && !reader.isDone()) {
                Thread.yield(); // not a spin: the reader may want this core
            }
            for (int i = round * 5 & 1023; i > 0; i--) {
                Thread.onSpinWait();
            }
            mail.incrementAndGet();
            wq.wakeAll(null);
        }
        kernel.threads().join(reader);
        assertThat(idle.waits()).isPositive();
    }

    @Test
    void shouldLeaveTheWordAndTheTimersToOthers() throws InterruptedException {
        KernelThread reader = kernel.threads().start("reader", () -> waitForMail(mail.get(), Clock.NEVER));
        awaitGuest(1);
        AtomicReference<Thread> fired = new AtomicReference<>();
        TimerList timer = new TimerList() {
            @Override
            protected void expire(Cpu c) {
                fired.set(Thread.currentThread());
            }
        };
        cpu.localBhDisable();
        timer.mod(cpu, cpu.jiffies() + 2);
        cpu.localBhEnable();
        while (fired.get() == null) {
            Thread.onSpinWait();
        }
        assertThat(fired.get().getName()).isEqualTo("cpu/0");
        cpu.raiseSoftirqRemote(Softirq.NET_RX);
        kernel.threads().join(reader);
    }

    @Test
    void shouldHearTheDeviceInTheWorkerOnceNobodyWaits() {
        KernelThread reader = kernel.threads().start("reader", () -> {
            // An idle stretch: it gives the devices back by itself and is woken from its park.
            assertThat(waitForMail(mail.get(), kernel.clock().nanoTime() + 3 * CpuIdle.IDLE_NS))
                    .isFalse();
        });
        kernel.threads().join(reader);
        assertThat(idle.waits()).isPositive();
        long seen = mail.get();
        Sys.eventfdSignal(device);
        while (mail.get() == seen) {
            Thread.onSpinWait();
        }
        assertThat(ranBy.get().getName()).isEqualTo("cpu/0");
    }

    @Test
    void shouldNoticeAnInterruptOfTheThread() {
        AtomicInteger ended = new AtomicInteger();
        KernelThread reader = kernel.threads().start("reader", () -> {
            assertThat(waitForMail(mail.get(), Clock.NEVER)).isFalse();
            assertThat(Thread.interrupted()).isTrue();
            ended.set(1);
        });
        awaitGuest(1);
        reader.interrupt();
        kernel.threads().join(reader);
        assertThat(ended.get()).isEqualTo(1);
    }

    @Test
    void shouldNotStandInOnAVirtualThread() {
        KernelThread reader = kernel.threads().startVirtual("reader", () -> waitForMail(mail.get(), Clock.NEVER));
        while (!reader.isDone()) {
            Sys.eventfdSignal(device);
            Thread.yield();
        }
        assertThat(idle.waits()).isZero();
    }

    @Test
    void shouldSendTheGuestAwayWhenTheKernelCloses() {
        KernelThread reader = kernel.threads().start("reader", () -> waitForMail(mail.get(), Clock.NEVER));
        awaitGuest(1);
        kernel.close();
        mail.incrementAndGet();
        wq.wakeAll(null);
        while (!reader.isDone()) {
            Thread.onSpinWait();
        }
        assertThat(reader.failure()).isNull();
    }
}
