package net.core;

/**
 * What a module does when a network namespace begins and ends. Runs for the namespaces that exist at registration too;
 * {@code exit} runs in the reverse order of registration. Linux: struct pernet_operations, include/net/net_namespace.h.
 */
public interface PernetOperations {
    /** Sets up this module's part of {@code net}. Context: process, may sleep. */
    void init(Net net);

    /** Takes it down again: no timer, skb or device of this module is left. Context: process, may sleep. */
    default void exit(Net net) {}
}
