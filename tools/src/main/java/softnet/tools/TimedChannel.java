package softnet.tools;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** Reads and writes a stream of Linux with a limit in time for all of it. */
final class TimedChannel implements AutoCloseable {
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final long patienceNs;

    /** Takes over the channel; the caller closes it. */
    TimedChannel(SocketChannel channel, long patienceMs) throws IOException {
        this.channel = channel;
        patienceNs = patienceMs * 1_000_000;
        channel.configureBlocking(false);
        selector = Selector.open();
        key = channel.register(selector, SelectionKey.OP_READ);
    }

    /** Up to the first newline, the end of the stream or {@code max} bytes; null if nothing came. */
    @Nullable
    ByteBuffer readLine(int max) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(max);
        long end = System.nanoTime() + patienceNs;
        int seen = 0;
        boolean more = true;
        while (more) {
            await(SelectionKey.OP_READ, end);
            more = channel.read(in) >= 0 && in.hasRemaining();
            for (; seen < in.position(); seen++) {
                if (in.get(seen) == '\n') {
                    more = false;
                }
            }
        }
        return in.position() == 0 ? null : in.flip();
    }

    /** All of it. */
    void write(ByteBuffer out) throws IOException {
        long end = System.nanoTime() + patienceNs;
        while (out.hasRemaining()) {
            if (channel.write(out) == 0) {
                await(SelectionKey.OP_WRITE, end);
            }
        }
    }

    private void await(int ops, long end) throws IOException {
        long leftMs = (end - System.nanoTime()) / 1_000_000;
        key.interestOps(ops);
        if (leftMs <= 0 || selector.select(leftMs) == 0 && System.nanoTime() >= end) {
            throw new SocketTimeoutException();
        }
        selector.selectedKeys().clear();
        if (!key.isValid()) {
            throw new java.nio.channels.ClosedChannelException();
        }
    }

    @Override
    public void close() throws IOException {
        selector.close();
    }
}
