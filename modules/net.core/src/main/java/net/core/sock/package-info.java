/**
 * Files, sockets and socks: what a program holds by a descriptor, and what every protocol builds on.
 *
 * <p>A descriptor names a {@link net.core.sock.File}, whose {@link net.core.sock.Socket} is the program's half and whose
 * {@link net.core.sock.Sock} is the network's half. {@link net.core.sock.Syscalls} is the way in for programs of a
 * {@link net.core.sock.Process}; a protocol is a {@link net.core.sock.Proto} behind a family's
 * {@link net.core.sock.ProtoOps}.
 *
 * <p>Threading: {@link net.core.sock.SockLock} says who may touch a sock; docs/adr/0017-socket-lock-and-backlog.md says
 * why.
 *
 * <p>Kernel files: net/socket.c, net/core/sock.c, net/core/stream.c, net/core/datagram.c, fs/file.c, fs/eventpoll.c,
 * fs/select.c, fs/pipe.c.
 */
@NullMarked
package net.core.sock;

import org.jspecify.annotations.NullMarked;
