/**
 * Network devices and everything between a protocol and a driver: NAPI, receive and transmit paths, GRO and GSO, the
 * qdisc interface, steering (RPS, RFS, XPS), byte queue limits and the loopback device.
 *
 * <p>Kernel directories: {@code net/core/dev.c}, {@code gro.c}, {@code gso.c}, {@code flow_dissector.c},
 * {@code net/sched/sch_generic.c}, {@code net/ethernet}, {@code lib/dynamic_queue_limits.c},
 * {@code drivers/net/loopback.c}.
 *
 * <p>Threading: a function that takes a {@code Cpu} runs with that CPU's ownership word held. Queues have a transmit
 * lock and qdiscs a root lock, both spin locks; the root lock is dropped before the transmit lock is taken. Other CPUs
 * are reached only through lock-free queues and an inter-processor interrupt. Administration runs under rtnl.
 *
 * <p>Left out so far: XDP, VLAN devices and tag insertion by a device, hardware timestamps.
 */
@NullMarked
package net.core.dev;

import org.jspecify.annotations.NullMarked;
