package softnet.tools.applet;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.core.api.ErrnoException;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
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

    private final Set<SoftSocket> open = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;
    private volatile @Nullable SoftServerSocket listening;

    @Override
    public int run(Host host) throws IOException {
        WebRoot web = WebRoot.of(root);
        int portNumber = Addr.port(port);
        SoftServerSocket listener = host.network().listen(Addr.of(SockAddrIn.INADDR_ANY, portNumber), BACKLOG);
        listening = listener;
        host.err().println("httpd: serving " + web.path() + " on port " + portNumber);
        try {
            while (!stopped) {
                SoftSocket stream = accept(host, listener);
                if (stream != null) {
                    serve(host, web, stream);
                }
            }
        } finally {
            listener.close();
        }
        return 0;
    }

    private @Nullable SoftSocket accept(Host host, SoftServerSocket listener) throws IOException {
        try {
            return listener.accept();
        } catch (AsynchronousCloseException e) {
            stopped = true;
            return null;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ECONNABORTED) {
                return null;
            }
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

    private void serve(Host host, WebRoot web, SoftSocket stream) {
        open.add(stream);
        host.start("httpd " + stream.fd(), true, () -> {
            try (stream) {
                new HttpdConnection(host, web, stream, log).serve();
            } finally {
                open.remove(stream);
            }
        });
        if (stopped) {
            stream.close();
        }
    }

    @Override
    public void stop() {
        stopped = true;
        SoftServerSocket listener = listening;
        if (listener != null) {
            listener.close();
        }
        open.forEach(SoftSocket::close);
    }
}
