/**
 * What every protocol and driver stands on: CPUs, softirqs, NAPI, network devices, neighbours, destinations, sockets,
 * wait queues, timers, sysctl, counters and network namespaces, and the interfaces of queueing disciplines and netfilter.
 */
@NullMarked
package net.core;

import org.jspecify.annotations.NullMarked;
