package net.testkit.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import net.core.api.SoftNetwork;
import net.core.api.SoftOption;
import net.core.api.SoftSocket;

/** Sockets of Softnet. */
final class SoftnetProgram implements Program {
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final SoftNetwork network;

    SoftnetProgram(SoftNetwork network) {
        this.network = network;
    }

    private record Stream(SoftSocket socket) implements Connection {
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
        public void close() {
            socket.close();
        }
    }

    @Override
    public Connection connect(InetSocketAddress remote) throws IOException {
        SoftSocket socket = network.connect(remote);
        socket.setOption(SoftOption.SO_RCVTIMEO, PATIENCE);
        socket.setOption(SoftOption.SO_SNDTIMEO, PATIENCE);
        return new Stream(socket);
    }
}
