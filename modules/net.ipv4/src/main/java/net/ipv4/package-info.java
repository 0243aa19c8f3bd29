/**
 * The Internet Protocol, version 4: input, output, forwarding and fragments, the FIB, ARP, ICMP, IGMP, UDP and raw
 * sockets, and the parts of an inet socket that TCP builds on.
 */
@NullMarked
package net.ipv4;

import org.jspecify.annotations.NullMarked;
