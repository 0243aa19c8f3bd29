package net.core;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A module's typed slot in every CPU. Only the holder of the CPU's word writes what it leads to.
 * Linux: DEFINE_PER_CPU, include/linux/percpu-defs.h.
 *
 * @param <T> what the slot holds
 */
public final class PerCpu<T> {
    private static final AtomicInteger NEXT_SLOT = new AtomicInteger();

    /** The number to use with {@link Cpu#local(int)}. */
    public final int slot = nextSlot();

    /** A slot of its own. */
    public PerCpu() {}

    static int nextSlot() {
        return NEXT_SLOT.getAndIncrement();
    }

    /** This CPU's object. Set by {@link KernelModule#init} for every CPU. */
    public T get(Cpu cpu) {
        return cpu.local(slot);
    }

    /** Sets this CPU's object. Context: module init and exit. */
    public void set(Cpu cpu, @Nullable T value) {
        cpu.setLocal(slot, value);
    }
}
