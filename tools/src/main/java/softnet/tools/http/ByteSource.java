package softnet.tools.http;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Where bytes come from: a connection, or a test's array. */
@FunctionalInterface
public interface ByteSource {
    /** Reads what there is, at least one byte; -1 at the end. */
    int read(ByteBuffer to) throws IOException;
}
