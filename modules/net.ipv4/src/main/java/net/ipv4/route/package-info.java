/**
 * Routing: the forwarding information base (a trie per table), its next hops, and the routes made from them.
 *
 * <p>Kernel directories: {@code net/ipv4/fib_*.c}, {@code net/ipv4/route.c}.
 *
 * <p>Threading: lookups take no lock; changes run under rtnl and publish with release. Routes are cached in the next
 * hop and never pooled.
 */
@NullMarked
package net.ipv4.route;

import org.jspecify.annotations.NullMarked;
