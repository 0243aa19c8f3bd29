package net.core;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A module's typed slot in every {@link Kernel}: what would be a static variable in C.
 *
 * @param <T> what the slot holds
 */
public final class PerKernel<T> {
    private static final AtomicInteger NEXT_SLOT = new AtomicInteger();

    final int slot = NEXT_SLOT.getAndIncrement();

    /** A slot of its own. */
    public PerKernel() {}

    /** This kernel's object. Set by {@link KernelModule#init}; reading it before is a bug. */
    public T get(Kernel kernel) {
        return kernel.slot(slot);
    }

    /** Sets this kernel's object. Context: module init and exit. */
    public void set(Kernel kernel, @Nullable T value) {
        kernel.setSlot(slot, value);
    }
}
