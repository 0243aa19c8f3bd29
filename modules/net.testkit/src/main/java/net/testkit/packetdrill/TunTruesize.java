package net.testkit.packetdrill;

/**
 * What Linux charges for a packet written to a TUN: receive windows follow from it, so that scripts see the windows they
 * would see there. A packet below a page is linear in a slab object of the next size, with the shared info at its end; a
 * larger one fills a page with its head and has page blocks for the rest, the largest first that is filled.
 *
 * <p>Linux: tun_alloc_skb(), drivers/net/tun.c; alloc_skb_with_frags(), kmalloc_reserve(), net/core/skbuff.c
 */
final class TunTruesize {
    private static final int SK_BUFF = 256;
    private static final int SHARED_INFO = 320;
    private static final int CACHE_LINE = 64;
    /** Objects of the cache for heads of ACKs and such. */
    private static final int SMALL_HEAD = 576;

    private static final int PAGE = 4096;
    private static final int LARGEST_BLOCK = 8 * PAGE;

    private TunTruesize() {}

    /** How many bytes of a packet lie in its head. */
    static int linear(int headroom, int bytes) {
        return headroom + bytes < PAGE ? bytes : PAGE - headroom - SHARED_INFO;
    }

    /** Of a head with room for so many bytes. */
    static int head(int bytes) {
        int object = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE + SHARED_INFO;
        if (object <= SMALL_HEAD) {
            return SK_BUFF + SMALL_HEAD;
        }
        int slab = Integer.highestOneBit(object - 1) << 1;
        return SK_BUFF + slab;
    }

    /** Bytes that a head holds which has room for so many: the allocator rounds up. */
    static int room(int bytes) {
        return head(bytes) - SK_BUFF - SHARED_INFO;
    }

    /** The next block of pages for so many bytes. */
    static int chunk(int bytes) {
        int pages = (bytes + PAGE - 1) / PAGE * PAGE;
        return Math.min(LARGEST_BLOCK, Integer.highestOneBit(pages));
    }
}
