package net.core;

/** A device's interrupt handler: acknowledges and calls {@code napi.schedule(cpu)}, nothing else. Linux: irq_handler_t. */
@FunctionalInterface
public interface IrqHandler {
    /** Context: interrupt, that is on the CPU, with its word held, before its softirqs run. Never sleeps. */
    void handle(Cpu cpu);
}
