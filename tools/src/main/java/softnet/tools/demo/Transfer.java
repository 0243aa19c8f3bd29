package softnet.tools.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.task.KernelThread;
import org.jspecify.annotations.Nullable;

/** A bulk transfer in one direction, by a blocking thread at each end; both ends keep a SHA-256 of what they saw. */
final class Transfer {
    private static final int BLOCK = 256 * 1024;

    private final TwoHosts hosts;
    private final boolean upload;
    private final long bytes;
    private final AtomicLong received = new AtomicLong();
    private final MessageDigest sent = sha256();
    private final MessageDigest seen = sha256();
    private final AtomicReference<@Nullable IOException> failure = new AtomicReference<>();

    /** @param upload from client to server */
    Transfer(TwoHosts hosts, boolean upload, long bytes) {
        this.hosts = hosts;
        this.upload = upload;
        this.bytes = bytes;
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Bytes that have arrived. */
    long received() {
        return received.get();
    }

    /** Runs to the end, drawing {@code bar}. @return whether both digests are equal and nothing is missing */
    boolean run(ProgressBar bar) throws IOException {
        try (SoftServerSocket listener = hosts.listen(TwoHosts.PORT)) {
            KernelThread server = hosts.kernel
                    .threads()
                    .start(
                            "server",
                            () -> guarded(() -> {
                                try (SoftSocket socket = listener.accept()) {
                                    half(socket, !upload);
                                }
                            }));
            KernelThread client = hosts.kernel
                    .threads()
                    .start(
                            "client",
                            () -> guarded(() -> {
                                try (SoftSocket socket = connected(listener)) {
                                    half(socket, upload);
                                }
                            }));
            while (!hosts.kernel.threads().join(client, 100_000_000)
                    || !hosts.kernel.threads().join(server, 1)) {
                bar.draw(received.get(), bytes);
            }
        }
        IOException failed = failure.get();
        if (failed != null) {
            throw failed;
        }
        bar.done(received.get(), bytes);
        return received.get() == bytes && MessageDigest.isEqual(sent.digest(), seenDigest());
    }

    /** Without a connection nobody must go on waiting for it. */
    private SoftSocket connected(SoftServerSocket listener) throws IOException {
        try {
            return hosts.connect(TwoHosts.PORT);
        } catch (IOException e) {
            failure.compareAndSet(null, e);
            listener.close();
            throw e;
        }
    }

    private byte[] digest = new byte[0];

    private byte[] seenDigest() {
        digest = seen.digest();
        return digest;
    }

    /** What the receiver saw, after {@link #run}. */
    byte[] digest() {
        return digest;
    }

    private void half(SoftSocket socket, boolean sends) throws IOException {
        if (sends) {
            send(socket);
        } else {
            receive(socket);
        }
    }

    private void send(SoftSocket socket) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        long counter = 0x9E3779B97F4A7C15L;
        for (long left = bytes; left > 0; ) {
            block.clear();
            while (block.hasRemaining()) {
                counter += 0x9E3779B97F4A7C15L;
                block.putLong(counter ^ counter >>> 29);
            }
            block.flip().limit((int) Math.min(BLOCK, left));
            sent.update(block.duplicate());
            left -= block.remaining();
            socket.writeFully(block);
        }
        socket.shutdownOutput();
        // The end of the stream says that the peer has everything.
        socket.read(ByteBuffer.allocate(1));
    }

    private void receive(SoftSocket socket) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
        for (int n = socket.read(block); n >= 0; n = socket.read(block.clear())) {
            seen.update(block.flip());
            received.addAndGet(n);
        }
    }

    private void guarded(IoBody body) {
        try {
            body.run();
        } catch (IOException e) {
            failure.compareAndSet(null, e);
        }
    }

    @FunctionalInterface
    private interface IoBody {
        void run() throws IOException;
    }
}
