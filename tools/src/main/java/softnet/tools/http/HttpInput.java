package softnet.tools.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of an HTTP connection: lines of a head, and bodies as chunks of a buffer. What belongs to the next
 * message stays.
 */
public final class HttpInput {
    private static final int MAX_LINE = 8 * 1024;
    private static final int MAX_HEAD = 32 * 1024;

    private static final int SMALL = 16 * 1024;
    private static final int LARGE = 256 * 1024;

    private final ByteSource source;
    private ByteBuffer buffer = ByteBuffer.allocateDirect(SMALL).flip();
    private int headBytes;

    /** Reads from {@code source} through a buffer that grows once a large body comes. */
    public HttpInput(ByteSource source) {
        this.source = source;
    }

    /** A head begins: its limits count from here. */
    void beginHead() {
        headBytes = 0;
    }

    /**
     * A line without its end (CRLF, or LF alone: RFC 9112 2.2); null at the end of the stream before its first byte.
     *
     * @throws HttpException 431 or 400 for one that is too long or holds other bytes than text
     */
    @Nullable
    String line() throws IOException {
        StringBuilder line = new StringBuilder(80);
        while (true) {
            if (!buffer.hasRemaining() && !fill()) {
                if (line.isEmpty()) {
                    return null;
                }
                throw new EOFException("connection closed within a line");
            }
            byte b = buffer.get();
            headBytes++;
            if (b == '\n') {
                int n = line.length();
                if (n > 0 && line.charAt(n - 1) == '\r') {
                    line.setLength(n - 1);
                }
                if (line.indexOf("\r") >= 0) {
                    throw new HttpException(400, "a bare CR");
                }
                return line.toString();
            }
            if (b == 0) {
                throw new HttpException(400, "a NUL in the head");
            }
            if (line.length() >= MAX_LINE || headBytes > MAX_HEAD) {
                throw new HttpException(431, "the head is too long");
            }
            line.append((char) (b & 0xff));
        }
    }

    /** Up to {@code max} bytes of a body as a view into the buffer, valid until the next call; null at the end. */
    @Nullable
    ByteBuffer some(long max) throws IOException {
        if (!buffer.hasRemaining()) {
            if (max > SMALL && buffer.capacity() == SMALL) {
                buffer = ByteBuffer.allocateDirect(LARGE).flip();
            }
            if (!fill()) {
                return null;
            }
        }
        int n = (int) Math.min(max, buffer.remaining());
        ByteBuffer piece = buffer.slice(buffer.position(), n);
        buffer.position(buffer.position() + n);
        return piece;
    }

    /** Whether bytes are here that no message has taken. */
    public boolean hasBuffered() {
        return buffer.hasRemaining();
    }

    private boolean fill() throws IOException {
        buffer.clear();
        int n = 0;
        try {
            n = source.read(buffer);
        } finally {
            buffer.flip();
        }
        return n > 0;
    }

    /** The characters of a head are bytes; those beyond ASCII are UTF-8. */
    static String utf8(String latin1) {
        return new String(latin1.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
}
