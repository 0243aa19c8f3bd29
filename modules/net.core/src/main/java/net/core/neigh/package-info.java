/**
 * Next hops: the destination cache entry a route produces and the neighbour that holds its link-layer address.
 *
 * <p>Kernel directories: {@code net/core/dst.c}, {@code net/core/neighbour.c}.
 *
 * <p>Threading: lookups take no lock; a neighbour's spin lock guards its state and its queue of waiting packets; the
 * table's spin lock guards the hash chains. Nothing here is pooled: the garbage collector is the grace period.
 */
@NullMarked
package net.core.neigh;

import org.jspecify.annotations.NullMarked;
