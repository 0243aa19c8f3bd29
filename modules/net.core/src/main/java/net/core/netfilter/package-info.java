/**
 * The netfilter hook chain: five hooks per protocol family and namespace, functions ordered by priority, verdicts.
 *
 * <p>Kernel directories: {@code net/netfilter/core.c}, {@code nf_queue.c}. Tables and connection tracking live in
 * module net.netfilter.
 *
 * <p>Threading: hook arrays are immutable and replaced under the registration lock; the packet path reads them once.
 */
@NullMarked
package net.core.netfilter;

import org.jspecify.annotations.NullMarked;
