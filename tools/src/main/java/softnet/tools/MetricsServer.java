package softnet.tools;

import net.core.Kernel;
import org.jspecify.annotations.Nullable;

/** Serves a kernel's counters as Prometheus text. */
final class MetricsServer implements AutoCloseable {
    private MetricsServer() {}

    static @Nullable MetricsServer start(Kernel kernel, @Nullable Integer port) {
        return null;
    }

    @Override
    public void close() {}
}
