/**
 * Packet capture: taps just above the driver, filters and pcapng files.
 *
 * <p>Kernel directories: {@code net/packet}; the file side is what tcpdump does.
 *
 * <p>Threading: a tap runs in softirq or transmit context and only copies bytes into a ring; files are written by a
 * thread of their own (live) or at once (virtual time).
 */
@NullMarked
package net.core.packet;

import org.jspecify.annotations.NullMarked;
