package drivers.tapnic;

import net.core.Cpu;
import net.core.time.HrTimer;
import net.skbuff.HotPath;

/**
 * Holds an interrupt back until its time has come or enough has gathered: one half of a card's {@link Coalescing}.
 *
 * <p>An event that finds the timer pending needs no more: what it reports was written before, and the poll that the timer
 * brings sees it.
 *
 * <p>Context: {@link #event} by the holder of a CPU, one at a time; {@link #expire} by the CPU that started the timer,
 * perhaps at once with an event: the count is then off by a few and the interrupt early, never missing.
 */
final class IrqModerator extends HrTimer {
    /** The interrupt. Context: holds a CPU's word. */
    @FunctionalInterface
    interface Vector {
        void raise(Cpu cpu);
    }

    private final Vector vector;
    private volatile int usecs;
    private volatile int frames;
    private int waiting;

    IrqModerator(Vector vector, int usecs, int frames) {
        this.vector = vector;
        this.usecs = usecs;
        this.frames = frames;
    }

    void set(int newUsecs, int newFrames) {
        usecs = newUsecs;
        frames = newFrames;
    }

    /** There are {@code n} things more to report. */
    @HotPath
    void event(Cpu cpu, int n) {
        if (usecs == 0) {
            vector.raise(cpu);
            return;
        }
        waiting += n;
        if (frames != 0 && waiting >= frames) {
            cancel();
            waiting = 0;
            vector.raise(cpu);
        } else if (!pending()) {
            start(cpu, cpu.nowNs() + usecs * 1_000L);
        }
    }

    @Override
    protected void expire(Cpu cpu, long nowNs) {
        waiting = 0;
        vector.raise(cpu);
    }
}
