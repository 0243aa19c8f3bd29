package softnet.tools.applet;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.core.sock.SockAddrIn;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import softnet.tools.http.WebRoot;

/** A file server: GET, HEAD and PUT below one directory, a light thread for each connection. */
@Command(
        name = "httpd",
        mixinStandardHelpOptions = true,
        description = "Serves the files of a directory over HTTP/1.1; PUT stores into it.")
public final class Httpd implements Applet {
    private static final int BACKLOG = 4096;

    @Option(names = "--port", paramLabel = "P", defaultValue = "80", description = "TCP port (${DEFAULT-VALUE}).")
    private String port = "80";

    @Option(names = "--root", paramLabel = "DIR", defaultValue = ".", description = "Directory (${DEFAULT-VALUE}).")
    private Path root = Path.of(".");

    @Option(names = "--log", description = "Write a line for each request.")
    private boolean log;

    private final Set<Stream> open = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;
    private volatile @Nullable Runnable closeListener;

    @Override
    public int run(Host host) throws IOException {
        WebRoot web = WebRoot.of(root);
        int portNumber = Addr.port(port);
        int listener = Stream.listen(host.process(), SockAddrIn.INADDR_ANY, portNumber, BACKLOG);
        closeListener = () -> host.calls().shutdown(listener, net.core.sock.SockConst.SHUT_RDWR);
        host.err().println("httpd: serving " + web.path() + " on port " + portNumber);
        try {
            while (!stopped) {
                Stream stream = accept(host, listener);
                if (stream != null) {
                    serve(host, web, stream);
                }
            }
        } finally {
            host.calls().close(listener);
        }
        return 0;
    }

    private @Nullable Stream accept(Host host, int listener) throws IOException {
        try {
            return Stream.accept(host.process(), listener);
        } catch (SysException e) {
            if (e.errno() == Errno.EMFILE || e.errno() == Errno.ENOBUFS || e.errno() == Errno.ENOMEM) {
                host.kernel().scheduler().sleep(10_000_000);
                return null;
            }
            if (e.errno() == Errno.EINTR || stopped) {
                stopped = true;
                return null;
            }
            throw e;
        }
    }

    private void serve(Host host, WebRoot web, Stream stream) {
        open.add(stream);
        host.start("httpd " + stream.peer(), true, () -> {
            try (stream) {
                new HttpdConnection(host, web, stream, log).serve();
            } finally {
                open.remove(stream);
            }
        });
        if (stopped) {
            stream.abort();
        }
    }

    @Override
    public void stop() {
        stopped = true;
        Runnable close = closeListener;
        if (close != null) {
            close.run();
        }
        open.forEach(Stream::abort);
    }
}
