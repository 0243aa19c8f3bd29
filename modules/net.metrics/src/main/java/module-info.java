/**
 * Micrometer meters over the kernel's counters, named as in nstat, softnet_stat, ss and tc, and a small server that
 * hands them to Prometheus.
 *
 * <p>Kernel directories: none; it reads what {@code /proc/net} and netlink would show.
 *
 * <p>Threading: reads counters from outside with opaque or racy reads; the packet path never calls it.
 */
module net.metrics {
    requires transitive net.core;
    requires transitive micrometer.core;
    requires transitive micrometer.registry.prometheus;
    requires jdk.httpserver;

    exports net.metrics;
}
