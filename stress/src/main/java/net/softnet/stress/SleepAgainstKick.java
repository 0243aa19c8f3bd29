package net.softnet.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A worker that falls asleep against those with work for it: it publishes {@code sleeping} and looks once more; they publish
 * the work, look at {@code sleeping}, and whoever clears it writes the eventfd. The accesses are those of
 * {@code Cpu.publishSleeping}, {@code raiseRemote} and {@code ipi}.
 */
public final class SleepAgainstKick {
    private static final VarHandle SLEEPING;
    private static final VarHandle PENDING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SLEEPING = lookup.findVarHandle(Words.class, "sleeping", int.class);
            PENDING = lookup.findVarHandle(Words.class, "remotePending", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private SleepAgainstKick() {}

    /** What a CPU is to this test: its word free, its worker awake with nothing to do. */
    static class Words {
        volatile int sleeping;
        volatile int remotePending;

        /** CpuWorker.run(): 1 if it sees work and stays awake. */
        final int fallAsleep() {
            SLEEPING.setVolatile(this, 1);
            VarHandle.fullFence();
            return remotePending != 0 ? 1 : 0;
        }

        /** The same with what a mere release would be. */
        final int fallAsleepWithoutFence() {
            SLEEPING.setRelease(this, 1);
            return remotePending != 0 ? 1 : 0;
        }

        /** Cpu.raiseRemote() and ipi(): 1 if this one writes the eventfd. */
        final int raise(int bit) {
            PENDING.getAndBitwiseOr(this, bit);
            return sleeping != 0 && SLEEPING.compareAndSet(this, 1, 0) ? 1 : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "The worker sleeps on its work.")
    @Outcome(expect = ACCEPTABLE, desc = "It stays awake or is woken.")
    public static class WithFence extends Words {
        @Actor
        public void worker(II_Result r) {
            r.r1 = fallAsleep();
        }

        @Actor
        public void producer(II_Result r) {
            r.r2 = raise(1);
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE_INTERESTING, desc = "Lost, as it must be without the fence.")
    @Outcome(expect = ACCEPTABLE, desc = "It stays awake or is woken.")
    public static class WithoutFence extends Words {
        @Actor
        public void worker(II_Result r) {
            r.r1 = fallAsleepWithoutFence();
        }

        @Actor
        public void producer(II_Result r) {
            r.r2 = raise(1);
        }
    }

    /** Two producers: the eventfd is written once at the most. */
    @JCStressTest
    @State
    @Outcome(
            id = {"0, 0, 0", "0, 1, 1", "1, 1, 1"},
            expect = FORBIDDEN,
            desc = "Asleep, or two kicks for one sleep.")
    @Outcome(expect = ACCEPTABLE, desc = "Awake, or one kick.")
    public static class TwoProducers extends Words {
        @Actor
        public void worker(III_Result r) {
            r.r1 = fallAsleep();
        }

        @Actor
        public void producer(III_Result r) {
            r.r2 = raise(1);
        }

        @Actor
        public void another(III_Result r) {
            r.r3 = raise(2);
        }
    }
}
