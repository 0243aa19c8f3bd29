package net.core;

/** What a softirq vector does. Linux: struct softirq_action, include/linux/interrupt.h. */
@FunctionalInterface
public interface SoftirqAction {
    /**
     * Handles this vector's work on {@code cpu}. It is bounded, never sleeps, and raises its vector again if work is left.
     *
     * <p>Context: softirq.
     */
    void action(Cpu cpu);
}
