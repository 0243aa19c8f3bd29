package net.core.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import net.core.Cpu;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HrTimerQueueTest {
    private static final class Recorder extends HrTimer {
        final List<Recorder> fired;
        long wanted = -1;

        Recorder(List<Recorder> fired) {
            this.fired = fired;
        }

        @Override
        protected void expire(Cpu cpu, long nowNs) {
            assertThat(nowNs).isGreaterThanOrEqualTo(wanted);
            fired.add(this);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldFireInOrderOfTime(long seed) {
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        HrTimerQueue queue = new HrTimerQueue(null, ignored -> {});
        List<Recorder> fired = new ArrayList<>();
        Recorder[] timers = new Recorder[200];
        for (int i = 0; i < timers.length; i++) {
            timers[i] = new Recorder(fired);
        }
        long now = 0;
        for (int step = 0; step < 50_000; step++) {
            Recorder timer = timers[random.nextInt(timers.length)];
            switch (random.nextInt(4)) {
                case 0 -> {
                    assertThat(timer.cancel()).isEqualTo(timer.wanted >= 0);
                    timer.wanted = -1;
                }
                case 1 -> {
                    now += random.nextInt(500);
                    fired.clear();
                    queue.run(now);
                    long last = 0;
                    for (Recorder r : fired) {
                        assertThat(r.wanted).isGreaterThanOrEqualTo(last);
                        last = r.wanted;
                        r.wanted = -1;
                    }
                    for (Recorder r : timers) {
                        assertThat(r.wanted == -1 || r.wanted > now).isTrue();
                    }
                }
                default -> {
                    timer.wanted = now + random.nextInt(5_000);
                    queue.start(timer, timer.wanted);
                }
            }
            long next = Clock.NEVER;
            int pending = 0;
            for (Recorder r : timers) {
                assertThat(r.pending()).isEqualTo(r.wanted >= 0);
                if (r.wanted >= 0) {
                    next = Math.min(next, r.wanted);
                    pending++;
                }
            }
            assertThat(queue.nextNs()).isEqualTo(next);
            assertThat(queue.size()).isEqualTo(pending);
        }
    }

    @Test
    void shouldTellOfEarlierTimesOnly() {
        List<Long> programmed = new ArrayList<>();
        HrTimerQueue queue = new HrTimerQueue(null, programmed::add);
        List<Recorder> fired = new ArrayList<>();
        Recorder a = new Recorder(fired);
        Recorder b = new Recorder(fired);
        queue.start(a, 100);
        queue.start(b, 200);
        queue.start(b, 50);
        b.cancel();
        queue.start(b, 150);
        assertThat(programmed).containsExactly(100L, 50L);
    }
}
