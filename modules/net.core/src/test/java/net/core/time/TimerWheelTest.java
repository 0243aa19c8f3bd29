package net.core.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The wheel against an obvious reference: a timer's own expiry time and the granularity of its distance. */
class TimerWheelTest {
    /** A timer that knows when it was armed last, and checks when it fires. */
    private static final class Checked extends TimerList {
        final List<Long> lateness;
        long armedAt;
        long wanted = -1;
        int fired;

        Checked(List<Long> lateness) {
            this.lateness = lateness;
        }

        @Override
        protected void expire(Cpu cpu) {
            long now = cpu.kernel().clock().jiffies();
            assertThat(wanted).as("fires although not armed").isNotNegative();
            assertThat(now).as("fires early").isGreaterThanOrEqualTo(wanted);
            long delta = Math.max(0, wanted - armedAt);
            long late = now - wanted;
            // One slot of the level that the distance at arming time needs, plus the jiffy of rounding.
            assertThat(late).as("armed at %d for %d", armedAt, wanted).isLessThanOrEqualTo(slack(delta));
            lateness.add(late);
            wanted = -1;
            fired++;
        }

        static long slack(long delta) {
            int level = 0;
            while (level < TimerWheel.LEVELS - 1 && delta >= 63L << (3 * level)) {
                level++;
            }
            return (1L << (3 * level)) + 2;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void shouldFireEveryTimerOnceWithinItsGranularity(long seed) {
        System.out.println("seed " + seed);
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=2", "seed=" + seed)) {
            SplittableRandom random = new SplittableRandom(seed);
            List<Long> lateness = new ArrayList<>();
            Checked[] timers = new Checked[50];
            for (int i = 0; i < timers.length; i++) {
                timers[i] = new Checked(lateness);
            }
            int armed = 0;
            for (int step = 0; step < 3_000; step++) {
                Checked timer = timers[random.nextInt(timers.length)];
                Cpu cpu = kernel.localBhDisable(random.nextInt(2));
                long now = cpu.jiffies();
                assertThat(timer.pending()).isEqualTo(timer.wanted >= 0);
                if (random.nextInt(4) == 0) {
                    assertThat(timer.del()).isEqualTo(timer.wanted >= 0);
                    timer.wanted = -1;
                } else {
                    long delta = random.nextInt(10) == 0 ? -3 : 1L << random.nextInt(22);
                    long expires = now + delta + random.nextInt(100);
                    boolean was = timer.wanted >= 0;
                    if (random.nextInt(4) == 0) {
                        assertThat(timer.modPending(cpu, expires)).isEqualTo(was);
                        if (!was) {
                            cpu.localBhEnable();
                            continue;
                        }
                    } else {
                        assertThat(timer.mod(cpu, expires)).isEqualTo(was);
                    }
                    timer.wanted = expires;
                    timer.armedAt = now;
                    armed++;
                }
                cpu.localBhEnable();
                kernel.scheduler().sleep(random.nextLong(1L << (10 + random.nextInt(26))));
            }
            kernel.scheduler().sleep(10_000_000L * 1_000_000L);
            for (Checked timer : timers) {
                assertThat(timer.pending()).isFalse();
                assertThat(timer.wanted).isEqualTo(-1);
            }
            assertThat(lateness).hasSizeGreaterThan(armed / 10);
        }
    }

    @Test
    void shouldNotTouchTheWheelWhenATimerIsOnlyMovedLater() {
        List<Long> programmed = new ArrayList<>();
        TimerWheel wheel = new TimerWheel(null, 1000, programmed::add);
        List<Long> fired = new ArrayList<>();
        TimerList timer = new TimerList() {
            @Override
            protected void expire(Cpu cpu) {
                fired.add(expires);
            }
        };
        assertThat(wheel.mod(timer, 1010)).isFalse();
        int slot = timer.slot;
        for (int i = 11; i < 200; i++) {
            assertThat(wheel.mod(timer, 1000 + i)).isTrue();
            assertThat(timer.slot).isEqualTo(slot);
        }
        assertThat(programmed).containsExactly(1011L);
        for (long now = 1001; now < 1199; now++) {
            wheel.run(now);
        }
        assertThat(fired).isEmpty();
        assertThat(timer.pending()).isTrue();
        for (long now = 1199; now < 1240; now++) {
            wheel.run(now);
        }
        assertThat(fired).containsExactly(1199L);
    }

    @Test
    void shouldKeepATimerBeyondTheLastLevel() {
        TimerWheel wheel = new TimerWheel(null, 0, ignored -> {});
        int[] fired = new int[1];
        TimerList timer = new TimerList() {
            @Override
            protected void expire(Cpu cpu) {
                fired[0]++;
            }
        };
        long expires = 3 * TimerWheel.MAX_DELTA;
        wheel.mod(timer, expires);
        long now = 0;
        while (fired[0] == 0) {
            now = wheel.nextExpiry();
            wheel.run(now);
        }
        assertThat(now).isBetween(expires, expires + (1L << 24) + 1);
    }

    @Test
    void shouldFindTheNextExpiryAfterADeletion() {
        TimerWheel wheel = new TimerWheel(null, 5, ignored -> {});
        TimerList near = new Nothing();
        TimerList far = new Nothing();
        wheel.mod(near, 10);
        wheel.mod(far, 10_000);
        assertThat(wheel.nextExpiry()).isEqualTo(11);
        assertThat(near.del()).isTrue();
        assertThat(near.del()).isFalse();
        assertThat(wheel.nextExpiry()).isBetween(10_000L, 10_000L + 512);
        far.del();
        assertThat(wheel.nextExpiry()).isEqualTo(TimerWheel.NO_EXPIRY);
    }

    private static final class Nothing extends TimerList {
        @Override
        protected void expire(Cpu cpu) {}
    }

    /** Moving a timer, and queueing again one that was moved lazily, take it out of a list for a moment. */
    @Test
    void shouldStayPendingToOthersWhileItMoves() throws InterruptedException {
        TimerWheel wheel = new TimerWheel(null, 0, ignored -> {});
        TimerList timer = new TimerList() {
            @Override
            protected void expire(Cpu cpu) {
                throw new AssertionError("fires although always moved on");
            }
        };
        wheel.mod(timer, 10);
        AtomicBoolean done = new AtomicBoolean();
        AtomicLong looks = new AtomicLong();
        AtomicLong idle = new AtomicLong();
        Thread other = new Thread(() -> {
            while (!done.get()) {
                looks.incrementAndGet();
                if (!timer.pending()) {
                    idle.incrementAndGet();
                }
            }
        });
        other.start();
        for (long now = 1; now < 400_000 || looks.get() < 1_000; now++) {
            wheel.mod(timer, now + ((now & 1) == 0 ? 2 : 5));
            wheel.run(now);
        }
        done.set(true);
        other.join();
        assertThat(idle.get()).as("of %d looks saw it disarmed", looks.get()).isZero();
        assertThat(timer.del()).isTrue();
    }
}
