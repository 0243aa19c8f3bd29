package softnet.tools.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The body of a message, in whichever of HTTP's three ways its length is told. RFC 9112 6. */
public final class HttpBody {
    private enum Kind {
        LENGTH,
        CHUNKED,
        UNTIL_CLOSE
    }

    private final HttpInput in;
    private final Kind kind;
    private final long length;
    /** Bytes left of the body, or of the current chunk. */
    private long left;

    private boolean done;
    private boolean firstChunk = true;

    private HttpBody(HttpInput in, Kind kind, long length) {
        this.in = in;
        this.kind = kind;
        this.length = length;
        this.left = kind == Kind.CHUNKED ? 0 : length;
        this.done = kind == Kind.LENGTH && length == 0;
    }

    /** A request's body. Without a length there is none. */
    public static HttpBody ofRequest(HttpHead head, HttpInput in) throws HttpException {
        return of(head, in, false);
    }

    /** A response's body. Without a length it lasts until the connection closes. */
    public static HttpBody ofResponse(HttpHead head, HttpInput in) throws HttpException {
        int status = head.status();
        if (status < 200 || status == 204 || status == 304) {
            return new HttpBody(in, Kind.LENGTH, 0);
        }
        return of(head, in, true);
    }

    private static HttpBody of(HttpHead head, HttpInput in, boolean untilClose) throws HttpException {
        List<String> codings = head.values("transfer-encoding");
        List<String> lengths = head.values("content-length");
        if (!codings.isEmpty()) {
            if (!lengths.isEmpty()) {
                // RFC 9112 6.1: both together is how requests are smuggled.
                throw new HttpException(400, "both Transfer-Encoding and Content-Length");
            }
            if (codings.size() != 1 || !codings.get(0).equalsIgnoreCase("chunked")) {
                throw new HttpException(501, "Transfer-Encoding other than chunked");
            }
            return new HttpBody(in, Kind.CHUNKED, -1);
        }
        if (lengths.isEmpty()) {
            return untilClose ? new HttpBody(in, Kind.UNTIL_CLOSE, -1) : new HttpBody(in, Kind.LENGTH, 0);
        }
        if (lengths.stream().distinct().count() != 1 || !lengths.get(0).matches("\\d{1,18}")) {
            throw new HttpException(400, "Content-Length");
        }
        return new HttpBody(in, Kind.LENGTH, Long.parseLong(lengths.get(0)));
    }

    /** Its length, -1 if that is not told beforehand. */
    public long length() {
        return length;
    }

    /** The next piece, valid until the next call; null after the last. */
    public @Nullable ByteBuffer next() throws IOException {
        if (done) {
            return null;
        }
        if (kind == Kind.UNTIL_CLOSE) {
            ByteBuffer piece = in.some(Long.MAX_VALUE);
            done = piece == null;
            return piece;
        }
        if (kind == Kind.CHUNKED && left == 0 && !nextChunk()) {
            done = true;
            return null;
        }
        ByteBuffer piece = in.some(left);
        if (piece == null) {
            throw new EOFException("connection closed within a body, " + left + " bytes early");
        }
        left -= piece.remaining();
        done = kind == Kind.LENGTH && left == 0;
        return piece;
    }

    /** Whether all of it was read. */
    public boolean isDone() {
        return done;
    }

    /** Reads the line between chunks; at the last one the trailer too. */
    private boolean nextChunk() throws IOException {
        in.beginHead();
        if (!firstChunk && !wanted(in.line()).isEmpty()) {
            throw new HttpException(400, "a chunk is longer than it says");
        }
        firstChunk = false;
        String size = wanted(in.line());
        int semicolon = size.indexOf(';');
        size = (semicolon < 0 ? size : size.substring(0, semicolon)).strip();
        if (!size.matches("[0-9a-fA-F]{1,15}")) {
            throw new HttpException(400, "a chunk's size");
        }
        left = Long.parseLong(size, 16);
        if (left > 0) {
            return true;
        }
        while (!wanted(in.line()).isEmpty()) {
            // A trailer field: nobody asks for it.
        }
        return false;
    }

    private static String wanted(@Nullable String line) throws EOFException {
        if (line == null) {
            throw new EOFException("connection closed within a chunked body");
        }
        return line;
    }
}
