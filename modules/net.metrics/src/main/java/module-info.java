/**
 * Micrometer binders over the kernel's counters, named as in nstat, ss and tc.
 *
 * <p>Kernel directories: none; it reads what {@code /proc/net} and netlink would show.
 *
 * <p>Threading: reads counters from outside with opaque reads; the packet path never calls it.
 */
module net.metrics {
    requires transitive net.tcp;
    requires transitive net.sched;
    requires transitive micrometer.core;
    requires micrometer.registry.prometheus;

    exports net.metrics;
}
