/**
 * Work in real time against the machine's Linux: network namespaces that belong to threads, and the same transfer, fault or
 * attack on Linux and on Softnet with the same peer.
 *
 * <p>Threading: platform threads, since a namespace is a thread's. Needs root and {@code /dev/net/tun}.
 */
@NullMarked
package net.testkit.live;

import org.jspecify.annotations.NullMarked;
