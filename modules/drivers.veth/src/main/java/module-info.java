/**
 * A pair of devices joined by a virtual wire, for hosts inside one JVM.
 *
 * <p>Kernel directories: {@code drivers/net/veth.c}.
 *
 * <p>Threading: transmit queues to the CPU's backlog or the peer's NAPI ring and returns; nothing is delivered inline.
 */
module drivers.veth {
    requires transitive net.core;

    exports drivers.veth;
}
