package net.testkit.live;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import net.testkit.PayloadStream;

/**
 * A program on Linux that sends a stream to Softnet's echo service and checks what comes back, all the while something else
 * goes on: how much, and how long the slowest answer took.
 */
final class HonestWork {
    private static final int BLOCK = 4096;

    private final CompletableFuture<Void> end;
    private volatile boolean over;
    private final AtomicLong bytes = new AtomicLong();
    private volatile long slowestNs;
    /** 0 until it is connected. */
    private volatile int port;

    private HonestWork(AttackLan lan) {
        end = lan.lan.start("honest work", this::work);
    }

    static HonestWork start(AttackLan lan) {
        return new HonestWork(lan);
    }

    /** Its port, for those who attack this very connection. */
    int port() throws InterruptedException {
        for (int i = 0; port == 0 && i < 1000; i++) {
            Thread.sleep(5);
        }
        return port;
    }

    private void work() throws IOException {
        byte[] block = new byte[BLOCK];
        PayloadStream sent = new PayloadStream(3);
        PayloadStream back = new PayloadStream(3);
        try (SocketChannel c = SocketChannel.open(StandardProtocolFamily.INET)) {
            c.connect(AttackLan.at(AttackLan.ECHO));
            c.setOption(StandardSocketOptions.TCP_NODELAY, true);
            port = c.socket().getLocalPort();
            while (!over) {
                long began = System.nanoTime();
                sent.fill(block, 0, BLOCK);
                ByteBuffer out = ByteBuffer.wrap(block);
                while (out.hasRemaining()) {
                    c.write(out);
                }
                for (int left = BLOCK; left > 0; ) {
                    int n = c.read(ByteBuffer.wrap(block, 0, left));
                    if (n < 0) {
                        throw new IOException("the connection ended");
                    }
                    back.check(block, 0, n);
                    left -= n;
                }
                bytes.addAndGet(BLOCK);
                slowestNs = Math.max(slowestNs, System.nanoTime() - began);
            }
        }
    }

    /** Ends it. */
    void finish(Finding finding) throws InterruptedException {
        long before = bytes.get();
        for (int i = 0; bytes.get() == before && !end.isDone() && i < 1000; i++) {
            Thread.sleep(10); // it still goes on after the attack
        }
        if (bytes.get() == before) {
            finding.broken("honest work stands still");
        }
        over = true;
        try {
            end.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            finding.broken("honest work: " + (e.getCause() == null ? "stuck" : e.getCause()));
        }
        finding.figure("honest work meanwhile: %d KiB, slowest answer %.1f ms", bytes.get() / 1024, slowestNs / 1e6);
    }
}
