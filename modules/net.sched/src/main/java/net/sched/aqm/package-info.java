/**
 * Disciplines that keep one queue short: they drop or mark before it is full.
 *
 * <p>Kernel directories: {@code net/sched}. Threading: a discipline runs under its tree's lock.
 */
@NullMarked
package net.sched.aqm;

import org.jspecify.annotations.NullMarked;
