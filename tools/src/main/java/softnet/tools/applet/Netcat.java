package softnet.tools.applet;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.core.UserError;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.OptVal;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import net.tcp.TcpConst;
import net.tcp.TcpMd5Sig;
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

    @Option(names = "-S", paramLabel = "SECRET", description = "Sign segments (TCP-MD5, RFC 2385).")
    private @Nullable String secret;

    @Parameters(arity = "1..2", paramLabel = "[HOST] PORT", description = "With -l HOST may be left out.")
    private List<String> where = List.of();

    private volatile @Nullable SoftSocket open;
    private volatile @Nullable SocketException failure;
    private volatile boolean stopped;
    private volatile @Nullable SoftServerSocket listening;

    @Override
    public int run(Host host) throws IOException {
        if (where.size() == 1 && !listen) {
            throw new UserError("nc: want HOST PORT");
        }
        int port = Addr.port(where.get(where.size() - 1));
        int addr = where.size() == 1 ? SockAddrIn.INADDR_ANY : Addr.host(where.get(0));
        if (secret != null && secret.getBytes(StandardCharsets.UTF_8).length > TcpMd5Sig.MAX_SECRET) {
            throw new UserError("nc: a secret has at most " + TcpMd5Sig.MAX_SECRET + " bytes");
        }
        try (SoftSocket stream =
                listen ? acceptOne(host, addr, port) : host.network().socket()) {
            open = stream; // from here on it can be stopped
            if (stopped) {
                return 0;
            }
            if (!listen) {
                sign(host, stream.fd(), addr, 32);
                stream.connect(Addr.of(addr, port));
            }
            KernelThread sender = host.start("nc stdin", false, () -> pump(host, stream));
            receive(host, stream);
            if (!stopped) {
                host.kernel().threads().join(sender);
            }
        } catch (AsynchronousCloseException e) {
            stopped = true;
        }
        SocketException failed = failure;
        if (failed != null) {
            throw failed;
        }
        return 0;
    }

    private SoftSocket acceptOne(Host host, int addr, int port) throws IOException {
        try (SoftServerSocket listener = host.network().serverSocket()) {
            sign(host, listener.fd(), SockAddrIn.INADDR_ANY, 0);
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listener.bind(Addr.of(addr, port));
            listener.listen(1);
            listening = listener;
            return listener.accept();
        }
    }

    /** Lets a socket sign what it sends to a network, and refuse what comes from there without a signature. */
    private void sign(Host host, int fd, int addr, int prefixlen) throws SocketException {
        if (secret == null) {
            return;
        }
        OptVal key = TcpMd5Sig.of(addr, prefixlen, secret.getBytes(StandardCharsets.UTF_8));
        int err = host.network().process().syscalls().setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_MD5SIG_EXT, key);
        if (err != 0) {
            throw new SocketException("nc: TCP_MD5SIG_EXT: " + Errno.name(-err));
        }
    }

    /** Standard input to the connection, then FIN. */
    private void pump(Host host, SoftSocket stream) throws IOException {
        byte[] bytes = new byte[BUFFER];
        try {
            for (int n = host.in().read(bytes); n >= 0; n = host.in().read(bytes)) {
                stream.writeFully(ByteBuffer.wrap(bytes, 0, n));
            }
            stream.shutdownOutput();
        } catch (ClosedChannelException e) {
            // The other direction has failed, or somebody stopped us: said there.
        } catch (SocketException e) {
            failure = e;
            stream.close();
        }
    }

    /** The connection to standard output, until the peer's FIN. */
    private static void receive(Host host, SoftSocket stream) throws IOException {
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
        SoftServerSocket listener = listening;
        if (listener != null) {
            listener.close();
        }
        SoftSocket stream = open;
        if (stream != null) {
            stream.close();
        }
    }
}
