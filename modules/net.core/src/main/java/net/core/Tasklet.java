package net.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Deferred work that runs once in TASKLET softirq however often it is scheduled before. It never runs on two CPUs at
 * once; a CPU that finds it running elsewhere keeps it for its next round.
 *
 * <p>Context: {@link Cpu#taskletSchedule} by the holder of a CPU; {@link #run} in softirq of that CPU.
 *
 * <p>Linux: struct tasklet_struct, kernel/softirq.c.
 */
public abstract class Tasklet {
    private static final int STATE_SCHED = 1;
    private static final int STATE_RUN = 2;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Tasklet.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The next of the CPU's list. Holder of the CPU that queued it. */
    @Nullable
    Tasklet next;

    private volatile int state;

    /** A tasklet that is not scheduled. */
    protected Tasklet() {}

    /** The work. Context: softirq. */
    protected abstract void run(Cpu cpu);

    /** Whether it is queued and has not begun to run. */
    public final boolean scheduled() {
        return (state & STATE_SCHED) != 0;
    }

    /** Claims it for one CPU's list. */
    final boolean markScheduled() {
        return ((int) STATE.getAndBitwiseOr(this, STATE_SCHED) & STATE_SCHED) == 0;
    }

    /** From here on it can be scheduled again, by its own callback too. */
    final void clearScheduled() {
        STATE.getAndBitwiseAnd(this, ~STATE_SCHED);
    }

    final boolean tryRun() {
        return ((int) STATE.getAndBitwiseOr(this, STATE_RUN) & STATE_RUN) == 0;
    }

    final void endRun() {
        STATE.getAndBitwiseAnd(this, ~STATE_RUN);
    }
}
