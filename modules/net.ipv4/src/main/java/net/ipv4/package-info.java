/**
 * IPv4 itself: input, output, forwarding, fragments, ARP, ICMP, UDP, raw and ping sockets, device configuration.
 *
 * <p>Kernel directories: {@code net/ipv4/ip_*.c}, {@code arp.c}, {@code icmp.c}, {@code udp.c}, {@code raw.c},
 * {@code ping.c}, {@code devinet.c}, {@code af_inet.c}.
 *
 * <p>Threading: everything with a {@code Cpu} argument runs with that CPU's word held. Configuration runs under rtnl.
 */
@NullMarked
package net.ipv4;

import org.jspecify.annotations.NullMarked;
