package net.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import net.core.Kernel;
import net.core.UserError;

/**
 * Serves a kernel's metrics as Prometheus text on {@code http://127.0.0.1:port/metrics}, over the machine's own network
 * (the JDK's HTTP server), so that it answers whatever the stack does.
 *
 * <p>Context: one daemon thread of its own.
 */
public final class PrometheusServer implements AutoCloseable {
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final SoftnetMetrics metrics;
    private final HttpServer server;
    private final ExecutorService executor;

    private PrometheusServer(Kernel kernel, HttpServer server) {
        this.server = server;
        metrics = new SoftnetMetrics(kernel);
        metrics.bindTo(registry);
        executor = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("metrics").factory());
        server.setExecutor(executor);
        server.createContext("/", this::handle);
    }

    /**
     * Starts serving.
     *
     * @param port of 127.0.0.1; 0 picks a free one
     * @throws UserError in one line, if the port cannot be had
     */
    public static PrometheusServer start(Kernel kernel, int port) {
        if (port < 0 || port > 65535) {
            throw new UserError("metrics port " + port + ": want 0 to 65535");
        }
        try {
            InetAddress local = InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
            PrometheusServer server =
                    new PrometheusServer(kernel, HttpServer.create(new InetSocketAddress(local, port), 16));
            server.server.start();
            return server;
        } catch (IOException e) {
            throw new UserError("metrics port " + port + ": " + e.getMessage(), e);
        }
    }

    /** The port it listens on. */
    public int port() {
        return server.getAddress().getPort();
    }

    /** The registry behind it, for meters of a program's own. */
    public PrometheusMeterRegistry registry() {
        return registry;
    }

    /** What a scrape answers. */
    public String scrape() {
        metrics.refresh();
        return registry.scrape();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            if (!exchange.getRequestURI().getPath().equals("/metrics")) {
                answer(exchange, 404, "see /metrics\n");
            } else if (!method.equals("GET") && !method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                answer(exchange, 405, "GET or HEAD\n");
            } else {
                answer(exchange, 200, scrape());
            }
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", CONTENT_TYPE);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }

    /** Stops at once. */
    @Override
    public void close() {
        server.stop(0);
        executor.shutdownNow();
        metrics.close();
        registry.close();
    }
}
