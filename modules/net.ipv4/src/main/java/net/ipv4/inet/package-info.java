/**
 * What every inet socket shares: the socket structures up to the connection socket, mini-sockets for handshakes and
 * TIME_WAIT, the hash tables that find them, port selection, and the socket operations of {@code AF_INET}.
 *
 * <p>Kernel directories: {@code net/ipv4/inet_*.c}, {@code net/ipv4/af_inet.c}, {@code net/core/request_sock.c}.
 *
 * <p>Threading: lookups take no lock; each bucket has a spinlock that is taken with the CPU word held.
 */
@NullMarked
package net.ipv4.inet;

import org.jspecify.annotations.NullMarked;
