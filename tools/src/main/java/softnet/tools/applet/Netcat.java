package softnet.tools.applet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import net.core.UserError;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Joins standard input and output to a TCP connection. Each direction ends on its own: the end of input becomes a FIN,
 * the peer's FIN ends output, and the program ends when both have.
 */
@Command(
        name = "nc",
        mixinStandardHelpOptions = true,
        description = "Joins standard input and output to a TCP connection, each direction ending on its own.")
public final class Netcat implements Applet {
    private static final int BUFFER = 64 * 1024;

    @Option(names = "-l", description = "Wait for one connection instead of making one.")
    private boolean listen;

    @Parameters(arity = "1..2", paramLabel = "[HOST] PORT", description = "With -l HOST may be left out.")
    private List<String> where = List.of();

    private volatile @Nullable Stream open;
    private volatile boolean stopped;
    private volatile @Nullable Runnable closeListener;

    @Override
    public int run(Host host) throws IOException {
        if (where.size() == 1 && !listen) {
            throw new UserError("nc: want HOST PORT");
        }
        int port = Addr.port(where.get(where.size() - 1));
        int addr = where.size() == 1 ? SockAddrIn.INADDR_ANY : Addr.host(where.get(0));
        try (Stream stream = listen ? acceptOne(host, addr, port) : Stream.connect(host.process(), addr, port)) {
            open = stream;
            KernelThread sender = host.start("nc stdin", false, () -> pump(host, stream));
            receive(host, stream);
            if (!stopped) {
                host.kernel().threads().join(sender);
            }
        } catch (SysException e) {
            if (!stopped) {
                throw e;
            }
        }
        return 0;
    }

    private Stream acceptOne(Host host, int addr, int port) throws IOException {
        int listener = Stream.listen(host.process(), addr, port, 1);
        closeListener = () -> host.calls().shutdown(listener, SockConst.SHUT_RDWR);
        try {
            return Stream.accept(host.process(), listener);
        } finally {
            closeListener = null;
            host.calls().close(listener);
        }
    }

    /** Standard input to the connection, then FIN. */
    private void pump(Host host, Stream stream) throws IOException {
        byte[] bytes = new byte[BUFFER];
        try {
            for (int n = host.in().read(bytes); n >= 0; n = host.in().read(bytes)) {
                stream.write(ByteBuffer.wrap(bytes, 0, n));
            }
            stream.shutdownOutput();
        } catch (SysException e) {
            if (!stopped && e.errno() != Errno.EBADF) {
                throw e;
            }
        }
    }

    /** The connection to standard output, until the peer's FIN. */
    private static void receive(Host host, Stream stream) throws IOException {
        byte[] bytes = new byte[BUFFER];
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer.clear())) {
            host.out().write(bytes, 0, n);
            host.out().flush();
        }
    }

    @Override
    public void stop() {
        stopped = true;
        Runnable close = closeListener;
        if (close != null) {
            close.run();
        }
        Stream stream = open;
        if (stream != null) {
            stream.abort();
        }
    }
}
