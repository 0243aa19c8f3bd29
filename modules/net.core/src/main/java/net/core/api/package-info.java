/**
 * Sockets for Java programs: blocking and non-blocking streams, listeners and datagrams, and an epoll, over the stack of
 * one {@link net.core.Kernel}. Usable from platform and virtual threads; in virtual time from the kernel's program
 * threads.
 *
 * {@snippet :
 * try (Kernel kernel = Kernel.boot("cpus=2");
 *         SoftNetwork network = SoftNetwork.of(kernel)) {
 *     SoftServerSocket server = network.listen(new InetSocketAddress("127.0.0.1", 80), 128);
 *     Thread.ofVirtual().start(() -> {
 *         try (SoftSocket peer = server.accept()) {
 *             peer.inputStream().transferTo(peer.outputStream());
 *         } catch (IOException e) {
 *             System.err.println(e.getMessage()); // e.g. "read 127.0.0.1:40312: ECONNRESET (Connection reset by peer)"
 *         }
 *     });
 *     try (SoftSocket client = network.connect(new InetSocketAddress("127.0.0.1", 80))) {
 *         client.setOption(StandardSocketOptions.TCP_NODELAY, true);
 *         client.writeFully(ByteBuffer.wrap("hello".getBytes()));
 *         client.shutdownOutput();
 *         System.out.println(new String(client.inputStream().readAllBytes()));
 *     }
 * }
 * }
 *
 * <p>Errors are {@link net.core.api.ErrnoException}s that name the call, the peer and the errno. Closing a socket wakes
 * threads that are blocked in it; they get an {@link java.nio.channels.AsynchronousCloseException}.
 *
 * <p>Reads and writes allocate nothing once their socket is warm. Everything here goes through
 * {@link net.core.sock.Syscalls}, which programs may also use directly.
 */
@NullMarked
package net.core.api;

import org.jspecify.annotations.NullMarked;
