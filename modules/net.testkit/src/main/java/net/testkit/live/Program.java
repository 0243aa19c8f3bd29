package net.testkit.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;

/** Where a program's connections come from: Softnet or a namespace of Linux. Calls are made on the program's own thread. */
public interface Program {
    /** A connection as both kinds of host have it. Blocking. */
    interface Connection extends AutoCloseable {
        InputStream in() throws IOException;

        OutputStream out() throws IOException;

        /** Sends a FIN after what was written. */
        void shutdownOutput() throws IOException;

        @Override
        void close() throws IOException;
    }

    /** A connection from here. */
    Connection connect(InetSocketAddress remote) throws IOException;
}
