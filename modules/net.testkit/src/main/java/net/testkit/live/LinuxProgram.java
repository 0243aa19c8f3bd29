package net.testkit.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Sockets of the machine's Linux; the calling thread's namespace decides which. */
final class LinuxProgram implements Program {
    private static final int PATIENCE_MS = 120_000;

    record Stream(Socket socket) implements Connection {
        @Override
        public InputStream in() throws IOException {
            return socket.getInputStream();
        }

        @Override
        public OutputStream out() throws IOException {
            return socket.getOutputStream();
        }

        @Override
        public void shutdownOutput() throws IOException {
            socket.shutdownOutput();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    static Stream of(Socket socket) throws IOException {
        socket.setSoTimeout(PATIENCE_MS);
        return new Stream(socket);
    }

    @Override
    public Connection connect(InetSocketAddress remote) throws IOException {
        Socket socket = new Socket();
        boolean done = false;
        try {
            socket.connect(remote);
            done = true;
            return of(socket);
        } finally {
            if (!done) {
                socket.close();
            }
        }
    }
}
