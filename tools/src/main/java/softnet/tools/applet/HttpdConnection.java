package softnet.tools.applet;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import net.core.api.SoftOption;
import net.core.api.SoftSocket;
import org.jspecify.annotations.Nullable;
import softnet.tools.http.ByteRange;
import softnet.tools.http.HttpBody;
import softnet.tools.http.HttpException;
import softnet.tools.http.HttpHead;
import softnet.tools.http.HttpInput;
import softnet.tools.http.WebRoot;

/** One client of {@link Httpd}: its requests, one after the other. Context: its thread. */
final class HttpdConnection {
    private static final DateTimeFormatter HTTP_DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);
    private static final Duration IDLE = Duration.ofSeconds(60);
    /** How much of a refused body we read, so that the client sees the answer and not a reset. */
    private static final long LINGER_BYTES = 4 << 20;

    private static final Duration LINGER = Duration.ofSeconds(2);

    private final Host host;
    private final WebRoot web;
    private final SoftSocket stream;
    private final boolean log;
    private final HttpInput in;
    private @Nullable HttpBody body;
    private final String peer;
    private boolean keepAlive = true;

    HttpdConnection(Host host, WebRoot web, SoftSocket stream, boolean log) {
        this.host = host;
        this.web = web;
        this.stream = stream;
        this.log = log;
        in = new HttpInput(stream::read);
        peer = peerOf(stream);
    }

    private static String peerOf(SoftSocket stream) {
        try {
            return Addr.text(stream.remoteAddress());
        } catch (IOException e) {
            return "?";
        }
    }

    void serve() {
        try {
            stream.setOption(SoftOption.SO_RCVTIMEO, IDLE);
            stream.setOption(SoftOption.SO_SNDTIMEO, IDLE); // one that takes no answer must not keep a thread
            while (keepAlive) {
                if (!one()) {
                    return;
                }
            }
            linger();
        } catch (EOFException e) {
            // The client left in the middle of a message: its affair.
        } catch (SocketException | SocketTimeoutException | ClosedChannelException e) {
            if (log) {
                host.err().println("httpd: " + e.getMessage());
            }
        } catch (IOException e) {
            host.err().println("httpd: " + peer + ": " + e.getMessage());
        }
    }

    /** One request; false when there is none any more. */
    private boolean one() throws IOException {
        HttpHead request = null;
        body = null;
        try {
            request = HttpHead.request(in);
            if (request == null) {
                return false;
            }
            keepAlive = request.keepsAlive();
            body = HttpBody.ofRequest(request, in);
            switch (request.method()) {
                case "GET" -> get(request, true);
                case "HEAD" -> get(request, false);
                case "PUT" -> put(request, body);
                default -> throw new HttpException(405, request.method());
            }
        } catch (HttpException e) {
            refuse(request, e);
        }
        return true;
    }

    /** Answers with an error. What is not understood, or not read to its end, ends the connection. */
    private void refuse(@Nullable HttpHead request, HttpException e) throws IOException {
        HttpBody unread = body;
        if (unread == null || !unread.isDone() || e.status() == 400) {
            keepAlive = false;
        }
        byte[] text = (e.status() + " " + HttpException.reason(e.status()) + "\n").getBytes(StandardCharsets.US_ASCII);
        StringBuilder head = head(e.status())
                .append("Content-Type: text/plain\r\nContent-Length: ")
                .append(text.length);
        head.append(e.status() == 405 ? "\r\nAllow: GET, HEAD, PUT\r\n" : "\r\n");
        boolean bodyless = request != null && request.method().equals("HEAD");
        send(head, bodyless ? new byte[0] : text);
        said(request, e.status());
    }

    private void get(HttpHead request, boolean withBody) throws IOException {
        Path file = web.existing(request.target());
        if (Files.isDirectory(file)) {
            Path index = file.resolve("index.html");
            if (!Files.isRegularFile(index)) {
                throw new HttpException(403, "a folder without index.html");
            }
            file = index;
        }
        if (!Files.isRegularFile(file)) {
            throw new HttpException(403, "not a plain file");
        }
        discardBody();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            ByteRange range = ByteRange.of(request.value("range"), size);
            int status = range == null ? 200 : 206;
            long first = range == null ? 0 : range.first();
            long count = range == null ? size : range.count();
            StringBuilder head = head(status)
                    .append("Content-Type: ")
                    .append(type(file))
                    .append("\r\nContent-Length: ")
                    .append(count)
                    .append("\r\nAccept-Ranges: bytes\r\nLast-Modified: ")
                    .append(HTTP_DATE.format(Files.getLastModifiedTime(file).toInstant()))
                    .append("\r\n");
            if (range != null) {
                head.append("Content-Range: bytes " + first + "-" + (first + count - 1) + "/" + size + "\r\n");
            }
            send(head, new byte[0]);
            if (withBody && count > 0) {
                sendFile(channel, first, count);
            }
            said(request, status);
        } catch (FileSystemException e) {
            throw new HttpException(403, "cannot be read");
        }
    }

    private void sendFile(FileChannel file, long first, long count) throws IOException {
        for (long sent = 0; sent < count; ) {
            long n = stream.transferFrom(file, first + sent, count - sent);
            if (n == 0) {
                keepAlive = false;
                throw new EOFException("the file became shorter while it was sent");
            }
            sent += n;
        }
    }

    /** Stores beside the target first, so that nobody sees half a file, and what fails leaves the old one. */
    private void put(HttpHead request, HttpBody upload) throws IOException {
        if (request.value("content-length") == null && request.value("transfer-encoding") == null) {
            throw new HttpException(411, "PUT without a length");
        }
        if (request.value("content-range") != null) {
            throw new HttpException(400, "PUT of a part");
        }
        Path target = web.writable(request.target());
        boolean existed = Files.exists(target);
        Path partial;
        try {
            partial = Files.createTempFile(target.getParent(), ".softnet", ".part");
        } catch (IOException e) {
            throw new HttpException(403, "the folder cannot be written");
        }
        try {
            proceed(request);
            store(upload, partial);
            Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
        int status = existed ? 204 : 201;
        send(existed ? head(status) : head(status).append("Content-Length: 0\r\n"), new byte[0]);
        said(request, status);
    }

    /** RFC 9110 10.1.1: curl waits for this before it uploads. */
    private void proceed(HttpHead request) throws IOException {
        String expect = request.value("expect");
        if (expect == null) {
            return;
        }
        if (!expect.equalsIgnoreCase("100-continue")) {
            throw new HttpException(417, expect);
        }
        if (!in.hasBuffered() && !request.start().get(2).equals("HTTP/1.0")) {
            stream.writeFully(ByteBuffer.wrap("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static void store(HttpBody upload, Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (ByteBuffer piece = upload.next(); piece != null; piece = upload.next()) {
                write(channel, piece);
            }
        }
    }

    private static void write(FileChannel channel, ByteBuffer piece) throws IOException {
        try {
            while (piece.hasRemaining()) {
                channel.write(piece);
            }
        } catch (IOException e) {
            throw new HttpException(507, "the disk: " + e.getMessage());
        }
    }

    /** A GET may carry a body that means nothing. */
    private void discardBody() throws IOException {
        HttpBody unread = body;
        while (unread != null && unread.next() != null) {
            // Not wanted.
        }
    }

    /** Ends our side and reads for a moment, so that the answer is not lost to a reset. RFC 9112 9.6. */
    private void linger() throws IOException {
        stream.shutdownOutput();
        stream.setOption(SoftOption.SO_RCVTIMEO, LINGER);
        ByteBuffer scrap = ByteBuffer.allocate(16 * 1024);
        long seen = 0;
        try {
            while (seen < LINGER_BYTES) {
                int n = stream.read(scrap.clear());
                if (n < 0) {
                    return;
                }
                seen += n;
            }
        } catch (SocketTimeoutException e) {
            // Long enough.
        }
    }

    private StringBuilder head(int status) {
        return new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(HttpException.reason(status))
                .append("\r\nServer: softnet\r\nDate: ")
                .append(HTTP_DATE.format(
                        Instant.ofEpochMilli(host.kernel().clock().realTimeNs() / 1_000_000)))
                .append("\r\nConnection: ")
                .append(keepAlive ? "keep-alive" : "close")
                .append("\r\n");
    }

    private void send(StringBuilder head, byte[] text) throws IOException {
        byte[] bytes = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer message =
                ByteBuffer.allocate(bytes.length + text.length).put(bytes).put(text);
        stream.writeFully(message.flip());
    }

    private void said(@Nullable HttpHead request, int status) {
        if (log) {
            String what = request == null ? "-" : request.method() + " " + request.target();
            host.err().println("httpd: " + peer + " " + what + " " + status);
        }
    }

    private static String type(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "html", "htm" -> "text/html; charset=utf-8";
            case "txt", "md", "log" -> "text/plain; charset=utf-8";
            case "css" -> "text/css";
            case "js" -> "text/javascript";
            case "json" -> "application/json";
            case "png" -> "image/png";
            case "jpg", "jpeg" -> "image/jpeg";
            case "svg" -> "image/svg+xml";
            default -> "application/octet-stream";
        };
    }
}
