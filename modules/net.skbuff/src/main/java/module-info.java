/**
 * The socket buffer and the memory under it: {@code sk_buff}, lists of them, pages and page fragments, slab caches,
 * the Internet checksum and SipHash.
 *
 * <p>Kernel directories: {@code net/core/skbuff.c}, the page pool, the parts of {@code mm} and {@code lib} that packets
 * need.
 *
 * <p>Threading: pools belong to one CPU and are touched by the holder of its ownership word; shared data counts are
 * the one thing two CPUs may write.
 */
module net.skbuff {
    requires transitive org.agrona;
    requires static transitive org.jspecify;

    exports net.skbuff;
}
