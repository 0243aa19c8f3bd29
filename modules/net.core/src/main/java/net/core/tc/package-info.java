/**
 * What everything that tc shows and reads has in common: units, handles, and one printer for text and JSON.
 *
 * <p>Kernel directories: none; this is iproute2's side of {@code net/sched}. Threading: stateless, or one thread's own.
 */
@org.jspecify.annotations.NullMarked
package net.core.tc;
