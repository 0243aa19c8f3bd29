package net.testkit.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import net.core.api.SoftNetwork;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;

/** A host of a scenario as its program sees it, Softnet's or Linux's: the same calls on both. */
interface Endpoint {
    int PATIENCE_MS = 20_000;

    /** A connection. */
    interface Conn extends AutoCloseable {
        InputStream in() throws IOException;

        OutputStream out() throws IOException;

        void shutdownOutput() throws IOException;

        void lingerZero() throws IOException;

        /** Asks for keepalive probes, at the times of the host's settings. */
        void keepalive() throws IOException;

        @Override
        void close() throws IOException;

        default void write(int bytes) throws IOException {
            out().write(new byte[bytes]);
        }

        default void read(int bytes) throws IOException {
            if (in().readNBytes(bytes).length != bytes) {
                throw new IOException("the stream ended");
            }
        }

        default void readEnd() throws IOException {
            if (in().read() >= 0) {
                throw new IOException("more bytes than expected");
            }
        }
    }

    /** A listener. */
    interface Listener extends AutoCloseable {
        Conn accept() throws IOException;

        @Override
        void close() throws IOException;
    }

    String address();

    /** @param localPort 0 for any */
    Conn connect(InetSocketAddress to, int localPort) throws IOException;

    Listener listen(int port, int backlog) throws IOException;

    void sysctl(String name, String value);

    Map<String, Long> counters();

    default InetSocketAddress at(int port) {
        return new InetSocketAddress(address(), port);
    }

    /** Softnet's calls. */
    record Softnet(SoftNetwork network, String address) implements Endpoint {
        private record S(SoftSocket socket) implements Conn {
            @Override
            public InputStream in() {
                return socket.inputStream();
            }

            @Override
            public OutputStream out() {
                return socket.outputStream();
            }

            @Override
            public void shutdownOutput() throws IOException {
                socket.shutdownOutput();
            }

            @Override
            public void lingerZero() throws IOException {
                socket.setOption(StandardSocketOptions.SO_LINGER, 0);
            }

            @Override
            public void keepalive() throws IOException {
                socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            }

            @Override
            public void close() {
                socket.close();
            }
        }

        private static Conn of(SoftSocket socket) throws IOException {
            socket.setOption(SoftOption.SO_RCVTIMEO, Duration.ofMillis(PATIENCE_MS));
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            return new S(socket);
        }

        @Override
        public Conn connect(InetSocketAddress to, int localPort) throws IOException {
            SoftSocket socket = network.socket();
            boolean done = false;
            try {
                socket.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                if (localPort != 0) {
                    socket.bind(new InetSocketAddress(address, localPort));
                }
                socket.connect(to);
                done = true;
                return of(socket);
            } finally {
                if (!done) {
                    socket.close();
                }
            }
        }

        @Override
        public Listener listen(int port, int backlog) throws IOException {
            SoftServerSocket server = network.listen(new InetSocketAddress(address, port), backlog);
            return new Listener() {
                @Override
                public Conn accept() throws IOException {
                    return of(server.accept());
                }

                @Override
                public void close() {
                    server.close();
                }
            };
        }

        @Override
        public void sysctl(String name, String value) {
            network.process().net().sysctl().set(name, value);
        }

        @Override
        public Map<String, Long> counters() {
            return network.process().net().mib().snapshot();
        }
    }

    /** Linux's; the calling thread is one of the namespace. Channels: a plain socket's close() sends a FIN before all. */
    record Linux(LinuxNs ns, String address) implements Endpoint {
        private record S(SocketChannel channel) implements Conn {
            @Override
            public InputStream in() throws IOException {
                return channel.socket().getInputStream();
            }

            @Override
            public OutputStream out() throws IOException {
                return channel.socket().getOutputStream();
            }

            @Override
            public void shutdownOutput() throws IOException {
                channel.shutdownOutput();
            }

            @Override
            public void lingerZero() throws IOException {
                channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            }

            @Override
            public void keepalive() throws IOException {
                channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        }

        private static Conn of(SocketChannel channel) throws IOException {
            channel.socket().setSoTimeout(PATIENCE_MS);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            return new S(channel);
        }

        @Override
        public Conn connect(InetSocketAddress to, int localPort) throws IOException {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.INET);
            boolean done = false;
            try {
                channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                if (localPort != 0) {
                    channel.bind(new InetSocketAddress(address, localPort));
                }
                channel.connect(to);
                done = true;
                return of(channel);
            } finally {
                if (!done) {
                    channel.close();
                }
            }
        }

        @Override
        public Listener listen(int port, int backlog) throws IOException {
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.INET);
            server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            server.bind(new InetSocketAddress(address, port), backlog);
            return new Listener() {
                @Override
                public Conn accept() throws IOException {
                    return of(server.accept());
                }

                @Override
                public void close() throws IOException {
                    server.close();
                }
            };
        }

        @Override
        public void sysctl(String name, String value) {
            ns.sysctl(name, value);
        }

        @Override
        public Map<String, Long> counters() {
            return ns.counters();
        }
    }
}
