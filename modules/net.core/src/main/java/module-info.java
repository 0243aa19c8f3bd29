/**
 * What every protocol and driver stands on: CPUs, softirqs, NAPI, network devices, neighbours, destinations, sockets,
 * wait queues, timers, sysctl, counters and network namespaces, and the interfaces of queueing disciplines and netfilter.
 *
 * <p>Kernel directories: {@code net/core}, {@code net/socket.c}, {@code net/packet}, {@code kernel/softirq.c},
 * {@code kernel/time}.
 *
 * <p>Threading: per-CPU state has one writer, the holder of the CPU's ownership word; sockets have the kernel's
 * two-step lock; what readers reach without a lock is published with release and never pooled.
 */
module net.core {
    requires transitive net.skbuff;
    requires transitive jdk.jfr;

    uses net.core.KernelModule;
    uses net.core.dev.QdiscOps;
    uses net.core.netfilter.NfModule;

    provides net.core.KernelModule with
            net.core.dev.DevInit,
            net.core.sock.SockModule;
    provides net.core.dev.QdiscOps with
            net.core.dev.NoqueueOps;

    exports net.core;
    exports net.core.api;
    exports net.core.dev;
    exports net.core.neigh;
    exports net.core.netfilter;
    exports net.core.packet;
    exports net.core.sock;
    exports net.core.sys;
    exports net.core.task;
    exports net.core.tc;
    exports net.core.time;
    exports net.core.trace;
}
