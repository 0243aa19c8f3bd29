package net.core;

/**
 * Start-up code of a Softnet module, found with {@link java.util.ServiceLoader}: where protocols register their
 * handlers, softirqs their actions and modules their {@link PernetOperations}. Linux: initcalls, include/linux/init.h.
 */
public interface KernelModule {
    /** The module's name, as in error messages. */
    String name();

    /** Modules start in ascending order (net.core 0, net.sched 10, net.ipv4 20, net.tcp 30, net.netfilter 40; others 100). */
    default int initOrder() {
        return 100;
    }

    /** Registers what the module offers. Context: process, during boot, before any namespace exists. */
    void init(Kernel kernel);

    /** Undoes {@link #init}, in the reverse order. Context: process, after every namespace has ended. */
    default void exit(Kernel kernel) {}
}
