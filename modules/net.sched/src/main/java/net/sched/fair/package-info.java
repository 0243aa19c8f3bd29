/**
 * Disciplines that give each flow its turn.
 *
 * <p>Kernel directories: {@code net/sched}. Threading: a discipline runs under its tree's lock.
 */
@NullMarked
package net.sched.fair;

import org.jspecify.annotations.NullMarked;
