package softnet.tools.applet;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import net.core.UserError;
import net.core.api.SoftSocket;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import softnet.tools.http.HttpBody;
import softnet.tools.http.HttpHead;
import softnet.tools.http.HttpInput;

/** A downloader: one URL into one file. */
@Command(name = "wget", mixinStandardHelpOptions = true, description = "Fetches a URL into a file.")
public final class Wget implements Applet {
    private static final int REDIRECTS = 5;
    private static final Set<Integer> MOVED = Set.of(301, 302, 303, 307, 308);

    @Parameters(paramLabel = "URL", description = "http://HOST[:PORT]/PATH")
    private String url = "";

    @Option(names = "-O", paramLabel = "FILE", description = "Where to write; - is standard output.")
    private @Nullable String output;

    @Option(
            names = {"-q", "--quiet"},
            description = "Say nothing unless it fails.")
    private boolean quiet;

    private volatile @Nullable SoftSocket open;
    private volatile boolean stopped;

    @Override
    public int run(Host host) throws IOException {
        URI at = parse(url);
        for (int hop = 0; hop <= REDIRECTS; hop++) {
            URI next = fetch(host, at);
            if (next == null) {
                return 0;
            }
            at = next;
        }
        throw new IOException(url + ": more than " + REDIRECTS + " redirections");
    }

    private static URI parse(String text) {
        URI uri;
        try {
            uri = URI.create(text.contains("://") ? text : "http://" + text);
        } catch (IllegalArgumentException e) {
            throw new UserError("URL '" + text + "': " + e.getMessage(), e);
        }
        if (!"http".equals(uri.getScheme()) || uri.getHost() == null) {
            throw new UserError("URL '" + text + "': want http://HOST[:PORT]/PATH");
        }
        return uri;
    }

    /** Fetches; returns where to go instead if the server says so. */
    private @Nullable URI fetch(Host host, URI at) throws IOException {
        int port = at.getPort() < 0 ? 80 : at.getPort();
        InetSocketAddress to = Addr.of(Addr.host(at.getHost()), port);
        try (SoftSocket stream = host.network().socket()) {
            open = stream; // from here on it can be stopped
            if (stopped) {
                throw new AsynchronousCloseException();
            }
            stream.connect(to);
            String path = at.getRawPath().isEmpty() ? "/" : at.getRawPath();
            String query = at.getRawQuery() == null ? "" : "?" + at.getRawQuery();
            String request = "GET " + path + query + " HTTP/1.1\r\nHost: " + at.getRawAuthority()
                    + "\r\nUser-Agent: softnet\r\nAccept: */*\r\nConnection: close\r\n\r\n";
            stream.writeFully(ByteBuffer.wrap(request.getBytes(StandardCharsets.ISO_8859_1)));
            HttpInput in = new HttpInput(stream::read);
            HttpHead head = HttpHead.response(in);
            while (head.status() < 200) {
                head = HttpHead.response(in);
            }
            String location = head.value("location");
            if (MOVED.contains(head.status()) && location != null) {
                return parse(at.resolve(location).toString());
            }
            if (head.status() != 200) {
                throw new IOException(at + ": the server answered "
                        + head.start().get(1) + " " + head.start().get(2));
            }
            save(host, at, HttpBody.ofResponse(head, in));
            return null;
        } finally {
            open = null;
        }
    }

    private void save(Host host, URI at, HttpBody body) throws IOException {
        String name = output != null ? output : nameIn(at);
        long start = host.nanoTime();
        long bytes = 0;
        try (OutputStream file = name.equals("-") ? null : Files.newOutputStream(Path.of(name));
                WritableByteChannel to = Channels.newChannel(file == null ? host.out() : file)) {
            for (ByteBuffer piece = body.next(); piece != null; piece = body.next()) {
                bytes += piece.remaining();
                while (piece.hasRemaining()) {
                    to.write(piece);
                }
            }
            host.out().flush();
        }
        if (!quiet) {
            double seconds = Math.max(1, host.nanoTime() - start) / 1e9;
            host.err().printf("wget: %s: %d bytes in %.2f s, %.1f MB/s%n", name, bytes, seconds, bytes / seconds / 1e6);
        }
    }

    private static String nameIn(URI at) {
        String path = at.getPath();
        String last = path.substring(path.lastIndexOf('/') + 1);
        return last.isEmpty() ? "index.html" : last;
    }

    @Override
    public void stop() {
        stopped = true;
        SoftSocket stream = open;
        if (stream != null) {
            stream.close();
        }
    }
}
