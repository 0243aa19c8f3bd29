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
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A CPU's word against its pending bits (docs/locking.md): the holder gives the word back and looks for work; who raises a
 * softirq sets the bit and leaves if the word is taken. The accesses are those of {@code Cpu.giveBack},
 * {@code softirqPending}, {@code raiseRemote} and {@code tryAcquire}, in their order, on fields of their own: a kernel for
 * each of a million states would be too many. {@code LiveTest} aims at the same pair in a kernel.
 */
public final class ReleaseAgainstRaise {
    private static final VarHandle WORD;
    private static final VarHandle PENDING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            WORD = lookup.findVarHandle(Words.class, "word", int.class);
            PENDING = lookup.findVarHandle(Words.class, "remotePending", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private ReleaseAgainstRaise() {}

    /** What a CPU is to this test: held, with nothing to do. */
    static class Words {
        volatile int word = 1;
        volatile int remotePending;

        /** Cpu.giveBack(). */
        final void giveBack(boolean fence) {
            WORD.setRelease(this, 0);
            if (fence) {
                VarHandle.fullFence();
            }
        }

        /** Cpu.release(): 1 if it sees the bit. */
        final int look() {
            return remotePending != 0 ? 1 : 0;
        }

        /** Cpu.raiseRemote(), then whether the raiser finds the word free and acts itself. */
        final int raise() {
            PENDING.getAndBitwiseOr(this, 1);
            return word == 0 ? 1 : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "Nobody serves the softirq.")
    @Outcome(expect = ACCEPTABLE, desc = "Somebody serves it.")
    public static class WithFence extends Words {
        @Actor
        public void holder(II_Result r) {
            giveBack(true);
            r.r1 = look();
        }

        @Actor
        public void raiser(II_Result r) {
            r.r2 = raise();
        }
    }

    /** The alternative that is wrong: shows that this harness sees what the fence is for. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE_INTERESTING, desc = "Lost, as it must be without the fence.")
    @Outcome(expect = ACCEPTABLE, desc = "Somebody serves it.")
    public static class WithoutFence extends Words {
        @Actor
        public void holder(II_Result r) {
            giveBack(false);
            r.r1 = look();
        }

        @Actor
        public void raiser(II_Result r) {
            r.r2 = raise();
        }
    }
}
