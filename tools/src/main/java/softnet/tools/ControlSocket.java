package softnet.tools;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.core.UserError;
import org.jspecify.annotations.Nullable;

/**
 * A running host's control socket: a Unix socket that only its owner may open. Each connection carries one request, a line
 * of words, and gets a line with the status and then text. What is sent cannot harm the host: a request is bounded in bytes
 * and in time, and so is the number of connections.
 *
 * <p>Threading: one thread accepts, each connection has one of its own, in process context.
 */
final class ControlSocket implements AutoCloseable {
    /** Bytes of a request with its newline. */
    static final int MAX_REQUEST = 8192;

    private static final int MAX_CONNECTIONS = 16;
    private static final long JOIN_MS = 5000;

    /** Answers a request. Context: process, any thread. */
    @FunctionalInterface
    interface Handler {
        /** Does what the words say. */
        ControlAnswer answer(List<String> words);
    }

    private final ServerSocketChannel listener;
    private final Path path;
    private final @Nullable Object fileKey;
    private final Handler handler;
    private final long patienceMs;
    private final Set<Thread> busy = ConcurrentHashMap.newKeySet();
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();
    private final Thread acceptor;

    private ControlSocket(ServerSocketChannel listener, Path path, Handler handler, long patienceMs)
            throws IOException {
        this.listener = listener;
        this.path = path;
        this.handler = handler;
        this.patienceMs = patienceMs;
        fileKey = key(path);
        acceptor = Thread.ofPlatform().daemon().name("control").unstarted(this::accept);
    }

    /**
     * Listens at {@code path}; a socket there that nobody serves any more is replaced.
     *
     * @param patienceMs how long a request, and the taking of its answer, may last
     * @throws UserError if the path is taken or cannot be used
     */
    static ControlSocket listen(Path path, Handler handler, long patienceMs) {
        try {
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            boolean done = false;
            try {
                bind(listener, path);
                ControlSocket socket = new ControlSocket(listener, path, handler, patienceMs);
                socket.acceptor.start();
                done = true;
                return socket;
            } finally {
                if (!done) {
                    listener.close();
                }
            }
        } catch (SocketException e) {
            throw new UserError("control socket " + path + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UserError("control socket " + path + ": " + UserError.why(e), e);
        }
    }

    /** Made in a folder of its own and then linked to its name: it is never there with a wider mode. */
    private static void bind(ServerSocketChannel listener, Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null) {
            throw new UserError("control socket " + path + ": want a file's name");
        }
        Path dir = Files.createTempDirectory(
                parent, ".sn", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path made = dir.resolve("s");
        try {
            listener.bind(UnixDomainSocketAddress.of(made));
            Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rw-------"));
            try {
                Files.createLink(path, made);
            } catch (FileAlreadyExistsException e) {
                if (!isStale(path)) {
                    throw e;
                }
                Files.delete(path);
                Files.createLink(path, made);
            }
        } finally {
            Files.deleteIfExists(made);
            Files.delete(dir);
        }
    }

    private static boolean isStale(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).isOther() && !ControlClient.isServed(path);
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    Path path() {
        return path;
    }

    private void accept() {
        while (true) {
            try {
                SocketChannel channel = listener.accept();
                if (open.size() >= MAX_CONNECTIONS) {
                    channel.close();
                    continue;
                }
                open.add(channel);
                Thread thread =
                        Thread.ofPlatform().daemon().name("control/request").unstarted(() -> serve(channel));
                busy.add(thread);
                thread.start();
            } catch (IOException e) {
                if (!listener.isOpen()) {
                    return;
                }
                Thread.yield(); // out of descriptors, say
            }
        }
    }

    private void serve(SocketChannel channel) {
        try (channel;
                TimedChannel timed = new TimedChannel(channel, patienceMs)) {
            ByteBuffer request = timed.readLine(MAX_REQUEST);
            if (request != null) {
                timed.write(answer(request).encode());
            }
        } catch (IOException e) {
            // The other side is gone or too slow: its loss alone.
        } finally {
            open.remove(channel);
            busy.remove(Thread.currentThread());
        }
    }

    private ControlAnswer answer(ByteBuffer request) {
        try {
            String line = StandardCharsets.UTF_8.newDecoder().decode(request).toString();
            int end = line.indexOf('\n');
            if (end < 0) {
                return ControlAnswer.failed(
                        Softnet.EXIT_USAGE, "softnet: a request is one line of less than " + MAX_REQUEST + " bytes");
            }
            if (end != line.length() - 1
                    || line.chars().limit(end).anyMatch(c -> c != '\t' && Character.isISOControl(c))) {
                return ControlAnswer.failed(Softnet.EXIT_USAGE, "softnet: a request is one line of words");
            }
            return handler.answer(TcWords.split(line.substring(0, end)));
        } catch (CharacterCodingException e) {
            return ControlAnswer.failed(Softnet.EXIT_USAGE, "softnet: a request is UTF-8");
        } catch (UserError e) {
            return ControlAnswer.failed(Softnet.EXIT_USAGE, Softnet.oneLine(e));
        } catch (RuntimeException | StackOverflowError e) { // a bug of a module is the asker's loss, not the host's
            return ControlAnswer.failed(Softnet.EXIT_FAILED, "softnet: internal error: " + e);
        }
    }

    /** Ends: the file goes, requests that were begun are finished or cut off. */
    @Override
    public void close() {
        try {
            if (Files.exists(path) && Objects.equals(key(path), fileKey)) {
                Files.deleteIfExists(path);
            }
            listener.close();
            acceptor.join(JOIN_MS);
            for (SocketChannel channel : open) {
                channel.close();
            }
            for (Thread thread : busy) {
                thread.join(JOIN_MS);
            }
        } catch (IOException e) {
            // The file is somebody else's by now, or its folder is gone.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
