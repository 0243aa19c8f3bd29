package softnet.tools.applet;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import net.core.sock.Syscalls;
import net.skbuff.UserByteBuffer;

/** What the connections of one {@link Inetd} share: buffers, cursors and the pattern of chargen. Context: its thread. */
final class InetdBuffers {
    /** Bytes read at once. */
    static final int READ = 256 * 1024;
    /** Bytes sent at once by chargen. */
    static final int WRITE = 128 * 1024;
    /** After this many bytes chargen's pattern repeats: 95 lines of 72 characters, CR and LF. */
    static final int PERIOD = 95 * 74;

    private static final int PENDING = 64 * 1024;
    private static final int POOLED = 64;

    final Syscalls calls;
    final ByteBuffer in = ByteBuffer.allocateDirect(READ);
    final UserByteBuffer cursor = new UserByteBuffer();
    /** The pattern, long enough to be sent from any place within its period. */
    final ByteBuffer pattern = ByteBuffer.allocateDirect(PERIOD + WRITE);

    private final ArrayDeque<ByteBuffer> pool = new ArrayDeque<>();

    InetdBuffers(Syscalls calls) {
        this.calls = calls;
        while (pattern.hasRemaining()) {
            pattern.put(patternAt(pattern.position()));
        }
    }

    /** The byte at {@code offset} of a chargen stream: lines of the 95 printable characters, each shifted by one. */
    static byte patternAt(long offset) {
        int at = (int) (offset % PERIOD);
        int line = at / 74;
        int column = at % 74;
        return switch (column) {
            case 72 -> (byte) '\r';
            case 73 -> (byte) '\n';
            default -> (byte) (' ' + (line + column) % 95);
        };
    }

    /** A buffer in writing state with at least {@code bytes} of room. */
    ByteBuffer takePending(int bytes) {
        ByteBuffer pooled = bytes <= PENDING ? pool.pollFirst() : null;
        return pooled != null ? pooled.clear() : ByteBuffer.allocateDirect(Math.max(bytes, PENDING));
    }

    void givePending(ByteBuffer buffer) {
        if (buffer.capacity() == PENDING && pool.size() < POOLED) {
            pool.addFirst(buffer);
        }
    }
}
