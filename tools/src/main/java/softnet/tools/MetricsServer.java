package softnet.tools;

import net.core.Kernel;
import net.metrics.PrometheusServer;
import org.jspecify.annotations.Nullable;

/** Serves a kernel's counters as Prometheus text. */
final class MetricsServer implements AutoCloseable {
    private final PrometheusServer server;

    private MetricsServer(PrometheusServer server) {
        this.server = server;
    }

    /** Starts if there is a port; a port that cannot be had is the user's error. */
    static @Nullable MetricsServer start(Kernel kernel, @Nullable Integer port) {
        return port == null ? null : new MetricsServer(PrometheusServer.start(kernel, port));
    }

    @Override
    public void close() {
        server.close();
    }
}
