/**
 * The socket buffer and the memory under it: {@code sk_buff}, lists of them, pages and page fragments, slab caches,
 * the Internet checksum and SipHash.
 */
@NullMarked
package net.skbuff;

import org.jspecify.annotations.NullMarked;
